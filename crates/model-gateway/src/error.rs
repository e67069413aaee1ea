//! Everything that can go wrong with a model. Each message says what failed and what to do next; none carries a secret.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Which bound was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutKind {
    /// No connection within the limit.
    Connect,
    /// The endpoint sent nothing for too long.
    Idle,
    /// The whole call, retries and pauses included, took too long.
    Total,
}

impl fmt::Display for TimeoutKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Idle => "no data",
            Self::Total => "no complete answer",
        })
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// 401 or 403: the key is missing, wrong, or not allowed to use the model.
    #[error("{endpoint} refused the API key: {message}; check the key and that it may use this model")]
    Unauthorized {
        /// Where the request went.
        endpoint: String,
        /// The endpoint's words.
        message: String,
    },
    /// 404: no such path or no such model.
    #[error(
        "{endpoint} does not know this address or the model {model:?}: {message}; check the base URL (usually ending in /v1) and the model name"
    )]
    NotFound {
        /// Where the request went.
        endpoint: String,
        /// The model asked for.
        model: String,
        /// The endpoint's words.
        message: String,
    },
    /// 429: too many requests; still so after the allowed retries.
    #[error("the model endpoint limits the rate of requests: {message}; {}", when_to_retry(*.retry_after))]
    RateLimited {
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
        /// The endpoint's words.
        message: String,
    },
    /// 429 or 402 of the kind that waiting does not cure.
    #[error("the account's quota or credit is used up: {message}; top it up or use another key")]
    QuotaExhausted {
        /// The endpoint's words.
        message: String,
    },
    /// 5xx or 529: the endpoint cannot serve now; still so after the allowed retries.
    #[error("the model endpoint is overloaded or failing: {message}; try again later or use another model")]
    Overloaded {
        /// The HTTP status, when the failure came as one.
        status: Option<u16>,
        /// The endpoint's words.
        message: String,
    },
    /// The conversation is longer than the model's context.
    #[error(
        "the conversation no longer fits the model's context: {message}; use a model with a larger context or fewer steps"
    )]
    ContextOverflow {
        /// The endpoint's words.
        message: String,
    },
    /// The endpoint refuses the request as it is; sending it again cannot help.
    #[error("the model endpoint refuses the request: {message}; check the model's options")]
    BadRequest {
        /// The endpoint's words.
        message: String,
    },
    /// Something that is not a model answered, such as a web page or a redirect.
    #[error(
        "{endpoint} is not a model endpoint: it answered {found}; check the base URL (usually ending in /v1)"
    )]
    NotAModelEndpoint {
        /// Where the request went.
        endpoint: String,
        /// What answered, in a few words.
        found: String,
    },
    /// The stream ended without saying that the answer is complete. Never a success: half an answer is not an answer.
    #[error(
        "the answer was cut off after {received}; try again, and look at proxies between here and the model"
    )]
    StreamCut {
        /// What had arrived, in a few words.
        received: String,
    },
    /// The answer is not the protocol's.
    #[error(
        "the model endpoint's answer cannot be understood: {message}; check that it speaks the chat-completions protocol"
    )]
    Malformed {
        /// What is wrong with it.
        message: String,
    },
    /// A bound on waiting was hit.
    #[error("{kind} from the model within {} s{}; raise the limit or use a faster model", .after.as_secs_f32(), because(.last.as_deref()))]
    Timeout {
        /// Which bound.
        kind: TimeoutKind,
        /// The bound.
        after: Duration,
        /// The failure that was being retried when the time ran out.
        last: Option<String>,
    },
    /// The connection failed.
    #[error("cannot reach {endpoint}: {message}; check the address, the network and the proxy")]
    Transport {
        /// Where the request went.
        endpoint: String,
        /// What failed.
        message: String,
    },
    /// The options cannot work.
    #[error("the model's options are wrong: {message}")]
    Misconfigured {
        /// Which option, and what it should be.
        message: String,
    },
    /// A scripted model has no answer.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

impl ModelError {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::StreamCut { .. }
            | Self::Transport { .. } => true,
            Self::Timeout { kind, .. } => *kind != TimeoutKind::Total,
            _ => false,
        }
    }
}

/// Why a script cannot be used, or has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// The script file cannot be read.
    #[error("the model script {path} cannot be read: {message}; check the path")]
    Unreadable {
        /// The file.
        path: String,
        /// The operating system's words.
        message: String,
    },
    /// The text is not a script.
    #[error(
        "the model script is not valid: {message}; see the format in the documentation of the scripted model"
    )]
    Malformed {
        /// What is wrong.
        message: String,
    },
    /// All turns have been played.
    #[error(
        "the model script of lane {lane:?} is used up after {turns} turns; add a turn, or end with a submit call"
    )]
    Exhausted {
        /// The lane.
        lane: String,
        /// How many turns there were.
        turns: usize,
    },
    /// The conversation is not where the script expects it to be.
    #[error(
        "turn {turn} of lane {lane:?} expects {expected:?} in the last message, which is {found:?}; the run went another way than the script"
    )]
    Mismatch {
        /// The lane.
        lane: String,
        /// The turn, from 1.
        turn: usize,
        /// The text looked for.
        expected: String,
        /// The beginning of the last message.
        found: String,
    },
    /// The turn is an error on purpose.
    #[error("scripted failure: {message}")]
    Scripted {
        /// The script's words.
        message: String,
    },
}

fn when_to_retry(after: Option<Duration>) -> String {
    match after {
        Some(wait) => format!("try again in {} s or run fewer agents", wait.as_secs_f32().ceil()),
        None => "try again later or run fewer agents".to_owned(),
    }
}

fn because(last: Option<&str>) -> String {
    last.map(|reason| format!(" (last failure: {reason})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do_next() {
        let check = |error: ModelError, expected: &str, transient: bool| {
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.is_transient(), transient, "{error}");
        };
        check(
            ModelError::RateLimited {
                retry_after: Some(Duration::from_millis(1500)),
                message: "slow".into(),
            },
            "the model endpoint limits the rate of requests: slow; try again in 2 s or run fewer agents",
            true,
        );
        check(
            ModelError::Timeout {
                kind: TimeoutKind::Total,
                after: Duration::from_secs(5),
                last: Some("busy".into()),
            },
            "no complete answer from the model within 5 s (last failure: busy); raise the limit or use a faster model",
            false,
        );
        check(
            ModelError::Timeout { kind: TimeoutKind::Idle, after: Duration::from_millis(500), last: None },
            "no data from the model within 0.5 s; raise the limit or use a faster model",
            true,
        );
        check(
            ScriptError::Exhausted { lane: "main".into(), turns: 2 }.into(),
            "the model script of lane \"main\" is used up after 2 turns; add a turn, or end with a submit call",
            false,
        );
    }
}

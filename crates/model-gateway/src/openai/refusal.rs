//! Names what an endpoint refuses: a status and a body, or an error frame inside a stream, become a [`ModelError`].
//!
//! Endpoints agree on few codes, so a refusal is recognised by any of its status, its code, its type and its words.

use std::time::Duration;

use serde_json::Value;

use crate::error::ModelError;

/// Most characters of an endpoint's words that are kept.
const LONGEST_MESSAGE: usize = 500;

const OVERFLOW_CODES: &[&str] =
    &["context_length_exceeded", "exceed_context_size_error", "string_above_max_length"];
const OVERFLOW_WORDS: &[&str] = &[
    "context length",
    "context window",
    "context size",
    "maximum context",
    "maximum prompt length",
    "prompt is too long",
    "input is too long",
];
const QUOTA_CODES: &[&str] = &["insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"];
const LIMIT_CODES: &[&str] =
    &["rate_limit_exceeded", "rate_limit_error", "too_many_requests", "tokens", "requests"];
const BUSY_CODES: &[&str] = &[
    "overloaded_error",
    "server_error",
    "api_error",
    "internal_server_error",
    "internal_error",
    "service_unavailable",
    "unavailable",
    "timeout",
];
const KEY_CODES: &[&str] = &["invalid_api_key", "authentication_error", "permission_error"];

/// An HTTP answer that is no success.
pub(crate) struct Refusal<'a> {
    /// HTTP status.
    pub status: u16,
    /// The pause asked for.
    pub retry_after: Option<Duration>,
    /// As much of the body as was read.
    pub body: &'a str,
    /// Where the request went.
    pub endpoint: &'a str,
    /// The model asked for.
    pub model: &'a str,
}

/// What an endpoint says about an error, wherever it says it.
#[derive(Debug, Default)]
struct Words {
    message: String,
    codes: Vec<String>,
    status: Option<u16>,
}

impl Words {
    /// Reads `{"error":{…}}`, `{"error":"…"}`, a list with one of these, or any object with a message.
    fn of(document: &Value) -> Self {
        let document = document.get(0).unwrap_or(document);
        let error = document.get("error").unwrap_or(document);
        let text = |keys: &[&str]| keys.iter().find_map(|key| error[*key].as_str()).map(str::to_owned);
        let message = error.as_str().map(str::to_owned).or_else(|| text(&["message", "detail", "msg"]));
        let codes = ["code", "type", "status"].iter().filter_map(|key| error[*key].as_str());
        let status = ["code", "status"].iter().find_map(|key| error[*key].as_u64());
        Self {
            message: message.unwrap_or_else(|| error.to_string()),
            codes: codes.map(str::to_ascii_lowercase).collect(),
            status: status.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code)),
        }
    }

    fn has_code(&self, known: &[&str]) -> bool {
        self.codes.iter().any(|code| known.contains(&code.as_str()))
    }

    fn is_overflow(&self) -> bool {
        let said = self.message.to_ascii_lowercase();
        self.has_code(OVERFLOW_CODES) || OVERFLOW_WORDS.iter().any(|words| said.contains(words))
    }
}

/// Names an HTTP answer that is no success.
pub(crate) fn classify(refusal: &Refusal<'_>) -> ModelError {
    let is_page = refusal.body.trim_start().starts_with('<');
    let mut words = match serde_json::from_str::<Value>(refusal.body) {
        Ok(document) => Words::of(&document),
        Err(_) if is_page => Words { message: "a web page".to_owned(), ..Words::default() },
        Err(_) => Words { message: refusal.body.to_owned(), ..Words::default() },
    };
    words.message = bounded(&words.message, refusal.status);
    let is_ours_to_fix = matches!(refusal.status, 400 | 404 | 405 | 406 | 410 | 415 | 501);
    if is_page && is_ours_to_fix {
        let found = format!("a web page (status {})", refusal.status);
        return ModelError::NotAModelEndpoint { endpoint: refusal.endpoint.to_owned(), found };
    }
    name(words, refusal)
}

/// Names an error frame inside a stream. Nothing but the frame itself is known.
pub(crate) fn of_frame(frame: &Value) -> ModelError {
    let mut words = Words::of(frame);
    words.message = bounded(&words.message, 0);
    let status = words.status.unwrap_or(0);
    let endpoint = "the model endpoint";
    name(words, &Refusal { status, retry_after: None, body: "", endpoint, model: "" })
}

fn name(words: Words, refusal: &Refusal<'_>) -> ModelError {
    let status = refusal.status;
    let endpoint = refusal.endpoint.to_owned();
    let overflow_possible = !matches!(status, 401 | 402 | 403 | 404 | 429);
    if words.has_code(QUOTA_CODES) || status == 402 {
        ModelError::QuotaExhausted { message: words.message }
    } else if overflow_possible && words.is_overflow() {
        ModelError::ContextOverflow { message: words.message }
    } else if matches!(status, 401 | 403) || words.has_code(KEY_CODES) {
        ModelError::Unauthorized { endpoint, message: words.message }
    } else if matches!(status, 404 | 405) {
        ModelError::NotFound { endpoint, model: refusal.model.to_owned(), message: words.message }
    } else if status == 429 || words.has_code(LIMIT_CODES) {
        ModelError::RateLimited { retry_after: refusal.retry_after, message: words.message }
    } else if status == 408 || status >= 500 || words.has_code(BUSY_CODES) {
        let status = (status != 0).then_some(status);
        ModelError::Overloaded { status, message: words.message }
    } else {
        ModelError::BadRequest { message: words.message }
    }
}

/// The endpoint's words on one line, not too many of them, never none.
fn bounded(message: &str, status: u16) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return format!("status {status} without a message");
    }
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// `error` with `redact` applied to every text that came from outside.
pub(crate) fn redacted(mut error: ModelError, redact: impl Fn(&str) -> String) -> ModelError {
    match &mut error {
        ModelError::Unauthorized { message, .. }
        | ModelError::NotFound { message, .. }
        | ModelError::RateLimited { message, .. }
        | ModelError::QuotaExhausted { message }
        | ModelError::Overloaded { message, .. }
        | ModelError::ContextOverflow { message }
        | ModelError::BadRequest { message }
        | ModelError::Malformed { message }
        | ModelError::Misconfigured { message }
        | ModelError::Transport { message, .. }
        | ModelError::NotAModelEndpoint { found: message, .. } => *message = redact(message),
        ModelError::Timeout { last, .. } => *last = last.as_deref().map(redact),
        ModelError::StreamCut { .. } | ModelError::Script(_) => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind(error: &ModelError) -> String {
        format!("{error:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn refusals_are_recognised_by_status_code_type_or_words() {
        let check = |status: u16, body: &str, expected: &str| {
            let refusal = Refusal { status, retry_after: None, body, endpoint: "http://e", model: "m" };
            assert_eq!(kind(&classify(&refusal)), expected, "{status} {body}");
        };
        check(401, r#"{"error":{"message":"no key","type":"invalid_request_error"}}"#, "Unauthorized");
        check(403, "forbidden", "Unauthorized");
        check(400, r#"{"error":{"message":"bad","code":"invalid_api_key"}}"#, "Unauthorized");
        check(
            404,
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            "NotFound",
        );
        check(404, "404 page not found", "NotFound");
        check(404, "<!doctype html><p>Not found", "NotAModelEndpoint");
        check(405, "\n <html>", "NotAModelEndpoint");
        check(429, r#"{"error":{"message":"slow down","type":"tokens"}}"#, "RateLimited");
        check(429, "", "RateLimited");
        check(429, r#"{"error":{"message":"too long a context window per minute"}}"#, "RateLimited");
        check(429, r#"{"error":{"message":"pay","type":"insufficient_quota"}}"#, "QuotaExhausted");
        check(402, r#"{"error":{"message":"pay"}}"#, "QuotaExhausted");
        check(500, "oops", "Overloaded");
        check(502, "<html>Bad gateway", "Overloaded");
        check(503, r#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#, "Overloaded");
        check(
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "Overloaded",
        );
        check(
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#,
            "ContextOverflow",
        );
        check(
            400,
            r#"{"error":{"code":400,"message":"n","type":"exceed_context_size_error"}}"#,
            "ContextOverflow",
        );
        check(500, r#"{"error":"the request exceeds the available context size"}"#, "ContextOverflow");
        check(400, r#"{"error":{"message":"temperature must be 1"}}"#, "BadRequest");
        check(422, r#"{"detail":[{"msg":"field required"}]}"#, "BadRequest");
    }

    #[test]
    fn error_frames_are_recognised_without_a_status() {
        let check = |frame: Value, expected: &str| assert_eq!(kind(&of_frame(&frame)), expected, "{frame}");
        check(json!({"error": {"message": "slow", "code": "rate_limit_exceeded"}}), "RateLimited");
        check(json!({"error": {"message": "slow", "code": 429}}), "RateLimited");
        check(json!({"error": {"message": "gone", "code": 502}}), "Overloaded");
        check(json!({"type": "error", "error": {"type": "overloaded_error"}}), "Overloaded");
        check(
            json!({"error": {"message": "Failed to call a function", "type": "invalid_request_error"}}),
            "BadRequest",
        );
        check(json!({"error": "context length exceeded"}), "ContextOverflow");
        check(json!({"message": "x", "type": "server_error"}), "Overloaded");
    }

    #[test]
    fn words_are_bounded_and_never_missing() {
        let refusal = |body| {
            classify(&Refusal { status: 500, retry_after: None, body, endpoint: "http://e", model: "m" })
        };
        let ModelError::Overloaded { message, .. } = refusal(" ") else { panic!() };
        assert_eq!(message, "status 500 without a message");
        let long = "ü\n ".repeat(1000);
        let ModelError::Overloaded { message, .. } = refusal(&long) else { panic!() };
        assert_eq!(message.chars().count(), LONGEST_MESSAGE + 1);
    }

    #[test]
    fn secrets_are_struck_out_of_every_text() {
        let error =
            ModelError::Unauthorized { endpoint: "http://e".into(), message: "bad key s3cret".into() };
        let shown = redacted(error, |text| text.replace("s3cret", "…")).to_string();
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

//! `bash`: a command in the attempt's persistent shell.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use smallhands_shell_runtime::RuntimeError;
use smallhands_trajectory::ToolSpec;

use super::{Reply, Tool, ToolContext, parsed};
use crate::coder::shell::Ran;

/// Seconds a command gets when the model asks for none in particular.
const USUAL_SECONDS: f64 = 60.0;

/// Runs commands.
pub(super) struct Bash;

#[derive(Deserialize)]
struct Arguments {
    command: String,
    #[serde(default)]
    timeout_seconds: Option<f64>,
}

#[async_trait]
impl Tool for Bash {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "bash".to_owned(),
            description: "Runs a command in a persistent bash shell that starts in the repository's root. The directory and \
                variables are kept from one call to the next. Standard output and standard error come back together, then the \
                exit code. Long output loses its middle."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "command": {"type": "string", "description": "Any bash text; several lines are fine."},
                    "timeout_seconds": {"type": "number", "description": "When to stop it; 60 if absent."},
                },
                "required": ["command"],
            }),
        }
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> Result<Reply, RuntimeError> {
        let arguments: Arguments = match parsed(self, arguments) {
            Ok(arguments) => arguments,
            Err(refused) => return Ok(refused),
        };
        let limit = allowed(arguments.timeout_seconds, context.longest_command);
        let ran = context.shell.run(&arguments.command, limit).await?;
        Ok(reply(ran, limit))
    }
}

fn allowed(asked: Option<f64>, longest: Duration) -> Duration {
    let seconds = asked.filter(|seconds| *seconds > 0.0).unwrap_or(USUAL_SECONDS);
    Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest)
}

fn reply(ran: Ran, limit: Duration) -> Reply {
    let with = |output: String, note: String| {
        let output = output.trim_end();
        if output.is_empty() { note } else { format!("{output}\n{note}") }
    };
    match ran {
        Ran::Ended { output, status } => {
            let status = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
            Reply::Seen(with(output, format!("[exit code {status}]")))
        }
        Ran::TooLong { output, replaced } => {
            let shell =
                if replaced { " together with its shell; the next command gets a new one" } else { "" };
            let seconds = limit.as_secs_f64();
            Reply::Refused(with(output, format!("[not finished after {seconds} s and stopped{shell}]")))
        }
        Ran::ShellEnded { output, status } => Reply::Seen(with(
            output,
            format!(
                "[the shell itself ended with status {status}; the next command gets a new one in the repository's root]"
            ),
        )),
        Ran::Refused { reason } => {
            Reply::Refused(format!("bash cannot run this command: {}", reason.trim_end()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_gets_the_time_it_asks_for_within_bounds() {
        let check = |asked: Option<f64>, expected: f64| {
            assert_eq!(allowed(asked, Duration::from_secs(300)).as_secs_f64(), expected, "{asked:?}");
        };
        check(None, 60.0);
        check(Some(0.5), 0.5);
        check(Some(1000.0), 300.0);
        check(Some(-1.0), 60.0);
        check(Some(f64::NAN), 60.0);
        check(Some(f64::INFINITY), 300.0);
    }

    #[test]
    fn every_end_is_told_apart() {
        let check = |ran: Ran, expected: Reply| assert_eq!(reply(ran, Duration::from_millis(1500)), expected);
        let seen = |text: &str| Reply::Seen(text.to_owned());
        check(Ran::Ended { output: "a\n".into(), status: Some(1) }, seen("a\n[exit code 1]"));
        check(Ran::Ended { output: String::new(), status: Some(0) }, seen("[exit code 0]"));
        check(
            Ran::TooLong { output: "half".into(), replaced: false },
            Reply::Refused("half\n[not finished after 1.5 s and stopped]".into()),
        );
        check(
            Ran::ShellEnded { output: "bye".into(), status: 3 },
            seen(
                "bye\n[the shell itself ended with status 3; the next command gets a new one in the repository's root]",
            ),
        );
        check(
            Ran::Refused { reason: "syntax error\n".into() },
            Reply::Refused("bash cannot run this command: syntax error".into()),
        );
    }
}

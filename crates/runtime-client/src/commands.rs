//! One-shot commands in the protocol's terms. It has no way to add to the environment, so `env` does that.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use smallhands_shell_runtime::{Command, CommandLine, CommandResponse, RuntimeError};

use crate::connection::Server;

/// The body of an `/execute` call.
pub(crate) fn request(command: &Command, server: Server) -> Result<Value, RuntimeError> {
    let (words, shell) = line(command);
    let mut body = Map::from_iter([
        ("command".to_owned(), words),
        ("shell".to_owned(), shell.into()),
        ("timeout".to_owned(), json!(command.timeout.as_ref().map(Duration::as_secs_f64))),
        ("check".to_owned(), false.into()),
        ("error_msg".to_owned(), "".into()),
        ("env".to_owned(), if command.clear_env { json!(command.env) } else { Value::Null }),
        ("cwd".to_owned(), json!(command.cwd)),
        ("merge_output_streams".to_owned(), command.merge_output_streams.into()),
    ]);
    if server == Server::Smallhands {
        body.insert("output_limit".to_owned(), command.output_limit.into());
    }
    if let Some(input) = &command.stdin {
        body.insert("stdin".to_owned(), stdin(input, server)?.into());
    }
    Ok(Value::Object(body))
}

fn line(command: &Command) -> (Value, bool) {
    if command.clear_env || command.env.is_empty() {
        return match &command.command {
            CommandLine::Shell(text) => (json!(text), true),
            CommandLine::Argv(words) => (json!(words), false),
        };
    }
    let settings = command.env.iter().map(|(name, value)| format!("{name}={value}"));
    let words = match &command.command {
        CommandLine::Shell(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()],
        CommandLine::Argv(words) => words.clone(),
    };
    (json!(std::iter::once("env".to_owned()).chain(settings).chain(words).collect::<Vec<_>>()), false)
}

fn stdin(input: &[u8], server: Server) -> Result<&str, RuntimeError> {
    let refused = |what| RuntimeError::Unsupported { what, runtime: "this runtime server".to_owned() };
    if server == Server::Original {
        return Err(refused("giving a command an input"));
    }
    std::str::from_utf8(input).map_err(|_| refused("giving a command an input that is not UTF-8"))
}

/// The answer to an `/execute` call. A timeout is an answer here, not an error.
pub(crate) fn response(answer: Result<Value, RuntimeError>) -> Result<CommandResponse, RuntimeError> {
    match answer {
        Ok(answer) => Ok(read(&answer)),
        Err(RuntimeError::CommandTimeout { output, .. }) => Ok(CommandResponse {
            timed_out: true,
            signal: Some(SIGKILL),
            stdout: output.into_bytes(),
            ..CommandResponse::default()
        }),
        Err(error) => Err(error),
    }
}

/// What ends a command whose time is up.
const SIGKILL: i32 = 9;

fn read(answer: &Value) -> CommandResponse {
    let status = answer["exit_code"].as_i64().and_then(|status| i32::try_from(status).ok());
    CommandResponse {
        exit_code: status.filter(|status| *status >= 0),
        signal: status.filter(|status| *status < 0).map(|status| -status),
        stdout: bytes(answer, "stdout"),
        stderr: bytes(answer, "stderr"),
        truncated: answer["truncated"].as_bool().unwrap_or_default(),
        omitted_bytes: answer["omitted_bytes"].as_u64().unwrap_or_default(),
        usage: serde_json::from_value(answer["usage"].clone()).unwrap_or_default(),
        ..CommandResponse::default()
    }
}

/// A stream; one that is not UTF-8 comes beside its readable form.
fn bytes(answer: &Value, stream: &str) -> Vec<u8> {
    let exact = answer[format!("{stream}_base64")].as_str().and_then(|coded| STANDARD.decode(coded).ok());
    exact.unwrap_or_else(|| answer[stream].as_str().unwrap_or_default().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_added_variable_goes_through_env() {
        let plain = request(&Command::shell("echo $A"), Server::Original).unwrap();
        assert_eq!((&plain["command"], &plain["shell"]), (&json!("echo $A"), &json!(true)));
        let added = request(&Command::shell("echo $A").with_env("A", "b c"), Server::Original).unwrap();
        assert_eq!(added["command"], json!(["env", "A=b c", "/bin/sh", "-c", "echo $A"]));
        assert_eq!((&added["shell"], &added["env"]), (&json!(false), &Value::Null));
        let replaced = Command { clear_env: true, ..Command::argv(["x"]).with_env("A", "b") };
        let replaced = request(&replaced, Server::Original).unwrap();
        assert_eq!((&replaced["command"], &replaced["env"]), (&json!(["x"]), &json!({"A": "b"})));
    }

    #[test]
    fn answers_become_exact_again() {
        let answer =
            read(&json!({"exit_code": -9, "stdout": "\\xff", "stdout_base64": "/w==", "stderr": "e"}));
        assert_eq!((answer.exit_code, answer.signal), (None, Some(9)));
        assert_eq!((answer.stdout, answer.stderr), (vec![0xff], b"e".to_vec()));
        assert_eq!(read(&json!({"exit_code": 3})).exit_code, Some(3));
    }

    #[test]
    fn an_input_needs_our_server() {
        let command = Command { stdin: Some(b"x".to_vec()), ..Command::argv(["cat"]) };
        assert_eq!(request(&command, Server::Smallhands).unwrap()["stdin"], "x");
        assert!(matches!(request(&command, Server::Original), Err(RuntimeError::Unsupported { .. })));
    }
}

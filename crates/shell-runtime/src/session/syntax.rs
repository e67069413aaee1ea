//! Parsing a command without running it, so that a command with a syntax error has no effect at all.

use std::time::Duration;

use crate::error::{RuntimeError, shortened};
use crate::execute::execute;
use crate::launch::Launcher;
use crate::protocol::Command;

use super::Surroundings;
use super::text::decode;

/// Time to parse; far more than megabytes of text need.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes of what the checker says. It repeats the line, which may be long.
const SHOWN: usize = 8 << 10;

/// Refuses what no bash can be given.
pub(super) fn possible(command: &str) -> Result<(), RuntimeError> {
    if command.contains('\0') {
        return Err(RuntimeError::InvalidCommand { reason: "it contains a null byte".to_owned() });
    }
    Ok(())
}

/// Whether bash parses all of the command before it runs any of it, and then finds an error by itself: it reads and
/// runs one line after another, and a line ends at a line end that is neither quoted nor in a here-document.
pub(super) fn is_parsed_at_once(command: &str) -> bool {
    !command.trim_end_matches('\n').contains('\n')
}

/// Refuses a command that bash cannot parse.
pub(super) async fn check(around: &Surroundings, command: &str) -> Result<(), RuntimeError> {
    match around.checker.parses(&around.launcher, command).await {
        Some(true) => Ok(()),
        Some(false) | None => explain(&around.launcher, command).await,
    }
}

/// Asks a fresh bash that only parses, for its words. Extended patterns are accepted, because a session may have
/// switched them on.
pub(super) async fn explain(launcher: &Launcher, command: &str) -> Result<(), RuntimeError> {
    let parser = Command {
        stdin: Some(command.as_bytes().to_vec()),
        output_limit: SHOWN,
        ..Command::argv(["bash", "--noprofile", "--norc", "-O", "extglob", "-n"]).with_timeout(PATIENCE)
    };
    let parsed = execute(launcher, parser).await?;
    if parsed.exit_code == Some(0) {
        return Ok(());
    }
    Err(RuntimeError::BashIncorrectSyntax {
        command: shortened(command),
        exit_code: parsed.exit_code.unwrap_or(-1),
        stdout: decode(parsed.stdout),
        stderr: decode(parsed.stderr),
    })
}

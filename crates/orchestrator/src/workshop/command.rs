//! Runs one command of a plan file; what it changes in its copy of the repository becomes a patch.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Map;
use smallhands_plan_format::outputs::{self, OutputDeclaration};
use smallhands_shell_runtime::{Command, CommandLine, CommandResponse};

use super::{Attempt, Breakdown, Ending, Workshop, evidence};
use crate::assignment::{Delivery, FoundPatch};
use crate::progress::PatchView;

/// Most bytes of a command's output kept for people.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// Most bytes of output in the reason why a command failed.
const TAIL_LIMIT: usize = 1024;
/// How much longer than its run a command may take.
const SLACK: Duration = Duration::from_secs(10);
/// Where a command finds the place for what it hands on. Below `TMPDIR`, so that it is no change of the repository.
const WRAPPER: &str = "SMALLHANDS_OUTPUT=\"${TMPDIR:-/tmp}/smallhands-output\"; export SMALLHANDS_OUTPUT; exec /bin/sh -c \"$1\"";
/// Prints what the command handed on.
const HANDED_ON: &str = "cat \"${TMPDIR:-/tmp}/smallhands-output\" 2>/dev/null || true";

/// What is to be run.
pub struct Order<'a> {
    /// Shell command.
    pub command: &'a str,
    /// Variables that it sees.
    pub env: &'a BTreeMap<String, String>,
    /// What it hands on.
    pub outputs: &'a [OutputDeclaration],
}

/// Runs a command on the run's tree.
///
/// # Errors
/// Whatever breaks under it; a command that fails, or does not hand on what the plan declares, makes the attempt give up.
pub async fn run(shop: &Workshop, attempt: &Attempt, order: Order<'_>) -> Result<Ending, Breakdown> {
    let sandbox = shop.lease(attempt, &attempt.head).await?;
    let broke = |error: smallhands_shell_runtime::RuntimeError| Breakdown::Other(error.to_string());
    let mut env = order.env.clone();
    env.insert("SMALLHANDS_TASK".into(), attempt.id.task.to_string());
    let request = Command {
        command: CommandLine::Argv(["/bin/sh", "-c", WRAPPER, "sh", order.command].map(Into::into).into()),
        env,
        // The run's own deadline stops the attempt; this is for a run whose owner has lost count of time.
        timeout: Some(shop.time_left() + SLACK),
        output_limit: OUTPUT_LIMIT,
        ..Command::default()
    };
    let runtime = sandbox.runtime();
    // Dropping the execution kills the command with everything that it started.
    let response = tokio::select! {
        response = runtime.execute(request) => response.map_err(broke)?,
        () = attempt.cancel.cancelled() => {
            sandbox.destroy().await?;
            return Err(Breakdown::Other("stopped on request".into()));
        }
    };
    let handed_on = Command { output_limit: 2 * outputs::MOST_BYTES, ..Command::shell(HANDED_ON) };
    let handed_on = runtime.execute(handed_on).await.map_err(broke)?;
    let diff = sandbox.diff().await?;
    sandbox.destroy().await?;
    let printed = [response.stdout.as_slice(), response.stderr.as_slice()].concat();
    let log = shop.log.put_blob(&printed)?.to_string();
    let values = match how_it_ended(&response) {
        None => outputs::read(
            order.outputs,
            &String::from_utf8_lossy(&handed_on.stdout),
            &String::from_utf8_lossy(&response.stdout),
        ),
        Some(failure) => Err(failure),
    };
    match values {
        Ok(outputs) => {
            let summary = attempt.task.goal.split_whitespace().collect::<Vec<_>>().join(" ");
            let found = found_patch(shop, &diff, &summary, Vec::new())?;
            let note = "exit code 0".to_owned();
            Ok(Ending::Done(Delivery::Ran { found, note, log, outputs }))
        }
        // What a failed command changed is not to be trusted.
        Err(note) => {
            let reason = with_tail(&note, &String::from_utf8_lossy(&printed));
            Ok(Ending::GaveUp(reason, Delivery::Ran { found: None, note, log, outputs: Map::new() }))
        }
    }
}

/// Why a command counts as failed; nothing when it does not.
fn how_it_ended(response: &CommandResponse) -> Option<String> {
    match response.exit_code {
        Some(0) => None,
        Some(code) => Some(format!("exit code {code}")),
        None if response.timed_out => Some("did not end in time".into()),
        None => Some("killed by a signal".into()),
    }
}

/// The note, followed by the last lines that were printed.
pub(super) fn with_tail(note: &str, printed: &str) -> String {
    let mut lines: Vec<&str> = printed.lines().rev().filter(|line| !line.trim().is_empty()).take(5).collect();
    lines.reverse();
    let mut tail = lines.join(" | ");
    if tail.len() > TAIL_LIMIT {
        let mut start = tail.len() - TAIL_LIMIT;
        while !tail.is_char_boundary(start) {
            start += 1;
        }
        tail = format!("…{}", &tail[start..]);
    }
    if tail.is_empty() { note.to_owned() } else { format!("{note}: {tail}") }
}

/// A patch made by changing a sandbox, as opposed to one found by search.
///
/// # Errors
/// When it cannot be stored.
pub fn found_patch(
    shop: &Workshop,
    diff: &str,
    summary: &str,
    fixed: Vec<String>,
) -> Result<Option<FoundPatch>, Breakdown> {
    let files = evidence::files_of(diff);
    let file = match files.first() {
        Some(file) => file.clone(),
        None if diff.trim().is_empty() => return Ok(None),
        // Names that git writes in quotes.
        None => "a file with an unusual name".to_owned(),
    };
    let more = if files.len() > 1 { format!(" and {} more files", files.len() - 1) } else { String::new() };
    let summary: String = format!("{summary}{more}").chars().take(120).collect();
    let view = PatchView { file, line: first_line(diff), kind: "change".into(), summary };
    Ok(Some(FoundPatch {
        view,
        diff: shop.log.put_blob(diff.as_bytes())?.to_string(),
        fixed,
        complete: true,
        rank: 0,
    }))
}

/// The first changed line that a diff names, on the new side.
fn first_line(diff: &str) -> u32 {
    diff.lines()
        .find_map(|line| line.strip_prefix("@@ -")?.split_once('+')?.1.split([',', ' ']).next()?.parse().ok())
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_with_the_end_of_the_output() {
        for (printed, expected) in [
            ("", "exit code 2"),
            ("\n \n", "exit code 2"),
            ("one\n\ntwo\n", "exit code 2: one | two"),
            ("1\n2\n3\n4\n5\n6\n", "exit code 2: 2 | 3 | 4 | 5 | 6"),
        ] {
            assert_eq!(with_tail("exit code 2", printed), expected);
        }
        let long = with_tail("n", &"ä".repeat(5000));
        assert!(long.len() < TAIL_LIMIT + 10 && long.contains('…'), "{}", long.len());
    }

    #[test]
    fn the_first_changed_line() {
        assert_eq!(first_line("--- a/x\n+++ b/x\n@@ -3,2 +14,6 @@ fn\n"), 14);
        assert_eq!(first_line("@@ -1 +1 @@\n"), 1);
        assert_eq!(first_line("Binary files differ"), 1);
    }
}

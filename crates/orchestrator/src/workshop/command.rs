//! Runs one command of a plan file; what it changes in its copy of the repository becomes a patch.

use std::collections::BTreeMap;

use smallhands_shell_runtime::{Command, CommandLine};

use super::{Attempt, Breakdown, Ending, Workshop, evidence};
use crate::assignment::{Delivery, FoundPatch};
use crate::progress::PatchView;

/// Most bytes of a command's output kept for people.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// Runs `command` on the run's tree.
///
/// # Errors
/// Whatever breaks under it; a command that fails makes the attempt give up.
pub async fn run(shop: &Workshop, attempt: &Attempt, command: &str) -> Result<Ending, Breakdown> {
    run_with(shop, attempt, command, BTreeMap::new()).await
}

/// The same, with variables for the command.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    shop: &Workshop,
    attempt: &Attempt,
    command: &str,
    env: BTreeMap<String, String>,
) -> Result<Ending, Breakdown> {
    let sandbox = shop.lease(attempt, &attempt.head).await?;
    let request = Command {
        command: CommandLine::Shell(command.to_owned()),
        env,
        timeout: Some(shop.time_left().mul_f64(0.8)),
        output_limit: OUTPUT_LIMIT,
        ..Command::default()
    };
    let runtime = sandbox.runtime();
    // Dropping the execution kills the command with everything that it started.
    let response = tokio::select! {
        response = runtime.execute(request) => response.map_err(|error| Breakdown::Other(error.to_string()))?,
        () = attempt.cancel.cancelled() => {
            sandbox.destroy().await?;
            return Err(Breakdown::Other("stopped on request".into()));
        }
    };
    let diff = sandbox.diff().await?;
    sandbox.destroy().await?;
    let log = Some(
        shop.log.put_blob(&[response.stdout.as_slice(), response.stderr.as_slice()].concat())?.to_string(),
    );
    let note = match response.exit_code {
        Some(code) => format!("exit code {code}"),
        None if response.timed_out => "did not end in time".into(),
        None => "killed by a signal".into(),
    };
    let found = found_patch(shop, &diff, command, Vec::new())?;
    let delivery = Delivery::Changed { found, note: note.clone(), cost_usd_micros: 0, log };
    Ok(if response.exit_code == Some(0) {
        Ending::Done(delivery)
    } else {
        Ending::GaveUp(note, without_patch(delivery))
    })
}

/// What a failed command changed is not to be trusted.
fn without_patch(delivery: Delivery) -> Delivery {
    match delivery {
        Delivery::Changed { note, cost_usd_micros, log, .. } => {
            Delivery::Changed { found: None, note, cost_usd_micros, log }
        }
        other => other,
    }
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
    let Some(file) = files.first() else { return Ok(None) };
    let more = if files.len() > 1 { format!(" and {} more files", files.len() - 1) } else { String::new() };
    let summary: String = format!("{summary}{more}").chars().take(120).collect();
    let view = PatchView { file: file.clone(), line: first_line(diff), kind: "change".into(), summary };
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
    fn the_first_changed_line() {
        assert_eq!(first_line("--- a/x\n+++ b/x\n@@ -3,2 +14,6 @@ fn\n"), 14);
        assert_eq!(first_line("@@ -1 +1 @@\n"), 1);
        assert_eq!(first_line("Binary files differ"), 1);
    }
}

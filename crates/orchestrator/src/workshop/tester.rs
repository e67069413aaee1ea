//! The tester: runs a check as it is, test by test, and groups the failures by suspected cause.

use std::time::Duration;

use smallhands_agent::repair::{self, Observation};
use smallhands_agent::validation::CheckSpec;
use smallhands_checks::TestId;
use smallhands_repair::{CoveredLines, FailingTest, Group, GroupingInput, group_failures};
use smallhands_shell_runtime::{Command, CommandLine, Runtime};

use super::evidence::{is_editable, observed_files, sources, stack};
use super::{Attempt, Breakdown, Ending, Workshop};
use crate::assignment::{Delivery, FailureGroup, Tree};
use crate::progress::TestCounts;

/// Observes a check on the tree `at`.
///
/// # Errors
/// [`Breakdown::NotRunnable`] when the command does not exist; anything else may work another time.
pub async fn observe(
    shop: &Workshop,
    attempt: &Attempt,
    check: usize,
    at: &Tree,
) -> Result<Ending, Breakdown> {
    let spec = shop.check(check)?;
    let sandbox = shop.lease(attempt, at).await?;
    let runtime = sandbox.runtime();
    refuse_unknown_command(&*runtime, &spec).await?;
    let jobs = shop.cores.min(shop.spec.agents) as usize;
    let seen =
        repair::observe(runtime.clone(), &spec, jobs, attempt.cancel.clone(), attempt.voice.as_ref()).await;
    let observation = seen.map_err(|error| Breakdown::Other(error.to_string()))?;
    let sources = sources(&*runtime, observed_files(&observation)).await;
    sandbox.destroy().await?;
    for note in &observation.notes {
        attempt.voice.warn(note.clone());
    }
    deliver(shop, &observation, &sources)
}

fn deliver(
    shop: &Workshop,
    observation: &Observation,
    sources: &[(String, String)],
) -> Result<Ending, Breakdown> {
    let failing: Vec<TestId> =
        observation.report.failing().into_iter().filter(|test| !observation.flaky.contains(test)).collect();
    Ok(Ending::Done(Delivery::Observed {
        observation: shop.store(observation)?,
        counts: counts(observation.report.counts()),
        groups: groups(observation, &failing, sources),
        failing: failing.iter().map(ToString::to_string).collect(),
        flaky: observation.flaky.iter().map(ToString::to_string).collect(),
        mode: observation.mode.clone(),
    }))
}

/// The checks' counts as shown to people.
pub fn counts(counts: smallhands_checks::TestCounts) -> TestCounts {
    TestCounts { passed: counts.passed as u64, failed: counts.failed as u64, skipped: counts.skipped as u64 }
}

/// Failing tests by suspected cause; a test without any trace of a cause joins one last group of its own.
fn groups(observation: &Observation, failing: &[TestId], sources: &[(String, String)]) -> Vec<FailureGroup> {
    let failing: Vec<FailingTest> = failing
        .iter()
        .map(|test| FailingTest {
            id: test.to_string(),
            lines: observation.coverage.get(test).cloned().unwrap_or_default(),
            stack: stack(observation, test),
        })
        .collect();
    let passing: Vec<CoveredLines> = observation
        .report
        .passing()
        .iter()
        .filter_map(|test| observation.coverage.get(test).cloned())
        .collect();
    let input = GroupingInput {
        failing: &failing,
        passing: &passing,
        sources,
        is_test_path: &|path| !is_editable(path),
    };
    group_failures(&input).into_iter().map(to_failure_group).collect()
}

fn to_failure_group(group: Group) -> FailureGroup {
    let file = group.functions.first().map_or("", |function| function.file.as_str());
    FailureGroup {
        specialist: repair::role_for(file).to_owned(),
        functions: group
            .functions
            .iter()
            .map(|function| format!("{}::{}", function.file, function.name))
            .collect(),
        tests: group.tests,
    }
}

/// A command that does not exist is the user's mistake; finding out takes milliseconds and saves minutes of searching.
async fn refuse_unknown_command(runtime: &dyn Runtime, check: &CheckSpec) -> Result<(), Breakdown> {
    let Some(program) = program_of(&check.command) else { return Ok(()) };
    let command = Command {
        command: CommandLine::Argv(vec![
            "bash".into(),
            "-c".into(),
            "command -v -- \"$0\"".into(),
            program.clone(),
        ]),
        timeout: Some(Duration::from_secs(20)),
        ..Command::default()
    };
    let response = runtime.execute(command).await.map_err(|error| Breakdown::Other(error.to_string()))?;
    match response.exit_code {
        Some(0) | None => Ok(()),
        Some(_) => Err(Breakdown::NotRunnable(format!("there is no command `{program}` here"))),
    }
}

/// The program that a simple command starts; `None` where that takes a shell to know.
fn program_of(command: &str) -> Option<String> {
    if command.contains(['|', '&', ';', '<', '>', '(', '$', '`', '\n', '{', '*']) {
        return None;
    }
    let words = shell_words::split(command).ok()?;
    words.into_iter().find(|word| !is_assignment(word))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_simple_command() {
        let cases = [
            ("pytest -q", Some("pytest")),
            ("A=1 B_2='x y' pytest", Some("pytest")),
            ("./run.sh --x=1", Some("./run.sh")),
            ("cd x && pytest", None),
            ("$PY -m pytest", None),
            ("", None),
        ];
        for (command, expected) in cases {
            assert_eq!(program_of(command).as_deref(), expected, "{command}");
        }
    }
}

//! The tester: runs a check as it is, test by test, and groups the failures by suspected cause.

use std::time::Duration;

use smallhands_agent::repair::{self, Observation};
use smallhands_agent::validation::CheckSpec;
use smallhands_checks::{Outcome, TestId};
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
    deliver(shop, &spec.command, &observation, &sources)
}

fn deliver(
    shop: &Workshop,
    command: &str,
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
        hung: hung(observation, command),
    }))
}

/// A check that is seen as one test, and was stopped because its time was up.
fn hung(observation: &Observation, command: &str) -> bool {
    let whole = observation.report.tests.get(&TestId::new(command));
    whole.is_some_and(|result| result.outcome == Outcome::TimedOut)
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

    fn suspect(file: &str, name: &str) -> smallhands_repair::RankedFunction {
        let (file, name) = (file.to_owned(), name.to_owned());
        smallhands_repair::RankedFunction { file, name, start_line: 1, end_line: 9, score: 0.5 }
    }

    #[test]
    fn a_group_is_for_the_language_of_its_first_suspect() {
        let cases = [
            (
                vec![suspect("a.py", "C.f"), suspect("b.js", "g")],
                "repair-python",
                vec!["a.py::C.f", "b.js::g"],
            ),
            (vec![suspect("web/b.js", "g")], "repair-javascript", vec!["web/b.js::g"]),
            (vec![], "repair", vec![]),
        ];
        for (functions, specialist, names) in cases {
            let group = to_failure_group(Group { tests: vec!["t1".into(), "t2".into()], functions });
            assert_eq!(group.specialist, specialist);
            assert_eq!(group.functions, names);
            assert_eq!(group.tests, ["t1", "t2"]);
        }
    }

    fn covering(
        observation: &mut Observation,
        test: &str,
        outcome: smallhands_checks::Outcome,
        lines: &[u32],
    ) {
        observation.report.record(test, smallhands_checks::TestResult::new(outcome));
        let lines = [("a.py".to_owned(), lines.iter().copied().collect())].into();
        observation.coverage.insert(TestId::new(test), lines);
    }

    #[test]
    fn failures_in_different_functions_are_different_groups() {
        use smallhands_checks::Outcome::{Failed, Passed};
        let source = "def f():\n    x = 1\n    return x\n\n\ndef g():\n    y = 2\n    return y\n";
        let mut observation = Observation {
            report: smallhands_checks::TestReport::default(),
            coverage: std::collections::BTreeMap::new(),
            flaky: vec![],
            mode: "warm-unittest".into(),
            slowest_pass: Duration::ZERO,
            notes: vec![],
        };
        covering(&mut observation, "f1", Failed, &[2, 3]);
        covering(&mut observation, "f2", Failed, &[2, 3]);
        covering(&mut observation, "g1", Failed, &[7, 8]);
        covering(&mut observation, "ok", Passed, &[1, 6]);
        let failing: Vec<TestId> = ["f1", "f2", "g1"].map(TestId::new).into();
        let found = groups(&observation, &failing, &[("a.py".into(), source.into())]);
        let tests: Vec<&[String]> = found.iter().map(|group| group.tests.as_slice()).collect();
        assert_eq!(tests, [&["f1".to_owned(), "f2".to_owned()][..], &["g1".to_owned()][..]]);
        assert_eq!(found[0].functions.first().map(String::as_str), Some("a.py::f"));
        assert_eq!(found[1].functions.first().map(String::as_str), Some("a.py::g"));
        assert!(found.iter().all(|group| group.specialist == "repair-python"));
    }
}

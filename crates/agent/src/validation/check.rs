//! A check as it is: the user's command in a fresh process, with results per test.

use std::sync::Arc;
use std::time::Duration;

use smallhands_checks::{CheckOutput, Framework, Outcome, TestId, TestReport, parse};
use smallhands_shell_runtime::{Command, CommandResponse, Runtime};
use tokio::time::Instant;

use super::behind;
use super::error::ValidationError;
use super::hook::Hook;
use super::record;
use super::request::CheckSpec;

/// Most bytes kept of what the command prints, per stream.
const OUTPUT_KEPT: usize = 16 << 20;
/// Most bytes of [`CheckRun::output_tail`].
const TAIL: usize = 8 << 10;

/// How a check went.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRun {
    /// The results, test by test; a red check always has at least one failing entry.
    pub report: TestReport,
    /// The exit status; nothing when a signal or a time-out ended the command.
    pub exit_code: Option<i32>,
    /// Whether the command was stopped because its time was up.
    pub timed_out: bool,
    /// How long it took.
    pub wall: Duration,
    /// The end of what it printed, standard output first, at most 8 KiB.
    pub output_tail: String,
}

/// Runs the user's command as it was given, in a fresh process. For pytest and `unittest` a recorder is let in through the
/// environment, so that each test is known by name and a test that hangs can be told from the others; for `unittest` the
/// module named after `-m` is replaced by one that does the same and records.
///
/// # Errors
/// [`ValidationError::Runtime`] when the sandbox does not work; a failing check is no error.
pub async fn run_check(runtime: Arc<dyn Runtime>, check: &CheckSpec) -> Result<CheckRun, ValidationError> {
    let hook = Hook::install(Arc::clone(&runtime)).await?;
    let framework = behind::framework(runtime.as_ref(), check).await;
    let run = Plain { runtime: &runtime, hook: &hook, framework };
    let result = run.run(&check.command, check.timeout, &[]).await;
    hook.remove().await;
    result
}

/// What a plain run needs besides its command.
pub(super) struct Plain<'a> {
    pub(super) runtime: &'a Arc<dyn Runtime>,
    pub(super) hook: &'a Hook,
    pub(super) framework: Framework,
}

impl Plain<'_> {
    /// Runs `command`; pytest collects only the files of `only`, unless that is empty.
    pub(super) async fn run(
        &self,
        command: &str,
        timeout: Duration,
        only: &[TestId],
    ) -> Result<CheckRun, ValidationError> {
        let recorded = match self.framework {
            Framework::Pytest => Some(command.to_owned()),
            Framework::Unittest => unittest_through(command, "unittest_recorder"),
            _ => None,
        };
        let (line, record) = match &recorded {
            Some(recorded) => {
                let (words, file) = self.hook.record(recorded);
                (Command::argv(words), Some(file))
            }
            None => (Command::shell(command), None),
        };
        let mut line = Command { output_limit: OUTPUT_KEPT, ..line.with_timeout(timeout) };
        if !only.is_empty() && record.is_some() {
            let names = serde_json::to_vec(only).unwrap_or_default();
            line = line.with_env("SMALLHANDS_ONLY", self.hook.put("only.json", names).await?);
        }
        let line = line.with_env("PYTHONHASHSEED", "0").with_env("PYTHONDONTWRITEBYTECODE", "1");
        let began = Instant::now();
        let done = self.runtime.execute(line).await.map_err(ValidationError::runtime("run the check"))?;
        let wall = began.elapsed();
        let record = match record {
            Some(file) => self.hook.take(&file).await?,
            None => String::new(),
        };
        Ok(self.concluded(command, &done, &record, wall))
    }

    fn concluded(&self, command: &str, done: &CommandResponse, record: &str, wall: Duration) -> CheckRun {
        let (stdout, stderr) = (done.stdout_text(), done.stderr_text());
        let parsed = parse(&CheckOutput {
            command,
            exit_code: done.exit_code,
            timed_out: done.timed_out,
            stdout: &stdout,
            stderr: &stderr,
            junit: &[],
            root: Some(self.hook.root()),
        });
        CheckRun {
            report: best_of(parsed, record, done, command),
            exit_code: done.exit_code,
            timed_out: done.timed_out,
            wall,
            output_tail: tail(&format!("{stdout}{stderr}"), TAIL),
        }
    }
}

/// The record, where there is one; of the console then only what says that the check as a whole is red for a reason that
/// no test accounts for.
fn best_of(parsed: TestReport, record: &str, done: &CommandResponse, command: &str) -> TestReport {
    let unfinished = if done.timed_out { Outcome::TimedOut } else { Outcome::Crashed };
    let mut recorded = record::read(record, unfinished);
    if recorded.tests.is_empty() {
        return parsed;
    }
    let green = done.exit_code == Some(0) && !done.timed_out;
    if !green && !recorded.has_failures() {
        let whole = parsed
            .tests
            .into_iter()
            .filter(|(id, result)| id.as_str() == command || result.outcome.is_failure());
        for (id, result) in whole {
            recorded.record(id, result);
        }
    }
    recorded
}

/// The last `limit` bytes of a text, from a line start where there is one.
fn tail(text: &str, limit: usize) -> String {
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(limit);
    if start > 0 {
        while !text.is_char_boundary(start) {
            start += 1;
        }
        start += text[start..].find('\n').map_or(0, |end| end + 1);
    }
    text[start..].to_owned()
}

/// `command` with the module after `-m` replaced by one of ours; nothing unless it starts `unittest` exactly once.
pub(super) fn unittest_through(command: &str, module: &str) -> Option<String> {
    let is_start = |at: usize| command[..at].ends_with(|c: char| c.is_whitespace());
    let is_end = |rest: &str| {
        rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || ";&|)'\"".contains(c))
    };
    let mut found = Vec::new();
    for (at, _) in command.match_indices("-m") {
        let rest = &command[at + 2..];
        let name = rest.trim_start();
        if is_start(at) && name.len() < rest.len() && name.strip_prefix("unittest").is_some_and(is_end) {
            let start = command.len() - name.len();
            found.push(start..start + "unittest".len());
        }
    }
    match found.as_slice() {
        [only] => Some(format!("{}smallhands_hook.{module}{}", &command[..only.start], &command[only.end..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unittest_is_replaced_where_it_is_started_once() {
        let check = |command: &str, expected: Option<&str>| {
            assert_eq!(unittest_through(command, "x").as_deref(), expected, "{command}");
        };
        check("python -m unittest", Some("python -m smallhands_hook.x"));
        check(
            "cd src && python3 -W error -m  unittest -v a.b",
            Some("cd src && python3 -W error -m  smallhands_hook.x -v a.b"),
        );
        check("(python -m unittest)", Some("(python -m smallhands_hook.x)"));
        check("python -m unittest2", None);
        check("python -m unittest.mock", None);
        check("python -m unittest a; python -m unittest b", None);
        check("python tests.py", None);
        check("echo a-m unittest", None);
    }

    #[test]
    fn the_tail_starts_at_a_line() {
        for (text, limit, expected) in
            [("a\nb\n", 10, "a\nb"), ("aaaa\nbbbb", 6, "bbbb"), ("éééé", 3, "é"), ("", 3, "")]
        {
            assert_eq!(tail(text, limit), expected);
        }
    }

    #[test]
    fn a_red_check_without_a_failed_test_stays_red() {
        let mut parsed = TestReport::default();
        parsed.record("pytest", smallhands_checks::TestResult::new(Outcome::Failed));
        let done = CommandResponse { exit_code: Some(2), ..CommandResponse::default() };
        let record = "[\"finished\",\"a\",\"passed\",1,null,[]]\n";
        let report = best_of(parsed.clone(), record, &done, "pytest");
        assert_eq!(report.failing(), [TestId::new("pytest")]);
        let green = CommandResponse { exit_code: Some(0), ..CommandResponse::default() };
        assert!(!best_of(parsed.clone(), record, &green, "pytest").has_failures());
        assert_eq!(best_of(parsed, "", &done, "pytest").tests.len(), 1);
    }
}

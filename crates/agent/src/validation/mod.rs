//! Answers one question, many times: *do these tests pass with this edit?*
//!
//! [`open`] chooses how. For pytest and `unittest` the user's own command is started once and kept after it collected its
//! tests; each candidate then costs a fork of that warm process (a few milliseconds). Everywhere else, and wherever an edit
//! or a project resists, the plain command is run. [`run_check`] runs a check as it is, in a fresh process.
//!
//! | module | concept |
//! |---|---|
//! | [`request`] | what is asked and what is answered |
//! | `warm` | the validator over a warm server; `server` is the line to it, `message` its words |
//! | `command` | the validator that runs the plain command; `narrow` makes it run fewer tests |
//! | `placed` | edits on the disk of the copy, and their certain removal |
//! | [`check`] | a plain run with results per test; `record` reads what the recorder wrote |
//! | `behind` | the test program that a `make` target really starts |
//! | `hook` | the Python files, put beside the copy |
//!
//! Whatever happens, the copy has its original content after [`Validator::close`]; a validator that is dropped in the
//! middle of a run restores the files in the background.

mod behind;
pub mod check;
mod command;
pub mod error;
mod hook;
mod message;
mod narrow;
mod placed;
mod record;
pub mod request;
mod server;
mod warm;

use std::sync::Arc;

use smallhands_checks::{Framework, TestId};
use smallhands_shell_runtime::Runtime;

pub use check::{CheckRun, run_check};
pub use error::ValidationError;
pub use request::{CheckSpec, Ended, RunOutcome, RunRequest, StopRule, TestLimits, Validator};

use command::CommandValidator;
use server::Refusal;
use warm::WarmValidator;

/// Opens the fastest validator that works for the check: warm where possible, otherwise the plain command, which says
/// why through [`Validator::fallback`].
///
/// `only` restricts collection to the files in which these tests live; empty means everything the check runs.
///
/// # Errors
/// [`ValidationError::Runtime`] when the sandbox itself does not work.
pub async fn open(
    runtime: Arc<dyn Runtime>,
    check: &CheckSpec,
    only: &[TestId],
) -> Result<Box<dyn Validator>, ValidationError> {
    let framework = behind::framework(runtime.as_ref(), check).await;
    let check = &CheckSpec { framework, ..check.clone() };
    let reason = match warm_command(check) {
        Err(reason) => reason,
        Ok(command) => match WarmValidator::open(Arc::clone(&runtime), check, &command, only).await? {
            Ok(validator) => return Ok(Box::new(validator)),
            Err(Refusal(reason)) => reason,
        },
    };
    tracing::debug!(command = %check.command, %reason, "validating with the plain command");
    Ok(Box::new(CommandValidator::open(runtime, check, only, Some(reason)).await?))
}

/// The command that starts a warm server for this check, or why there is none.
fn warm_command(check: &CheckSpec) -> Result<String, String> {
    let words: Vec<&str> = check.command.split_whitespace().collect();
    let count = |wanted: fn(&str) -> bool| words.iter().filter(|word| wanted(word)).count();
    let foreign = words.iter().find(|word| matches!(word.rsplit('/').next(), Some("tox" | "nox")));
    match check.framework {
        _ if foreign.is_some() => Err(format!("{} runs the tests in an environment of its own", words[0])),
        Framework::Pytest if count(is_pytest) > 1 => {
            Err("the command starts several test programs".to_owned())
        }
        Framework::Pytest => Ok(check.command.clone()),
        Framework::Unittest => check::unittest_through(&check.command, "unittest_main")
            .ok_or_else(|| "the command does not start `python -m unittest` exactly once".to_owned()),
        _ => Err("there is no warm server for this kind of check".to_owned()),
    }
}

fn is_pytest(word: &str) -> bool {
    matches!(word.trim_matches(['"', '\'', '(', ')', ';']).rsplit('/').next(), Some("pytest" | "py.test"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn warm_where_one_test_program_is_started() {
        let check = |command: &str, framework, expected: Result<&str, &str>| {
            let spec = CheckSpec {
                command: command.into(),
                framework,
                timeout: Duration::from_secs(1),
                test_timeout: None,
            };
            match (warm_command(&spec), expected) {
                (Ok(found), Ok(wanted)) => assert_eq!(found, wanted),
                (Err(found), Err(wanted)) => assert!(found.contains(wanted), "{found}"),
                (found, _) => panic!("{command}: {found:?}"),
            }
        };
        let pytest = Framework::Pytest;
        check("cd a && poetry run pytest -q", pytest, Ok("cd a && poetry run pytest -q"));
        check("python -m pytest a && python -m pytest b", pytest, Err("several"));
        check("tox -e py311 -- pytest", pytest, Err("environment of its own"));
        check(
            "python3 -m unittest discover -s t",
            Framework::Unittest,
            Ok("python3 -m smallhands_hook.unittest_main discover -s t"),
        );
        check("./manage.py test", Framework::Unittest, Err("exactly once"));
        check("cargo test", Framework::CargoTest, Err("no warm server"));
    }
}

//! What is known about past and present runs, read from the event log alone.

use serde::Serialize;
use smallhands_task_graph::{Approval, RunPhase, RunState, render};

use crate::journal::Journal;
use crate::progress::RunSummary;
use crate::request::RunError;
use crate::spec::RunSpec;
use crate::state_dir::StateDir;

/// Characters per line of the plan's drawing.
const PLAN_WIDTH: usize = 120;

/// A run in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunListing {
    /// Run id.
    pub run: String,
    /// When it was submitted, milliseconds since the Unix epoch.
    pub submitted_at_ms: i64,
    /// The user's repository.
    pub repo: String,
    /// What was to be achieved.
    pub task: String,
    /// `running`, `interrupted`, `verified`, `unverified` or `failed`.
    pub status: String,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunDetails {
    /// The run in one line.
    pub listing: RunListing,
    /// Check commands.
    pub checks: Vec<String>,
    /// The plan as it stands, drawn as text.
    pub plan: String,
    /// The result, once there is one.
    pub summary: Option<RunSummary>,
    /// Durable events so far.
    pub events: u64,
    /// Whether it is paused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Questions that wait for an answer: name, and what is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<(String, String)>,
    /// The run of which it is a fork, and how many events they share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<(String, u64)>,
    /// The run's folder.
    pub folder: String,
}

/// All runs, the newest first. Runs whose events cannot be read are left out; `show` says why.
///
/// # Errors
/// When the log cannot be opened or listed.
pub fn runs(state: &StateDir) -> Result<Vec<RunListing>, RunError> {
    let log = state.log();
    let mut listings: Vec<RunListing> = log
        .streams("run/")?
        .iter()
        .filter_map(|stream| stream.as_str().strip_prefix("run/"))
        .filter_map(|run| Journal::open(log.clone(), run).ok())
        .map(|journal| listing(state, &journal))
        .collect();
    listings.sort_by_key(|listing| std::cmp::Reverse(listing.submitted_at_ms));
    Ok(listings)
}

/// One run.
///
/// # Errors
/// [`RunError::UnknownRun`], or whatever makes its events unreadable.
pub fn show(state: &StateDir, run: &str) -> Result<RunDetails, RunError> {
    let log = state.log();
    let journal = Journal::open(log, run)?;
    if journal.state().phase == RunPhase::Unsubmitted {
        return Err(RunError::UnknownRun { run: run.to_owned(), state: state.root().to_path_buf() });
    }
    Ok(RunDetails {
        checks: spec(&journal)
            .map(|spec| spec.checks.into_iter().map(|check| check.command).collect())
            .unwrap_or_default(),
        plan: render::run_text(journal.state(), PLAN_WIDTH),
        summary: summary(&journal),
        events: journal.state().events,
        paused: journal.state().control.is_paused(),
        questions: questions(journal.state()),
        forked_from: journal.state().control.forked_from.clone().map(|origin| (origin.run, origin.at)),
        folder: state.run_folder(run).display().to_string(),
        listing: listing(state, &journal),
    })
}

fn questions(state: &RunState) -> Vec<(String, String)> {
    let asked = |(name, approval): (&String, &Approval)| {
        (name.clone(), format!("{}: {}", approval.attempt, approval.question))
    };
    state.open_approvals().map(asked).collect()
}

fn listing(state: &StateDir, journal: &Journal) -> RunListing {
    let spec = spec(journal);
    RunListing {
        run: journal.run().to_owned(),
        submitted_at_ms: journal.state().submitted_at_ms,
        repo: spec.as_ref().map(|spec| spec.repo.display().to_string()).unwrap_or_default(),
        task: spec.map(|spec| spec.task).unwrap_or_default(),
        status: status(state, journal),
    }
}

fn spec(journal: &Journal) -> Option<RunSpec> {
    serde_json::from_value(journal.state().spec.clone()).ok()
}

fn summary(journal: &Journal) -> Option<RunSummary> {
    serde_json::from_value(journal.state().summary.clone()?).ok()
}

/// A run that is not finished either has a living owner, or was interrupted.
fn status(state: &StateDir, journal: &Journal) -> String {
    if journal.state().phase == RunPhase::Finished {
        let verdict = journal.state().verdict.as_ref().and_then(serde_json::Value::as_str);
        return verdict.unwrap_or("failed").to_owned();
    }
    if state.is_owned(journal.run()) { "running".into() } else { "interrupted".into() }
}

#[cfg(test)]
mod tests {
    use smallhands_task_graph::{Command, RunLimits};

    use super::*;
    use crate::journal::Applied;

    /// A state directory with a run that has been submitted at a time, and finished if there is a verdict.
    fn submit(state: &StateDir, run: &str, at_ms: i64, verdict: Option<&str>) {
        std::fs::create_dir_all(state.run_folder(run)).unwrap();
        let mut journal = Journal::open(state.log(), run).unwrap();
        let mut commands =
            vec![Command::Submit { spec: serde_json::Value::Null, limits: RunLimits::default(), at_ms }];
        commands.extend(verdict.map(|verdict| Command::Finish {
            verdict: verdict.into(),
            summary: serde_json::json!({"reason": "not a whole summary"}),
        }));
        for command in commands {
            assert!(matches!(journal.apply(&command).unwrap(), Applied::Events(_)), "{command:?}");
        }
    }

    #[test]
    fn the_newest_run_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), crate::state_dir::Durability::Full).unwrap();
        assert_eq!(runs(&state).unwrap(), []);
        for (run, at_ms) in [("b", 20), ("a", 30), ("c", 10)] {
            submit(&state, run, at_ms, None);
        }
        let listed = runs(&state).unwrap();
        let order: Vec<&str> = listed.iter().map(|listing| listing.run.as_str()).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert_eq!(listed[0].submitted_at_ms, 30);
    }

    #[test]
    fn the_status_says_how_a_run_stands() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), crate::state_dir::Durability::Full).unwrap();
        let cases = [
            ("done", Some("verified"), "verified"),
            ("partly", Some("unverified"), "unverified"),
            ("vain", Some("failed"), "failed"),
            ("dead", None, "interrupted"),
        ];
        for (run, verdict, expected) in cases {
            submit(&state, run, 1, verdict);
            assert_eq!(show(&state, run).unwrap().listing.status, expected);
        }
        let _lock = state.own("dead").unwrap();
        assert_eq!(show(&state, "dead").unwrap().listing.status, "running");
    }

    #[test]
    fn what_cannot_be_read_is_left_out_of_the_details() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), crate::state_dir::Durability::Full).unwrap();
        submit(&state, "r1", 5, Some("failed"));
        let details = show(&state, "r1").unwrap();
        assert_eq!((details.summary, details.checks), (None, Vec::<String>::new()));
        assert_eq!(details.listing.repo, "");
        assert!(details.events >= 2 && details.folder.ends_with("runs/r1"), "{}", details.folder);
        assert!(matches!(show(&state, "r2"), Err(RunError::UnknownRun { .. })));
    }
}

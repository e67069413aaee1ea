//! What is known about past and present runs, read from the event log alone.

use std::sync::Arc;

use serde::Serialize;
use smallhands_event_log::EventLog;
use smallhands_task_graph::{RunPhase, render};

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
    /// The run's folder.
    pub folder: String,
}

/// All runs, the newest first. Runs whose events cannot be read are left out; `show` says why.
///
/// # Errors
/// When the log cannot be opened or listed.
pub fn runs(state: &StateDir) -> Result<Vec<RunListing>, RunError> {
    let log: Arc<dyn EventLog> = Arc::new(state.log()?);
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
    let log: Arc<dyn EventLog> = Arc::new(state.log()?);
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
        folder: state.run_folder(run).display().to_string(),
        listing: listing(state, &journal),
    })
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

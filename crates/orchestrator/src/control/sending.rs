//! The other side: leaving a request, and waiting a bounded time for its answer.

use std::time::{Duration, Instant};

use smallhands_task_graph::{Order, RunPhase};

use super::{Answer, Entry, append, decode, stream_of};
use crate::journal::Journal;
use crate::request::RunError;
use crate::state_dir::StateDir;

/// How often an answer is looked for.
const PAUSE: Duration = Duration::from_millis(40);

/// How often it is asked whether anybody owns the run; asking takes a while.
const OWNER_PAUSE: Duration = Duration::from_millis(500);

/// What is known about a request when the waiting ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The owner answered.
    Answered(Answer),
    /// Nobody owns the run: it takes effect when the run is resumed.
    Queued,
    /// The owner has not answered yet; the request stays.
    Pending,
}

/// Leaves a request, durably, and returns its number.
///
/// # Errors
/// [`RunError::UnknownRun`]; [`RunError::BadInput`] for a run that is finished; whatever the log fails with.
pub fn send(state: &StateDir, run: &str, order: &Order) -> Result<u64, RunError> {
    let log = state.log();
    match Journal::open(log.clone(), run)?.state().phase {
        RunPhase::Unsubmitted => {
            Err(RunError::UnknownRun { run: run.to_owned(), state: state.root().to_path_buf() })
        }
        RunPhase::Finished => {
            Err(RunError::BadInput(format!("run {run} is finished; `smallhands show {run}` says how")))
        }
        _ => append(log.as_ref(), &stream_of(run)?, &Entry::Requested(order.clone())),
    }
}

/// Waits until the request is answered, or `patience` is at its end. Does not wait for an owner that is not there.
///
/// # Errors
/// Whatever the log fails with.
pub fn await_answer(
    state: &StateDir,
    run: &str,
    request: u64,
    patience: Duration,
) -> Result<Outcome, RunError> {
    let log = state.log();
    let stream = stream_of(run)?;
    let until = Instant::now() + patience;
    let answer = || -> Result<Option<Answer>, RunError> {
        Ok(log.read(&stream, request)?.iter().find_map(|event| match decode(event) {
            Some(Entry::Answered(answer)) if answer.request == request => Some(answer),
            _ => None,
        }))
    };
    let mut ask_for_owner = Instant::now() + OWNER_PAUSE;
    loop {
        if let Some(answer) = answer()? {
            return Ok(Outcome::Answered(answer));
        }
        if Instant::now() >= until.min(ask_for_owner) {
            if !state.is_owned(run) {
                // An owner that has just gone may have answered last of all.
                return Ok(answer()?.map_or(Outcome::Queued, Outcome::Answered));
            }
            ask_for_owner = Instant::now() + OWNER_PAUSE;
        }
        if Instant::now() >= until {
            return Ok(Outcome::Pending);
        }
        std::thread::sleep(PAUSE);
    }
}

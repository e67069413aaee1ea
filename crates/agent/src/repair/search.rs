//! The search: candidates in rank order, each judged by the tests, until a complete patch has been compared with its
//! neighbours in the ranking or there is nothing left to try.

use std::sync::Arc;

use smallhands_checks::TestId;
use smallhands_repair::Edit;
use smallhands_shell_runtime::Runtime;
use tokio::sync::watch;
use tokio::time::Instant;

use super::exam::{Exam, Judgement, Patience, Repaired};
use super::frontier::{Frontier, Next};
use super::observer::{AttemptObserver, Reporter};
use super::trials::{Halt, OpenValidator, RuntimeValidators, Trials, interruptible};
use super::{
    Plausible, RepairError, SearchEnd, SearchOutcome, SearchTask, Space, baseline, combine, preference,
};
use crate::cancel::CancelToken;

/// Partial patches kept for each set of repaired tests.
const PARTIAL_PER_SET: usize = 4;
/// Partial patches kept in all.
const PARTIAL_LIMIT: usize = 32;

/// Searches the task's shard in one sandbox.
///
/// `bound` is the last rank worth trying, as far as siblings of a race know; they tighten it while this search runs.
///
/// # Errors
/// When the tests cannot be run, do not fail here, or no file to edit can be read. Finding nothing is no error.
pub async fn search(
    runtime: Arc<dyn Runtime>,
    task: &SearchTask,
    bound: watch::Receiver<Option<u64>>,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<SearchOutcome, RepairError> {
    let deadline = Instant::now() + task.wall;
    observer.activity("listing candidate edits", 0);
    let space = match interruptible(&cancel, Some(deadline), Space::read(runtime.as_ref(), task)).await {
        Ok(space) => space?,
        Err(Halt::Ended(end)) => return Ok(SearchOutcome::nothing(task, end)),
        Err(Halt::Failed(error)) => return Err(error),
    };
    let validators = RuntimeValidators { runtime, check: task.check.clone() };
    search_until(Arc::new(validators), &space, task, bound, cancel, observer, deadline).await
}

/// [`search`] over a space and with validators that are given.
///
/// # Errors
/// As [`search`].
pub async fn search_with(
    validators: Arc<dyn OpenValidator>,
    space: &Space,
    task: &SearchTask,
    bound: watch::Receiver<Option<u64>>,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<SearchOutcome, RepairError> {
    search_until(validators, space, task, bound, cancel, observer, Instant::now() + task.wall).await
}

async fn search_until(
    validators: Arc<dyn OpenValidator>,
    space: &Space,
    task: &SearchTask,
    bound: watch::Receiver<Option<u64>>,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
    deadline: Instant,
) -> Result<SearchOutcome, RepairError> {
    let tests: Vec<TestId> = task.failing.iter().chain(&task.guards).cloned().collect();
    let mut walk = Walk {
        space,
        task,
        bound,
        frontier: Frontier::new(task.shard, task.start_rank, space.len()),
        trials: Trials::new(validators, tests, Some(deadline), cancel),
        reporter: Reporter::new(observer),
        found: Vec::new(),
        validated: 0,
        notes: space.notes().to_vec(),
    };
    let ended = match walk.through().await {
        Ok(end) | Err(Halt::Ended(end)) => end,
        // What was found before the validator became unusable is worth returning.
        Err(Halt::Failed(error)) if walk.found.is_empty() => return Err(error),
        Err(Halt::Failed(error)) => {
            walk.notes.push(error.to_string());
            SearchEnd::Exhausted
        }
    };
    Ok(walk.finish(ended).await)
}

impl SearchOutcome {
    /// The outcome of a search that ended before anything was tried.
    fn nothing(task: &SearchTask, ended: SearchEnd) -> Self {
        let next_rank = Frontier::new(task.shard, task.start_rank, 0).next_rank();
        Self { plausible: Vec::new(), validated: 0, next_rank, ended, candidates: 0, notes: Vec::new() }
    }
}

/// One search under way.
struct Walk<'a> {
    space: &'a Space,
    task: &'a SearchTask,
    bound: watch::Receiver<Option<u64>>,
    frontier: Frontier,
    trials: Trials,
    reporter: Reporter<'a>,
    found: Vec<Plausible>,
    validated: u64,
    notes: Vec<String>,
}

impl Walk<'_> {
    async fn through(&mut self) -> Result<SearchEnd, Halt> {
        if let Next::End(end) = self.frontier.next(*self.bound.borrow()) {
            return Ok(end);
        }
        self.reporter.activity(0, || "running the tests as they are".into());
        let exam = baseline::exam(&mut self.trials, self.task).await?;
        self.notes.extend(exam.notes.iter().cloned());
        loop {
            self.trials.still_wanted()?;
            let bound = *self.bound.borrow();
            let next = self.frontier.next(bound);
            let (rank, patience) = match next {
                Next::Try(rank) => (rank, Patience::Brief),
                Next::Retry(rank) => (rank, Patience::Patient),
                Next::End(SearchEnd::Exhausted) => return self.combine(&exam).await,
                Next::End(end) => return Ok(end),
            };
            self.report(rank, patience);
            self.judge(&exam, rank, patience).await?;
            self.frontier.settle(&next);
            self.reporter.checkpoint(self.frontier.next_rank(), self.validated);
        }
    }

    async fn judge(&mut self, exam: &Exam, rank: u64, patience: Patience) -> Result<(), Halt> {
        let Some(candidate) = self.space.candidate(rank) else { return Ok(()) };
        let edits: [Edit; 1] = [candidate.edit.clone()];
        let found = &self.found;
        let worthwhile = |repaired: &Repaired| is_news(found, repaired);
        let judgement = exam.judge(&mut self.trials, &edits, patience, &worthwhile).await?;
        if patience == Patience::Brief {
            self.validated += 1;
        }
        match judgement {
            Judgement::Wrong => {}
            Judgement::Unsettled if patience == Patience::Brief => self.frontier.defer(rank),
            Judgement::Unsettled => {}
            Judgement::Repairs(repaired) => {
                let complete = repaired.complete;
                self.found.extend(self.space.patch(rank, &[candidate], repaired));
                if complete {
                    self.complete_at(rank);
                }
            }
        }
        Ok(())
    }

    /// Tells about the complete patch found last and narrows the search.
    fn complete_at(&mut self, rank: u64) {
        if let Some(patch) = self.found.last() {
            self.reporter.plausible(patch);
        }
        self.frontier.found(rank);
        if self.found.iter().filter(|patch| patch.complete).count() > self.task.max_alternatives {
            self.frontier.close();
        }
    }

    /// The last resort: partial patches that repair different tests, together.
    async fn combine(&mut self, exam: &Exam) -> Result<SearchEnd, Halt> {
        let combined = combine::search(&mut self.trials, exam, self.space, &self.found).await?;
        let end =
            if combined.iter().any(|patch| patch.complete) { SearchEnd::Found } else { SearchEnd::Exhausted };
        for patch in combined.iter().filter(|patch| patch.complete) {
            self.reporter.plausible(patch);
        }
        self.found.extend(combined);
        Ok(end)
    }

    fn report(&mut self, rank: u64, patience: Patience) {
        let (total, waiting) = (self.space.len(), self.frontier.waiting());
        let Some(candidate) = self.space.candidate(rank) else { return };
        self.reporter.activity(self.validated, || {
            let place = format!("{}:{}", candidate.edit.file, candidate.line);
            match patience {
                Patience::Brief => {
                    format!("trying edit {} of {total}: {} at {place}", rank + 1, candidate.kind)
                }
                Patience::Patient => {
                    format!("giving slow edits more time, {waiting} left: {} at {place}", candidate.kind)
                }
            }
        });
    }

    async fn finish(mut self, ended: SearchEnd) -> SearchOutcome {
        if let Some((times, last)) = self.trials.deaths() {
            self.notes
                .push(format!("the test process was started again {times} times, last because: {last}"));
        }
        self.trials.close().await;
        preference::sort(&mut self.found);
        let found = self.found.iter().any(|patch| patch.complete);
        SearchOutcome {
            plausible: self.found,
            validated: self.validated,
            next_rank: self.frontier.next_rank(),
            ended: if found && ended != SearchEnd::Cancelled { SearchEnd::Found } else { ended },
            candidates: self.space.len(),
            notes: self.notes,
        }
    }
}

/// Whether a patch is worth the run of the guards: complete ones always, partial ones while nothing complete is known and few
/// others repair the same.
fn is_news(found: &[Plausible], repaired: &Repaired) -> bool {
    let covers = |patch: &&Plausible| repaired.tests.iter().all(|test| patch.fixed.contains(test));
    repaired.complete
        || found.iter().all(|patch| !patch.complete)
            && found.len() < PARTIAL_LIMIT
            && found.iter().filter(covers).count() < PARTIAL_PER_SET
}

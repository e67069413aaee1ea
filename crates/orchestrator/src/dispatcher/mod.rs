//! The owner of a run: the only place that changes its state, talks to the outside, and decides when it is over.
//!
//! ```text
//! inputs (attempts, clock, user) ─► command ─► journal (durable) ─► state ─► effects ─► launch · stop · plan · finish
//! ```

mod outcome;
mod script;
mod telling;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smallhands_agent::cancel::CancelToken;
use smallhands_task_graph::{
    AttemptId, AttemptResult, Command, Effect, PlanChange, ReplanCause, RunEvent, RunPhase, Task, effects,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::assignment::Assignment;
use crate::journal::{Applied, Journal, now_ms};
use crate::planner::{Decision, Halt, rules};
use crate::progress::{Progress, RunSummary};
use crate::request::RunError;
use crate::state_dir::StateDir;
use crate::workshop::voice::{Input, Voice};
use crate::workshop::{Attempt, Workshop};
use script::Followed;

/// How long attempts may take to put their things away when the user interrupts.
const GRACE: Duration = Duration::from_secs(10);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(500);

/// An attempt at work in this process.
struct Launched {
    cancel: CancelToken,
    handle: JoinHandle<()>,
}

/// Owns a run from its first event to its last.
pub struct Dispatcher {
    journal: Journal,
    shop: Arc<Workshop>,
    state_dir: StateDir,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancelToken,
    launched: BTreeMap<AttemptId, Launched>,
    inbox: mpsc::UnboundedReceiver<Input>,
    outbox: mpsc::UnboundedSender<Input>,
    warnings: Vec<String>,
    started: std::time::Instant,
}

/// What is left to do after an effect.
enum Next {
    /// Look at the effects again: something changed.
    Again,
    /// Nothing to do until an input arrives.
    Wait,
    /// The planner wants the run to end.
    End(Halt),
}

impl Dispatcher {
    /// Takes over a run whose journal has been submitted or resumed.
    #[must_use]
    pub fn new(
        journal: Journal,
        shop: Workshop,
        state_dir: StateDir,
        progress: mpsc::UnboundedSender<Progress>,
        cancel: CancelToken,
    ) -> Self {
        let (outbox, inbox) = mpsc::unbounded_channel();
        Self {
            journal,
            shop: Arc::new(shop),
            state_dir,
            progress,
            cancel,
            launched: BTreeMap::new(),
            inbox,
            outbox,
            warnings: Vec::new(),
            started: std::time::Instant::now(),
        }
    }

    /// Works until the run is over.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] when cancelled (state kept), or when the log or the disk fails.
    pub async fn drive(mut self) -> Result<RunSummary, RunError> {
        let result = self.drive_to_end().await;
        self.stop_everything().await;
        result
    }

    async fn drive_to_end(&mut self) -> Result<RunSummary, RunError> {
        let mut clock = tokio::time::interval(TICK);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            match self.act()? {
                Next::End(halt) => return self.finish(halt).await,
                Next::Again => continue,
                Next::Wait => {}
            }
            let cancel = self.cancel.clone();
            tokio::select! {
                () = cancel.cancelled() => return Err(RunError::Interrupted { run: self.journal.run().to_owned() }),
                Some(input) = self.inbox.recv() => self.hear(input)?,
                _ = clock.tick() => { self.apply(&Command::Tick { at_ms: now_ms() })?; }
            }
        }
    }

    /// Does what the state asks for.
    fn act(&mut self) -> Result<Next, RunError> {
        let started = self.apply(&Command::StartReady { at_ms: now_ms() })?;
        let mut next = if started { Next::Again } else { Next::Wait };
        for effect in effects(self.journal.state()) {
            match effect {
                Effect::StartAttempt { attempt, task, continue_from, .. } => {
                    self.launch(attempt, *task, continue_from)?
                }
                Effect::StopAttempt { attempt, .. } => self.stop(&attempt)?,
                Effect::Replan { cause, seen } => {
                    next = self.replan(&cause, seen)?;
                }
                Effect::Finished => {}
            }
        }
        Ok(next)
    }

    fn replan(&mut self, cause: &ReplanCause, seen: u64) -> Result<Next, RunError> {
        if let ReplanCause::Halted { halt } = cause {
            return Ok(Next::End(Halt::Limit(halt.to_string())));
        }
        match self.follow_script(seen)? {
            Followed::Changed => return Ok(Next::Again),
            Followed::Ended(halt) => return Ok(Next::End(halt)),
            Followed::Over => {}
        }
        let decision = rules::plan(&self.view()?);
        let idle = matches!(cause, ReplanCause::Idle);
        match decision {
            Decision::Halt(halt) => Ok(Next::End(halt)),
            Decision::Change(change) if idle && change.add.is_empty() && change.drop.is_empty() => {
                Ok(Next::End(Halt::Unobservable("nothing is left that could be tried".into())))
            }
            Decision::Change(change) => {
                self.apply(&Command::AdoptPlan(PlanChange { seen: Some(seen), ..change }))?;
                Ok(Next::Again)
            }
        }
    }

    fn launch(
        &mut self,
        id: AttemptId,
        task: Task,
        continue_from: Option<serde_json::Value>,
    ) -> Result<(), RunError> {
        if self.launched.contains_key(&id) {
            return Ok(());
        }
        let work = Assignment::from_value(&task.params)
            .map_err(|error| self.unreadable(&id.task, &error.to_string()))?;
        let cancel = CancelToken::new();
        let view = self.view()?;
        let attempt = Attempt {
            head: view.head(),
            fixed: view.fixed(work.round()).into_iter().map(str::to_owned).collect(),
            brought: self.brought_for(&work)?,
            id: id.clone(),
            work,
            continue_from,
            cancel: cancel.clone(),
            voice: Arc::new(Voice::new(id.clone(), self.outbox.clone())),
            task,
        };
        self.tell(Progress::AttemptStarted {
            attempt: id.to_string(),
            role: attempt.task.role.to_string(),
            goal: attempt.task.goal.clone(),
        });
        let (shop, outbox) = (self.shop.clone(), self.outbox.clone());
        let ended = id.clone();
        let handle = tokio::spawn(async move {
            let result = shop.perform(&attempt).await;
            let _ = outbox.send(Input::Ended { attempt: ended, result });
        });
        self.launched.insert(id, Launched { cancel, handle });
        Ok(())
    }

    /// Asks an attempt to stop; one that this process never launched has ended already.
    fn stop(&mut self, id: &AttemptId) -> Result<(), RunError> {
        match self.launched.get(id) {
            Some(launched) => launched.cancel.cancel(),
            None => self.end(id.clone(), AttemptResult::Lost { reason: "stopped before it began".into() })?,
        }
        Ok(())
    }

    fn hear(&mut self, input: Input) -> Result<(), RunError> {
        match input {
            Input::Activity { attempt, doing, validations } => {
                self.tell(Progress::AttemptActivity { attempt: attempt.to_string(), doing, validations });
            }
            Input::Found { attempt, patch } => {
                self.tell(Progress::PatchFound { attempt: attempt.to_string(), patch })
            }
            Input::Warning(message) => self.warn(message),
            Input::Note { attempt, note } => {
                self.apply(&Command::AttemptProgress { attempt, note })?;
            }
            Input::Ended { attempt, result } => self.end(attempt, result)?,
        }
        Ok(())
    }

    fn end(&mut self, attempt: AttemptId, result: AttemptResult) -> Result<(), RunError> {
        self.launched.remove(&attempt);
        self.apply(&Command::FinishAttempt { attempt, result, at_ms: now_ms() })?;
        Ok(())
    }

    /// Applies a command and tells what came of it; false when nothing changed.
    fn apply(&mut self, command: &Command) -> Result<bool, RunError> {
        match self.journal.apply(command)? {
            Applied::Events(events) => {
                for event in &events {
                    self.tell_event(event);
                }
                Ok(!events.is_empty())
            }
            Applied::Rejected(rejection) => {
                tracing::warn!(%rejection, "a command was refused");
                Ok(false)
            }
        }
    }

    fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message.clone());
            self.tell(Progress::Warning { message });
        }
    }

    /// A front end that is gone has no use for progress.
    fn tell(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }

    fn tell_event(&self, event: &RunEvent) {
        for progress in telling::of_event(event, self.journal.state()) {
            self.tell(progress);
        }
    }

    /// Cancels what is still at work, waits for it to put its things away, and cuts off what does not.
    async fn stop_everything(&mut self) {
        for launched in self.launched.values() {
            launched.cancel.cancel();
        }
        let deadline = tokio::time::Instant::now() + GRACE;
        for (_, launched) in std::mem::take(&mut self.launched) {
            let abort = launched.handle.abort_handle();
            if tokio::time::timeout_at(deadline, launched.handle).await.is_err() {
                abort.abort();
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.journal.state().phase == RunPhase::Finished
    }

    fn unreadable(&self, task: &smallhands_task_graph::TaskId, reason: &str) -> RunError {
        RunError::StoredState { run: self.journal.run().to_owned(), reason: format!("task {task}: {reason}") }
    }
}

/// An owner that goes away in the middle of its work takes its attempts with it: the next owner must not meet them.
impl Drop for Dispatcher {
    fn drop(&mut self) {
        for launched in self.launched.values() {
            launched.cancel.cancel();
            launched.handle.abort();
        }
    }
}

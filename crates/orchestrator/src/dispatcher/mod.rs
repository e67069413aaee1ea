//! The owner of a run: the only place that changes its state, talks to the outside, and decides when it is over.
//!
//! ```text
//! inputs (attempts, clock, user) ─► command ─► journal (durable) ─► state ─► effects ─► launch · stop · plan · finish
//! ```

mod handover;
mod hearing;
mod outcome;
mod script;
mod steering;
mod telling;
mod views;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smallhands_agent::cancel::CancelToken;
use smallhands_task_graph::{
    AttemptId, AttemptResult, Command, Effect, PlanChange, ReplanCause, RunEvent, RunPhase, Task, effects,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::assignment::Assignment;
use crate::conduct::Conduct;
use crate::control::Inbox;
use crate::journal::{Applied, Journal, now_ms};
use crate::planner::{self, Course, Halt};
use crate::progress::{Progress, RunSummary};
use crate::request::RunError;
use crate::state_dir::StateDir;
use crate::workshop::voice::{Input, Voice};
use crate::workshop::{Attempt, Workshop};
pub use outcome::verdict_of;
pub use script::known_tasks;
pub use telling::describe;
pub use views::{facts_of, view_of};

/// How long attempts may take to put their things away when the user interrupts.
const GRACE: Duration = Duration::from_secs(10);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often it is looked whether somebody ordered something.
const OBEY: Duration = Duration::from_millis(120);

/// An attempt at work in this process.
struct Launched {
    cancel: CancelToken,
    handle: JoinHandle<()>,
    /// What the user says to it and it has not heard yet.
    mailbox: Arc<Mutex<Vec<String>>>,
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
    orders: Inbox,
    asking: BTreeMap<String, oneshot::Sender<bool>>,
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
    ///
    /// # Errors
    /// When the run's id cannot name a stream.
    pub fn new(
        journal: Journal,
        shop: Workshop,
        state_dir: StateDir,
        progress: mpsc::UnboundedSender<Progress>,
        cancel: CancelToken,
    ) -> Result<Self, RunError> {
        let (outbox, inbox) = mpsc::unbounded_channel();
        Ok(Self {
            orders: Inbox::new(shop.log.clone(), journal.run())?,
            asking: BTreeMap::new(),
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
        })
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
        let mut orders = tokio::time::interval(OBEY);
        orders.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.tell_cuts();
        // What was ordered while nobody owned the run takes effect before anything starts.
        self.obey()?;
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
                _ = clock.tick() => self.tick()?,
                _ = orders.tick() => self.obey()?,
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
                // What follows was derived from a state in which the attempt had not ended.
                Effect::StopAttempt { attempt, .. } if self.stop(&attempt)? => return Ok(Next::Again),
                Effect::StopAttempt { .. } => {}
                Effect::Replan { cause, seen } => {
                    next = self.replan(&cause, seen)?;
                }
                Effect::Finished => {}
            }
        }
        Ok(next)
    }

    fn replan(&mut self, cause: &ReplanCause, seen: u64) -> Result<Next, RunError> {
        let script =
            self.shop.script.as_ref().map(|script| script.progress(&known_tasks(self.journal.state())));
        match planner::next(cause, &self.view()?, script) {
            Course::Halt(halt) => Ok(Next::End(halt)),
            Course::Changes(changes) => {
                let adopt = |change| Command::AdoptPlan(PlanChange { seen: Some(seen), ..change });
                let commands: Vec<Command> = changes.into_iter().map(adopt).collect();
                match self.journal.apply_together(&commands)? {
                    Applied::Rejected(rejection) => Ok(Next::End(Halt::PlanFailed(rejection.to_string()))),
                    Applied::Events(events) => {
                        events.iter().for_each(|event| self.tell_event(event));
                        Ok(Next::Again)
                    }
                }
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
        let control = &self.journal.state().control;
        let mailbox = Arc::new(Mutex::new(control.messages.get(&id.task).cloned().unwrap_or_default()));
        let (effect_key, outside) = self.effect_of(&id.task);
        let attempt = Attempt {
            conduct: Conduct::of(&task.params),
            mailbox: mailbox.clone(),
            outside,
            effect_key,
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
        self.launched.insert(id, Launched { cancel, handle, mailbox });
        Ok(())
    }

    /// Asks an attempt to stop; one that this process never launched has ended already, which is then recorded.
    fn stop(&mut self, id: &AttemptId) -> Result<bool, RunError> {
        if let Some(launched) = self.launched.get(id) {
            launched.cancel.cancel();
            return Ok(false);
        }
        self.end(id.clone(), AttemptResult::Lost { reason: "stopped before it began".into() })?;
        Ok(true)
    }

    fn end(&mut self, attempt: AttemptId, result: AttemptResult) -> Result<(), RunError> {
        self.launched.remove(&attempt);
        self.apply(&Command::FinishAttempt { attempt, result, at_ms: now_ms() })?;
        Ok(())
    }

    /// Applies a command and tells what came of it; false when nothing changed.
    fn apply(&mut self, command: &Command) -> Result<bool, RunError> {
        let applied = self.journal.apply(command)?;
        Ok(self.tell_applied(&applied))
    }

    fn tell_applied(&self, applied: &Applied) -> bool {
        match applied {
            Applied::Events(events) => {
                events.iter().for_each(|event| self.tell_event(event));
                !events.is_empty()
            }
            Applied::Rejected(rejection) => {
                tracing::warn!(%rejection, "a command was refused");
                false
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

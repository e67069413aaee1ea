//! What the tests of the task graph share: a run that keeps its own log, and transcripts in a small language.
//!
//! A transcript is a dialogue. `> command` is answered by the events it leads to or by the refusal, `? question` by a
//! look at the state:
//!
//! ```text
//! > submit agents=2
//! > adopt + a weight=5 + b after=a
//! adopted +a +b
//! > start @3
//! a#1 started
//! ? tasks
//! a running, b waiting
//! ```

mod speak;

use serde_json::Value;
use smallhands_task_graph::{
    AttemptId, AttemptResult, Command, Plan, PlanChange, RaceId, Rejection, RunEvent, RunLimits, RunState,
    Task, decide, replay, try_evolve,
};

pub use speak::check;

/// A run with its log, in memory.
#[derive(Debug, Clone, Default)]
pub struct Run {
    pub state: RunState,
    pub log: Vec<RunEvent>,
}

impl Run {
    /// A submitted run with this many agents and no other limit.
    pub fn with_agents(agents: u32) -> Self {
        let mut run = Self::default();
        let limits = RunLimits { agents, ..RunLimits::default() };
        run.must(&Command::Submit { spec: Value::Null, limits, at_ms: 0 });
        run
    }

    /// A submitted run with a plan.
    pub fn with_plan(agents: u32, tasks: Vec<Task>) -> Self {
        let mut run = Self::with_agents(agents);
        run.must(&Command::AdoptPlan(Plan { tasks }.into()));
        run
    }

    /// Gives a command and follows its events, checking that each may follow.
    pub fn give(&mut self, command: &Command) -> Result<Vec<RunEvent>, Rejection> {
        let events = decide(&self.state, command)?;
        for event in &events {
            self.state = try_evolve(std::mem::take(&mut self.state), event).unwrap();
            self.log.push(event.clone());
        }
        Ok(events)
    }

    /// Gives a command that must be accepted.
    pub fn must(&mut self, command: &Command) -> Vec<RunEvent> {
        self.give(command).unwrap_or_else(|refusal| panic!("{command:?} refused: {refusal}"))
    }

    /// Starts what may start and returns the attempts.
    pub fn start(&mut self, at_ms: i64) -> Vec<AttemptId> {
        let events = self.must(&Command::StartReady { at_ms });
        let started = |event| match event {
            RunEvent::AttemptStarted { attempt, .. } => Some(attempt),
            _ => None,
        };
        events.into_iter().filter_map(started).collect()
    }

    /// Ends an attempt.
    pub fn end(&mut self, attempt: &AttemptId, result: AttemptResult, at_ms: i64) -> Vec<RunEvent> {
        self.must(&Command::FinishAttempt { attempt: attempt.clone(), result, at_ms })
    }

    /// Asserts that the log leads to the state that the run is in, byte for byte.
    pub fn assert_replays(&self) {
        let replayed = replay(&self.log).unwrap();
        assert_eq!(bytes(&replayed), bytes(&self.state));
    }
}

/// The state as bytes.
pub fn bytes(state: &RunState) -> String {
    serde_json::to_string(state).unwrap()
}

/// A task that waits for others.
pub fn task(id: &str, after: &[&str]) -> Task {
    Task { after: after.iter().map(|id| (*id).into()).collect(), ..Task::new(id, "worker", "work") }
}

pub fn done() -> AttemptResult {
    AttemptResult::Done { output: Value::Null }
}

pub fn gave_up() -> AttemptResult {
    AttemptResult::GaveUp { reason: "no idea".into(), output: Value::Null }
}

pub fn lost() -> AttemptResult {
    AttemptResult::Lost { reason: "the sandbox broke".into() }
}

pub fn drop_tasks(ids: &[&str]) -> Command {
    let drop = ids.iter().map(|id| (*id).into()).collect();
    Command::AdoptPlan(PlanChange { drop, reason: "not wanted".into(), ..PlanChange::default() })
}

pub fn race_of(name: &str) -> Option<RaceId> {
    Some(name.into())
}

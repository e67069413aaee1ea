//! Control of a run from outside: orders of its user, questions to its user, and effects outside of it.
//!
//! An order is taken at most once: it has the number of the request that it came with, and an order whose number is not
//! higher than the last one taken is refused. So whoever passes orders on may do so again after a crash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decide::fallen;
use crate::evolve::drop_or_stop;
use crate::{AttemptId, Rejection, RunEvent, RunState, TaskId, TaskPhase};

/// What the user of a run may order while it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Start nothing new; what runs may end. The deadline waits.
    Pause,
    /// Go on.
    Unpause,
    /// Call the run off.
    CancelRun {
        /// Why, for people.
        reason: String,
    },
    /// Take a task out of the plan; a running attempt at it is asked to stop.
    CancelTask {
        /// The task.
        task: TaskId,
        /// Why, for people.
        reason: String,
    },
    /// Stop one attempt. It counts as lost: the task is tried again while attempts remain.
    CancelAttempt {
        /// The attempt.
        attempt: AttemptId,
        /// Why, for people.
        reason: String,
    },
    /// Other limits from now on; what is absent stays.
    ChangeLimits {
        /// Time that the run has from now on, milliseconds.
        #[serde(default)]
        time_ms: Option<u64>,
        /// Money for the whole run, millionths of a US dollar.
        #[serde(default)]
        budget_usd_micros: Option<u64>,
        /// Most attempts at the same time.
        #[serde(default)]
        agents: Option<u32>,
    },
    /// Say something to the agent of an attempt, and to those that try the same task later.
    Tell {
        /// The attempt.
        attempt: AttemptId,
        /// What to say.
        message: String,
    },
    /// Answer a question.
    Answer {
        /// Which one, as in `ask-1`.
        approval: String,
        /// The answer.
        yes: bool,
    },
}

/// What came of control so far; part of [`RunState`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ControlState {
    /// The number of the last order taken.
    pub orders_through: u64,
    /// Since when the run is paused, milliseconds since the Unix epoch.
    pub paused_at_ms: Option<i64>,
    /// Money for the whole run, if it was changed after submission, millionths of a US dollar.
    pub budget_usd_micros: Option<u64>,
    /// Attempts that the user stopped, with the reason.
    pub called_off: BTreeMap<AttemptId, String>,
    /// What agents were told, by task.
    pub messages: BTreeMap<TaskId, Vec<String>>,
    /// Questions to the user, by name.
    pub approvals: BTreeMap<String, Approval>,
    /// Effects outside of the run, by idempotency key.
    pub outside: BTreeMap<String, OutsideEffect>,
    /// The run of which this one is a fork.
    pub forked_from: Option<Origin>,
}

/// A question of an attempt to the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Who asks.
    pub attempt: AttemptId,
    /// What is asked.
    pub question: String,
    /// What counts when nobody answers in time.
    pub default: bool,
    /// Until when an answer counts, milliseconds since the Unix epoch.
    pub until_ms: i64,
    /// The answer, once there is one.
    pub answer: Option<bool>,
}

/// Something that a run does outside of itself, which must not be done twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutsideEffect {
    /// The attempt that does it; absent for the run itself.
    pub attempt: Option<AttemptId>,
    /// What is intended; opaque here.
    pub what: Value,
    /// Whether it is known to be done. Without that, nobody knows whether it happened.
    pub done: bool,
    /// What is known about its outcome; opaque here.
    pub receipt: Option<Value>,
}

/// Where a forked run comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The other run.
    pub run: String,
    /// How many of its events the fork shares.
    pub at: u64,
}

impl ControlState {
    /// Whether nothing was ever ordered, asked or done outside.
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing new may start.
    pub fn is_paused(&self) -> bool {
        self.paused_at_ms.is_some()
    }
}

impl RunState {
    /// The questions that wait for an answer: not answered, and somebody is there to hear it.
    pub fn open_approvals(&self) -> impl Iterator<Item = (&String, &Approval)> {
        self.control.approvals.iter().filter(|(_, approval)| {
            approval.answer.is_none()
                && self.attempt(&approval.attempt).is_some_and(|attempt| !attempt.phase.is_over())
        })
    }
}

/// Takes an order, or says why not.
pub(crate) fn take(
    state: &RunState,
    request: u64,
    order: &Order,
    at_ms: i64,
) -> Result<Vec<RunEvent>, Rejection> {
    if request <= state.control.orders_through {
        return Err(Rejection::OrderKnown { request });
    }
    let consequences = match order {
        Order::Pause => pause(state)?,
        Order::Unpause => unpause(state, at_ms)?,
        Order::CancelRun { reason } => crate::decide::cancel(state, reason),
        Order::CancelTask { task, .. } => cancel_task(state, task)?,
        Order::CancelAttempt { attempt, .. } | Order::Tell { attempt, .. } => {
            crate::decide::require_active(state, attempt)?;
            Vec::new()
        }
        Order::ChangeLimits { time_ms, budget_usd_micros, agents } => {
            if time_ms.is_none() && budget_usd_micros.is_none() && agents.is_none() {
                return Err(Rejection::NothingToChange);
            }
            change_limits(state, *time_ms, *agents, at_ms)?
        }
        Order::Answer { approval, .. } => require_open(state, approval)?,
    };
    let taken = RunEvent::OrderTaken { request, order: order.clone(), at_ms };
    Ok(std::iter::once(taken).chain(consequences).collect())
}

fn require_going_on(state: &RunState) -> Result<(), Rejection> {
    match &state.halt {
        Some(halt) => Err(Rejection::Ending { why: halt.to_string() }),
        None => Ok(()),
    }
}

fn pause(state: &RunState) -> Result<Vec<RunEvent>, Rejection> {
    require_going_on(state)?;
    if state.control.is_paused() { Err(Rejection::AlreadyPaused) } else { Ok(Vec::new()) }
}

/// Time in which the run was paused is not charged to its deadline.
fn unpause(state: &RunState, at_ms: i64) -> Result<Vec<RunEvent>, Rejection> {
    let since = state.control.paused_at_ms.ok_or(Rejection::NotPaused)?;
    let moved = state.limits.deadline_at_ms.map(|deadline| RunEvent::DeadlineMoved {
        deadline_at_ms: deadline.saturating_add(at_ms.saturating_sub(since).max(0)),
    });
    Ok(moved.into_iter().collect())
}

fn cancel_task(state: &RunState, task: &TaskId) -> Result<Vec<RunEvent>, Rejection> {
    match state.task(task).map(|task| task.phase) {
        None => Err(Rejection::UnknownTask { task: task.clone() }),
        Some(TaskPhase::Waiting) => {
            Ok(fallen(state, &state.tasks.slot(task).into_iter().collect::<Vec<_>>(), &[], &[]))
        }
        Some(TaskPhase::Running) => Ok(Vec::new()),
        Some(phase) => Err(Rejection::CannotDrop { task: task.clone(), phase }),
    }
}

fn change_limits(
    state: &RunState,
    time_ms: Option<u64>,
    agents: Option<u32>,
    at_ms: i64,
) -> Result<Vec<RunEvent>, Rejection> {
    require_going_on(state)?;
    for (field, is_zero) in [("agents", agents == Some(0)), ("time_ms", time_ms == Some(0))] {
        if is_zero {
            return Err(Rejection::ZeroLimit { field });
        }
    }
    // A paused run's clock stands still since then.
    let from = state.control.paused_at_ms.unwrap_or(at_ms);
    let moved = time_ms.map(|time| RunEvent::DeadlineMoved {
        deadline_at_ms: from.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)),
    });
    Ok(moved.into_iter().collect())
}

fn require_open(state: &RunState, approval: &str) -> Result<Vec<RunEvent>, Rejection> {
    if state.open_approvals().any(|(name, _)| name == approval) {
        return Ok(Vec::new());
    }
    let approval = approval.to_owned();
    Err(match state.control.approvals.contains_key(&approval) {
        true => Rejection::ApprovalOver { approval },
        false => Rejection::UnknownApproval { approval },
    })
}

/// Puts a question under the next free name.
pub(crate) fn ask(
    state: &RunState,
    attempt: &AttemptId,
    question: &str,
    default: bool,
    until_ms: i64,
) -> Result<Vec<RunEvent>, Rejection> {
    crate::decide::require_active(state, attempt)?;
    let approval = format!("ask-{}", state.control.approvals.len() + 1);
    let (attempt, question) = (attempt.clone(), question.to_owned());
    Ok(vec![RunEvent::ApprovalAsked { approval, attempt, question, default, until_ms }])
}

/// The questions whose time is up.
pub(crate) fn lapsed(state: &RunState, at_ms: i64) -> Vec<RunEvent> {
    let late = state.open_approvals().filter(|(_, approval)| at_ms >= approval.until_ms);
    late.map(|(name, _)| RunEvent::ApprovalLapsed { approval: name.clone() }).collect()
}

/// Says what will be done outside, once per key.
pub(crate) fn intend(
    state: &RunState,
    key: &str,
    attempt: Option<&AttemptId>,
    what: &Value,
) -> Result<Vec<RunEvent>, Rejection> {
    if state.control.outside.contains_key(key) {
        return Err(Rejection::EffectKnown { key: key.to_owned() });
    }
    if let Some(attempt) = attempt {
        let task = crate::decide::require_active(state, attempt)?;
        if task.phase == TaskPhase::Stopping || state.control.called_off.contains_key(attempt) {
            return Err(Rejection::AttemptStopping { attempt: attempt.clone() });
        }
    }
    let (key, attempt, what) = (key.to_owned(), attempt.cloned(), what.clone());
    Ok(vec![RunEvent::EffectIntended { key, attempt, what }])
}

/// Says how it came out. What is known to be done stays done.
pub(crate) fn receive(
    state: &RunState,
    key: &str,
    done: bool,
    receipt: &Value,
) -> Result<Vec<RunEvent>, Rejection> {
    match state.control.outside.get(key) {
        None => Err(Rejection::UnknownEffect { key: key.to_owned() }),
        Some(effect) if effect.done => Err(Rejection::EffectDone { key: key.to_owned() }),
        Some(_) => Ok(vec![RunEvent::EffectReceived { key: key.to_owned(), done, receipt: receipt.clone() }]),
    }
}

/// Whether an event of control can follow.
pub(crate) fn check(state: &RunState, event: &RunEvent) -> Result<(), String> {
    let control = &state.control;
    match event {
        RunEvent::OrderTaken { request, .. } if *request <= control.orders_through => {
            Err(format!("order {request} was taken already"))
        }
        RunEvent::ApprovalLapsed { approval } if !control.approvals.contains_key(approval) => {
            Err(format!("nobody asked `{approval}`"))
        }
        RunEvent::ApprovalAsked { approval, .. } if control.approvals.contains_key(approval) => {
            Err(format!("`{approval}` was asked already"))
        }
        RunEvent::EffectIntended { key, .. } if control.outside.contains_key(key) => {
            Err(format!("`{key}` was intended already"))
        }
        RunEvent::EffectReceived { key, .. } if !control.outside.contains_key(key) => {
            Err(format!("`{key}` was never intended"))
        }
        _ => Ok(()),
    }
}

/// Follows an event of control; any other changes nothing here.
pub(crate) fn write(state: &mut RunState, event: &RunEvent) {
    let control = &mut state.control;
    match event {
        RunEvent::OrderTaken { request, order, at_ms } => {
            control.orders_through = *request;
            follow(state, order, *at_ms);
        }
        RunEvent::DeadlineMoved { deadline_at_ms } => state.limits.deadline_at_ms = Some(*deadline_at_ms),
        RunEvent::ApprovalAsked { approval, attempt, question, default, until_ms } => {
            let asked = Approval {
                attempt: attempt.clone(),
                question: question.clone(),
                default: *default,
                until_ms: *until_ms,
                answer: None,
            };
            control.approvals.insert(approval.clone(), asked);
        }
        RunEvent::ApprovalLapsed { approval } => {
            if let Some(approval) = control.approvals.get_mut(approval) {
                approval.answer = Some(approval.default);
            }
        }
        RunEvent::EffectIntended { key, attempt, what } => {
            let effect =
                OutsideEffect { attempt: attempt.clone(), what: what.clone(), done: false, receipt: None };
            control.outside.insert(key.clone(), effect);
        }
        RunEvent::EffectReceived { key, done, receipt } => {
            if let Some(effect) = control.outside.get_mut(key) {
                effect.done = *done;
                effect.receipt = Some(receipt.clone());
            }
        }
        RunEvent::RunForked { parent, at } => {
            control.forked_from = Some(Origin { run: parent.clone(), at: *at });
        }
        // The clock of a paused run stands still also while nobody owns it.
        RunEvent::RunResumed { at_ms, .. } if control.is_paused() => control.paused_at_ms = Some(*at_ms),
        _ => {}
    }
}

fn follow(state: &mut RunState, order: &Order, at_ms: i64) {
    let control = &mut state.control;
    match order {
        Order::Pause => control.paused_at_ms = Some(at_ms),
        Order::Unpause => control.paused_at_ms = None,
        Order::CancelTask { task, reason } => {
            if let Some(slot) = state.tasks.slot(task) {
                drop_or_stop(state, slot, reason);
            }
        }
        Order::CancelAttempt { attempt, reason } => {
            control.called_off.insert(attempt.clone(), reason.clone());
        }
        Order::ChangeLimits { budget_usd_micros, agents, .. } => {
            control.budget_usd_micros = budget_usd_micros.or(control.budget_usd_micros);
            state.limits.agents = agents.unwrap_or(state.limits.agents);
        }
        Order::Tell { attempt, message } => {
            control.messages.entry(attempt.task.clone()).or_default().push(message.clone());
        }
        Order::Answer { approval, yes } => {
            if let Some(approval) = control.approvals.get_mut(approval) {
                approval.answer = Some(*yes);
            }
        }
        // Halting is an event of its own.
        Order::CancelRun { .. } => {}
    }
}

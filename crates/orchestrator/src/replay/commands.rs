//! Which command an event may have come from. The first event of a command carries what the command carried; where it does
//! not carry the time, the times that come into question are tried.

use smallhands_task_graph::{Command, Limit, PlanChange, RunEvent, RunState};

use super::Recorded;

/// The commands that may have led to `events[0]` and what follows it, the likeliest first; none for an event that is never
/// the first of its command.
pub(super) fn of(state: &RunState, events: &[Recorded]) -> Vec<Command> {
    let Some(Recorded { event, at_ms: written_ms }) = events.first() else { return Vec::new() };
    match event {
        RunEvent::RunSubmitted { spec, limits, at_ms } => {
            vec![Command::Submit { spec: spec.clone(), limits: limits.clone(), at_ms: *at_ms }]
        }
        RunEvent::PlanAdopted { add, drop, reason, seen } => vec![Command::AdoptPlan(PlanChange {
            add: add.clone(),
            drop: drop.clone(),
            reason: reason.clone(),
            seen: *seen,
        })],
        RunEvent::AttemptStarted { at_ms, .. } => vec![Command::StartReady { at_ms: *at_ms }],
        RunEvent::TaskUnreachable { .. } => start_ready(events, *written_ms),
        RunEvent::AttemptProgressed { attempt, note } => {
            vec![Command::AttemptProgress { attempt: attempt.clone(), note: note.clone() }]
        }
        RunEvent::AttemptFinished { attempt, result, at_ms, .. } => {
            vec![Command::FinishAttempt { attempt: attempt.clone(), result: result.clone(), at_ms: *at_ms }]
        }
        RunEvent::AttemptFailed { attempt, failure, at_ms, .. } => {
            vec![Command::FailAttempt { attempt: attempt.clone(), failure: failure.clone(), at_ms: *at_ms }]
        }
        RunEvent::CapacityChanged { capacity } => vec![Command::ChangeCapacity { capacity: *capacity }],
        RunEvent::RunResumed { at_ms, .. } => vec![Command::Resume { at_ms: *at_ms }],
        RunEvent::RunCancelled { reason } => vec![Command::Cancel { reason: reason.clone() }],
        RunEvent::RunLimitReached { which } => limit_reached(state, which, events, *written_ms),
        RunEvent::OrderTaken { request, order, at_ms } => {
            vec![Command::Order { request: *request, order: order.clone(), at_ms: *at_ms }]
        }
        RunEvent::ApprovalAsked { attempt, question, default, until_ms, .. } => vec![Command::Ask {
            attempt: attempt.clone(),
            question: question.clone(),
            default: *default,
            until_ms: *until_ms,
        }],
        RunEvent::ApprovalLapsed { approval } => {
            let until = state.control.approvals.get(approval).map(|approval| approval.until_ms);
            let times = until.into_iter().chain([*written_ms]);
            times.map(|at_ms| Command::Tick { at_ms }).collect()
        }
        RunEvent::EffectIntended { key, attempt, what } => {
            vec![Command::Intend { key: key.clone(), attempt: attempt.clone(), what: what.clone() }]
        }
        RunEvent::EffectReceived { key, done, receipt } => {
            vec![Command::Receive { key: key.clone(), done: *done, receipt: receipt.clone() }]
        }
        RunEvent::RunForked { parent, at } => vec![Command::Fork { parent: parent.clone(), at: *at }],
        RunEvent::RunFinished { verdict, summary } => {
            vec![Command::Finish { verdict: verdict.clone(), summary: summary.clone() }]
        }
        // These only ever follow another event of their command.
        RunEvent::AttemptLost { .. } | RunEvent::DeadlineMoved { .. } | RunEvent::TaskDelayed { .. } => {
            Vec::new()
        }
    }
}

/// Starting what is ready also says what can never start; the time is in the attempts that it starts, if it starts any.
fn start_ready(events: &[Recorded], written_ms: i64) -> Vec<Command> {
    let started = events.iter().find_map(|recorded| match &recorded.event {
        RunEvent::AttemptStarted { at_ms, .. } => Some(*at_ms),
        _ => None,
    });
    started.into_iter().chain([written_ms]).map(|at_ms| Command::StartReady { at_ms }).collect()
}

fn limit_reached(state: &RunState, which: &Limit, events: &[Recorded], written_ms: i64) -> Vec<Command> {
    let mut commands = match which {
        Limit::Attempts => start_ready(events, written_ms),
        Limit::Deadline => {
            let times = state.limits.deadline_at_ms.into_iter().chain([written_ms]);
            let both = |at_ms| [Command::Tick { at_ms }, Command::StartReady { at_ms }];
            times.flat_map(both).collect()
        }
        _ => Vec::new(),
    };
    commands.push(Command::LimitReached { which: which.clone() });
    commands
}

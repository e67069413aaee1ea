//! `pause`, `unpause`, `cancel`, `limit`, `tell`, `approve`: leave an order for a run, wait for the answer of its owner, and
//! say what happened.

use std::time::Duration;

use serde_json::{Value, json};
use smallhands_orchestrator::control::{self, Order, Outcome};
use smallhands_orchestrator::state_dir::StateDir;

use crate::arguments::steering::{
    ApproveArguments, CancelArguments, LimitArguments, SteeredRun, TellArguments, YesOrNo,
};
use crate::exit_code;
use crate::failure::Failure;
use crate::run::explain;

/// The order of `cancel`.
///
/// # Errors
/// When what it names is no attempt.
pub fn cancel(arguments: &CancelArguments) -> Result<Order, Failure> {
    let reason = arguments.reason.clone();
    Ok(match (&arguments.task, &arguments.attempt) {
        (Some(task), _) => Order::CancelTask { task: task.as_str().into(), reason },
        (None, Some(attempt)) => Order::CancelAttempt { attempt: parsed(attempt)?, reason },
        (None, None) => Order::CancelRun { reason },
    })
}

/// The order of `limit`.
pub fn limit(arguments: &LimitArguments) -> Order {
    Order::ChangeLimits {
        time_ms: arguments.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        budget_usd_micros: arguments.budget_usd.map(|budget| (budget * 1e6) as u64),
        agents: arguments.agents,
    }
}

/// The order of `tell`.
///
/// # Errors
/// When what it names is no attempt.
pub fn tell(arguments: &TellArguments) -> Result<Order, Failure> {
    Ok(Order::Tell { attempt: parsed(&arguments.attempt)?, message: arguments.message.clone() })
}

/// The order of `approve`.
pub fn approve(arguments: &ApproveArguments) -> Order {
    Order::Answer { approval: arguments.request.clone(), yes: arguments.answer == YesOrNo::Yes }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| {
        Failure::bad_input(
            "this does not name an attempt",
            text,
            "write the task, `#` and a number, as `smallhands show RUN` does: fix-a#2",
        )
    })
}

/// Leaves the order and says what became of it.
///
/// # Errors
/// When there is no such run, it is finished, or the state cannot be used.
pub fn give(state: &StateDir, run: &SteeredRun, order: &Order) -> Result<u8, Failure> {
    let request = control::send(state, &run.run, order).map_err(|error| explain(&error))?;
    let outcome =
        control::await_answer(state, &run.run, request, run.wait).map_err(|error| explain(&error))?;
    let (exit, words) = tell_outcome(&run.run, &outcome, run.wait);
    if run.output.json {
        println!("{}", object(&run.run, request, &outcome, &words));
    } else {
        println!("{words}");
    }
    Ok(exit)
}

fn tell_outcome(run: &str, outcome: &Outcome, wait: Duration) -> (u8, String) {
    match outcome {
        Outcome::Answered(answer) if answer.accepted => (exit_code::VERIFIED, answer.words.clone()),
        Outcome::Answered(answer) => (exit_code::NOT_VERIFIED, format!("refused: {}", answer.words)),
        Outcome::Queued => (
            exit_code::VERIFIED,
            format!("recorded: no process owns the run; it takes effect with `smallhands resume {run}`"),
        ),
        Outcome::Pending => (
            exit_code::LIMIT,
            format!("no answer within {} s; the request is kept and will be answered", wait.as_secs_f64()),
        ),
    }
}

fn object(run: &str, request: u64, outcome: &Outcome, words: &str) -> Value {
    let outcome = match outcome {
        Outcome::Answered(answer) if answer.accepted => "accepted",
        Outcome::Answered(_) => "refused",
        Outcome::Queued => "queued",
        Outcome::Pending => "pending",
    };
    json!({ "type": "control.outcome", "run": run, "request": request, "outcome": outcome, "words": words })
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_orchestrator::control::Answer;

    #[test]
    fn every_outcome_has_its_exit_code() {
        let answered = |accepted| Outcome::Answered(Answer { request: 3, accepted, words: "paused".into() });
        let cases = [
            (answered(true), 0, "accepted", "paused"),
            (answered(false), 1, "refused", "refused: paused"),
            (Outcome::Queued, 0, "queued", "smallhands resume r1"),
            (Outcome::Pending, 3, "pending", "within 2 s"),
        ];
        for (outcome, exit, word, words) in cases {
            let told = tell_outcome("r1", &outcome, Duration::from_secs(2));
            assert_eq!(told.0, exit);
            assert!(told.1.contains(words), "{}", told.1);
            let object = object("r1", 3, &outcome, &told.1);
            assert_eq!((object["outcome"].as_str(), object["request"].as_u64()), (Some(word), Some(3)));
        }
    }

    #[test]
    fn what_is_no_attempt_is_refused() {
        let failure = parsed::<smallhands_orchestrator::control::AttemptId>("fix-a").unwrap_err();
        assert!(failure.to_string().contains("fix-a#2"), "{failure}");
    }
}

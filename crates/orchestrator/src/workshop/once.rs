//! Commands with an effect outside that must happen once: mail, a release, a row in somebody's table.
//!
//! ```text
//! nothing known ──► intent (durable) ──► command ──► receipt (durable)
//! intent, no receipt: the process died in between ──► ask the verifying command, else the user; never run it blindly
//! receipt "done" ──► nothing to do: what it brought is in the receipt
//! ```
//! The command finds its idempotency key in the variable `SMALLHANDS_IDEMPOTENCY_KEY`; it is the same for every attempt, so
//! a service that knows such keys can refuse the second time by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use smallhands_shell_runtime::{Command, CommandLine};

use super::command::{self, Order};
use super::{Attempt, Breakdown, Ending, Workshop};
use crate::assignment::Delivery;
use crate::conduct::Once;
use crate::request::ApprovalPolicy;

/// Where a command finds its key.
const KEY: &str = "SMALLHANDS_IDEMPOTENCY_KEY";
/// Longest that a verifying command may take.
const VERIFYING: Duration = Duration::from_secs(120);

/// What is kept about an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Receipt {
    /// One line about how it is known.
    note: String,
    /// What the command brought, if it was seen.
    #[serde(default)]
    delivery: Value,
}

/// What the world outside says about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happened {
    Yes,
    No,
    CannotSay,
}

/// Runs a command if its effect has not happened yet.
///
/// # Errors
/// Whatever breaks under it.
pub async fn run(
    shop: &Workshop,
    attempt: &Attempt,
    order: Order<'_>,
    once: &Once,
) -> Result<Ending, Breakdown> {
    match &attempt.outside {
        None => {
            let what = json!({ "command": order.command });
            attempt.voice.intend(&attempt.effect_key, what).await.map_err(Breakdown::Other)?;
            perform(shop, attempt, order).await
        }
        Some(effect) if effect.done => Ok(Ending::Done(delivered(effect.receipt.as_ref()))),
        Some(_) => match happened(shop, attempt, once).await? {
            Happened::Yes => {
                let note = "it had happened before the interruption".to_owned();
                receive(attempt, true, &note, Value::Null).await;
                Ok(Ending::Done(changed(note)))
            }
            Happened::No => perform(shop, attempt, order).await,
            Happened::CannotSay => {
                let note = "whether its effect happened is not known, so it is not done again".to_owned();
                Ok(Ending::GaveUp(note.clone(), changed(note)))
            }
        },
    }
}

async fn perform(shop: &Workshop, attempt: &Attempt, order: Order<'_>) -> Result<Ending, Breakdown> {
    let mut env = order.env.clone();
    env.extend(variables(attempt));
    let ending = command::run(shop, attempt, Order { env: &env, ..order }).await?;
    match &ending {
        Ending::Done(delivery) => receive(attempt, true, "done", delivery.to_value()).await,
        Ending::GaveUp(reason, delivery) => receive(attempt, false, reason, delivery.to_value()).await,
    }
    Ok(ending)
}

async fn receive(attempt: &Attempt, done: bool, note: &str, delivery: Value) {
    let receipt = Receipt { note: note.to_owned(), delivery };
    let receipt = serde_json::to_value(&receipt).unwrap_or_default();
    attempt.voice.receive(&attempt.effect_key, done, receipt).await;
}

/// What an earlier attempt brought, from its receipt.
fn delivered(receipt: Option<&Value>) -> Delivery {
    let receipt = receipt.and_then(|receipt| Receipt::deserialize(receipt).ok());
    let brought = receipt.and_then(|receipt| Delivery::from_value(&receipt.delivery).ok());
    brought.unwrap_or_else(|| changed("done by an earlier attempt".into()))
}

fn changed(note: String) -> Delivery {
    Delivery::Changed { found: None, note, cost_usd_micros: 0, log: None }
}

fn variables(attempt: &Attempt) -> BTreeMap<String, String> {
    BTreeMap::from([(KEY.to_owned(), attempt.effect_key.clone())])
}

/// Finds out about an effect that was intended and has no receipt: by its verifying command, else by asking the user.
async fn happened(shop: &Workshop, attempt: &Attempt, once: &Once) -> Result<Happened, Breakdown> {
    let verified = match &once.verify {
        Some(verify) => verified(shop, attempt, verify).await?,
        None => Happened::CannotSay,
    };
    if verified != Happened::CannotSay || shop.spec.approvals.policy != ApprovalPolicy::Ask {
        return Ok(verified);
    }
    let question = format!(
        "task {} was interrupted and may have had its effect; has it NOT happened, so that it may be done (again)?",
        attempt.task.id
    );
    let again = attempt.voice.ask(question, false).await;
    Ok(if again { Happened::No } else { Happened::CannotSay })
}

async fn verified(shop: &Workshop, attempt: &Attempt, verify: &str) -> Result<Happened, Breakdown> {
    attempt.voice.doing("finding out whether the effect has happened", 0);
    let sandbox = shop.lease(attempt, &attempt.head).await?;
    let request = Command {
        command: CommandLine::Shell(verify.to_owned()),
        env: variables(attempt),
        timeout: Some(VERIFYING.min(shop.time_left())),
        ..Command::default()
    };
    let response = sandbox.runtime().execute(request).await;
    sandbox.destroy().await?;
    let response = response.map_err(|error| Breakdown::Other(error.to_string()))?;
    Ok(verdict(response.exit_code))
}

fn verdict(exit_code: Option<i32>) -> Happened {
    match exit_code {
        Some(0) => Happened::Yes,
        Some(1) => Happened::No,
        _ => Happened::CannotSay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_exit_codes_say_something() {
        let cases = [
            (Some(0), Happened::Yes),
            (Some(1), Happened::No),
            (Some(2), Happened::CannotSay),
            (None, Happened::CannotSay),
        ];
        for (exit_code, expected) in cases {
            assert_eq!(verdict(exit_code), expected);
        }
    }

    #[test]
    fn a_receipt_gives_back_what_was_brought() {
        let delivery = changed("exit code 0".into());
        let receipt = Receipt { note: "done".into(), delivery: delivery.to_value() };
        let stored = serde_json::to_value(&receipt).unwrap();
        assert_eq!(delivered(Some(&stored)), delivery);
        assert_eq!(delivered(None), changed("done by an earlier attempt".into()));
        assert_eq!(
            delivered(Some(&json!({"note": "reconciled"}))),
            changed("done by an earlier attempt".into())
        );
    }
}

//! Orders in one line for people.

use smallhands_task_graph::Order;

/// What an order does, in the words of an answer.
#[must_use]
pub fn of_order(order: &Order) -> String {
    match order {
        Order::Pause => "paused: nothing new starts until it is unpaused".into(),
        Order::Unpause => "unpaused".into(),
        Order::CancelRun { reason } => format!("called off: {reason}"),
        Order::CancelTask { task, reason } => format!("task {task} cancelled: {reason}"),
        Order::CancelAttempt { attempt, reason } => format!("attempt {attempt} called off: {reason}"),
        Order::ChangeLimits { time_ms, budget_usd_micros, agents } => {
            limits(*time_ms, *budget_usd_micros, *agents)
        }
        Order::Tell { attempt, message } => format!("{attempt} is told: {}", first_line(message)),
        Order::Answer { approval, yes } => format!("{approval}: {}", if *yes { "yes" } else { "no" }),
    }
}

fn limits(time_ms: Option<u64>, budget: Option<u64>, agents: Option<u32>) -> String {
    let parts = [
        time_ms.map(|time| format!("{} s from now on", time / 1000)),
        budget.map(|budget| format!("${:.2} in all", budget as f64 / 1e6)),
        agents.map(|agents| format!("up to {agents} agents")),
    ];
    format!("limits changed: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn first_line(text: &str) -> String {
    const SHOWN: usize = 100;
    text.lines().next().unwrap_or_default().chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_words() {
        let reason = || "stuck".to_owned();
        let attempt = || "a#1".parse().unwrap();
        let cases = [
            (Order::Pause, "paused"),
            (Order::Unpause, "unpaused"),
            (Order::CancelRun { reason: reason() }, "called off: stuck"),
            (Order::CancelTask { task: "a".into(), reason: reason() }, "task a cancelled: stuck"),
            (Order::CancelAttempt { attempt: attempt(), reason: reason() }, "attempt a#1 called off: stuck"),
            (
                Order::ChangeLimits {
                    time_ms: Some(7_200_000),
                    budget_usd_micros: Some(5_000_000),
                    agents: None,
                },
                "limits changed: 7200 s from now on, $5.00 in all",
            ),
            (Order::Tell { attempt: attempt(), message: "look\nthere".into() }, "a#1 is told: look"),
            (Order::Answer { approval: "ask-1".into(), yes: false }, "ask-1: no"),
        ];
        for (order, expected) in cases {
            assert!(of_order(&order).starts_with(expected), "{}", of_order(&order));
        }
    }
}

//! Orders, questions and effects outside: dialogues, a log that must stay readable, and random orders against invariants.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;
use smallhands_task_graph::{
    Command, Effect, Order, Rejection, ReplanCause, RunEvent, RunLimits, TaskPhase, effects, replay,
};

use crate::support::{Run, bytes, check, done, task};

/// A log with every kind of event of control, one event per line. Never changed.
const FIRST_CONTROL: &str = include_str!("logs/first-control.jsonl");

#[test]
fn a_paused_run_starts_nothing_and_its_clock_stands_still() {
    check(
        r#"
        > submit agents=1 deadline=100 @0
        > adopt + a + b
        adopted +a +b
        > start @10
        a#1 started
        > order 4 {"order":"pause"} @20
        order 4 taken: pause
        > order 5 {"order":"pause"} @21
        refused: the run is paused already; unpause it to let it go on
        > done a#1 @30
        a#1 ended: succeed
        > start @40
        ? effects
        > tick @500
        > order 6 {"order":"unpause"} @520
        order 6 taken: unpause
        deadline moved to 600
        > start @521
        b#1 started
        > order 7 {"order":"unpause"} @530
        refused: the run is not paused
        > tick @600
        limit: deadline
        "#,
    );
}

#[test]
fn a_pause_outlives_its_process() {
    check(
        r#"
        > submit agents=1 deadline=100 @0
        > adopt + a
        adopted +a
        > order 1 {"order":"pause"} @10
        order 1 taken: pause
        > resume @50
        resumed until 140
        > start @51
        > resume @1000
        resumed until 1090
        > order 2 {"order":"unpause"} @1010
        order 2 taken: unpause
        deadline moved to 1100
        > start @1011
        a#1 started
        "#,
    );
}

#[test]
fn an_order_is_taken_once() {
    check(
        r#"
        > submit agents=2
        > adopt + a
        adopted +a
        > order 7 {"order":"tell","attempt":"a#1","message":"early"} @1
        refused: there is no attempt `a#1`; only attempts recorded as started can progress or end
        > start @1
        a#1 started
        > order 7 {"order":"tell","attempt":"a#1","message":"now"} @2
        order 7 taken: tell
        > order 7 {"order":"tell","attempt":"a#1","message":"again"} @3
        refused: request 7 was answered before; nothing is done twice
        > order 3 {"order":"pause"} @3
        refused: request 3 was answered before; nothing is done twice
        "#,
    );
}

#[test]
fn tasks_and_attempts_are_cancelled_apart() {
    check(
        r#"
        > submit agents=3
        > adopt + a attempts=2 + b + c after=b + d after=c
        adopted +a +b +c +d
        > start @1
        b#1 started
        a#1 started
        > order 1 {"order":"cancel_task","task":"c","reason":"no"} @2
        order 1 taken: cancel task
        d unreachable because of c
        > order 2 {"order":"cancel_task","task":"c","reason":"no"} @2
        refused: task `c` cannot be dropped: it is dropped already; leave it out of `drop`
        > order 3 {"order":"cancel_attempt","attempt":"a#1","reason":"stuck"} @3
        order 3 taken: cancel attempt
        > order 4 {"order":"cancel_task","task":"b","reason":"no"} @4
        order 4 taken: cancel task
        ? effects
        stop a#1: stuck
        stop b#1: no
        replan after 2: tasks_settled c d
        > done a#1 @5
        a#1 ended: retry
        > done b#1 @5
        b#1 ended: drop
        > start @6
        a#2 started
        ? tasks
        a running, b dropped, c dropped, d dropped
        "#,
    );
}

#[test]
fn the_user_may_call_the_run_off_also_while_it_is_paused() {
    check(
        r#"
        > submit agents=2
        > adopt + a + b
        adopted +a +b
        > start @1
        a#1 started
        b#1 started
        > order 1 {"order":"pause"} @2
        order 1 taken: pause
        > order 2 {"order":"cancel_run","reason":"enough"} @3
        order 2 taken: cancel run
        cancelled: enough
        > order 3 {"order":"change_limits","agents":5} @4
        refused: the run is ending (cancelled: enough); wait for its result, or begin another run
        > lose a#1 @5
        a#1 ended: drop
        > lose b#1 @5
        b#1 ended: drop
        ? effects
        replan after 2: halted
        > finish
        finished
        > order 4 {"order":"pause"} @6
        refused: the run is finished; its verdict stands. Begin another run
        "#,
    );
}

#[test]
fn limits_are_changed_from_now_on() {
    check(
        r#"
        > submit agents=1 deadline=100 @0
        > adopt + a + b + c
        adopted +a +b +c
        > start @1
        a#1 started
        > order 1 {"order":"change_limits"} @2
        refused: no limit is named; name the time, the money or the number of agents
        > order 2 {"order":"change_limits","agents":0} @2
        refused: `agents` is 0; it must be at least 1
        > order 3 {"order":"change_limits","agents":2,"time_ms":7000,"budget_usd_micros":5} @90
        order 3 taken: change limits
        deadline moved to 7090
        > start @120
        b#1 started
        > tick @7089
        > tick @7090
        limit: deadline
        "#,
    );
}

#[test]
fn questions_are_answered_or_lapse() {
    check(
        r#"
        > submit agents=1
        > adopt + a attempts=2
        adopted +a
        > start @1
        a#1 started
        > ask a#1 push? no 100
        ask-1 asked by a#1: push?
        > ask a#1 pull? yes 50
        ask-2 asked by a#1: pull?
        > tick @60
        ask-2 lapsed
        > order 1 {"order":"answer","approval":"ask-2","yes":false} @61
        refused: `ask-2` does not wait for an answer any more
        > order 2 {"order":"answer","approval":"ask-1","yes":true} @62
        order 2 taken: answer
        > order 3 {"order":"answer","approval":"ask-9","yes":true} @62
        refused: nobody asked `ask-9`; `smallhands show` lists the open questions
        > ask a#1 again? no 100
        ask-3 asked by a#1: again?
        > resume @70
        resumed
        a#1 lost: retry
        > tick @200
        > ask a#1 late? no 300
        refused: attempt `a#1` is over (lost); its news come too late
        "#,
    );
}

#[test]
fn effects_outside_have_an_intent_before_and_a_receipt_after() {
    check(
        r#"
        > submit agents=2
        > adopt + a + b
        adopted +a +b
        > start @1
        a#1 started
        b#1 started
        > receive k done
        refused: `k` was never intended; say what will be done before it is done
        > intend k a#1
        k intended
        > intend k a#1
        refused: `k` was intended before; find out whether it happened instead of doing it again
        > receive k failed
        k received: false
        > receive k done
        k received: true
        > receive k done
        refused: `k` is known to be done already
        > order 1 {"order":"cancel_attempt","attempt":"b#1","reason":"x"} @2
        order 1 taken: cancel attempt
        > intend other b#1
        refused: attempt `b#1` is to stop; it must not begin anything outside
        > intend deliver
        deliver intended
        "#,
    );
}

#[test]
fn a_fork_says_where_it_comes_from() {
    check(
        r#"
        > submit agents=1
        > fork r1 7
        refused: a fork shares at least one event, and no more than there are: 7 of 1
        > fork r1 1
        forked from r1 at 1
        "#,
    );
}

fn first_control() -> Vec<RunEvent> {
    let decode = |line: &str| {
        let stored: Value = serde_json::from_str(line).unwrap();
        let event = RunEvent::decode(stored["kind"].as_str().unwrap(), 1, &stored["payload"]).unwrap();
        let again = event.encode();
        if again.kind != "plan_adopted" {
            assert_eq!((again.kind, &again.payload), (stored["kind"].as_str().unwrap(), &stored["payload"]));
        }
        event
    };
    FIRST_CONTROL.lines().map(decode).collect()
}

#[test]
fn the_first_log_with_control_can_be_read_for_ever() {
    let state = replay(&first_control()).unwrap();
    let control = &state.control;
    assert_eq!((control.orders_through, control.paused_at_ms), (9, None));
    assert_eq!(control.budget_usd_micros, Some(5_000_000));
    assert_eq!(control.messages[&"a".into()], ["look at shop.py"]);
    let answers: Vec<Option<bool>> = control.approvals.values().map(|approval| approval.answer).collect();
    assert_eq!(answers, [Some(true), Some(false)]);
    assert!(control.outside["r0/a"].done);
    assert_eq!(control.forked_from.as_ref().map(|origin| origin.at), Some(4));
    assert_eq!(state.limits.deadline_at_ms, Some(7_200_400));
    assert_eq!(bytes(&state), bytes(&replay(&first_control()).unwrap()));
}

/// What a user may order, right or wrong.
fn any_order() -> impl Strategy<Value = (Index, u8)> {
    (any::<Index>(), 0u8..9)
}

fn order(run: &Run, index: &Index, kind: u8) -> Order {
    let tasks: Vec<_> = run.state.tasks.keys().cloned().collect();
    let task = index.get(&tasks).clone();
    let attempt = smallhands_task_graph::AttemptId::new(task.clone(), 1);
    let reason = "random".to_owned();
    match kind {
        0 | 1 => Order::Pause,
        2 | 3 => Order::Unpause,
        4 => Order::CancelTask { task, reason },
        5 => Order::CancelAttempt { attempt, reason },
        6 => Order::Tell { attempt, message: reason },
        7 => Order::ChangeLimits { time_ms: Some(50), budget_usd_micros: None, agents: Some(2) },
        _ => Order::Answer { approval: "ask-1".into(), yes: true },
    }
}

proptest! {
    #[test]
    fn whatever_is_ordered_the_run_stays_sound_and_comes_to_its_end(
        moves in prop::collection::vec((any_order(), 0u8..4, any::<Index>()), 1..40),
    ) {
        let mut run = Run::default();
        let limits = RunLimits { agents: 2, deadline_at_ms: Some(10_000), ..RunLimits::default() };
        run.must(&Command::Submit { spec: Value::Null, limits, at_ms: 0 });
        let tasks = vec![task("a", &[]), task("b", &["a"]), task("c", &["a"]), task("d", &["b", "c"]), task("e", &[])];
        run.must(&Command::AdoptPlan(smallhands_task_graph::Plan { tasks }.into()));
        for (number, ((index, kind), step, pick)) in moves.iter().enumerate() {
            let at_ms = number as i64 * 10;
            let active = run.state.active_attempts();
            match step {
                0 if !active.is_empty() => {
                    run.end(pick.get(&active), done(), at_ms);
                }
                1 => {
                    let was_paused = run.state.control.is_paused();
                    let started = run.start(at_ms);
                    prop_assert!(!was_paused || started.is_empty());
                }
                2 => drop(run.must(&Command::Tick { at_ms })),
                _ => {
                    let request = number as u64 + 1;
                    let given = Command::Order { request, order: order(&run, index, *kind), at_ms };
                    if run.give(&given).is_ok() {
                        let before = bytes(&run.state);
                        prop_assert_eq!(run.give(&given), Err(Rejection::OrderKnown { request }));
                        prop_assert_eq!(before, bytes(&run.state), "twice is once");
                    }
                }
            }
            run.assert_replays();
        }
        bring_to_an_end(run);
    }
}

/// A new owner takes over; the user lets it go on; everything that runs succeeds.
fn bring_to_an_end(mut run: Run) {
    run.must(&Command::Resume { at_ms: 1_000 });
    if run.state.control.is_paused() {
        let idle = |effect: &Effect| matches!(effect, Effect::Replan { cause: ReplanCause::Idle, .. });
        assert!(!effects(&run.state).iter().any(idle), "a paused run is not idle");
        run.must(&Command::Order { request: 1_000, order: Order::Unpause, at_ms: 1_000 });
    }
    for _ in 0..100 {
        run.start(1_001);
        let active = run.state.active_attempts();
        if active.is_empty() {
            assert_eq!(run.state.count(TaskPhase::Waiting), 0);
            run.must(&Command::Finish { verdict: Value::Null, summary: Value::Null });
            return run.assert_replays();
        }
        active.iter().for_each(|attempt| drop(run.end(attempt, done(), 1_001)));
    }
    panic!("the run does not end");
}

//! Runs as dialogues: what is asked, what happens, what is to be done next.

use serde_json::Value;
use smallhands_task_graph::{Command, RunEvent, replay};

use crate::support::{Run, bytes, check, done, drop_tasks, gave_up, task};

#[test]
fn a_small_run_from_submission_to_verdict() {
    check(
        "
        > submit agents=2
        ? effects
        replan after 0: no_plan
        > adopt + baseline + fix after=baseline + verify after=fix
        adopted +baseline +fix +verify
        ? effects
        > start @1
        baseline#1 started
        ? effects
        start baseline#1 in 0
        > start @2
        > done baseline#1 @5
        baseline#1 ended: succeed
        ? effects
        replan after 1: tasks_settled baseline
        > adopt
        adopted
        > start @6
        fix#1 started
        > done fix#1 @7
        fix#1 ended: succeed
        > start @7
        verify#1 started
        > done verify#1 @8
        verify#1 ended: succeed
        ? effects
        replan after 3: tasks_settled fix verify
        > adopt
        adopted
        ? effects
        replan after 3: idle
        > finish
        finished
        ? effects
        finished
        ? tasks
        baseline done, fix done, verify done
        ",
    );
}

#[test]
fn a_race_is_settled_when_all_its_members_are() {
    check(
        "
        > submit agents=3
        > adopt + a race=r + b race=r + c race=r + pick after=a,b,c needs=settled
        adopted +a +b +c +pick
        > start
        a#1 started
        b#1 started
        c#1 started
        > done b#1 7
        b#1 ended: succeed
        ? race r
        open, 3 members: b 7
        > give-up a#1
        a#1 ended: give up
        > start
        > done c#1 8
        c#1 ended: succeed
        ? race r
        settled, 3 members: b 7, c 8
        > start
        pick#1 started
        ",
    );
}

#[test]
fn a_planner_that_has_seen_enough_drops_the_rest_of_a_race() {
    check(
        "
        > submit agents=2
        > adopt + a race=r + b race=r + c race=r + pick after=a,b,c needs=settled
        adopted +a +b +c +pick
        > start
        a#1 started
        b#1 started
        > done a#1 1
        a#1 ended: succeed
        > adopt - b - c
        adopted -b -c
        ? effects
        stop b#1: dropped from the plan
        > start
        > lose b#1
        b#1 ended: drop
        ? attempts b
        stopped
        ? tasks
        a done, b dropped, c dropped, pick waiting
        > start
        pick#1 started
        ",
    );
}

#[test]
fn a_task_that_is_being_dropped_keeps_its_slot_and_its_lock_until_it_has_ended() {
    check(
        "
        > submit agents=2
        > adopt + a lock=db weight=9 + b lock=db weight=8 + c weight=7
        adopted +a +b +c
        > start
        a#1 started
        c#1 started
        > adopt - a + d weight=99
        adopted +d -a
        ? effects
        stop a#1: dropped from the plan
        start c#1 in 0
        > start
        > done a#1 5
        a#1 ended: drop
        ? attempts a
        done
        ? tasks
        a dropped, b waiting, c running, d waiting
        > start
        d#1 started
        > done d#1
        d#1 ended: succeed
        > start
        b#1 started
        ",
    );
}

#[test]
fn what_needs_a_task_that_was_not_done_is_unreachable_all_the_way() {
    check(
        "
        > submit agents=2
        > adopt + a + b after=a + c after=b + d after=c needs=settled + e
        adopted +a +b +c +d +e
        > start
        a#1 started
        e#1 started
        > give-up a#1
        a#1 ended: give up
        b unreachable because of a
        c unreachable because of b
        ? tasks
        a gave up, b dropped, c dropped, d waiting, e running
        ? effects
        start e#1 in 0
        replan after 3: tasks_settled a b c
        > start
        d#1 started
        ",
    );
}

#[test]
fn dropping_a_task_takes_with_it_what_needs_it_to_be_done() {
    check(
        "
        > submit
        > adopt + a + b after=a + c after=a needs=settled
        adopted +a +b +c
        > adopt - a + d after=a + e after=d needs=settled
        adopted +d +e -a
        b unreachable because of a
        d unreachable because of a
        > start
        c#1 started
        e#1 started
        ",
    );
}

#[test]
fn a_task_may_be_put_on_record_only_to_say_that_it_is_not_done() {
    check(
        "
        > submit
        > adopt + a + b after=a + c after=b needs=settled - a
        adopted +a +b +c -a
        b unreachable because of a
        > start
        c#1 started
        > adopt + d - d
        adopted +d -d
        > adopt + e after=d
        adopted +e
        e unreachable because of d
        > adopt - f
        refused: there is no task `f` in the plan
        > adopt + d
        refused: the plan cannot be adopted: task `d` appears twice; give each task its own id, also distinct from settled and dropped ones
        ",
    );
}

#[test]
fn a_crash_costs_no_attempt_and_no_progress() {
    check(
        "
        > submit agents=2
        > adopt + a attempts=1 + b after=a
        adopted +a +b
        > start @10
        a#1 started
        > progress a#1 41
        a#1 progressed to 41
        > progress a#1 42
        a#1 progressed to 42
        > resume @20
        resumed
        a#1 lost: retry
        ? tasks
        a waiting, b waiting
        > start @21
        a#2 started
        ? effects
        start a#2 in 1 from 42
        > resume @30
        resumed
        a#2 lost: retry
        > start @31
        a#3 started
        ? effects
        start a#3 in 2 from 42
        > done a#1
        refused: attempt `a#1` is over (lost); its news come too late
        > lose a#3
        a#3 ended: fail
        b unreachable because of a
        ? attempts a
        lost, lost, lost
        ",
    );
}

#[test]
fn work_that_must_not_be_repeated_blindly_is_not_repeated_after_a_crash() {
    check(
        "
        > submit
        > adopt + push retry=none attempts=5
        adopted +push
        > start
        push#1 started
        > resume
        resumed
        push#1 lost: fail
        ",
    );
}

#[test]
fn a_crash_while_stopping_completes_the_stop() {
    check(
        "
        > submit
        > adopt + a + b after=a
        adopted +a +b
        > start
        a#1 started
        > adopt - a
        adopted -a
        > resume
        resumed
        a#1 lost: drop
        b unreachable because of a
        ? attempts a
        stopped
        ? tasks
        a dropped, b dropped
        ",
    );
}

#[test]
fn the_deadline_ends_the_run_and_moves_on_over_a_crash() {
    check(
        "
        > submit deadline=100 @0
        > adopt + a + b after=a
        adopted +a +b
        > start @60
        a#1 started
        > tick @99
        > resume @500
        resumed until 540
        a#1 lost: retry
        > start @539
        a#2 started
        > tick @540
        limit: deadline
        > tick @541
        > start @541
        ? effects
        stop a#2: deadline reached
        ? tasks
        a stopping, b dropped
        > finish
        refused: the run cannot be finished while attempts run (`a#2`); stop them first, or cancel the run
        > time-out a#2 @545
        a#2 ended: drop
        ? effects
        replan after 2: halted
        > adopt + late
        refused: the run is ending (deadline reached); no task can be added. Finish it
        > finish
        finished
        ",
    );
}

#[test]
fn nothing_starts_after_the_deadline() {
    check(
        "
        > submit deadline=100
        > adopt + a
        adopted +a
        > start @100
        limit: deadline
        ? tasks
        a dropped
        ",
    );
}

#[test]
fn when_the_attempts_of_a_run_are_used_up_what_runs_may_end() {
    check(
        "
        > submit agents=3 attempts=2
        > adopt + a weight=3 + b weight=2 attempts=9 + c weight=1
        adopted +a +b +c
        > start
        a#1 started
        b#1 started
        > start
        limit: number of attempts
        ? effects
        start a#1 in 0
        start b#1 in 0
        > lose b#1
        b#1 ended: fail
        > done a#1 1
        a#1 ended: succeed
        ? effects
        replan after 3: halted
        > finish
        finished
        ? tasks
        a done, b failed, c dropped
        ",
    );
}

#[test]
fn a_run_that_got_everything_done_with_its_last_attempt_is_not_cut_short() {
    check(
        "
        > submit attempts=1
        > adopt + a
        adopted +a
        > start
        a#1 started
        > done a#1
        a#1 ended: succeed
        > start
        ? effects
        replan after 1: tasks_settled a
        > adopt + b
        adopted +b
        > start
        limit: number of attempts
        ",
    );
}

#[test]
fn a_limit_that_stops_overrides_one_that_lets_end_and_cancelling_overrides_both() {
    check(
        "
        > submit attempts=1
        > adopt + a + b
        adopted +a +b
        > start
        a#1 started
        > start
        limit: number of attempts
        > limit attempts
        > limit cost
        limit: cost budget
        > limit tokens
        ? effects
        stop a#1: cost budget reached
        > cancel enough
        cancelled: enough
        > cancel again
        > limit cost
        > finish
        finished
        ? attempts a
        stopped
        ? tasks
        a dropped, b dropped
        ",
    );
}

#[test]
fn cancelling_stops_everything_and_allows_the_end() {
    check(
        "
        > submit agents=1
        > adopt + a + b after=a
        adopted +a +b
        > start
        a#1 started
        > finish
        refused: the run cannot be finished while attempts run (`a#1`); stop them first, or cancel the run
        > cancel the user said so
        cancelled: the user said so
        ? effects
        stop a#1: cancelled: the user said so
        > give-up a#1
        a#1 ended: drop
        ? effects
        replan after 2: halted
        > finish
        finished
        > resume
        refused: the run is finished; its verdict stands. Begin another run
        ",
    );
}

#[test]
fn a_run_can_be_cancelled_before_it_has_a_plan() {
    check(
        "
        > submit
        > cancel wrong repository
        cancelled: wrong repository
        ? effects
        replan after 0: halted
        > adopt + a
        refused: the run is ending (cancelled: wrong repository); no task can be added. Finish it
        > finish
        finished
        ",
    );
}

#[test]
fn finishing_early_drops_what_still_waits() {
    check(
        "
        > submit agents=1
        > adopt + a + b
        adopted +a +b
        > start
        a#1 started
        > done a#1
        a#1 ended: succeed
        > finish
        finished
        ? tasks
        a done, b dropped
        ",
    );
}

#[test]
fn a_planner_that_thinks_slowly_does_not_miss_what_settles_meanwhile() {
    check(
        "
        > submit agents=2
        > adopt + a + b
        adopted +a +b
        > start
        a#1 started
        b#1 started
        > done a#1
        a#1 ended: succeed
        ? effects
        start b#1 in 0
        replan after 1: tasks_settled a
        > done b#1
        b#1 ended: succeed
        > adopt seen=1 + c after=a
        adopted +c
        ? effects
        replan after 2: tasks_settled b
        > adopt seen=0
        adopted
        ? effects
        replan after 2: tasks_settled b
        > adopt seen=3
        refused: the planner says it has seen 3 settled tasks, but only 2 are settled
        > adopt seen=2
        adopted
        ? effects
        > start
        c#1 started
        ",
    );
}

#[test]
fn plans_are_checked_against_what_is_there() {
    check(
        "
        > submit
        > adopt + a + b after=a
        adopted +a +b
        > start
        a#1 started
        > done a#1
        a#1 ended: succeed
        > adopt + a
        refused: the plan cannot be adopted: task `a` appears twice; give each task its own id, also distinct from settled and dropped ones
        > adopt + c after=x
        refused: the plan cannot be adopted: task `c` waits for `x`, which is not in the plan; add it or remove it from `after`
        > adopt + c after=d + d after=c
        refused: the plan cannot be adopted: task `c` waits for itself: c → d → c; remove one of these dependencies
        > adopt - a
        refused: task `a` cannot be dropped: it is done; leave it out of `drop`
        > adopt - x
        refused: there is no task `x` in the plan
        > adopt - b - b
        refused: task `b` is named twice in `drop`; name it once
        > adopt + c after=a,b
        adopted +c
        > start
        b#1 started
        > adopt - b
        adopted -b
        > adopt - b
        refused: task `b` cannot be dropped: it is being dropped already; leave it out of `drop`
        ",
    );
}

#[test]
fn what_comes_at_the_wrong_time_is_refused() {
    check(
        "
        > start
        refused: the run has not been submitted; submit it first
        > resume
        refused: the run has not been submitted; submit it first
        > submit agents=0
        refused: `agents` is 0; it must be at least 1
        > submit attempts=0
        refused: `max_attempts` is 0; it must be at least 1
        > submit
        > submit
        refused: the run has already been submitted; begin another run under a new id
        > progress a#1 1
        refused: there is no attempt `a#1`; only attempts recorded as started can progress or end
        > adopt + a
        adopted +a
        > start
        a#1 started
        > done a#2
        refused: there is no attempt `a#2`; only attempts recorded as started can progress or end
        > done a#1
        a#1 ended: succeed
        > progress a#1 1
        refused: attempt `a#1` is over (done); its news come too late
        > finish
        finished
        > tick
        refused: the run is finished; its verdict stands. Begin another run
        ",
    );
}

#[test]
fn the_longest_chain_goes_first_and_priority_goes_before_it() {
    check(
        "
        > submit agents=1
        > adopt + short weight=5 + long weight=1 + tail after=long weight=9 + urgent after=gate priority=3 weight=0 + gate weight=0
        adopted +short +long +tail +urgent +gate
        > start
        gate#1 started
        > done gate#1
        gate#1 ended: succeed
        > start
        urgent#1 started
        > done urgent#1
        urgent#1 ended: succeed
        > start
        long#1 started
        > done long#1
        long#1 ended: succeed
        > start
        tail#1 started
        > done tail#1
        tail#1 ended: succeed
        > start
        short#1 started
        ",
    );
}

#[test]
fn ties_are_broken_by_the_order_of_the_plan() {
    check(
        "
        > submit agents=2
        > adopt + z + a + m
        adopted +z +a +m
        > start
        z#1 started
        a#1 started
        ",
    );
}

#[test]
fn a_log_that_was_cut_within_a_decision_is_caught_up_with() {
    let mut run = Run::with_plan(2, vec![task("a", &[]), task("b", &["a"]), task("c", &["b"])]);
    run.start(1);
    let events = run.end(&"a#1".parse().unwrap(), gave_up(), 2);
    assert_eq!(events.len(), 3, "the end of the attempt and two tasks that fell with it");
    let kept = run.log.len() - 2;
    let mut cut = Run { state: replay(&run.log[..kept]).unwrap(), log: run.log[..kept].to_vec() };
    let caught_up = cut.must(&Command::StartReady { at_ms: 3 });
    assert_eq!(caught_up, events[1..]);
    assert_eq!(bytes(&cut.state), bytes(&run.state));
}

#[test]
fn the_reason_for_dropping_outlives_the_end_of_the_attempt() {
    let mut run = Run::with_plan(1, vec![task("a", &[])]);
    run.start(1);
    run.must(&drop_tasks(&["a"]));
    run.end(&"a#1".parse().unwrap(), done(), 2);
    assert_eq!(run.state.task(&"a".into()).unwrap().note.as_deref(), Some("not wanted"));
}

#[test]
fn progress_is_kept_per_task_and_the_last_note_wins() {
    let mut run = Run::with_plan(2, vec![task("a", &[]), task("b", &[])]);
    run.start(1);
    for (attempt, note) in [("a#1", 1), ("b#1", 7), ("a#1", 2)] {
        let note = Value::from(note);
        let events = run.must(&Command::AttemptProgress { attempt: attempt.parse().unwrap(), note });
        assert!(matches!(events[..], [RunEvent::AttemptProgressed { .. }]));
    }
    let note = |id: &str| run.state.task(&id.into()).unwrap().last_progress.clone();
    assert_eq!((note("a"), note("b")), (Some(2.into()), Some(7.into())));
}

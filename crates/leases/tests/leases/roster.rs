//! What a roster does about each message.

use smallhands_leases::{Incarnation, Roster, Standing};

use crate::words::{POLICY, Story, token};

/// After `words`, the `last` message leads to these effects.
#[track_caller]
fn check(words: &str, last: &str, effects: &str) {
    assert_eq!(Story::after(words).tell(last).as_deref(), Ok(effects), "{words}; {last}");
}

/// After `words`, the `last` message is refused with this text and changes nothing.
#[track_caller]
fn refused(words: &str, last: &str, text: &str) {
    let mut story = Story::after(words);
    let before = story.0.clone();
    let refusal = story.tell(last).expect_err(last);
    assert_eq!(refusal.to_string(), text, "{words}; {last}");
    assert_eq!(
        (story.0.next_wake_ms(), story.0.granting().count()),
        (before.next_wake_ms(), before.granting().count())
    );
}

#[test]
fn silence_is_suspicious_and_then_deadly() {
    let held = "0 reg w 1; 0 grant a w";
    check(held, "299 tick", "");
    check(held, "300 tick", "suspect w");
    check(&format!("{held}; 300 tick"), "599 tick", "");
    check(&format!("{held}; 300 tick"), "600 tick", "lost w Silent a:1.1");
    check(&format!("{held}; 300 tick; 600 tick"), "900 tick", "");
    check(&format!("{held}; 300 tick; 590 beat w 1 1 a:1.1"), "890 tick", "suspect w");
    check(&format!("{held}; 300 tick"), "500 beat w 1 1 a:1.1", "recovered w, ack w 1 a:1.1");
    // Overdue and not looked at is not dead yet.
    check(&format!("{held}; 300 tick"), "650 beat w 1 1 a:1.1", "recovered w, ack w 1 a:1.1");
}

#[test]
fn when_to_look_next() {
    let check = |words: &str, expected| assert_eq!(Story::after(words).0.next_wake_ms(), expected, "{words}");
    check("", None);
    check("0 reg w 1", Some(300));
    check("0 reg w 1; 50 reg v 1", Some(300));
    check("0 reg w 1; 300 tick", Some(600));
    check("0 reg w 1; 300 tick; 600 tick", None);
    check("0 reg w 1; 100 beat w 1 1", Some(400));
    check("0 reg w 1; 0 grant a w; 100 drain w 50", Some(150));
    check("0 reg w 1; 0 drain w 50", None);
    check("0 reg w 1; 0 grant a w; 200 beat w 1 1; 400 beat w 1 2; 550 beat w 1 3", Some(600));
}

#[test]
fn a_lease_that_is_not_named_runs_out_alone() {
    let beats = "0 reg w 1; 0 grant a w; 0 grant b w; 200 beat w 1 1 b:1.2; 400 beat w 1 2 b:1.2";
    check(beats, "600 tick", "lost w NotRenewed a:1.1");
    let mut story = Story::after(&format!("{beats}; 600 tick"));
    assert_eq!(story.0.standing(&"w".into()), Some((Incarnation(1), Standing::Alive)));
    assert!(story.0.check(&"b".into(), token("1.2")).is_ok());
    assert_eq!(
        story.tell("650 grant a w").as_deref(),
        Ok("launch a:1.3 at w since 2"),
        "free for another one"
    );
    assert_eq!(
        story.tell("660 beat w 1 3 a:1.1").as_deref(),
        Ok("ack w 3 stop a:1.1"),
        "the old token counts for nothing"
    );
}

#[test]
fn grants() {
    check("0 reg w 1", "10 grant a w", "launch a:1.1 at w since 0");
    check("0 reg w 1; 50 beat w 1 7; 60 grant a w", "70 grant b w", "launch b:1.2 at w since 7");
    check("0 reg w 1; 0 grant a w; 5 finish a 1.1", "6 grant a w", "launch a:1.2 at w since 0");
    refused("", "0 grant a w", "worker `w` is not registered; register it");
    refused(
        "0 reg w 1; 0 reg v 1; 0 grant a w",
        "0 grant a v",
        "attempt `a` is held by worker `w`; wait until it ends or is lost",
    );
    refused(
        "0 reg w 1; 300 tick",
        "310 grant a w",
        "worker `w` gets nothing new: it is suspected; choose another worker",
    );
    refused(
        "0 reg w 1",
        "310 grant a w",
        "worker `w` gets nothing new: it is suspected; choose another worker",
    );
    refused(
        "0 reg w 1; 0 grant a w; 0 drain w 90",
        "1 grant b w",
        "worker `w` gets nothing new: it is draining; choose another worker",
    );
    refused(
        "0 reg w 1; 0 exit w 1",
        "1 grant b w",
        "life 1 of worker `w` is over; stop what it does and register a higher one",
    );
    let story = Story::after("0 reg u 1; 0 reg v 1; 0 reg w 1; 0 exit u 1; 0 grant a v; 0 drain v 9");
    assert_eq!(story.0.granting().map(ToString::to_string).collect::<Vec<_>>(), ["w"]);
}

#[test]
fn lives() {
    check("0 reg w 1", "5 reg w 1", "");
    check("0 reg w 1; 0 grant a w", "5 reg w 2", "lost w Restarted a:1.1");
    check("0 reg w 1; 0 exit w 1", "5 reg w 2", "");
    check("0 reg w 1; 0 grant a w", "5 exit w 1", "lost w Exited a:1.1");
    check("0 reg w 1; 5 exit w 1", "6 exit w 1", "");
    refused(
        "0 reg w 2",
        "1 reg w 1",
        "worker `w` is in life 2, not 1; end the earlier one, register the later one",
    );
    refused(
        "0 reg w 2",
        "1 beat w 1 9",
        "worker `w` is in life 2, not 1; end the earlier one, register the later one",
    );
    refused(
        "0 reg w 2",
        "1 beat w 3 1",
        "worker `w` is in life 2, not 3; end the earlier one, register the later one",
    );
    refused(
        "0 reg w 2",
        "1 exit w 1",
        "worker `w` is in life 2, not 1; end the earlier one, register the later one",
    );
    refused(
        "0 reg w 1; 0 exit w 1",
        "1 beat w 1 1",
        "life 1 of worker `w` is over; stop what it does and register a higher one",
    );
    refused(
        "0 reg w 1; 0 exit w 1",
        "1 reg w 1",
        "life 1 of worker `w` is over; stop what it does and register a higher one",
    );
    // A repeated registration is no sign of life.
    check("0 reg w 1; 200 reg w 1", "300 tick", "suspect w");
}

#[test]
fn late_messages() {
    let twice = "0 reg w 1; 0 grant a w; 100 beat w 1 2 a:1.1";
    refused(twice, "150 beat w 1 1 a:1.1", "heartbeat 1 of worker `w` comes after 2; ignore it");
    refused(twice, "150 beat w 1 2 a:1.1", "heartbeat 2 of worker `w` comes after 2; ignore it");
    let stale = "token 1.1 does not hold attempt `a`; stop the work and throw its result away";
    refused("0 reg w 1; 0 grant a w; 0 exit w 1", "1 finish a 1.1", stale);
    refused("0 reg w 1; 0 grant a w; 0 finish a 1.1", "1 finish a 1.1", stale);
    refused("0 reg w 1; 0 grant a w; 0 reg w 2; 0 grant a w", "1 finish a 1.1", stale);
    check("0 reg w 1; 0 grant a w; 0 reg w 2; 0 grant a w", "1 finish a 1.2", "");
}

#[test]
fn draining() {
    check("0 reg w 1", "0 drain w 100", "departed w");
    check("0 reg w 1; 0 grant a w", "0 drain w 100", "");
    check("0 reg w 1; 0 grant a w; 0 drain w 100", "50 beat w 1 1 a:1.1", "ack w 1 a:1.1 drain");
    check("0 reg w 1; 0 grant a w; 0 drain w 100", "50 finish a 1.1", "departed w");
    check("0 reg w 1; 0 grant a w; 0 drain w 100", "100 tick", "lost w DrainTimedOut a:1.1");
    check("0 reg w 1; 0 grant a w; 0 drain w 100; 1 drain w 900", "100 tick", "lost w DrainTimedOut a:1.1");
    check("0 reg w 1; 0 grant a w; 0 drain w 900; 300 tick", "600 tick", "lost w Silent a:1.1");
    let unclaimed = "0 reg w 1; 0 grant a w; 0 drain w 900; 200 beat w 1 1; 400 beat w 1 2";
    check(unclaimed, "600 tick", "lost w NotRenewed a:1.1, departed w");
    refused(
        "0 reg w 1; 0 drain w 9",
        "1 beat w 1 1",
        "life 1 of worker `w` is over; stop what it does and register a higher one",
    );
    check("0 reg w 1; 0 drain w 9", "1 reg w 2", "");
}

#[test]
fn a_roster_that_slept_doubts_itself_first() {
    let held = "0 reg w 1; 0 reg v 1; 0 grant a w; 0 grant b v";
    check(held, "60000 tick", "");
    let slept = format!("{held}; 60000 tick; 60010 beat w 1 1 a:1.1");
    check(&slept, "60299 tick", "");
    check(&slept, "60300 tick", "lost v Silent b:1.2");
    // Once for each silence.
    check(&slept, "99000 tick", "lost v Silent b:1.2");
    check(&format!("{slept}; 99000 tick"), "99300 tick", "lost w Silent a:1.1");
    // A little late is not asleep.
    check(&format!("{held}; 300 tick"), "700 tick", "lost v Silent b:1.2, lost w Silent a:1.1");
}

#[test]
fn a_clock_that_steps_back_stands_still() {
    check("1000 reg w 1", "0 tick", "");
    check("1000 reg w 1; 0 beat w 1 1", "1299 tick", "");
    check("1000 reg w 1; 0 beat w 1 1", "1300 tick", "suspect w");
}

#[test]
fn another_owner_knows_nobody_and_gives_higher_tokens() {
    let mut next = Story(Roster::new(POLICY, 2));
    let refusal = next.tell("0 beat w 1 5 a:1.9").unwrap_err();
    assert_eq!(refusal.to_string(), "worker `w` is not registered; register it");
    next.tell("0 reg w 1").unwrap();
    assert_eq!(next.tell("1 beat w 1 6 a:1.9").as_deref(), Ok("ack w 6 stop a:1.9"));
    assert_eq!(next.tell("1 grant a w").as_deref(), Ok("launch a:2.1 at w since 6"));
    assert!(token("2.1") > token("1.9"));
}

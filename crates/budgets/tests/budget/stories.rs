//! What is booked where, command by command.

use crate::words::{Story, command, tokens};

const TREE: &str = "open run 100; open a<run 60; open b<run -; open a1<a -;";

/// After `words`, the books of `level` are (spent, reserved, excess).
fn check(words: &str, level: &str, books: (u64, u64, u64)) {
    assert_eq!(Story::after(&format!("{TREE}{words}")).books(level), books, "{words} at {level}");
}

#[test]
fn every_level_above_is_booked_and_none_beside() {
    for (level, books) in [("a1", (0, 40, 0)), ("a", (0, 40, 0)), ("run", (0, 50, 0)), ("b", (0, 10, 0))] {
        check("ask r1 a1 40; ask r2 b 10", level, books);
    }
}

#[test]
fn each_step_of_a_reservation() {
    check("ask r a 40; settle r 25", "run", (25, 0, 0));
    check("ask r a 40; settle r 40", "run", (40, 0, 0));
    check("ask r a 40; settle r 45", "run", (45, 0, 5));
    check("ask r a 40; release r", "run", (0, 0, 0));
    check("hold r a 40", "run", (0, 40, 0));
    check("hold r a 40; begin r", "run", (0, 40, 0));
    check("hold r a 40; begin r; settle r 1", "run", (1, 0, 0));
    // A receipt is the truth, also after a release.
    check("ask r a 40; release r; settle r 7", "run", (7, 0, 7));
}

#[test]
fn what_is_repeated_changes_nothing() {
    check("ask r a 40; ask r a 40", "run", (0, 40, 0));
    check("ask r a 40; settle r 25; settle r 25", "run", (25, 0, 0));
    check("ask r a 40; settle r 25; settle r 99", "run", (25, 0, 0));
    check("ask r a 40; settle r 25; release r", "run", (25, 0, 0));
    check("ask r a 40; release r; release r", "run", (0, 0, 0));
    check("hold r a 40; begin r; begin r", "run", (0, 40, 0));
    check("ask r a 40; dead ha; dead ha", "run", (40, 0, 0));
    check("close b; close b; open a<run 7; limit a 60", "a", (0, 0, 0));
}

#[test]
fn part_of_what_was_asked() {
    let check = |words: &str, granted| {
        let story = Story::after(&format!("{TREE}{words}"));
        assert_eq!(story.state.reservation(&"r".into()).unwrap().granted, tokens(granted), "{words}");
    };
    check("ask r a1 50 10", 50);
    check("ask r a1 70 10", 60);
    check("ask r a1 70 60", 60);
    check("ask x b 55; ask r a1 70 10", 45);
    check("ask x b 100; ask r a1 70 0", 0);
    check("ask r run 18446744073709551615 1", 100);
}

#[test]
fn a_raised_limit_counts_at_once() {
    let mut story = Story::after(&format!("{TREE} ask x a 60"));
    assert!(story.tell(&command("ask r a 1")).is_err());
    assert_eq!(story.tell(&command("limit a 61")), Ok(1));
    assert_eq!(story.tell(&command("ask r a 1")), Ok(1));
    assert_eq!(story.tell(&command("limit a 61")), Ok(0), "it is so already");
    assert_eq!(story.tell(&command("limit a -")), Ok(1));
    assert_eq!(story.tell(&command("ask r2 a 39")), Ok(1));
    assert!(story.tell(&command("ask r3 a 1")).is_err(), "the run has its own limit");
}

#[test]
fn a_liar_closes_the_level_until_it_fits() {
    let mut story = Story::after(&format!("{TREE} ask r a 60; settle r 75; open c<run -"));
    let over: Vec<_> =
        story.state.overdrafts().iter().map(|s| (s.level.to_string(), s.overdraft())).collect();
    assert_eq!(over, [("a".to_owned(), 15)]);
    assert!(story.tell(&command("ask r2 a1 1")).is_err());
    assert!(story.tell(&command("ask r2 a1 0")).is_err(), "nothing at all");
    assert_eq!(story.tell(&command("ask r3 c 25")), Ok(1), "others still fit into the run");
    // A raise that is not yet enough is a raise nevertheless.
    assert_eq!(story.tell(&command("limit a 70")), Ok(1));
    assert!(story.tell(&command("ask r2 a1 0")).is_err());
    assert_eq!(story.tell(&command("limit a 75")), Ok(1));
    assert_eq!(story.tell(&command("ask r2 a1 0")), Ok(1));
    assert!(story.state.overdrafts().is_empty());
}

#[test]
fn an_overdraft_may_pass_when_others_settle_below_their_reservations() {
    let mut story = Story::after("open run 100; ask lie run 40; ask good run 60; settle lie 70");
    assert_eq!(story.state.overdrafts().len(), 1);
    assert!(story.tell(&command("ask r run 1")).is_err());
    assert_eq!(story.tell(&command("settle good 20")), Ok(1));
    assert!(story.state.overdrafts().is_empty());
    assert_eq!(story.tell(&command("ask r run 10")), Ok(1));
}

#[test]
fn amounts_beyond_counting_are_counted_as_far_as_it_goes() {
    const MOST: u64 = u64::MAX;
    let endless = "open run -; ask x run 10; ask lie run 5;";
    let story = Story::after(&format!("{endless} settle lie {MOST}"));
    assert_eq!(story.books("run"), (MOST - 10, 10, MOST - 15));
    let story = Story::after(&format!("{endless} settle lie {MOST}; settle x {MOST}"));
    assert_eq!(story.books("run"), (MOST, 0, MOST - 15));
    let story = Story::after(&format!("{endless} ask much run {MOST} 0; release much"));
    assert_eq!(story.books("run"), (0, 15, 0));
}

#[test]
fn a_closed_level_keeps_its_books_and_forgets_what_is_settled() {
    let mut story = Story::after(&format!(
        "{TREE} ask done a 5; settle done 4; ask lost a 7; dead ha; ask back b 3; release back; close a1; close a"
    ));
    let known: Vec<_> = story.state.reservations().map(|(id, _)| id.to_string()).collect();
    assert_eq!(known, ["back", "lost"]);
    assert_eq!(story.books("a"), (11, 0, 0));
    assert_eq!(story.tell(&command("settle lost 2")), Ok(1), "a late receipt is taken");
    assert_eq!(story.books("run"), (6, 0, 0));
    assert!(story.state.reservation(&"lost".into()).is_none());
}

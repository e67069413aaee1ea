//! What a crash leaves, and what the dead may still do.

use smallhands_budgets::{Phase, Rejection};

use crate::words::{Story, command};

const BEGIN: &str = "open run 100; open a<run 60; open b<run 60;";

#[test]
fn what_was_begun_is_spent_and_what_was_not_is_free() {
    let story = Story::after(&format!(
        "{BEGIN} ask begun a 10; hold held a 20; hold later a 5; begin later; ask other b 7; dead ha"
    ));
    let phase = |id: &str| story.state.reservation(&id.into()).unwrap().phase;
    let expected = [
        ("begun", Phase::Assumed),
        ("held", Phase::Released),
        ("later", Phase::Assumed),
        ("other", Phase::Begun),
    ];
    for (id, expected) in expected {
        assert_eq!(phase(id), expected, "{id}");
    }
    assert_eq!(story.books("a"), (15, 0, 0));
    assert_eq!(story.books("run"), (15, 7, 0));
}

#[test]
fn a_receipt_corrects_what_was_assumed() {
    for (receipt, spent, excess) in [("settle r 3", 3, 0), ("settle r 12", 12, 2), ("release r", 0, 0)] {
        let story = Story::after(&format!("{BEGIN} ask r a 10; dead ha; {receipt}; {receipt}"));
        assert_eq!(story.books("run"), (spent, 0, excess), "{receipt}");
    }
    let story = Story::after(&format!("{BEGIN} hold r a 10; dead ha; settle r 3"));
    assert_eq!(story.books("run"), (3, 0, 3), "it was called after all");
}

#[test]
fn the_dead_get_nothing_and_begin_nothing() {
    let mut story = Story::after(&format!("{BEGIN} hold r a 10; ask s a 10; dead ha"));
    let mut refused = |words: &str| story.tell(&command(words)).unwrap_err();
    assert_eq!(
        refused("begin r"),
        Rejection::ReservationOver { reservation: "r".into(), phase: Phase::Released }
    );
    assert_eq!(
        refused("ask s a 10"),
        Rejection::ReservationOver { reservation: "s".into(), phase: Phase::Assumed }
    );
    assert_eq!(refused("ask t a 1"), Rejection::HolderGone { holder: "ha".into() });
    assert_eq!(story.tell(&command("ask t b 1")), Ok(1), "others live");
}

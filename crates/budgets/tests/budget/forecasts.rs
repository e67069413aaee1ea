//! What a level may still get.

use smallhands_budgets::{Amounts, Outlook, Resource};

use crate::words::{Story, tokens};

#[test]
fn outlooks() {
    let check = |words: &str, level: &str, now, at_best, bound_by: Option<&str>| {
        let state = Story::after(words).state;
        let expected = Outlook { now, at_best, bound_by: bound_by.map(Into::into) };
        assert_eq!(state.outlook(&level.into(), Resource::Tokens), expected, "{words} at {level}");
    };
    let tree = "open run 100; open a<run 60; open b<run -;";
    check("open run -", "run", None, None, None);
    check(tree, "a", Some(60), Some(60), Some("a"));
    check(tree, "b", Some(100), Some(100), Some("run"));
    check(&format!("{tree} ask x b 70"), "a", Some(30), Some(60), Some("run"));
    check(&format!("{tree} ask x b 70; settle x 70"), "a", Some(30), Some(30), Some("run"));
    check(&format!("{tree} ask x a 40"), "a", Some(20), Some(60), Some("a"));
    check(&format!("{tree} ask x a 40; settle x 61"), "a", Some(0), Some(0), Some("a"));
    check(&format!("{tree} close a"), "a", Some(0), Some(0), None);
    check(tree, "nowhere", Some(0), Some(0), None);
}

#[test]
fn overdrawn_in_one_thing_is_shut_for_all() {
    let state = Story::after("open run 10; ask x run 5; settle x 11").state;
    assert_eq!(state.available(&"run".into()).usd_micros, Some(0));
    assert_eq!(state.outlook(&"run".into(), Resource::UsdMicros).bound_by, None);
}

#[test]
fn how_many_calls_fit() {
    let state = Story::after("open run 100; open a<run -; ask x run 10").state;
    let left = |each: Amounts| state.calls_left(&"a".into(), &each);
    for (each, expected) in [
        (tokens(30), Some(3)),
        (tokens(91), Some(0)),
        (Amounts::ZERO, None),
        (Amounts::only(Resource::UsdMicros, 9), None),
        (Amounts { usd_micros: 1, tokens: 45, ..Amounts::ZERO }, Some(2)),
    ] {
        assert_eq!(left(each), expected, "{each:?}");
    }
}

//! Events as they are stored.

use serde_json::json;
use smallhands_budgets::{BudgetEvent, DecodeError, EVENT_VERSION, IllegalEvent, evolve, replay, try_evolve};

use crate::words::Story;

const EVERYTHING: &str = "open run 100; open a<run 60; limit a 50; hold x a 5; begin x; settle x 51; ask y run 5; \
                          release y; ask z run 2; dead hrun; close a";

#[test]
fn every_kind_survives_being_stored() {
    let log = Story::after(EVERYTHING).log;
    for event in &log {
        let stored = event.encode();
        assert_eq!(BudgetEvent::decode(stored.kind, stored.version, &stored.payload).as_ref(), Ok(event));
    }
    for kind in BudgetEvent::KINDS {
        assert!(log.iter().any(|event| event.kind() == *kind), "{kind} does not occur");
    }
}

/// What was written once must be readable for ever: these lines may grow in number, not change.
#[test]
fn the_format_of_version_1() {
    let stored = [
        ("budget_level_opened", json!({"level": "run", "parent": null, "limits": {"tokens": 9}})),
        ("budget_limit_changed", json!({"level": "run", "resource": "tokens", "limit": 10, "revision": 1})),
        (
            "budget_reserved",
            json!({"ask": {"reservation": "r", "level": "run", "holder": "h", "at_most": {"tokens": 4},
                "at_least": {}, "begun": false}, "granted": {"tokens": 4}}),
        ),
        ("budget_call_begun", json!({"reservation": "r"})),
        ("budget_settled", json!({"reservation": "r", "actual": {"tokens": 3}})),
        ("budget_released", json!({"reservation": "r"})),
        ("budget_reclaimed", json!({"holder": "h", "released": [], "assumed": []})),
        ("budget_level_closed", json!({"level": "run"})),
    ];
    let events: Vec<_> =
        stored.iter().map(|(kind, payload)| BudgetEvent::decode(kind, 1, payload).expect(kind)).collect();
    let state = replay(&events).unwrap();
    let run = state.level(&"run".into()).unwrap();
    assert_eq!((run.spent.tokens, run.limits.tokens, run.closed), (3, Some(10), true));
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let check = |kind: &str, version, payload, expected: &str| {
        let error = BudgetEvent::decode(kind, version, &payload).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("budget_burnt", 1, json!({}), "`budget_burnt` of version 1 are unknown");
    check("budget_settled", EVENT_VERSION + 1, json!({}), "newer one");
    check("budget_settled", 0, json!({}), "unknown");
    check("budget_settled", 1, json!({"reservation": 7}), "`budget_settled` is malformed");
    let unknown_limit = json!({"level": "r", "parent": null, "limits": {"elephants": 1}});
    let error = BudgetEvent::decode("budget_level_opened", 1, &unknown_limit).unwrap_err();
    assert!(matches!(error, DecodeError::Malformed { .. }), "a limit must not be overlooked");
}

#[test]
fn a_log_with_a_hole_is_noticed() {
    let log = Story::after(EVERYTHING).log;
    let error = replay(&log[1..]).unwrap_err();
    assert_eq!(error, IllegalEvent { kind: "budget_level_opened", level: "run".into() });
    let state = evolve(Default::default(), &log[1]);
    assert_eq!(state, Default::default(), "what cannot follow changes nothing");
    assert!(try_evolve(state, &log[2]).is_err());
}

#[test]
fn every_event_may_be_heard_again_at_any_later_time() {
    let story = Story::after(&format!(
        "open other 9; hold k other 3; begin k; release k; settle k 1; {EVERYTHING}; settle z 1"
    ));
    for event in 0..story.log.len() {
        for when in event + 1..=story.log.len() {
            let heard = story.log[..when].iter().chain([&story.log[event]]).chain(&story.log[when..]);
            assert_eq!(
                replay(heard).unwrap(),
                story.state,
                "{:?} again before event {when}",
                story.log[event]
            );
        }
    }
}

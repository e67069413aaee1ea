//! Taking, keeping and leaving a run.

use serde_json::json;
use smallhands_leases::{Grounds, OwnerEvent, OwnerPolicy, OwnerRefusal, Ownership, Watch};

const POLICY: OwnerPolicy = OwnerPolicy { lease_ms: 1_000, skew_ms: 100, margin_ms: 50 };

fn taken_at(wall_ms: i64) -> Ownership {
    let free = Ownership::default();
    let event = free.claim(&POLICY, &"one".into(), wall_ms, Grounds::Vacant).unwrap();
    free.evolve(&event)
}

#[test]
fn on_which_grounds_a_run_may_be_taken() {
    let owned = taken_at(5_000);
    let check = |state: &Ownership, wall_ms, grounds: Grounds, expected| {
        let claimed = state.claim(&POLICY, &"two".into(), wall_ms, grounds.clone());
        assert_eq!(claimed.is_ok(), expected, "{grounds:?} at {wall_ms}");
    };
    check(&Ownership::default(), 0, Grounds::Vacant, true);
    check(&Ownership::default(), 0, Grounds::Expired, true);
    check(&owned, 9_999, Grounds::Vacant, false);
    check(&owned, 6_100, Grounds::Expired, false);
    check(&owned, 6_101, Grounds::Expired, true);
    check(&owned, 5_000, Grounds::Silent { silent_ms: 1_049 }, false);
    check(&owned, 5_000, Grounds::Silent { silent_ms: 1_050 }, true);
    check(&owned, 5_000, Grounds::Dead { how: "its process is gone".into() }, true);
    let left = owned.clone().evolve(&owned.leave(1).unwrap());
    check(&left, 5_001, Grounds::Vacant, true);
    let refusal = owned.claim(&POLICY, &"two".into(), 5_000, Grounds::Expired).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the run is owned by `one` until 6000 ms by its clock; wait, or end that process"
    );
}

#[test]
fn who_was_deposed_stops() {
    let first = taken_at(0);
    let event = first.claim(&POLICY, &"two".into(), 9_000, Grounds::Expired).unwrap();
    let second = first.clone().evolve(&event);
    assert_eq!((second.epoch(), second.holder().unwrap().owner.as_str()), (2, "two"));
    assert_eq!(first.admits(1), Ok(()));
    assert_eq!(second.admits(2), Ok(()));
    let deposed = OwnerRefusal::Deposed { epoch: 1, current: 2 };
    assert_eq!(second.admits(1), Err(deposed.clone()));
    assert_eq!(second.renew(&POLICY, 1, 9_001), Err(deposed.clone()));
    assert_eq!(second.leave(1), Err(deposed));
    assert!(second.admits(3).is_err());
    let left = second.clone().evolve(&second.leave(2).unwrap());
    assert!(left.admits(2).is_err(), "who has left writes nothing more");
}

#[test]
fn renewals_count_also_when_the_clock_steps_back() {
    let mut state = taken_at(5_000);
    let mut watch = Watch::new(&state, 70);
    assert_eq!(watch.look(&state, 90), Grounds::Silent { silent_ms: 20 });
    state = state.clone().evolve(&state.renew(&POLICY, 1, 3_000).unwrap());
    assert_eq!(state.holder().map(|holder| (holder.until_wall_ms, holder.renewals)), Some((4_000, 1)));
    assert_eq!(watch.look(&state, 100), Grounds::Silent { silent_ms: 0 });
    assert_eq!(watch.look(&state, 150), Grounds::Silent { silent_ms: 50 });
    let late = state.renew(&POLICY, 1, 99_000);
    assert!(late.is_ok(), "nobody else has taken it");
}

#[test]
fn what_is_repeated_changes_nothing() {
    let mut state = Ownership::default();
    let mut log = Vec::new();
    for step in 0..4 {
        let wall_ms = step * 10_000;
        let owner = format!("p{step}").as_str().into();
        let taken = state.claim(&POLICY, &owner, wall_ms, Grounds::Expired).unwrap();
        state = state.evolve(&taken);
        let epoch = state.epoch();
        let renewed = state.renew(&POLICY, epoch, wall_ms + 1).unwrap();
        state = state.evolve(&renewed);
        let again = state.renew(&POLICY, epoch, wall_ms + 2).unwrap();
        state = state.evolve(&again);
        log.extend([taken, renewed, again]);
        if step == 2 {
            log.push(state.leave(epoch).unwrap());
            state = state.evolve(log.last().unwrap());
        }
    }
    for event in 0..log.len() {
        for when in event + 1..=log.len() {
            let heard = log[..when].iter().chain([&log[event]]).chain(&log[when..]);
            assert_eq!(
                heard.fold(Ownership::default(), Ownership::evolve),
                state,
                "{event} again before {when}"
            );
        }
    }
}

#[test]
fn how_long_an_owner_may_act() {
    assert_eq!(POLICY.own_until_ms(70), 1_020);
    assert_eq!(POLICY.renew_every_ms(), 333);
    assert_eq!(OwnerPolicy { lease_ms: 0, ..POLICY }.renew_every_ms(), 1);
}

/// What was written once must be readable for ever: these lines may grow in number, not change.
#[test]
fn the_format_of_version_1() {
    let stored = [
        (
            "run_owner_taken",
            json!({"owner": "one", "epoch": 1, "until_wall_ms": 9, "grounds": {"grounds": "silent", "silent_ms": 7}}),
        ),
        ("run_owner_renewed", json!({"epoch": 1, "number": 1, "until_wall_ms": 12})),
        ("run_owner_left", json!({"epoch": 1})),
    ];
    for (kind, payload) in stored {
        let event = OwnerEvent::decode(kind, 1, &payload).expect(kind);
        let encoded = event.encode();
        assert_eq!((encoded.kind, encoded.version, encoded.payload), (kind, 1, payload));
    }
    for (kind, version, payload, expected) in [
        ("run_owner_sold", 1, json!({}), "unknown"),
        ("run_owner_left", 2, json!({}), "newer one"),
        ("run_owner_left", 1, json!({}), "malformed"),
    ] {
        let error = OwnerEvent::decode(kind, version, &payload).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

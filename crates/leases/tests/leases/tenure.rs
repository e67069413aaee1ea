//! What a worker may do, and until when.

use smallhands_leases::{Acknowledgement, AttemptId, Incarnation, Lease, Message, Tenure, Token};

use crate::words::{POLICY, token};

/// Registered at 1000; a lease holds for 550 ms after the heartbeat was sent.
fn worker() -> Tenure {
    Tenure::new(POLICY, "w".into(), Incarnation(1), 1_000)
}

fn lease(shown: &str, since: u64) -> Lease {
    let (attempt, worker) = ("a".into(), "w".into());
    Lease { attempt, worker, incarnation: Incarnation(1), token: token(shown), since }
}

fn answer(number: u64, renewed: &[&str], stop: &[&str]) -> Acknowledgement {
    let renewed = renewed.iter().map(|shown| ("a".into(), token(shown))).collect();
    let stop = stop.iter().map(|shown| (AttemptId::new("a"), token(shown))).collect();
    Acknowledgement {
        worker: "w".into(),
        incarnation: Incarnation(1),
        number,
        renewed,
        stop,
        draining: false,
    }
}

/// From when on it may not act, as far as is known.
fn until(tenure: &Tenure) -> Option<u64> {
    (0..5_000).rev().find(|&now| tenure.may_act(&"a".into(), now)).map(|last| last + 1)
}

#[test]
fn a_lease_runs_from_the_heartbeat_that_was_sent() {
    let mut tenure = worker();
    assert_eq!(until(&tenure), None);
    assert!(tenure.accept(&lease("1.1", 0)));
    assert_eq!(until(&tenure), Some(1_550));
    let beat = tenure.heartbeat(1_100);
    assert_eq!((beat.number, beat.holds), (1, vec![("a".into(), token("1.1"))]));
    assert_eq!(until(&tenure), Some(1_550), "nothing is renewed by asking");
    tenure.heartbeat(1_200);
    assert!(tenure.acknowledged(&answer(2, &["1.1"], &[])).is_empty());
    assert_eq!(until(&tenure), Some(1_750));
    tenure.acknowledged(&answer(1, &["1.1"], &[]));
    assert_eq!(until(&tenure), Some(1_750), "an answer that was overtaken takes nothing away");
}

#[test]
fn what_does_not_count() {
    let check = |change: &dyn Fn(&mut Tenure), expected| {
        let mut tenure = worker();
        tenure.accept(&lease("1.5", 0));
        tenure.heartbeat(1_100);
        change(&mut tenure);
        assert_eq!(until(&tenure), expected);
    };
    check(&|tenure| assert!(!tenure.accept(&lease("1.4", 1))), Some(1_550));
    check(&|tenure| assert!(!tenure.accept(&lease("1.5", 1))), Some(1_550));
    check(&|tenure| assert!(tenure.accept(&lease("2.1", 1))), Some(1_650));
    check(&|tenure| assert!(!tenure.accept(&Lease { worker: "v".into(), ..lease("2.1", 1) })), Some(1_550));
    check(
        &|tenure| assert!(!tenure.accept(&Lease { incarnation: Incarnation(2), ..lease("2.1", 1) })),
        Some(1_550),
    );
    check(&|tenure| drop(tenure.acknowledged(&answer(1, &["1.4"], &[]))), Some(1_550));
    check(&|tenure| drop(tenure.acknowledged(&answer(99, &["1.5"], &[]))), Some(1_550));
    check(
        &|tenure| {
            let other = Acknowledgement { incarnation: Incarnation(2), ..answer(1, &["1.5"], &["1.5"]) };
            assert!(tenure.acknowledged(&other).is_empty());
        },
        Some(1_550),
    );
    check(&|tenure| assert_eq!(tenure.acknowledged(&answer(1, &[], &["1.5", "1.6"])), ["a".into()]), None);
    check(&|tenure| assert!(tenure.acknowledged(&answer(1, &[], &["1.4"])).is_empty()), Some(1_550));
}

#[test]
fn heartbeats_long_ago_are_forgotten() {
    let mut tenure = worker();
    tenure.heartbeat(1_700);
    assert!(tenure.accept(&lease("1.1", 0)), "held, so that the roster can be asked");
    assert_eq!(until(&tenure), None);
    tenure.acknowledged(&answer(1, &["1.1"], &[]));
    assert_eq!(until(&tenure), Some(2_250));
}

#[test]
fn the_rest_of_its_life() {
    let mut tenure = worker();
    let registration = Message::Register { worker: "w".into(), incarnation: Incarnation(1) };
    assert_eq!(tenure.registration(), registration);
    assert_eq!(tenure.next_heartbeat_ms(), 1_100);
    tenure.heartbeat(1_090);
    assert_eq!(tenure.next_heartbeat_ms(), 1_190);
    tenure.heartbeat(5);
    assert_eq!(tenure.next_heartbeat_ms(), 1_190, "a clock that steps back stands still");
    tenure.accept(&lease("1.1", 0));
    assert_eq!(tenure.token(&"a".into()), Some(Token { epoch: 1, serial: 1 }));
    assert_eq!(
        tenure.finish(&"a".into()),
        Some(Message::Finish { attempt: "a".into(), token: token("1.1") })
    );
    assert_eq!((tenure.finish(&"a".into()), tenure.token(&"a".into()), until(&tenure)), (None, None, None));
    assert!(!tenure.is_draining());
    tenure.acknowledged(&Acknowledgement { draining: true, ..answer(1, &[], &[]) });
    assert!(tenure.is_draining());
}

#[test]
fn messages_travel_as_text() {
    let mut tenure = worker();
    tenure.accept(&lease("1.1", 0));
    for message in [tenure.registration(), Message::Heartbeat(tenure.heartbeat(1_100)), Message::Tick] {
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message, "{text}");
    }
}

#[test]
fn what_was_given_up_is_not_brought_back_by_a_lease_that_is_repeated() {
    let give_up: [&dyn Fn(&mut Tenure); 2] = [&|tenure| drop(tenure.finish(&"a".into())), &|tenure| {
        drop(tenure.acknowledged(&answer(0, &[], &["1.3", "1.4"])))
    }];
    for give_up in give_up {
        let mut tenure = worker();
        tenure.accept(&lease("1.3", 0));
        give_up(&mut tenure);
        assert!(!tenure.accept(&lease("1.3", 0)));
        assert_eq!(until(&tenure), None);
        assert!(tenure.accept(&lease("1.4", 0)), "a new one is welcome");
        give_up(&mut tenure);
        // Long after, it is held again, so that the roster can be asked; but it permits nothing.
        tenure.heartbeat(1_601);
        assert!(tenure.accept(&lease("1.3", 0)));
        assert_eq!(until(&tenure), None);
    }
}

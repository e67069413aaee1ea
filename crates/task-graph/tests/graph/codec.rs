//! How events are written down, and that what was written once can always be read.

use serde_json::{Value, json};
use smallhands_task_graph::{
    AttemptId, DecodeError, EVENT_VERSION, Limit, RunEvent, RunPhase, RunState, TaskPhase, TaskStep, replay,
};

use crate::support::{bytes, done, task};

/// A log of the first format, one event per line. Never changed: old logs must stay readable.
const FIRST_FORMAT: &str = include_str!("logs/first-format.jsonl");

/// Kinds that came later; a log of them is beside the first.
const LATER: [&str; 7] = [
    "order_taken",
    "deadline_moved",
    "approval_asked",
    "approval_lapsed",
    "effect_intended",
    "effect_received",
    "run_forked",
];

fn first_format() -> Vec<RunEvent> {
    let decode = |line: &str| {
        let stored: Value = serde_json::from_str(line).unwrap();
        let (kind, version) = (stored["kind"].as_str().unwrap(), stored["version"].as_u64().unwrap() as u16);
        let event = RunEvent::decode(kind, version, &stored["payload"]).unwrap();
        let encoded = event.encode();
        let again = json!({ "kind": encoded.kind, "version": encoded.version, "payload": encoded.payload });
        assert_eq!(again.to_string(), stored.to_string(), "what is written today differs");
        event
    };
    FIRST_FORMAT.lines().map(decode).collect()
}

#[test]
fn the_first_format_can_be_read_for_ever() {
    let events = first_format();
    let state: RunState = replay(&events).unwrap();
    assert_eq!(state.phase, RunPhase::Finished);
    assert_eq!((state.epoch, state.revision, state.attempts_charged), (1, 2, 4));
    let phases: Vec<(&str, TaskPhase)> =
        state.tasks.iter().map(|(id, task)| (id.as_str(), task.phase)).collect();
    let expected = [
        ("baseline", TaskPhase::Done),
        ("fix-a", TaskPhase::Done),
        ("fix-b", TaskPhase::GaveUp),
        ("late", TaskPhase::Dropped),
        ("needs-b", TaskPhase::Dropped),
        ("pick", TaskPhase::Dropped),
    ];
    assert_eq!(phases, expected);
    assert_eq!(state.tasks[&"fix-a".into()].output(), Some(&json!({ "patch": "b3-00" })));
    assert_eq!(state.verdict, Some(json!("unverified")));
    assert_eq!(bytes(&state), bytes(&replay(&events).unwrap()));
}

#[test]
fn the_fixture_has_every_kind_of_event_of_its_time() {
    let mut kinds: Vec<&str> = first_format().iter().map(RunEvent::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let later = ["attempt_failed", "task_delayed", "capacity_changed"];
    let mut expected = RunEvent::KINDS.to_vec();
    expected.retain(|kind| !later.contains(kind));
    expected.sort_unstable();
    expected.retain(|kind| !LATER.contains(kind));
    assert_eq!(kinds, expected);
}

#[test]
fn an_event_is_stored_as_its_kind_and_its_fields() {
    let attempt: AttemptId = "a#2".parse().unwrap();
    let event = RunEvent::AttemptFinished { attempt, result: done(), then: TaskStep::Succeed, at_ms: 7 };
    let encoded = event.encode();
    assert_eq!((encoded.kind, encoded.version), ("attempt_finished", EVENT_VERSION));
    let expected = json!({ "attempt": "a#2", "result": { "result": "done", "output": null }, "then": "succeed", "at_ms": 7 });
    assert_eq!(encoded.payload, expected);
    assert_eq!(RunEvent::decode(encoded.kind, encoded.version, &encoded.payload), Ok(event));
}

#[test]
fn other_limits_have_names_of_their_own() {
    let event = RunEvent::RunLimitReached { which: Limit::Other("disk".into()) };
    let encoded = event.encode();
    assert_eq!(encoded.payload, json!({ "which": { "other": "disk" } }));
    assert_eq!(RunEvent::decode(encoded.kind, 1, &encoded.payload), Ok(event));
}

#[test]
fn fields_added_later_may_be_missing_in_old_events() {
    let added = task("a", &[]);
    let minimal = json!({ "add": [{ "id": "a", "role": "worker", "goal": "work", "max_attempts": 1, "time_limit_ms": 600_000 }] });
    let event = RunEvent::decode("plan_adopted", 1, &minimal).unwrap();
    match event {
        RunEvent::PlanAdopted { add, drop, reason, seen } => {
            assert_eq!((add[0].id.clone(), add[0].after.len(), add[0].needs), (added.id, 0, added.needs));
            assert_eq!((drop.len(), reason.as_str(), seen), (0, "", None));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let unknown = DecodeError::UnknownKind { kind: "task_teleported".into() };
    assert_eq!(RunEvent::decode("task_teleported", 1, &json!({})), Err(unknown));
    for version in [0, EVENT_VERSION + 1] {
        let newer = DecodeError::UnsupportedVersion { kind: "run_cancelled".into(), version };
        assert_eq!(RunEvent::decode("run_cancelled", version, &json!({ "reason": "x" })), Err(newer));
    }
    let cases = [
        ("run_cancelled", json!({})),
        ("run_cancelled", json!(null)),
        ("attempt_started", json!({ "attempt": "a", "at_ms": 1 })),
        (
            "attempt_finished",
            json!({ "attempt": "a#1", "result": { "result": "exploded" }, "then": "fail", "at_ms": 1 }),
        ),
    ];
    for (kind, payload) in cases {
        match RunEvent::decode(kind, 1, &payload) {
            Err(DecodeError::Malformed { kind: named, detail }) => {
                assert_eq!(named, kind);
                assert!(!detail.is_empty());
            }
            other => panic!("{kind} {payload}: {other:?}"),
        }
    }
}

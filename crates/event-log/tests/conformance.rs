//! One suite over every event log: what the port promises, each adapter keeps.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use smallhands_event_log::{BlobId, EventLog, LogError, MemoryLog, NewEvent, SqliteLog};
use support::{append_anyhow, event, events, payloads, quick, stream};

/// Opens another handle to the same log.
type Open<'a> = &'a dyn Fn() -> Arc<dyn EventLog>;

/// A promise of the port and the check that it is kept.
type Promise = (&'static str, fn(Open<'_>));

const SUITE: &[Promise] = &[
    ("a stream nobody wrote is empty", unknown_streams_are_empty),
    ("events come back in order, numbered from 1", events_come_back_in_order),
    ("reading goes on after a given event", reading_goes_on),
    ("an append that expects another position changes nothing", conflicts_change_nothing),
    ("appending nothing checks the position and creates nothing", empty_appends),
    ("streams are listed by prefix, sorted", streams_by_prefix),
    ("every payload comes back as it was", payloads_survive),
    ("times and versions come back as they were", numbers_survive),
    ("a blob is stored once and comes back", blobs),
    ("a blob that was never stored is missed", missing_blobs),
    ("another handle sees what was appended", handles_share),
    ("threads that race for one stream lose nothing", racing_threads),
    ("threads on their own streams do not disturb each other", parallel_threads),
    ("of two owners of a stream one is stopped", second_owner_is_stopped),
];

fn run_suite(adapter: &str, fresh: impl Fn(&str) -> Box<dyn Fn() -> Arc<dyn EventLog>>) {
    for (index, (promise, check)) in SUITE.iter().enumerate() {
        println!("{adapter}: {promise}");
        let open = fresh(&index.to_string());
        check(&*open);
    }
}

#[test]
fn memory() {
    run_suite("memory", |_| {
        let log = Arc::new(MemoryLog::new());
        Box::new(move || log.clone())
    });
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_suite("sqlite", |name| {
        let path = folder.join(name);
        Box::new(move || Arc::new(quick(&path)))
    });
}

#[test]
fn sqlite_with_every_append_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_suite("sqlite, flushed", |name| {
        let path = folder.join(name);
        Box::new(move || Arc::new(SqliteLog::open(&path).unwrap()))
    });
}

fn unknown_streams_are_empty(open: Open<'_>) {
    let log = open();
    assert_eq!(log.read(&stream("run/1"), 0).unwrap(), []);
    assert_eq!(log.read(&stream("run/1"), 7).unwrap(), []);
    assert_eq!(log.streams("").unwrap(), []);
}

fn events_come_back_in_order(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    assert_eq!(log.append(&run, 0, 10, &events(3)).unwrap(), 3);
    assert_eq!(log.append(&run, 3, 20, &events(2)).unwrap(), 5);
    let stored = log.read(&run, 0).unwrap();
    assert_eq!(stored.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(stored.iter().map(|event| event.at_ms).collect::<Vec<_>>(), [10, 10, 10, 20, 20]);
    let numbers: Vec<u64> = payloads(&stored).iter().map(|payload| payload["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 0, 1]);
}

fn reading_goes_on(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    log.append(&run, 0, 1, &events(4)).unwrap();
    for (after, expected) in
        [(0, vec![1, 2, 3, 4]), (1, vec![2, 3, 4]), (3, vec![4]), (4, vec![]), (9, vec![])]
    {
        let seqs: Vec<u64> = log.read(&run, after).unwrap().iter().map(|event| event.seq).collect();
        assert_eq!(seqs, expected, "after {after}");
    }
    assert_eq!(log.read(&run, u64::MAX).unwrap(), []);
}

fn conflicts_change_nothing(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    log.append(&run, 0, 1, &events(2)).unwrap();
    let before = log.read(&run, 0).unwrap();
    for expected in [0, 1, 3, u64::MAX] {
        let conflict = LogError::Conflict { stream: run.clone(), expected, actual: 2 };
        assert_eq!(log.append(&run, expected, 2, &events(3)), Err(conflict));
    }
    let elsewhere = LogError::Conflict { stream: stream("run/2"), expected: 1, actual: 0 };
    assert_eq!(log.append(&stream("run/2"), 1, 2, &events(1)), Err(elsewhere));
    assert_eq!(log.read(&run, 0).unwrap(), before);
    assert_eq!(log.streams("").unwrap(), [run]);
}

fn empty_appends(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    assert_eq!(log.append(&run, 0, 1, &[]).unwrap(), 0);
    assert_eq!(log.streams("").unwrap(), []);
    log.append(&run, 0, 1, &events(2)).unwrap();
    assert_eq!(log.append(&run, 2, 1, &[]).unwrap(), 2);
    assert!(matches!(log.append(&run, 1, 1, &[]), Err(LogError::Conflict { actual: 2, .. })));
}

fn streams_by_prefix(open: Open<'_>) {
    let log = open();
    for name in ["run/2", "attempt/1/a#1", "run/10", "run/1", "runs", "run-x/1", "attempt/10/a#1"] {
        log.append(&stream(name), 0, 1, &events(1)).unwrap();
    }
    let cases: &[(&str, &[&str])] = &[
        ("run/", &["run/1", "run/10", "run/2"]),
        ("run/1", &["run/1", "run/10"]),
        ("attempt/1/", &["attempt/1/a#1"]),
        ("runs", &["runs"]),
        ("run_", &[]),
        ("%", &[]),
        ("zebra", &[]),
        ("", &["attempt/1/a#1", "attempt/10/a#1", "run-x/1", "run/1", "run/10", "run/2", "runs"]),
    ];
    for (prefix, expected) in cases {
        let found: Vec<String> = log.streams(prefix).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, *expected, "prefix {prefix:?}");
    }
}

fn payloads_survive(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    let cases: Vec<Value> = vec![
        json!(null),
        json!(true),
        json!("kleine Hände \u{1f590} \0 \" \\ \n"),
        json!([0.1, -0.0, 1e-320, f64::MAX, 0.30000000000000004, 2.2250738585072014e-308]),
        json!([u64::MAX, i64::MIN, 0]),
        json!({ "z": 1, "a": { "deep": [[], {}, ""] } }),
        json!("x".repeat(300_000)),
    ];
    let new: Vec<NewEvent> = cases.iter().map(|payload| event("odd", payload.clone())).collect();
    log.append(&run, 0, 1, &new).unwrap();
    let back = payloads(&log.read(&run, 0).unwrap());
    assert_eq!(back, cases);
    let text = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>();
    assert_eq!(text(&back), text(&cases), "the order of keys and the digits of numbers count too");
}

fn numbers_survive(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    for (seq, (at_ms, version)) in
        [(0, 0), (i64::MAX, u16::MAX), (i64::MIN, 1), (-1, 2)].into_iter().enumerate()
    {
        let new = NewEvent { kind: String::new(), version, payload: Value::Null };
        log.append(&run, seq as u64, at_ms, &[new]).unwrap();
        let last = log.read(&run, seq as u64).unwrap().remove(0);
        assert_eq!((last.at_ms, last.version, last.kind.as_str()), (at_ms, version, ""));
    }
}

fn blobs(open: Open<'_>) {
    let log = open();
    let large: Vec<u8> = (0..1_000_000u32).map(|n| (n * 7 % 251) as u8).collect();
    for bytes in [&b""[..], b"\0\xff", b"text", &large] {
        let id = log.put_blob(bytes).unwrap();
        assert_eq!(id, BlobId::of(bytes));
        assert_eq!(log.put_blob(bytes).unwrap(), id);
        assert_eq!(log.get_blob(&id).unwrap(), bytes);
    }
}

fn missing_blobs(open: Open<'_>) {
    let id = BlobId::of(b"never stored");
    assert_eq!(open().get_blob(&id), Err(LogError::BlobMissing { id }));
}

fn handles_share(open: Open<'_>) {
    let (one, other, run) = (open(), open(), stream("run/1"));
    one.append(&run, 0, 1, &events(2)).unwrap();
    assert_eq!(other.append(&run, 2, 1, &events(1)).unwrap(), 3);
    assert_eq!(one.read(&run, 0).unwrap(), other.read(&run, 0).unwrap());
    let id = other.put_blob(b"shared").unwrap();
    assert_eq!(one.get_blob(&id).unwrap(), b"shared");
}

fn racing_threads(open: Open<'_>) {
    const THREADS: usize = 4;
    const EACH: usize = 20;
    let run = stream("run/1");
    thread::scope(|scope| {
        for writer in 0..THREADS {
            let (log, run) = (open(), run.clone());
            scope.spawn(move || {
                for n in 0..EACH {
                    append_anyhow(&*log, &run, &event("raced", json!({ "writer": writer, "n": n })));
                }
            });
        }
    });
    let stored = open().read(&run, 0).unwrap();
    assert_eq!(stored.len(), THREADS * EACH);
    for writer in 0..THREADS {
        let mine = stored.iter().filter(|event| event.payload["writer"] == writer);
        let order: Vec<u64> = mine.map(|event| event.payload["n"].as_u64().unwrap()).collect();
        assert_eq!(order, (0..EACH as u64).collect::<Vec<_>>(), "writer {writer}");
    }
}

fn parallel_threads(open: Open<'_>) {
    thread::scope(|scope| {
        for writer in 0..4 {
            let log = open();
            scope.spawn(move || {
                let run = stream(&format!("run/{writer}"));
                for seq in 0..20 {
                    assert_eq!(log.append(&run, seq, 1, &events(1)).unwrap(), seq + 1);
                    log.put_blob(format!("{seq}").as_bytes()).unwrap();
                }
            });
        }
    });
    let log = open();
    assert_eq!(log.streams("run/").unwrap().len(), 4);
    for id in log.streams("run/").unwrap() {
        assert_eq!(log.read(&id, 0).unwrap().len(), 20);
    }
}

fn second_owner_is_stopped(open: Open<'_>) {
    let (one, other, run) = (open(), open(), stream("run/1"));
    one.append(&run, 0, 1, &events(1)).unwrap();
    let seen_by_both = other.read(&run, 0).unwrap().len() as u64;
    one.append(&run, seen_by_both, 2, &events(1)).unwrap();
    let late = other.append(&run, seen_by_both, 2, &events(1));
    assert_eq!(late, Err(LogError::Conflict { stream: run, expected: 1, actual: 2 }));
}

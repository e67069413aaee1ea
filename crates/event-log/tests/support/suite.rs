//! One suite over every event log: what the port promises, each adapter keeps. Adapters outside this crate run it too.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{self, Read};
use std::sync::{Arc, Barrier};
use std::thread;

use super::{append_anyhow, event, events, payloads, stream};
use serde_json::{Value, json};
use smallhands_event_log::{
    Append, BlobId, ChainHead, EventLog, Extent, LogError, MemoryLog, NewEvent, chain::NO_SEAL,
};

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
    ("several appends go together, each with its own result", appends_go_together),
    ("many threads on many streams share the line", crowds),
    ("a flush changes nothing that is seen", flushing),
    ("large blobs stream in and out", streamed_blobs),
    ("a blob whose source fails is not stored", failing_sources),
    ("blobs are listed", blobs_are_listed),
    ("a stream has the same chain in every log", chains_agree),
    ("a published head is found again", published_heads),
    ("everything can be verified", everything_verified),
];

/// Runs every check on a fresh log; `fresh` is given a name for it.
pub fn run_suite(adapter: &str, fresh: impl Fn(&str) -> Box<dyn Fn() -> Arc<dyn EventLog>>) {
    for (index, (promise, check)) in SUITE.iter().enumerate() {
        println!("{adapter}: {promise}");
        let open = fresh(&index.to_string());
        check(&*open);
    }
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

fn appends_go_together(open: Open<'_>) {
    let (log, one, two) = (open(), stream("run/1"), stream("run/2"));
    log.append(&two, 0, 1, &events(1)).unwrap();
    let (few, none) = (events(2), events(0));
    let append = |stream, expected_seq, events| Append { stream, expected_seq, at_ms: 5, events };
    let results = log.append_many(&[
        append(&one, 0, &few),
        append(&two, 0, &few),
        append(&one, 2, &few),
        append(&one, 2, &few),
        append(&two, 1, &none),
        append(&two, 1, &few),
    ]);
    let conflict = |stream: &_, expected, actual| {
        Err(LogError::Conflict { stream: Clone::clone(stream), expected, actual })
    };
    let expected = [Ok(2), conflict(&two, 0, 1), Ok(4), conflict(&one, 2, 4), Ok(1), Ok(3)];
    assert_eq!(results, expected);
    assert_eq!(log.read(&one, 0).unwrap().len(), 4);
    assert_eq!(log.read(&two, 0).unwrap().len(), 3);
    assert_eq!(log.append_many(&[]), []);
}

fn crowds(open: Open<'_>) {
    const THREADS: usize = 32;
    let (log, begin) = (&open(), &Barrier::new(THREADS));
    thread::scope(|scope| {
        for writer in 0..THREADS {
            scope.spawn(move || {
                let run = stream(&format!("run/{writer}"));
                begin.wait();
                for seq in 0..5 {
                    let new = event("counted", json!({ "writer": writer, "seq": seq }));
                    assert_eq!(log.append(&run, seq, 1, &[new]).unwrap(), seq + 1);
                }
            });
        }
    });
    for writer in 0..THREADS {
        let stored = log.read(&stream(&format!("run/{writer}")), 0).unwrap();
        assert_eq!(stored.len(), 5);
        assert!(stored.iter().all(|event| event.payload["writer"] == writer));
    }
}

fn flushing(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    log.flush().unwrap();
    log.append(&run, 0, 1, &events(2)).unwrap();
    log.flush().unwrap();
    assert_eq!(log.append(&run, 2, 1, &events(1)).unwrap(), 3);
    assert_eq!(open().read(&run, 0).unwrap().len(), 3);
}

fn streamed_blobs(open: Open<'_>) {
    let log = open();
    for size in [0u64, 1, 256 * 1024, 256 * 1024 + 1, 3_000_000] {
        let bytes: Vec<u8> = (0..size).map(|n| (n * 13 % 241) as u8).collect();
        let id = log.put_blob_from(&mut &bytes[..]).unwrap();
        assert_eq!(id, BlobId::of(&bytes));
        let mut back = Vec::new();
        log.open_blob(&id).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == bytes, "{size} bytes");
        assert!(log.get_blob(&id).unwrap() == bytes, "{size} bytes");
    }
}

fn failing_sources(open: Open<'_>) {
    struct Failing(u64);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.0 as usize);
            self.0 -= count as u64;
            if count == 0 { Err(io::Error::other("as intended")) } else { Ok(count) }
        }
    }
    let log = open();
    for size in [0, 10, 1_000_000] {
        let refused = log.put_blob_from(&mut Failing(size));
        assert!(matches!(refused, Err(LogError::BlobSource { .. })), "{refused:?}");
    }
    assert_eq!(log.blobs().unwrap(), []);
}

fn blobs_are_listed(open: Open<'_>) {
    let log = open();
    assert_eq!(log.blobs().unwrap(), []);
    let large = vec![5; 400_000];
    let mut ids: Vec<BlobId> =
        [&b"a"[..], b"b", b"a", &large].iter().map(|b| log.put_blob(b).unwrap()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(log.blobs().unwrap(), ids);
}

fn chains_agree(open: Open<'_>) {
    let (log, model, run) = (open(), MemoryLog::new(), stream("run/1"));
    let odd = [event("odd", json!([0.1, { "z": 1, "a": "\u{1f590}" }, u64::MAX])), event("", Value::Null)];
    for log in [&*log as &dyn EventLog, &model] {
        log.append(&run, 0, -5, &odd).unwrap();
        log.append(&run, 2, 7, &events(3)).unwrap();
    }
    for last in 0..7 {
        assert_eq!(log.head_at(&run, last).unwrap(), model.head_at(&run, last).unwrap(), "at {last}");
    }
    assert_eq!(log.verify(&run).unwrap().seq, 5);
    let unknown = ChainHead { stream: stream("run/2"), seq: 0, seal: NO_SEAL };
    assert_eq!(log.verify(&stream("run/2")).unwrap(), unknown);
}

fn published_heads(open: Open<'_>) {
    let (log, run) = (open(), stream("run/1"));
    log.append(&run, 0, 1, &events(3)).unwrap();
    let text = log.verify(&run).unwrap().to_string();
    log.append(&run, 3, 2, &events(2)).unwrap();
    let published: ChainHead = text.parse().unwrap();
    assert_eq!(open().verify_against(&published).unwrap().seq, 5);
    assert_eq!(log.verify_against(&ChainHead::empty(&run)).unwrap().seq, 5);
    let longer = ChainHead { seq: 9, ..published.clone() };
    let other = ChainHead { seal: [1; 32], ..published };
    for (head, seq) in [(longer, 9), (other, 3)] {
        match log.verify_against(&head) {
            Err(LogError::Tampered { seq: named, .. }) => assert_eq!(named, seq),
            answer => panic!("{answer:?}"),
        }
    }
}

fn everything_verified(open: Open<'_>) {
    let log = open();
    assert_eq!(log.verify_all().unwrap(), Extent::default());
    log.append(&stream("run/1"), 0, 1, &events(3)).unwrap();
    log.append(&stream("run/2"), 0, 1, &events(4)).unwrap();
    log.put_blob(b"a blob").unwrap();
    log.put_blob(&[1; 300_000]).unwrap();
    assert_eq!(log.verify_all().unwrap(), Extent { streams: 2, events: 7, blobs: 2 });
}

//! Random uses of a log, compared with the plainest thing that could be right: vectors.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use smallhands_event_log::{
    BlobId, Durability, EventLog, LogError, MemoryLog, NewEvent, SegmentLog, SegmentOptions,
};
use support::{quick, stream};

const STREAMS: [&str; 3] = ["run/1", "run/10", "attempt/1/a#1"];

#[derive(Debug, Clone)]
enum Use {
    /// Appends, expecting a position that is off by this much.
    Append {
        to: usize,
        off_by: i64,
        payloads: Vec<Value>,
    },
    Read {
        from: usize,
        after: u64,
    },
    List(&'static str),
    Put(Vec<u8>),
    Get(Vec<u8>),
    Reopen,
}

fn any_payload() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::collection::vec(any::<u64>(), 0..4).prop_map(Value::from),
        (".{0,5}", any::<bool>()).prop_map(|(key, value)| json!({ key: value })),
    ]
}

fn any_use() -> impl Strategy<Value = Use> {
    let payloads = prop::collection::vec(any_payload(), 0..4);
    let off_by = prop_oneof![8 => Just(0i64), 1 => -2i64..3];
    let short = prop::collection::vec(0u8..3, 0..3);
    prop_oneof![
        6 => (0..STREAMS.len(), off_by, payloads)
            .prop_map(|(to, off_by, payloads)| Use::Append { to, off_by, payloads }),
        3 => (0..STREAMS.len(), 0u64..12).prop_map(|(from, after)| Use::Read { from, after }),
        1 => prop::sample::select(vec!["", "run/", "run/1", "a", "zz"]).prop_map(Use::List),
        1 => short.clone().prop_map(Use::Put),
        1 => short.prop_map(Use::Get),
        1 => Just(Use::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    streams: BTreeMap<&'static str, Vec<(i64, NewEvent)>>,
    blobs: BTreeSet<Vec<u8>>,
}

/// Applies one use to a log and to the model and compares the answers. The model itself changes only when `commit` is set,
/// so several logs can be compared in turn.
fn compare(log: &dyn EventLog, model: &mut Model, step: &Use, at_ms: i64, commit: bool) {
    match step {
        Use::Append { to, off_by, payloads } => {
            let events: Vec<NewEvent> = payloads
                .iter()
                .map(|payload| NewEvent { kind: "used".into(), version: 3, payload: payload.clone() })
                .collect();
            let actual = model.streams.get(STREAMS[*to]).map_or(0, |stored| stored.len() as u64);
            let expected = actual.saturating_add_signed(*off_by);
            let answer = log.append(&stream(STREAMS[*to]), expected, at_ms, &events);
            if expected == actual {
                assert_eq!(answer, Ok(actual + events.len() as u64));
            } else {
                assert_eq!(
                    answer,
                    Err(LogError::Conflict { stream: stream(STREAMS[*to]), expected, actual })
                );
            }
            if commit && expected == actual && !events.is_empty() {
                let stored = model.streams.entry(STREAMS[*to]).or_default();
                stored.extend(events.into_iter().map(|event| (at_ms, event)));
            }
        }
        Use::Read { from, after } => {
            let stored = model.streams.get(STREAMS[*from]).map(Vec::as_slice).unwrap_or_default();
            let expected: Vec<_> = stored
                .iter()
                .zip(1u64..)
                .filter(|(_, seq)| seq > after)
                .map(|((at_ms, event), seq)| {
                    (seq, *at_ms, event.kind.clone(), event.version, event.payload.clone())
                })
                .collect();
            let answer = log.read(&stream(STREAMS[*from]), *after).unwrap();
            let answer: Vec<_> =
                answer.into_iter().map(|e| (e.seq, e.at_ms, e.kind, e.version, e.payload)).collect();
            assert_eq!(answer, expected);
        }
        Use::List(prefix) => {
            let names = model.streams.keys().filter(|name| name.starts_with(prefix));
            assert_eq!(log.streams(prefix).unwrap(), names.map(|name| stream(name)).collect::<Vec<_>>());
        }
        Use::Put(bytes) => {
            assert_eq!(log.put_blob(bytes).unwrap(), BlobId::of(bytes));
            if commit {
                model.blobs.insert(bytes.clone());
            }
        }
        Use::Get(bytes) => {
            let id = BlobId::of(bytes);
            let expected = if model.blobs.contains(bytes) {
                Ok(bytes.clone())
            } else {
                Err(LogError::BlobMissing { id: id.clone() })
            };
            assert_eq!(log.get_blob(&id), expected);
        }
        Use::Reopen => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn logs_agree_with_the_model(uses in prop::collection::vec(any_use(), 1..50)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let memory = MemoryLog::new();
        let mut sqlite = quick(&path);
        // Small segments, so that many turn over.
        let options = SegmentOptions { durability: Durability::Relaxed, segment_size: 700, ..SegmentOptions::default() };
        let open = || SegmentLog::open_with(&folder.path().join("log"), options.clone()).unwrap();
        let mut segments = open();
        let mut model = Model::default();
        for (step, at_ms) in uses.iter().zip(100i64..) {
            if matches!(step, Use::Reopen) {
                drop(sqlite);
                sqlite = quick(&path);
                segments = open();
            }
            compare(&memory, &mut model, step, at_ms, false);
            compare(&segments, &mut model, step, at_ms, false);
            compare(&sqlite, &mut model, step, at_ms, true);
        }
        assert_eq!(sqlite.verify_all().unwrap(), segments.verify_all().unwrap());
    }
}

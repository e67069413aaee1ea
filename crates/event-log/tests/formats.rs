//! Files of every format so far, as they were written then: they are read, brought up to date, and moved.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use smallhands_event_log::{
    BlobId, Durability, EventLog, Extent, FORMAT_VERSION, LogError, MemoryLog, SEGMENT_FORMAT, SegmentLog,
    SqliteLog, copy, move_to_segments, open_state,
};
use support::{events, stream};

/// The head of `run/1` in every fixture: the same events, so the same chain.
const HEAD: &str = include_str!("fixtures/head.txt");

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// What `examples/write_fixture.rs` wrote.
fn check_content(log: &dyn EventLog) {
    assert_eq!(log.verify_all().unwrap(), Extent { streams: 2, events: 15, blobs: 2 });
    let run = log.read(&stream("run/1"), 0).unwrap();
    for (n, event) in run.iter().enumerate() {
        let payload =
            json!({ "n": n, "text": "kleine Hände \u{1f590} \" \\", "real": 0.1 + n as f64, "none": null });
        assert_eq!(event.payload, payload);
        assert_eq!((event.kind.as_str(), event.version), (format!("kind_{n}").as_str(), 1 + n as u16));
        assert_eq!((event.seq, event.at_ms), (n as u64 + 1, 1_763_000_000_000 + n as i64));
    }
    let attempt = log.read(&stream("attempt/1/fix#1"), 0).unwrap();
    assert_eq!(attempt.iter().map(|event| event.at_ms).collect::<Vec<_>>(), [-5, -5, -5]);
    assert_eq!(log.get_blob(&BlobId::of(b"a small blob")).unwrap(), b"a small blob");
    assert_eq!(log.get_blob(&BlobId::of(&[7; 100_000])).unwrap(), [7; 100_000]);
    assert_eq!(log.verify_against(&HEAD.trim().parse().unwrap()).unwrap().to_string(), HEAD.trim());
}

fn copied_folder(name: &str, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn there_is_a_fixture_of_every_format() {
    for format in 1..=FORMAT_VERSION {
        assert!(fixture(&format!("sqlite-format-{format}.db")).exists(), "SQLite {format}");
    }
    for format in 1..=SEGMENT_FORMAT {
        assert!(fixture(&format!("segments-format-{format}")).exists(), "segments {format}");
    }
}

#[test]
fn every_sqlite_format_is_brought_up_to_date_and_kept() {
    for format in 1..=FORMAT_VERSION {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        fs::copy(fixture(&format!("sqlite-format-{format}.db")), &path).unwrap();
        for _ in 0..2 {
            let log = SqliteLog::open(&path).unwrap();
            check_content(&log);
            drop(log);
        }
        let backup = folder.path().join(format!("state.db.format-{format}.backup"));
        assert_eq!(backup.exists(), format < FORMAT_VERSION, "format {format}");
        if backup.exists() {
            // The copy is of the old format: opening a copy of it migrates once more.
            let again = folder.path().join("again.db");
            fs::copy(&backup, &again).unwrap();
            check_content(&SqliteLog::open(&again).unwrap());
            assert!(folder.path().join(format!("again.db.format-{format}.backup")).exists());
        }
        let log = SqliteLog::open(&path).unwrap();
        assert_eq!(log.append(&stream("run/1"), 12, 1, &events(1)).unwrap(), 13, "format {format}");
    }
}

#[test]
fn a_file_that_cannot_be_copied_first_is_not_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fs::copy(fixture("sqlite-format-1.db"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    // Something that cannot be removed is in the way of the copy.
    let in_the_way = folder.path().join(format!("state.db.format-1.backup.{}", std::process::id()));
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    assert!(SqliteLog::open(&path).is_err());
    fs::remove_dir_all(&in_the_way).unwrap();
    assert_eq!(fs::read(&path).unwrap()[..18], before[..18]);
    assert_eq!(fs::read(&path).unwrap()[60..64], before[60..64], "still format 1");
    check_content(&SqliteLog::open(&path).unwrap());
}

#[test]
fn every_segment_format_is_read() {
    for format in 1..=SEGMENT_FORMAT {
        let folder = tempfile::tempdir().unwrap();
        copied_folder(&format!("segments-format-{format}"), folder.path());
        let log = SegmentLog::open(folder.path()).unwrap();
        assert_eq!(log.cuts(), []);
        check_content(&log);
        assert_eq!(log.append(&stream("run/1"), 12, 1, &events(1)).unwrap(), 13, "format {format}");
    }
}

#[test]
fn a_state_folder_keeps_the_log_it_has_until_it_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let open = || open_state(folder.path(), Durability::Relaxed).unwrap();
    fs::copy(fixture("sqlite-format-1.db"), folder.path().join("state.db")).unwrap();
    check_content(&*open());
    assert!(!folder.path().join("log").exists());
    // Half of an earlier try is in the way.
    fs::create_dir_all(folder.path().join("log.unfinished")).unwrap();
    fs::write(folder.path().join("log.unfinished/00000001.seg"), "half").unwrap();
    let moved = move_to_segments(folder.path()).unwrap();
    assert_eq!(moved, Some(Extent { streams: 2, events: 15, blobs: 2 }));
    let log = open();
    check_content(&*log);
    assert_eq!(log.cuts(), []);
    assert!(folder.path().join("log/00000001.seg").exists());
    check_content(&SqliteLog::open(&folder.path().join("state.db.moved")).unwrap());
    assert_eq!(move_to_segments(folder.path()).unwrap(), None, "once is enough");
}

#[test]
fn a_new_state_folder_gets_segments() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_state(folder.path(), Durability::Full).unwrap();
    log.append(&stream("run/1"), 0, 1, &events(1)).unwrap();
    assert!(folder.path().join("log/00000001.seg").exists());
    assert!(!folder.path().join("state.db").exists());
}

#[test]
fn a_damaged_log_is_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    fs::copy(fixture("sqlite-format-2.db"), &path).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("UPDATE event SET payload = '{}' WHERE seq = 4").unwrap();
    drop(connection);
    assert!(matches!(move_to_segments(folder.path()), Err(LogError::Corrupt { seq: 4, .. })));
    assert!(path.exists() && !folder.path().join("log").exists());
}

#[test]
fn logs_are_copied_between_any_adapters() {
    let folder = tempfile::tempdir().unwrap();
    copied_folder("segments-format-1", &folder.path().join("log"));
    let from = SegmentLog::open(&folder.path().join("log")).unwrap();
    let (memory, sqlite) = (MemoryLog::new(), support::quick(&folder.path().join("copy.db")));
    for to in [&memory as &dyn EventLog, &sqlite] {
        copy(&from, to).unwrap();
        check_content(to);
        assert!(
            matches!(copy(&from, to), Err(LogError::Conflict { .. })),
            "a log that has something is not copied into"
        );
    }
}

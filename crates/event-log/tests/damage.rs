//! What the SQLite log does when the file, the disk or its neighbours misbehave: a typed error and no false data.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use rusqlite::Connection;
use smallhands_event_log::{
    BlobId, EventLog, FORMAT_VERSION, LogError, SqliteLog, SqliteOptions, StoredEvent,
};
use support::{events, quick, quick_options, stream};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    (folder, path)
}

/// A closed log of one run with `count` events, everything in the main file.
fn written(path: &Path, count: usize) -> Vec<StoredEvent> {
    let log = quick(path);
    log.append(&stream("run/1"), 0, 1, &events(count)).unwrap();
    log.put_blob(b"a blob").unwrap();
    log.read(&stream("run/1"), 0).unwrap()
}

fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn kind_of(error: &LogError) -> &'static str {
    match error {
        LogError::Conflict { .. } => "conflict",
        LogError::ReadOnly { .. } => "read only",
        LogError::DiskFull { .. } => "disk full",
        LogError::Busy { .. } => "busy",
        LogError::Corrupt { .. } => "corrupt",
        LogError::CorruptBlob { .. } => "corrupt blob",
        LogError::CorruptFile { .. } => "corrupt file",
        LogError::NewerFormat { .. } => "newer format",
        LogError::BlobMissing { .. } => "blob missing",
        LogError::BlobTooLarge { .. } => "blob too large",
        LogError::BlobSource { .. } => "blob source",
        LogError::Tampered { .. } => "tampered",
        LogError::Abandoned => "abandoned",
        LogError::Io { .. } => "io",
    }
}

#[test]
fn a_file_of_random_bytes_is_refused() {
    let (_folder, path) = folder();
    for length in [1usize, 17, 100, 512, 4096, 20_000] {
        let noise: Vec<u8> =
            (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        fs::write(&path, noise).unwrap();
        let error = SqliteLog::open(&path).unwrap_err();
        assert_eq!(kind_of(&error), "corrupt file", "{length} bytes: {error}");
        assert!(error.to_string().contains("move it away"), "{error}");
    }
}

#[test]
fn a_truncated_file_never_yields_false_events() {
    let (_folder, path) = folder();
    let original = written(&path, 400);
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 40_000, "the log is large enough to be cut in many ways");
    for cut in (1..whole.len()).step_by(whole.len() / 37).chain([50, 99, 100, 511, 512, 4095, 4096]) {
        fs::write(&path, &whole[..cut]).unwrap();
        match SqliteLog::open_with(&path, &quick_options()).and_then(|log| log.read(&stream("run/1"), 0)) {
            Ok(events) => assert!(events == original, "{} events after a cut at {cut}", events.len()),
            Err(error) => {
                assert!(matches!(kind_of(&error), "corrupt" | "corrupt file"), "cut at {cut}: {error}")
            }
        }
    }
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let (_folder, path) = folder();
    tamper(&path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path).unwrap_err();
    assert_eq!(kind_of(&error), "corrupt file");
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_format_is_left_alone() {
    let (_folder, path) = folder();
    written(&path, 3);
    tamper(&path, &format!("PRAGMA journal_mode = DELETE; PRAGMA user_version = {}", FORMAT_VERSION + 1));
    let before = fs::read(&path).unwrap();
    let error = SqliteLog::open(&path).unwrap_err();
    let expected =
        LogError::NewerFormat { path: path.clone(), found: FORMAT_VERSION + 1, supported: FORMAT_VERSION };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("newer smallhands"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn tampering_is_found_at_the_first_event_concerned() {
    let cases: &[(&str, u64)] = &[
        ("UPDATE event SET payload = '{}' WHERE seq = 4", 4),
        ("UPDATE event SET payload = 'no json' WHERE seq = 2", 2),
        ("UPDATE event SET kind = 'other' WHERE seq = 1", 1),
        ("UPDATE event SET at_ms = at_ms + 1 WHERE seq = 9", 9),
        ("UPDATE event SET version = 70000 WHERE seq = 3", 3),
        ("UPDATE event SET seal = x'00' WHERE seq = 5", 5),
        ("DELETE FROM event WHERE seq = 6", 6),
        ("DELETE FROM event WHERE seq > 7", 8),
        ("DELETE FROM event", 1),
        ("UPDATE stream SET last_seal = zeroblob(32)", 10),
        ("UPDATE stream SET last_seq = 12", 11),
        ("UPDATE stream SET last_seq = 9", 9),
        (
            "UPDATE stream SET name = 'run/2'; INSERT INTO stream SELECT 7, 'run/1', 10, last_seal FROM stream",
            1,
        ),
        ("UPDATE event SET seq = -seq WHERE seq IN (2, 3); UPDATE event SET seq = seq + 5 WHERE seq < 0", 2),
    ];
    for (sql, first) in cases {
        let (_folder, path) = folder();
        written(&path, 10);
        tamper(&path, &format!("PRAGMA foreign_keys = OFF; {sql}"));
        let log = quick(&path);
        match log.read(&stream("run/1"), 0) {
            Err(LogError::Corrupt { seq, .. }) => assert_eq!(seq, *first, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
        assert!(log.verify_all().is_err(), "{sql}");
    }
}

#[test]
fn reading_on_after_a_lost_event_is_noticed() {
    let (_folder, path) = folder();
    written(&path, 10);
    tamper(&path, "DELETE FROM event WHERE seq = 6");
    let log = quick(&path);
    for after in [0, 6] {
        match log.read(&stream("run/1"), after) {
            Err(LogError::Corrupt { seq: 6, detail, .. }) => assert_eq!(detail, "it is missing"),
            other => panic!("after {after}: {other:?}"),
        }
    }
    assert_eq!(log.read(&stream("run/1"), 7).unwrap().len(), 3, "what follows is sealed among itself");
}

#[test]
fn a_changed_blob_is_not_handed_out() {
    let (_folder, path) = folder();
    written(&path, 1);
    tamper(&path, "UPDATE blob SET bytes = x'6121'");
    let id = BlobId::of(b"a blob");
    let log = quick(&path);
    match log.get_blob(&id) {
        Err(LogError::CorruptBlob { id: named, .. }) => assert_eq!(named, id),
        other => panic!("{other:?}"),
    }
    assert!(matches!(log.verify_all(), Err(LogError::CorruptBlob { .. })));
}

#[test]
fn a_lost_table_is_a_damaged_file() {
    let (_folder, path) = folder();
    written(&path, 1);
    tamper(&path, "DROP TABLE blob");
    assert_eq!(kind_of(&quick(&path).put_blob(b"x").unwrap_err()), "corrupt file");
}

#[test]
fn verify_counts_what_is_there() {
    let (_folder, path) = folder();
    written(&path, 10);
    let extent = quick(&path).verify_all().unwrap();
    assert_eq!((extent.streams, extent.events, extent.blobs), (1, 10, 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// One byte goes bad anywhere in the file. Whatever is still handed out is what was written.
    #[test]
    fn a_flipped_byte_never_yields_false_events(position in any::<prop::sample::Index>(), flip in 1u8..) {
        let (_folder, path) = folder();
        let original = written(&path, 60);
        let mut bytes = fs::read(&path).unwrap();
        let at = position.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        let Ok(log) = SqliteLog::open_with(&path, &quick_options()) else { return Ok(()) };
        let verified = log.verify_all();
        match log.read(&stream("run/1"), 0) {
            Ok(events) if verified.is_ok() => prop_assert_eq!(events, original),
            // The name of the stream itself was hit: `verify` notices, reading finds no such stream.
            Ok(events) => prop_assert!(events.is_empty() || events == original),
            Err(error) => prop_assert!(matches!(kind_of(&error), "corrupt" | "corrupt file"), "{}", error),
        }
    }
}

#[test]
fn a_full_disk_is_reported_and_loses_nothing() {
    let (_folder, path) = folder();
    let limited = SqliteOptions { size_limit: Some(96 * 1024), ..quick_options() };
    let run = stream("run/1");
    let log = SqliteLog::open_with(&path, &limited).unwrap();
    let mut seq = 0;
    let full = loop {
        match log.append(&run, seq, 1, &events(10)) {
            Ok(last) => seq = last,
            Err(error) => break error,
        }
        assert!(seq < 100_000, "the limit is never reached");
    };
    assert_eq!(full, LogError::DiskFull { path: path.clone() });
    assert!(full.to_string().contains("free some space"));
    assert!(seq > 0);
    assert_eq!(log.put_blob(&[7; 200_000]), Err(LogError::DiskFull { path: path.clone() }));
    assert_eq!(log.read(&run, 0).unwrap().len() as u64, seq);
    drop(log);
    let roomy = quick(&path);
    assert_eq!(roomy.append(&run, seq, 2, &events(10)).unwrap(), seq + 10);
    assert_eq!(roomy.verify_all().unwrap().events, seq + 10);
}

#[test]
fn a_lock_held_too_long_is_reported() {
    let (_folder, path) = folder();
    written(&path, 2);
    let impatient = SqliteOptions { busy_timeout: Duration::from_millis(20), ..quick_options() };
    let log = SqliteLog::open_with(&path, &impatient).unwrap();
    let neighbour = Connection::open(&path).unwrap();
    neighbour.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = log.append(&stream("run/1"), 2, 1, &events(1)).unwrap_err();
    assert_eq!(error, LogError::Busy { path: path.clone() });
    assert_eq!(log.read(&stream("run/1"), 0).unwrap().len(), 2, "readers do not wait for writers");
    neighbour.execute_batch("ROLLBACK").unwrap();
    assert_eq!(log.append(&stream("run/1"), 2, 1, &events(1)).unwrap(), 3);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    written(&path, 2);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let existing = SqliteLog::open(&path).unwrap_err();
    let fresh = SqliteLog::open(&folder.path().join("new.db")).unwrap_err();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((kind_of(&existing), kind_of(&fresh)), ("read only", "read only"));
    assert!(existing.to_string().contains("permissions"));
    assert_eq!(quick(&path).read(&stream("run/1"), 0).unwrap().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_refuses_is_reported() {
    let error = SqliteLog::open(Path::new("/sys/smallhands.db")).unwrap_err();
    assert_eq!(kind_of(&error), "read only", "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = folder();
    let path = folder.path().join("no/such/folder/log.db");
    let error = SqliteLog::open(&path).unwrap_err();
    assert_eq!(kind_of(&error), "io");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[cfg(unix)]
#[test]
fn a_new_log_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    written(&path, 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
}

/// The state of a log on disk while it is open: the main file and the write-ahead log.
fn copy_open_log(from: &Path, to: &Path, wal: &[u8]) {
    fs::copy(from, to).unwrap();
    fs::write(with_suffix(to, "-wal"), wal).unwrap();
    let _ = fs::remove_file(with_suffix(to, "-shm"));
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[test]
fn after_a_crash_the_log_is_a_prefix_of_whole_appends() {
    const BATCH: usize = 3;
    let (_folder, path) = folder();
    let run = stream("run/1");
    let log = SqliteLog::open(&path).unwrap();
    for batch in 0..12 {
        log.append(&run, batch * BATCH as u64, 1, &events(BATCH)).unwrap();
    }
    let original = log.read(&run, 0).unwrap();
    let wal = fs::read(with_suffix(&path, "-wal")).unwrap();
    let mut lengths = std::collections::BTreeSet::new();
    for cut in (0..=wal.len()).step_by(509).chain([wal.len()]) {
        let copy = path.with_file_name("copy.db");
        copy_open_log(&path, &copy, &wal[..cut]);
        let reopened = SqliteLog::open_with(&copy, &quick_options()).unwrap();
        let events = reopened.read(&run, 0).unwrap();
        assert_eq!(events.len() % BATCH, 0, "half an append after a cut at {cut}");
        assert!(events == original[..events.len()], "cut at {cut}");
        let next = reopened.append(&run, events.len() as u64, 2, &support::events(1)).unwrap();
        assert_eq!(next, events.len() as u64 + 1, "the run goes on");
        lengths.insert(events.len());
    }
    assert_eq!(lengths.len(), 13, "every prefix was seen: {lengths:?}");
}

#[test]
fn a_bad_spot_in_the_write_ahead_log_costs_the_tail_only() {
    let (_folder, path) = folder();
    let run = stream("run/1");
    let log = SqliteLog::open(&path).unwrap();
    for seq in 0..20 {
        log.append(&run, seq, 1, &events(1)).unwrap();
    }
    let original = log.read(&run, 0).unwrap();
    let wal = fs::read(with_suffix(&path, "-wal")).unwrap();
    for at in (0..wal.len()).step_by(2_003) {
        let mut bad = wal.clone();
        bad[at] ^= 0x55;
        let copy = path.with_file_name("copy.db");
        copy_open_log(&path, &copy, &bad);
        let events = SqliteLog::open_with(&copy, &quick_options()).unwrap().read(&run, 0).unwrap();
        assert!(events == original[..events.len()], "bad byte at {at}");
    }
}

#[test]
fn a_crash_while_the_write_ahead_log_is_folded_in_loses_nothing() {
    let (_folder, path) = folder();
    let run = stream("run/1");
    let log = SqliteLog::open(&path).unwrap();
    log.append(&run, 0, 1, &events(200)).unwrap();
    let original = log.read(&run, 0).unwrap();
    let wal = fs::read(with_suffix(&path, "-wal")).unwrap();
    let before = fs::read(&path).unwrap();
    tamper(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
    let after = fs::read(&path).unwrap();
    assert!(after.len() > before.len());
    for pages in 0..after.len() / 4096 {
        let copy = path.with_file_name("copy.db");
        let mut half = after[..pages * 4096].to_vec();
        half.extend(before.get(pages * 4096..).unwrap_or_default());
        fs::write(path.with_file_name("half.db"), &half).unwrap();
        copy_open_log(&path.with_file_name("half.db"), &copy, &wal);
        let reopened = SqliteLog::open_with(&copy, &quick_options()).unwrap();
        assert!(reopened.read(&run, 0).unwrap() == original, "{pages} pages folded in");
    }
}

//! A log on a disk that is full, or that fails.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::medium::{Medium, Mount};
use super::{SegmentLog, SegmentOptions};
use crate::{Append, Durability, EventLog, LogError, NewEvent, StreamId};

/// What the disk does next.
#[derive(Debug, Default)]
struct Script {
    /// Bytes until it is full; `None`: never.
    room: Option<u64>,
    fail_sync: bool,
    fail_cut: bool,
}

#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Script>>);

#[derive(Debug)]
struct OnDisk {
    file: File,
    disk: Disk,
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.0.lock().unwrap());
    }

    fn open(&self, folder: &Path, options: SegmentOptions) -> Result<SegmentLog, LogError> {
        let disk = self.clone();
        let mount = Mount::new(move |file| Arc::new(OnDisk { file, disk: disk.clone() }));
        SegmentLog::open_on(folder, options, mount)
    }
}

impl Medium for OnDisk {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        Medium::read_at(&self.file, buffer, offset)
    }

    /// A disk that gets full in the middle of a write keeps its beginning.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut script = self.disk.0.lock().unwrap();
        let fits = script.room.map_or(bytes.len(), |room| bytes.len().min(room as usize));
        script.room = script.room.map(|room| room - fits as u64);
        Medium::write_at(&self.file, &bytes[..fits], offset)?;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        if self.disk.0.lock().unwrap().fail_sync {
            return Err(io::Error::other("the disk is gone"));
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Medium::len(&self.file)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if self.disk.0.lock().unwrap().fail_cut {
            return Err(io::Error::other("the disk is gone"));
        }
        Medium::set_len(&self.file, length)
    }
}

fn run() -> StreamId {
    StreamId::new("run/1").unwrap()
}

fn event(n: u64) -> [NewEvent; 1] {
    [NewEvent { kind: "counted".into(), version: 1, payload: json!({ "n": n, "text": "x".repeat(40) }) }]
}

fn append(log: &SegmentLog, n: u64) -> Result<u64, LogError> {
    log.append(&run(), n, 0, &event(n))
}

fn count(log: &dyn EventLog) -> u64 {
    log.read(&run(), 0).unwrap().len() as u64
}

#[test]
fn a_disk_that_gets_full_anywhere_loses_nothing_and_goes_on_when_there_is_room() {
    // The room for the next 64 KiB is reserved at once, so the interesting places are spread over several times that.
    for room in (64..400_000).step_by(7_919).chain(64..72) {
        let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::default());
        disk.set(|script| script.room = Some(room));
        let log = match disk.open(folder.path(), SegmentOptions::default()) {
            Ok(log) => log,
            Err(error) => panic!("room for {room} bytes: {error}"),
        };
        let mut acknowledged = 0;
        let error = loop {
            match append(&log, acknowledged) {
                Ok(seq) => acknowledged = seq,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, LogError::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("free some space"), "{error}");
        assert_eq!(append(&log, acknowledged), Err(error), "it stays full");
        assert_eq!(count(&log), acknowledged);
        let other = SegmentLog::open(folder.path()).unwrap();
        assert_eq!(count(&other), acknowledged, "room for {room} bytes");
        assert_eq!(other.cuts(), [], "what failed was taken back");
        disk.set(|script| script.room = None);
        assert_eq!(append(&log, acknowledged).unwrap(), acknowledged + 1);
        assert_eq!(other.verify(&run()).unwrap().seq, acknowledged + 1);
    }
}

#[test]
fn a_segment_that_has_no_room_is_begun_again_later() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let small = SegmentOptions { segment_size: 1000, ..SegmentOptions::default() };
    let log = disk.open(folder.path(), small).unwrap();
    let mut seq = 0;
    for room in 0..400 {
        disk.set(|script| script.room = Some(room));
        while let Ok(last) = append(&log, seq) {
            seq = last;
        }
        disk.set(|script| script.room = None);
        seq = append(&log, seq).unwrap();
    }
    let other = SegmentLog::open(folder.path()).unwrap();
    assert_eq!((count(&other), other.cuts()), (seq, vec![]));
}

#[test]
fn what_the_disk_does_not_confirm_did_not_happen() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = disk.open(folder.path(), SegmentOptions::default()).unwrap();
    append(&log, 0).unwrap();
    disk.set(|script| script.fail_sync = true);
    let refused = log.append_many(&[
        Append { stream: &run(), expected_seq: 0, at_ms: 0, events: &event(0) },
        Append { stream: &run(), expected_seq: 1, at_ms: 0, events: &event(1) },
    ]);
    assert!(matches!(refused[0], Err(LogError::Conflict { actual: 1, .. })), "a refusal stands: {refused:?}");
    assert!(matches!(refused[1], Err(LogError::Io { .. })), "{refused:?}");
    assert_eq!(count(&log), 1);
    assert_eq!(count(&SegmentLog::open(folder.path()).unwrap()), 1);
    disk.set(|script| script.fail_sync = false);
    assert_eq!(append(&log, 1).unwrap(), 2);
}

#[test]
fn a_log_that_cannot_clean_up_writes_no_more_and_says_so() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let log = disk.open(folder.path(), SegmentOptions::default()).unwrap();
    append(&log, 0).unwrap();
    disk.set(|script| (script.fail_sync, script.fail_cut) = (true, true));
    assert!(append(&log, 1).is_err());
    disk.set(|script| (script.fail_sync, script.fail_cut) = (false, false));
    let refused = append(&log, 1).unwrap_err();
    assert!(refused.to_string().contains("open the log again"), "{refused}");
    let again = SegmentLog::open(folder.path()).unwrap();
    let seq = count(&again);
    assert!((1..=2).contains(&seq), "the last one may have happened");
    assert_eq!(append(&again, seq).unwrap(), seq + 1);
}

#[test]
fn a_disk_that_fails_in_the_background_stops_the_log() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::default());
    let relaxed = SegmentOptions { durability: Durability::Relaxed, ..SegmentOptions::default() };
    let log = disk.open(folder.path(), relaxed).unwrap();
    append(&log, 0).unwrap();
    disk.set(|script| script.fail_sync = true);
    // Bounded by the number of appends, not by time: the thread gets its turn long before.
    let error = (1..2_000_000).find_map(|n| append(&log, n).err()).expect("the failure is noticed");
    assert!(error.to_string().contains("refused to confirm"), "{error}");
}

#[test]
fn the_limit_of_the_size_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let limited =
        SegmentOptions { size_limit: Some(100_000), segment_size: 30_000, ..SegmentOptions::default() };
    let log = SegmentLog::open_with(folder.path(), limited).unwrap();
    let mut seq = 0;
    while let Ok(last) = append(&log, seq) {
        seq = last;
    }
    assert!(matches!(append(&log, seq), Err(LogError::DiskFull { .. })));
    let sizes = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    assert!((70_000..=100_000).contains(&sizes.sum::<u64>()));
    let roomy = SegmentLog::open(folder.path()).unwrap();
    assert_eq!(append(&roomy, seq).unwrap(), seq + 1);
}

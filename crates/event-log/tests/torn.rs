//! Segments that were torn or damaged: what was acknowledged is there, what is not whole is never handed out, and the
//! report says what was cut.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use smallhands_event_log::{
    CutStream, CutTail, Durability, EventLog, LogError, SEGMENT_FORMAT, SegmentLog, SegmentOptions,
    StoredEvent,
};
use support::{events, stream};
use tempfile::TempDir;

const HEADER: usize = 64;

/// In memory if the system offers that: these tests open thousands of logs, and none pulls the plug.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn segment(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.seg"))
}

/// Where each frame of a segment begins, and where the last one ends.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut begins = vec![HEADER];
    loop {
        let at = begins[begins.len() - 1];
        match bytes.get(at..at + 8) {
            Some(header) if header[0] != 0 => {
                let length = u32::from_le_bytes(header[4..8].try_into().unwrap()) as usize;
                begins.push(at + 32 + length);
            }
            _ => return begins,
        }
    }
}

/// A closed log of `appends` appends of one to three events, in turn to two streams.
fn written(folder: &Path, durability: Durability, appends: u64) -> Vec<Vec<StoredEvent>> {
    let options = SegmentOptions { durability, ..SegmentOptions::default() };
    let log = SegmentLog::open_with(folder, options).unwrap();
    let mut seqs = [0, 0];
    for n in 0..appends {
        let turn = (n % 2) as usize;
        seqs[turn] = log.append(&run(turn), seqs[turn], 1, &events(1 + n as usize % 3)).unwrap();
    }
    both(&log).unwrap()
}

fn run(turn: usize) -> smallhands_event_log::StreamId {
    stream(&format!("run/{turn}"))
}

fn both(log: &SegmentLog) -> Result<Vec<Vec<StoredEvent>>, LogError> {
    (0..2).map(|turn| log.read(&run(turn), 0)).collect()
}

/// A fresh folder with this as its only segment.
fn with_segment(bytes: &[u8]) -> TempDir {
    let folder = folder();
    fs::write(segment(folder.path(), 1), bytes).unwrap();
    folder
}

/// The appends among the first `count` whose events are all there.
fn expected(original: &[Vec<StoredEvent>], appends: usize) -> Vec<Vec<StoredEvent>> {
    let mut counts = [0, 0];
    (0..appends).for_each(|n| counts[n % 2] += 1 + n % 3);
    original.iter().zip(counts).map(|(events, count)| events[..count].to_vec()).collect()
}

fn check_cut(log: &SegmentLog, bytes: &[u8], begin: usize) -> CutTail {
    let [cut] = log.cuts().try_into().unwrap();
    assert_eq!(cut.offset, begin as u64);
    assert_eq!(fs::read(&cut.kept).unwrap(), &bytes[begin..begin + cut.length as usize], "kept as it was");
    assert!(bytes[begin + cut.length as usize..].iter().all(|byte| *byte == 0));
    let saved: CutTail = serde_json::from_slice(&fs::read(cut.kept.with_extension("json")).unwrap()).unwrap();
    assert_eq!(saved, cut);
    assert!(cut.to_string().contains(&format!("from byte {begin}")), "{cut}");
    cut
}

#[test]
fn torn_at_every_byte_of_its_last_4_kib() {
    const APPENDS: usize = 40;
    let source = folder();
    let original = written(source.path(), Durability::Full, APPENDS as u64);
    let bytes = fs::read(segment(source.path(), 1)).unwrap();
    let begins = frames(&bytes);
    let end = *begins.last().unwrap();
    assert!(end > 4096 + HEADER && begins.len() == APPENDS + 1);
    for at in end - 4096..=end {
        let (mut cut_short, mut zeroed) = (bytes.clone(), bytes.clone());
        cut_short.truncate(at);
        zeroed[at..].fill(0);
        // The zeroed one at every seventh byte only: it takes the same way through the code.
        let zeroed = (at % 7 == 0).then_some(zeroed);
        for torn in [Some(cut_short), zeroed].into_iter().flatten() {
            // A frame that ends in zeros is whole although they were "lost".
            let is_whole = |end: &&usize| torn.len() >= **end && torn[..**end] == bytes[..**end];
            let whole = begins.iter().filter(is_whole).count() - 1;
            let copy = with_segment(&torn);
            let log = SegmentLog::open(copy.path()).unwrap();
            assert!(both(&log).unwrap() == expected(&original, whole), "torn at byte {at}");
            let has_rest = torn[begins[whole]..].iter().any(|byte| *byte != 0);
            assert_eq!(log.cuts().len(), usize::from(has_rest), "torn at byte {at}");
            if has_rest {
                check_cut(&log, &torn, begins[whole]);
            }
            let turn = whole % 2;
            let seq = expected(&original, whole)[turn].len() as u64;
            assert_eq!(log.append(&run(turn), seq, 2, &events(1)).unwrap(), seq + 1, "the run goes on");
            drop(log);
            let again = SegmentLog::open(copy.path()).unwrap();
            assert_eq!((again.cuts(), again.read(&run(turn), 0).unwrap().len() as u64), (vec![], seq + 1));
        }
    }
}

#[test]
fn the_report_names_the_streams_and_where_they_go_on() {
    let source = folder();
    written(source.path(), Durability::Full, 7);
    let mut bytes = fs::read(segment(source.path(), 1)).unwrap();
    let begins = frames(&bytes);
    bytes[begins[7] - 20..begins[7]].fill(0);
    let copy = with_segment(&bytes);
    let log = SegmentLog::open(copy.path()).unwrap();
    let cut = check_cut(&log, &bytes, begins[6]);
    // Appends 0, 2, 4 brought 1, 3 and 2 events, append 6 the seventh.
    assert_eq!(cut.streams, [CutStream { stream: run(0), last_good: 6, cut_up_to: 7 }]);
    assert!(cut.to_string().contains("stream `run/0` ends at event 6, cut: 7 to 7"), "{cut}");
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_named() {
    const APPENDS: usize = 12;
    let source = folder();
    let original = written(source.path(), Durability::Full, APPENDS as u64);
    let bytes = fs::read(segment(source.path(), 1)).unwrap();
    let begins = frames(&bytes);
    let end = begins[APPENDS];
    for at in (0..end + 64).chain([bytes.len() - 1]) {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        let copy = with_segment(&bad);
        let opened = SegmentLog::open(copy.path());
        let frame = begins.iter().rposition(|begin| *begin <= at);
        match (frame, opened) {
            (None, Err(LogError::CorruptFile { .. } | LogError::NewerFormat { .. })) => {}
            (Some(last), Ok(log)) if last + 1 >= APPENDS => {
                // Nothing follows, so this could as well be a write that was torn. It is cut, and that is said.
                let whole = last.min(APPENDS);
                check_cut(&log, &bad, begins[whole]);
                assert!(both(&log).unwrap() == expected(&original, whole), "byte {at}");
            }
            (Some(frame), Err(LogError::CorruptFile { path, detail })) if frame + 1 < APPENDS => {
                assert_eq!(path, segment(copy.path(), 1));
                assert!(detail.contains(&format!("at byte {}:", begins[frame])), "byte {at}: {detail}");
                assert!(fs::read(path).unwrap() == bad, "what is damaged is left as it is");
            }
            (_, other) => panic!("byte {at}: {:?}", other.map(|log| log.cuts())),
        }
    }
}

#[test]
fn what_an_event_contains_is_never_taken_for_a_frame() {
    let source = folder();
    let log = SegmentLog::open(source.path()).unwrap();
    log.append(&run(0), 0, 1, &events(2)).unwrap();
    let first = fs::read(segment(source.path(), 1)).unwrap();
    let frame = &first[HEADER..frames(&first)[1]];
    // A whole frame as a blob, at several alignments, in the last append, whose beginning is then torn.
    let blob: Vec<u8> = (0..8).flat_map(|pad| [vec![1; pad], frame.to_vec()].concat()).collect();
    log.put_blob(&blob).unwrap();
    drop(log);
    let mut bytes = fs::read(segment(source.path(), 1)).unwrap();
    let begins = frames(&bytes);
    bytes[begins[1] + 16] ^= 1;
    let copy = with_segment(&bytes);
    let log = SegmentLog::open(copy.path()).unwrap();
    assert_eq!(log.read(&run(0), 0).unwrap().len(), 2);
    check_cut(&log, &bytes, begins[1]);
}

#[test]
fn when_a_crash_takes_a_page_out_of_the_middle_of_what_was_not_confirmed_all_behind_it_is_cut() {
    let source = folder();
    // One confirmation at the end only, which the crash below takes back.
    let options = SegmentOptions {
        durability: Durability::Relaxed,
        flush_interval: std::time::Duration::from_secs(600),
        ..SegmentOptions::default()
    };
    let log = SegmentLog::open_with(source.path(), options).unwrap();
    for seq in 0..100 {
        log.append(&run(0), seq, 1, &events(1)).unwrap();
    }
    let mut bytes = fs::read(segment(source.path(), 1)).unwrap();
    bytes[8192..12288].fill(0);
    let begins = frames(&fs::read(segment(source.path(), 1)).unwrap());
    let whole = begins.iter().filter(|begin| **begin <= 8192).count() - 1;
    let copy = with_segment(&bytes);
    let reopened = SegmentLog::open(copy.path()).unwrap();
    assert_eq!(reopened.read(&run(0), 0).unwrap().len(), whole);
    let cut = check_cut(&reopened, &bytes, begins[whole]);
    assert_eq!(cut.streams, [CutStream { stream: run(0), last_good: whole as u64, cut_up_to: 100 }]);
}

/// A log of several segments.
fn written_in_segments(folder: &Path) -> u32 {
    let options = SegmentOptions { segment_size: 2000, ..SegmentOptions::default() };
    let log = SegmentLog::open_with(folder, options).unwrap();
    for seq in 0..60 {
        log.append(&run(0), seq, 1, &events(1)).unwrap();
    }
    (1..).take_while(|number| segment(folder, *number).exists()).count() as u32
}

#[test]
fn an_earlier_segment_is_never_cut() {
    let source = folder();
    assert!(written_in_segments(source.path()) > 4);
    let path = segment(source.path(), 2);
    let bytes = fs::read(&path).unwrap();
    let end = *frames(&bytes).last().unwrap();
    let truncated = bytes[..end - 1].to_vec();
    let emptied = [&bytes[..HEADER], &vec![0; bytes.len() - HEADER]].concat();
    for bad in [truncated, emptied, bytes[..10].to_vec(), Vec::new()] {
        fs::write(&path, &bad).unwrap();
        match SegmentLog::open(source.path()) {
            Err(LogError::CorruptFile { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{:?}", other.map(|log| log.cuts())),
        }
        assert_eq!(fs::read(&path).unwrap(), bad);
    }
    fs::write(&path, bytes).unwrap();
    assert_eq!(SegmentLog::open(source.path()).unwrap().read(&run(0), 0).unwrap().len(), 60);
}

#[test]
fn a_missing_first_segment_is_no_empty_log() {
    let source = folder();
    written_in_segments(source.path());
    fs::remove_file(segment(source.path(), 1)).unwrap();
    let error = SegmentLog::open(source.path()).unwrap_err();
    assert!(error.to_string().contains("the first segment is missing"), "{error}");
}

#[test]
fn a_newer_format_is_refused_by_name_and_left_alone() {
    let source = folder();
    written(source.path(), Durability::Full, 3);
    let path = segment(source.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = SEGMENT_FORMAT as u8 + 1;
    fs::write(&path, &bytes).unwrap();
    let error = SegmentLog::open(source.path()).unwrap_err();
    let (found, supported) = (SEGMENT_FORMAT + 1, SEGMENT_FORMAT);
    assert_eq!(error, LogError::NewerFormat { path: path.clone(), found, supported });
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn damage_under_an_open_log_is_found_when_it_is_read() {
    let source = folder();
    let log = SegmentLog::open(source.path()).unwrap();
    log.append(&run(0), 0, 1, &events(5)).unwrap();
    let id = log.put_blob(b"some bytes that are looked for").unwrap();
    let path = segment(source.path(), 1);
    let good = fs::read(&path).unwrap();
    let place = |what: &[u8]| good.windows(what.len()).position(|bytes| bytes == what).unwrap();
    let mut bad = good.clone();
    bad[place(b"\"n\":3") + 4] = b'9';
    bad[place(b"looked for")] ^= 1;
    fs::write(&path, &bad).unwrap();
    match log.read(&run(0), 0) {
        Err(LogError::Corrupt { seq: 4, detail, .. }) => {
            assert!(detail.contains("00000001.seg at byte"), "{detail}")
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(log.get_blob(&id), Err(LogError::CorruptBlob { .. })));
    assert!(log.verify_all().is_err());
    fs::write(&path, &good).unwrap();
    log.verify_all().unwrap();
}

#[test]
fn a_large_blob_that_changed_is_not_handed_out() {
    let source = folder();
    let log = SegmentLog::open(source.path()).unwrap();
    let id = log.put_blob(&[3; 500_000]).unwrap();
    let path = source.path().join("blobs").join(&id.as_str()[3..5]).join(id.as_str());
    let mut bytes = fs::read(&path).unwrap();
    bytes[400_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    match log.get_blob(&id) {
        Err(LogError::CorruptBlob { id: named, .. }) => assert_eq!(named, id),
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
    let streamed = std::io::copy(&mut log.open_blob(&id).unwrap(), &mut std::io::sink());
    assert!(streamed.is_err());
    assert_eq!(log.put_blob(&[3; 500_000]).unwrap(), id, "storing it again mends it");
    assert!(log.get_blob(&id).is_ok());
}

/// A file system of 400 KB, if this process may make one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_file_system_that_is_really_full() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!(
            "SKIPPED: only root can mount a small file system; the same is tested on a disk that is made up"
        );
        return;
    };
    let (folder, ballast) = (disk.0.path().join("log"), disk.0.path().join("ballast"));
    fs::write(&ballast, vec![1; 100_000]).unwrap();
    let log = SegmentLog::open(&folder).unwrap();
    let mut seq = 0;
    let error = loop {
        match log.append(&run(0), seq, 1, &events(3)) {
            Ok(last) => seq = last,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::DiskFull { .. }), "{error}");
    assert!(seq > 100);
    assert!(matches!(log.put_blob(&[1; 500_000]), Err(LogError::DiskFull { .. })));
    assert_eq!(SegmentLog::open(&folder).unwrap().read(&run(0), 0).unwrap().len() as u64, seq);
    fs::remove_file(ballast).unwrap();
    assert_eq!(log.append(&run(0), seq, 1, &events(3)).unwrap(), seq + 3);
    assert_eq!(SegmentLog::open(&folder).unwrap().verify(&run(0)).unwrap().seq, seq + 3);
}

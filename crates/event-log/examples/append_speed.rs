//! Measures how long appends take: `cargo run --release -p smallhands-event-log --example append_speed -- FOLDER [ROUNDS]`.
//!
//! FOLDER decides which disk is measured; what is made in it is removed again. Every line is the best of ROUNDS rounds (5),
//! and each round measures the bare disk too, because a busy machine shows in both: when no core is idle, the thread that
//! waits for the disk waits for its turn as well, often for a whole tick of the scheduler (1 to 10 ms).

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use smallhands_event_log::{
    Append, Durability, EventLog, MemoryLog, NewEvent, SegmentLog, SegmentOptions, SqliteLog, SqliteOptions,
    StreamId,
};

type Outcome<T> = Result<T, Box<dyn Error>>;
type Measurement<'a> = (&'static str, usize, Box<dyn Fn(usize) -> Outcome<Vec<Duration>> + 'a>);

const APPENDS: usize = 300;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().ok_or("name the folder whose disk is to be measured")?;
    let rounds = arguments.next().and_then(|n| n.to_str()?.parse().ok()).unwrap_or(5);
    let folder = Path::new(&folder).join(format!("append-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure_all(&folder, rounds);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure_all(folder: &Path, rounds: usize) -> Outcome<()> {
    let (full, relaxed) = (Durability::Full, Durability::Relaxed);
    let segments = |round: usize, durability| -> Outcome<Arc<dyn EventLog>> {
        let options = SegmentOptions { durability, ..SegmentOptions::default() };
        Ok(Arc::new(SegmentLog::open_with(&folder.join(format!("log-{round}-{durability:?}")), options)?))
    };
    let sqlite = |round: usize, durability| -> Outcome<Arc<dyn EventLog>> {
        let options = SqliteOptions { durability, ..SqliteOptions::default() };
        Ok(Arc::new(SqliteLog::open_with(&folder.join(format!("log-{round}-{durability:?}.db")), &options)?))
    };
    let measurements: Vec<Measurement<'_>> = vec![
        ("disk: append + fdatasync", 1, Box::new(|_| bare_disk(folder, false))),
        ("disk: overwrite + fdatasync", 1, Box::new(|_| bare_disk(folder, true))),
        ("segments, full, single", 1, Box::new(|n| single(&*segments(n, full)?, 1))),
        ("segments, full, 64 events", 64, Box::new(|n| single(&*segments(n, full)?, 64))),
        ("segments, full, 64 streams", 64, Box::new(|n| together(&*segments(n, full)?))),
        ("segments, full, 64 threads", 1, Box::new(|n| threads(&segments(n, full)?))),
        ("segments, relaxed, single", 1, Box::new(|n| single(&*segments(n, relaxed)?, 1))),
        ("segments, relaxed, 64 streams", 64, Box::new(|n| together(&*segments(n, relaxed)?))),
        ("sqlite, full, single", 1, Box::new(|n| single(&*sqlite(n, full)?, 1))),
        ("sqlite, full, 64 streams", 64, Box::new(|n| together(&*sqlite(n, full)?))),
        ("sqlite, full, 64 threads", 1, Box::new(|n| threads(&sqlite(n, full)?))),
        ("sqlite, relaxed, single", 1, Box::new(|n| single(&*sqlite(n, relaxed)?, 1))),
        ("segments, open with 100,000", 1, Box::new(|n| opening(&folder.join(format!("full-{n}"))))),
        ("memory, single", 1, Box::new(|_| single(&MemoryLog::new(), 1))),
    ];
    let mut best: Vec<Option<Vec<Duration>>> = vec![None; measurements.len()];
    for round in 0..rounds {
        for ((_, _, measure), best) in measurements.iter().zip(&mut best) {
            let mut taken = measure(round)?;
            taken.sort();
            if best.as_ref().is_none_or(|best| median(&taken) < median(best)) {
                *best = Some(taken);
            }
        }
    }
    println!("{:<32} {:>12} {:>12} {:>12} {:>14}", "", "median", "mean", "p99", "mean per event");
    for ((name, events, _), taken) in measurements.iter().zip(best.iter().flatten()) {
        let mean = taken.iter().sum::<Duration>() / taken.len() as u32;
        let (p99, each) = (taken[taken.len() * 99 / 100], mean / *events as u32);
        println!("{name:<32} {:>12.1?} {mean:>12.1?} {p99:>12.1?} {each:>14.2?}", median(taken));
    }
    Ok(())
}

fn median(sorted: &[Duration]) -> Duration {
    sorted[sorted.len() / 2]
}

fn event() -> NewEvent {
    let payload =
        json!({ "attempt": "repair#1", "note": { "rank": 1234, "tried": 5678 }, "text": "x".repeat(150) });
    NewEvent { kind: "attempt_progressed".into(), version: 1, payload }
}

fn timed<T>(act: impl FnOnce() -> Outcome<T>) -> Outcome<(Duration, T)> {
    let before = Instant::now();
    let value = act()?;
    Ok((before.elapsed(), value))
}

fn bare_disk(folder: &Path, in_place: bool) -> Outcome<Vec<Duration>> {
    let path = folder.join("bare");
    let file = File::create(&path)?;
    if in_place {
        file.write_all_at(&vec![0; 400 * APPENDS], 0)?;
        file.sync_all()?;
    }
    let write = |at: usize| {
        let wrote = timed(|| {
            file.write_all_at(&[b'x'; 400], 400 * at as u64)?;
            Ok(file.sync_data()?)
        });
        Ok(wrote?.0)
    };
    let taken = (0..APPENDS).map(write).collect();
    std::fs::remove_file(path)?;
    taken
}

/// One append after the other to one stream, of `batch` events each.
fn single(log: &dyn EventLog, batch: usize) -> Outcome<Vec<Duration>> {
    let (run, events, mut seq) = (StreamId::of_run("single")?, vec![event(); batch], 0);
    seq = log.read(&run, 0)?.last().map_or(seq, |event| event.seq);
    let mut append = |_| {
        let (took, last) = timed(|| Ok(log.append(&run, seq, 0, &events)?))?;
        seq = last;
        Ok(took)
    };
    (0..APPENDS).map(&mut append).collect()
}

/// 64 streams with one event each, handed over together.
fn together(log: &dyn EventLog) -> Outcome<Vec<Duration>> {
    let names: Result<Vec<StreamId>, _> = (0..64).map(|n| StreamId::of_run(&format!("many-{n}"))).collect();
    let (names, events) = (names?, [event()]);
    let append = |round: usize| {
        let appends: Vec<Append<'_>> = names
            .iter()
            .map(|stream| Append { stream, expected_seq: round as u64, at_ms: 0, events: &events })
            .collect();
        let (took, results) = timed(|| Ok(log.append_many(&appends)))?;
        results.into_iter().collect::<Result<Vec<u64>, _>>()?;
        Ok(took)
    };
    (0..APPENDS).map(append).collect()
}

/// Opening a log of 100,000 events, about 50 MB.
fn opening(folder: &Path) -> Outcome<Vec<Duration>> {
    let options = SegmentOptions { durability: Durability::Relaxed, ..SegmentOptions::default() };
    let open = || SegmentLog::open_with(folder, options.clone());
    let (log, run) = (open()?, StreamId::of_run("long")?);
    for seq in 0..100_000 {
        log.append(&run, seq, 0, &[event()])?;
    }
    drop(log);
    (0..3).map(|_| Ok(timed(|| Ok(open()?))?.0)).collect()
}

/// 64 threads, each with its own stream; the time is that of all appends together, divided by their number.
fn threads(log: &Arc<dyn EventLog>) -> Outcome<Vec<Duration>> {
    const EACH: u64 = 20;
    let before = Instant::now();
    let append_all = |writer: u64| -> Result<(), String> {
        let run = StreamId::of_run(&format!("thread-{writer}")).map_err(|e| e.to_string())?;
        (0..EACH).try_for_each(|seq| {
            log.append(&run, seq, 0, &[event()]).map(|_| ()).map_err(|error| error.to_string())
        })
    };
    thread::scope(|scope| -> Result<(), String> {
        let writers: Vec<_> = (0..64).map(|writer| scope.spawn(move || append_all(writer))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| "a thread panicked")?)
    })?;
    Ok(vec![before.elapsed() / (64 * EACH as u32)])
}

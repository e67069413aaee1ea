//! Measures how long an append takes: `cargo run --release -p smallhands-event-log --example append_speed -- FOLDER`.
//!
//! FOLDER decides which disk is measured; the file in it is removed again.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use smallhands_event_log::{Durability, EventLog, MemoryLog, NewEvent, SqliteLog, SqliteOptions, StreamId};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name the folder whose disk is to be measured")?;
    println!("{:<28} {:>10} {:>12} {:>10} {:>10}", "", "events/s", "appends/s", "median", "p99");
    for (durability, name) in [(Durability::Full, "flushed"), (Durability::Relaxed, "not flushed")] {
        for batch in [1, 16] {
            let file = Path::new(&folder).join(format!("append-speed-{}.db", std::process::id()));
            let log = SqliteLog::open_with(&file, &SqliteOptions { durability, ..SqliteOptions::default() })?;
            report(&format!("sqlite, {name}, {batch} at a time"), &measure(&log, batch)?, batch);
            drop(log);
            std::fs::remove_file(&file)?;
        }
    }
    report("memory, 1 at a time", &measure(&MemoryLog::new(), 1)?, 1);
    Ok(())
}

/// The durations of appends of `batch` events each, for about two seconds.
fn measure(log: &dyn EventLog, batch: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let run = StreamId::of_run("speed")?;
    let payload =
        json!({ "attempt": "repair#1", "note": { "rank": 1234, "tried": 5678 }, "text": "x".repeat(150) });
    let events = vec![NewEvent { kind: "attempt_progressed".into(), version: 1, payload }; batch];
    let (mut seq, mut taken) = (0, Vec::new());
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        let before = Instant::now();
        seq = log.append(&run, seq, 0, &events)?;
        taken.push(before.elapsed());
    }
    Ok(taken)
}

fn report(name: &str, taken: &[Duration], batch: usize) {
    let mut sorted = taken.to_vec();
    sorted.sort();
    let appends = taken.len() as f64 / taken.iter().sum::<Duration>().as_secs_f64();
    let (median, p99) = (sorted[sorted.len() / 2], sorted[sorted.len() * 99 / 100]);
    println!("{name:<28} {:>10.0} {appends:>12.0} {median:>10.1?} {p99:>10.1?}", appends * batch as f64);
}

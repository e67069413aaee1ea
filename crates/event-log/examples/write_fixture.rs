//! Writes the log that `tests/formats.rs` expects in every format: `cargo run --example write_fixture -- sqlite FILE` (or `segments FOLDER`).
//!
//! Run it once per format, before the format changes; the file it wrote is then kept as it is.

use std::error::Error;
use std::path::Path;

use serde_json::json;
use smallhands_event_log::{EventLog, NewEvent, SegmentLog, SqliteLog, StreamId};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (adapter, place) = arguments.next().zip(arguments.next()).ok_or("name an adapter and a place")?;
    let log: Box<dyn EventLog> = match adapter.as_str() {
        "sqlite" => Box::new(SqliteLog::open(Path::new(&place))?),
        "segments" => Box::new(SegmentLog::open(Path::new(&place))?),
        other => return Err(format!("there is no adapter `{other}`").into()),
    };
    write(&*log)?;
    // The same for every adapter and format: `fixtures/head.txt`.
    println!("{}", log.verify(&StreamId::of_run("1")?)?);
    Ok(())
}

fn write(log: &dyn EventLog) -> Result<(), Box<dyn Error>> {
    let run = StreamId::of_run("1")?;
    for seq in 0..12 {
        let payload = json!({ "n": seq, "text": "kleine Hände \u{1f590} \" \\", "real": 0.1 + seq as f64, "none": null });
        let event = NewEvent { kind: format!("kind_{seq}"), version: 1 + seq as u16, payload };
        log.append(&run, seq, 1_763_000_000_000 + seq as i64, &[event])?;
    }
    let attempt = StreamId::of_attempt("1/fix#1")?;
    let step = |n: u64| NewEvent { kind: "step".into(), version: 2, payload: json!([n, "x".repeat(5000)]) };
    log.append(&attempt, 0, -5, &[step(1), step(2), step(3)])?;
    log.put_blob(b"a small blob")?;
    log.put_blob(&vec![7; 100_000])?;
    Ok(())
}

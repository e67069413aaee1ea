//! From one log to another: which log a state folder has, and moving everything between adapters.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{
    Durability, EventLog, Extent, LogError, NewEvent, SegmentLog, SegmentOptions, SqliteLog, SqliteOptions,
    StoredEvent,
};

const SEGMENTS: &str = "log";
const UNFINISHED: &str = "log.unfinished";
const SQLITE: &str = "state.db";
const SQLITE_KEPT: &str = "state.db.moved";
/// Events that are copied with one confirmation of the disk.
const BATCH: usize = 1000;

/// Opens the log of a state folder: `log/` (segments), or `state.db` (SQLite) in a folder from before there were segments.
/// A folder without either gets segments. Once per process; what had to be cut ([`EventLog::cuts`]) should be told.
///
/// # Errors
/// As the adapter's `open`.
pub fn open_state(folder: &Path, durability: Durability) -> Result<Arc<dyn EventLog>, LogError> {
    let (segments, sqlite) = (folder.join(SEGMENTS), folder.join(SQLITE));
    if !segments.exists() && sqlite.exists() {
        let options = SqliteOptions { durability, ..SqliteOptions::default() };
        return Ok(Arc::new(SqliteLog::open_with(&sqlite, &options)?));
    }
    let options = SegmentOptions { durability, ..SegmentOptions::default() };
    Ok(Arc::new(SegmentLog::open_with(&segments, options)?))
}

/// Moves the log of an older state folder from `state.db` to segments, and keeps the old file as `state.db.moved`. Whole or
/// not at all; may be repeated. `None` if there is nothing to move. No other process may work in the folder meanwhile.
///
/// # Errors
/// What reading, writing or comparing reports; the folder is then as before.
pub fn move_to_segments(folder: &Path) -> Result<Option<Extent>, LogError> {
    let [segments, unfinished, sqlite, kept] =
        [SEGMENTS, UNFINISHED, SQLITE, SQLITE_KEPT].map(|name| folder.join(name));
    if segments.exists() || !sqlite.exists() {
        return Ok(None);
    }
    let at = |path: &PathBuf| {
        let path = path.clone();
        move |error: std::io::Error| LogError::from_io(&error, &path)
    };
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
    }
    let from = SqliteLog::open(&sqlite)?;
    let options = SegmentOptions { durability: Durability::Relaxed, ..SegmentOptions::default() };
    let to = SegmentLog::open_with(&unfinished, options)?;
    let extent = copy(&from, &to)?;
    drop((from, to));
    fs::rename(&unfinished, &segments).map_err(at(&segments))?;
    fs::rename(&sqlite, &kept).map_err(at(&kept))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(&segments))?;
    Ok(Some(extent))
}

/// Copies all blobs and streams into an empty log, then compares every chain. Durable when it returns.
///
/// # Errors
/// [`LogError::Conflict`] if `to` already has one of the streams, [`LogError::Tampered`] if a copy has another chain.
pub fn copy(from: &dyn EventLog, to: &dyn EventLog) -> Result<Extent, LogError> {
    let mut extent = Extent::default();
    for id in from.blobs()? {
        let stored = to.put_blob_from(&mut from.open_blob(&id)?)?;
        if stored != id {
            return Err(LogError::CorruptBlob { id, detail: format!("its copy is {stored}") });
        }
        extent.blobs += 1;
    }
    for stream in from.streams("")? {
        let events = from.read(&stream, 0)?;
        for batch in events.chunk_by(|one, next| one.at_ms == next.at_ms).flat_map(|same| same.chunks(BATCH))
        {
            let new: Vec<NewEvent> = batch.iter().map(again).collect();
            let (first, at_ms) = batch.first().map_or((1, 0), |event| (event.seq, event.at_ms));
            to.append(&stream, first - 1, at_ms, &new)?;
        }
        to.verify_against(&from.verify(&stream)?)?;
        extent.streams += 1;
        extent.events += events.len() as u64;
    }
    to.flush()?;
    Ok(extent)
}

fn again(event: &StoredEvent) -> NewEvent {
    NewEvent { kind: event.kind.clone(), version: event.version, payload: event.payload.clone() }
}

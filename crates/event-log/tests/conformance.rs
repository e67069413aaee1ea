//! Every adapter of this crate passes the suite.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::sync::Arc;

use smallhands_event_log::{Durability, MemoryLog, SegmentLog, SegmentOptions, SqliteLog};
use support::quick;
use support::suite::run_suite;

#[test]
fn memory() {
    run_suite("memory", |_| {
        let log = Arc::new(MemoryLog::new());
        Box::new(move || log.clone())
    });
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_suite("sqlite", |name| {
        let path = folder.join(name);
        Box::new(move || Arc::new(quick(&path)))
    });
}

#[test]
fn sqlite_with_every_append_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_suite("sqlite, flushed", |name| {
        let path = folder.join(name);
        Box::new(move || Arc::new(SqliteLog::open(&path).unwrap()))
    });
}

fn segments(adapter: &str, options: &SegmentOptions) {
    let folder = tempfile::tempdir().unwrap();
    run_suite(adapter, |name| {
        let (path, options) = (folder.path().join(name), options.clone());
        Box::new(move || Arc::new(SegmentLog::open_with(&path, options.clone()).unwrap()))
    });
}

#[test]
fn segments_with_every_append_confirmed() {
    segments("segments", &SegmentOptions::default());
}

#[test]
fn segments_confirmed_in_the_background() {
    let relaxed = SegmentOptions { durability: Durability::Relaxed, ..SegmentOptions::default() };
    segments("segments, relaxed", &relaxed);
}

#[test]
fn segments_of_a_few_events_each() {
    let small = SegmentOptions { segment_size: 2000, ..SegmentOptions::default() };
    segments("small segments", &small);
}

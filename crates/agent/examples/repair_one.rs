//! Developer tool: observes one check in a folder, searches for a patch of everything that fails, and says what it cost.
//!
//! ```sh
//! cargo run --release -p smallhands-agent --example repair_one -- FOLDER 'python3 -m pytest -q' [SOURCE_FILE…]
//! ```
//!
//! Without source files, the files that failing tests ran are searched. The folder is worked in directly: give it a copy.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallhands_agent::cancel::CancelToken;
use smallhands_agent::repair::{
    AttemptObserver, Observation, Plausible, SearchOutcome, SearchTask, observe, search,
};
use smallhands_agent::validation::CheckSpec;
use smallhands_checks::{classify, is_test_path};
use smallhands_repair::{EnumerationLimits, Spectrum, Suspicion, TestCoverage, ochiai};
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime, Runtime};
use tokio::sync::watch;

/// Prints what it hears.
struct Printer;

impl AttemptObserver for Printer {
    fn activity(&self, doing: &str, validations: u64) {
        eprintln!("  {validations:>6}  {doing}");
    }
    fn checkpoint(&self, _next_rank: u64) {}
    fn plausible(&self, patch: &Plausible) {
        eprintln!("  found at rank {}: {}", patch.rank, patch.summary);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: repair_one FOLDER COMMAND [SOURCE_FILE…]";
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    let command = arguments.next().ok_or(usage)?;
    let files: Vec<String> = arguments.collect();
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let runtime: Arc<dyn Runtime> = Arc::new(LocalRuntime::new(LocalOptions {
        root: folder,
        env,
        limits: Limits::default(),
        ..LocalOptions::default()
    })?);
    let framework = classify(&command);
    let check = CheckSpec { command, framework, timeout: Duration::from_secs(600), test_timeout: None };

    let began = Instant::now();
    let observation = observe(runtime.clone(), &check, 2, CancelToken::new(), &Printer).await?;
    println!(
        "observed in {:.2} s, {}: {:?}",
        began.elapsed().as_secs_f64(),
        observation.mode,
        observation.report.counts()
    );
    for test in observation.report.failing() {
        println!("  failing: {test}");
    }
    let task = task(check, &observation, files);
    let began = Instant::now();
    let (_bound, open) = watch::channel(None);
    let outcome = search(runtime.clone(), &task, open, CancelToken::new(), &Printer).await?;
    print(&outcome, began.elapsed());
    runtime.close().await?;
    Ok(())
}

fn task(check: CheckSpec, observation: &Observation, files: Vec<String>) -> SearchTask {
    let failing = observation.report.failing();
    let tests = observation
        .coverage
        .iter()
        .map(|(test, lines)| TestCoverage { failed: failing.contains(test), lines: lines.clone() })
        .collect();
    let mut suspicion = ochiai(&Spectrum { tests }).without(&is_test_path);
    for result in observation.report.tests.values().filter(|result| result.outcome.is_failure()) {
        for frame in result.frames.iter().filter(|frame| !is_test_path(&frame.file)) {
            suspicion.raise(&frame.file, frame.line, 0.5);
        }
    }
    let files =
        if files.is_empty() { suspicion.files().into_iter().map(str::to_owned).collect() } else { files };
    raise_all(&mut suspicion, &files);
    SearchTask {
        check,
        failing,
        guards: observation.report.passing(),
        suspicion,
        files,
        shard: (0, 1),
        start_rank: 0,
        wall: Duration::from_secs(600),
        max_alternatives: 4,
        limits: EnumerationLimits::default(),
    }
}

/// Named files are searched even where nothing points at them.
fn raise_all(suspicion: &mut Suspicion, files: &[String]) {
    for file in files {
        if !suspicion.0.contains_key(file) {
            (1..=2000).for_each(|line| suspicion.raise(file, line, 0.1));
        }
    }
}

fn print(outcome: &SearchOutcome, spent: Duration) {
    let seconds = spent.as_secs_f64();
    let each = seconds * 1000.0 / outcome.validated.max(1) as f64;
    println!(
        "{:?} after {} of {} candidates in {seconds:.2} s: {each:.2} ms each, {:.0} per second",
        outcome.ended,
        outcome.validated,
        outcome.candidates,
        outcome.validated as f64 / seconds,
    );
    for note in &outcome.notes {
        println!("note: {note}");
    }
    for patch in &outcome.plausible {
        let kind = patch.candidate.kind;
        println!("rank {} {kind} score {:.2} complete {}", patch.rank, patch.candidate.score, patch.complete);
        println!("{}", patch.diff);
    }
}

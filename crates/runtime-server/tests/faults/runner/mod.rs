//! Runs the fault cases against the built server, in one configuration, and says which of them it answers wrongly.

mod archive;
mod case;
mod http;
mod processes;
mod server;
mod steps;
mod text;
mod want;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use case::Case;
use server::{Home, Server};
use steps::{Outcome, Performance};
use text::Names;

pub use server::{Configuration, runs_as_root};

/// The key of the servers.
const TOKEN: &str = "Faults-0f3d5c1b";

/// Cases performed at the same time.
const WORKERS: usize = 12;

/// Descriptors of this process that connections must leave for everything else.
const SPARE_DESCRIPTORS: usize = 2_000;

/// Tells cases apart wherever a name has to be unique on the machine.
static NUMBER: AtomicUsize = AtomicUsize::new(10_000);

/// Performs all cases and panics with what went wrong, if anything did.
pub fn suite(configuration: Configuration) {
    raise_descriptor_limit();
    let start = Instant::now();
    let (cases, skipped) = performable(configuration);
    let home = Home::new(configuration);
    let server = home.start(TOKEN);
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = performed(case, &home, &server) {
                        failures.lock().unwrap().push(format!("  {}/{}: {failure}", case.group, case.name));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    let correct = cases.len() - failures.len();
    say(&format!(
        "faults: {correct} of {} correct ({}) in {:.1} s{}",
        cases.len(),
        configuration.show(),
        start.elapsed().as_secs_f64(),
        skipped.iter().map(|name| format!("\n  SKIPPED {name}")).collect::<String>(),
    ));
    assert!(
        failures.is_empty(),
        "{} wrong ({}):\n{}",
        failures.len(),
        configuration.show(),
        failures.join("\n")
    );
}

/// A line that the test harness does not capture.
pub fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// The cases that can be performed here, and why the others cannot. `FAULTS=words` keeps those whose name has a word.
fn performable(configuration: Configuration) -> (Vec<Case>, Vec<String>) {
    let asked = std::env::var("FAULTS").unwrap_or_default();
    let asked_for = |case: &Case| {
        let name = format!("{}/{}", case.group, case.name);
        asked.is_empty() || asked.split(',').any(|word| name.contains(word))
    };
    let mut skipped = Vec::new();
    let mut cases: Vec<Case> = case::all().into_iter().filter(asked_for).collect();
    cases.retain(|case| {
        let missing = case.needs.iter().find(|program| !is_installed(program));
        if let Some(program) = missing {
            skipped.push(format!("{}/{}: {program} is not installed", case.group, case.name));
        }
        missing.is_none() && !(case.ordinary_user_only && configuration.is_root())
    });
    (cases, skipped)
}

fn is_installed(program: &str) -> bool {
    ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .any(|folder| std::path::Path::new(folder).join(program).exists())
}

fn performed(case: &Case, home: &Home, server: &Server) -> Outcome {
    let own = case.own_server.then(|| home.start(case.token.as_deref().unwrap_or(TOKEN)));
    let server = own.as_ref().unwrap_or(server);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let names = Names::new([
        ("@DIR@", home.case_folder(number).display().to_string()),
        ("@SESSION@", format!("s{number}")),
        ("@N@", number.to_string()),
        ("@TOKEN@", server.token.clone()),
        ("@token@", server.token.to_lowercase()),
    ]);
    let performance = Performance::new(home, server, names.clone());
    let outcome = catch_unwind(AssertUnwindSafe(|| all_steps(case, &performance, &names)));
    performance.tidy_up();
    outcome.unwrap_or_else(|_| Err("the runner panicked; see above".to_owned()))
}

fn all_steps(case: &Case, performance: &Performance<'_>, names: &Names) -> Outcome {
    if case.creates_session {
        let create = serde_json::json!({"call": "create"});
        performance.perform(&create, names).map_err(|why| format!("its session: {why}"))?;
    }
    for (number, step) in case.steps.iter().enumerate() {
        performance
            .perform(step, names)
            .map_err(|why| format!("step {} {}\n      {why}", number + 1, show(step)))?;
    }
    Ok(())
}

fn show(step: &serde_json::Value) -> String {
    let text = step["command"].as_str().map_or_else(|| step.to_string(), str::to_owned);
    let text: String = text.chars().take(160).collect();
    format!("{} {text:?}", step["call"])
}

/// How many descriptors this process may open still, with some to spare.
fn free_descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = open_files.and_then(|line| line.split_ascii_whitespace().nth(3)?.parse().ok());
    soft.unwrap_or(1_024_usize).saturating_sub(SPARE_DESCRIPTORS).max(100)
}

/// The usual soft limit is too small for ten thousand connections; the servers inherit it.
fn raise_descriptor_limit() {
    let own = std::process::id().to_string();
    let raised = std::process::Command::new("prlimit").args(["--pid", &own, "--nofile=20000:"]).output();
    drop(raised);
}

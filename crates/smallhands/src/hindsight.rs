//! `events`, `replay`, `fork` and `diff`: looking back at a run, beginning another like it, and saying how two runs differ.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};
use smallhands_orchestrator::chronicle;
use smallhands_orchestrator::compare::{self, Comparison, End};
use smallhands_orchestrator::fork;
use smallhands_orchestrator::replay::{self, ReplayError};
use smallhands_orchestrator::state_dir::StateDir;

use crate::exit_code;
use crate::failure::Failure;
use crate::render::printable;
use crate::run::explain;

/// Tasks that are named one by one.
const TASKS_SHOWN: usize = 20;

/// Lists the events of a run.
///
/// # Errors
/// When there is no such run or its events cannot be read.
pub fn events(state: &StateDir, run: &str, json: bool) -> Result<u8, Failure> {
    let events = chronicle::events(state, run).map_err(|error| explain(&error))?;
    let mut text = String::new();
    for event in &events {
        let _ = if json {
            writeln!(text, "{}", typed("run.event", run, event))
        } else {
            writeln!(text, "{:>5}  {}", event.event, printable(&event.line))
        };
    }
    print!("{text}");
    Ok(exit_code::VERIFIED)
}

/// Makes the decisions of a run again.
///
/// # Errors
/// When there is no such run or the log cannot be read. A divergence is an exit code.
pub fn replay(state: &StateDir, run: &str, json: bool) -> Result<u8, Failure> {
    match replay::replay(state, run) {
        Ok(replayed) if json => println!("{}", typed("run.replayed", run, &replayed)),
        Ok(replayed) => println!(
            "run {run} replays: {} events, {} commands, {} plans and verdicts, {} requests to models, {} blobs",
            replayed.events, replayed.commands, replayed.plans, replayed.requests, replayed.blobs
        ),
        Err(ReplayError::Run(error)) => return Err(explain(&error)),
        Err(ReplayError::Diverged(divergence)) => {
            if json {
                println!("{}", typed("run.diverged", run, &divergence));
            } else {
                println!(
                    "run {run} diverges at event {} of {}\n  expected: {}\n  got:      {}",
                    divergence.event, divergence.stream, divergence.expected, divergence.got
                );
            }
            return Ok(exit_code::NOT_VERIFIED);
        }
    }
    Ok(exit_code::VERIFIED)
}

/// Makes a run with the same beginning.
///
/// # Errors
/// When there is no such run or no such place in it.
pub fn fork(state: &StateDir, run: &str, at: u64, json: bool) -> Result<u8, Failure> {
    let forked = fork::fork(state, run, at).map_err(|error| explain(&error))?;
    if json {
        println!("{}", typed("run.forked", &forked.run, &forked));
    } else {
        let rounded = if forked.at == at {
            String::new()
        } else {
            format!(" (event {at} is in the middle of a decision)")
        };
        println!("run {} shares the first {} events of {run}{rounded}", forked.run, forked.at);
        println!("continue with: smallhands resume {}", forked.run);
    }
    Ok(exit_code::VERIFIED)
}

/// Says how two runs differ. Exit code 0 when they do not, 1 when they do, as of `diff`.
///
/// # Errors
/// When there is no such run or its events cannot be read.
pub fn diff(state: &StateDir, left: &str, right: &str, json: bool) -> Result<u8, Failure> {
    let comparison = compare::compare(state, left, right).map_err(|error| explain(&error))?;
    if json {
        println!("{}", typed("runs.compared", left, &comparison));
    } else {
        print!("{}", page(&comparison));
    }
    let same = comparison.first.is_none() && comparison.same_patch;
    Ok(if same { exit_code::VERIFIED } else { exit_code::NOT_VERIFIED })
}

fn page(comparison: &Comparison) -> String {
    let [left, right] = &comparison.ends;
    let mut page = String::new();
    match &comparison.first {
        None => drop(writeln!(page, "the runs are the same: {} events", comparison.shared)),
        Some(first) => {
            let _ =
                writeln!(page, "{} events are the same; event {} differs:", comparison.shared, first.event);
            let _ = writeln!(page, "  {}: {}\n  {}: {}", left.run, first.left, right.run, first.right);
        }
    }
    for end in [left, right] {
        let _ = writeln!(page, "{}", ending(end));
    }
    let patches = if comparison.same_patch { "the patches are the same" } else { "the patches differ" };
    let _ = writeln!(page, "{patches}");
    for (task, left, right) in comparison.tasks.iter().take(TASKS_SHOWN) {
        let _ = writeln!(page, "  task {task}: {left} / {right}");
    }
    if comparison.tasks.len() > TASKS_SHOWN {
        let _ = writeln!(page, "  … and {} more tasks", comparison.tasks.len() - TASKS_SHOWN);
    }
    page
}

fn ending(end: &End) -> String {
    let reason = if end.reason.is_empty() { String::new() } else { format!(" — {}", end.reason) };
    let patch =
        end.patch_lines.map_or_else(|| "no patch".to_owned(), |lines| format!("a patch of {lines} lines"));
    format!("{}: {}{reason} ({} events, {patch})", end.run, end.verdict, end.events)
}

/// The value as one JSON object with its type and its run first.
fn typed(name: &str, run: &str, value: &impl Serialize) -> Value {
    let mut object = json!({ "type": name, "run": run });
    if let (Some(object), Ok(Value::Object(fields))) = (object.as_object_mut(), serde_json::to_value(value)) {
        object.extend(fields);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_orchestrator::compare::Difference;

    fn end(run: &str, verdict: &str) -> End {
        End {
            run: run.into(),
            verdict: verdict.into(),
            reason: "why".into(),
            events: 9,
            patch_lines: Some(3),
        }
    }

    #[test]
    fn a_difference_names_both_sides_and_both_ends() {
        let first = Difference { event: 5, left: "a#1 started".into(), right: "b#1 started".into() };
        let comparison = Comparison {
            first: Some(first),
            shared: 4,
            ends: [end("r1", "verified"), end("r2", "failed")],
            tasks: vec![("a".into(), "done".into(), "absent".into()); 25],
            same_patch: false,
        };
        let page = page(&comparison);
        for part in [
            "4 events are the same; event 5 differs:\n  r1: a#1 started\n  r2: b#1 started\n",
            "r1: verified — why (9 events, a patch of 3 lines)",
            "the patches differ",
            "  task a: done / absent",
            "… and 5 more tasks",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn the_same_is_said_to_be_the_same() {
        let comparison = Comparison {
            first: None,
            shared: 9,
            ends: [end("r1", "verified"), End { patch_lines: None, ..end("r2", "verified") }],
            tasks: vec![],
            same_patch: true,
        };
        let page = page(&comparison);
        assert!(page.starts_with("the runs are the same: 9 events\n"), "{page}");
        assert!(page.contains("no patch"), "{page}");
    }

    #[test]
    fn objects_begin_with_type_and_run() {
        let object = typed("run.diverged", "r1", &json!({"event": 3})).to_string();
        assert!(object.starts_with(r#"{"type":"run.diverged","run":"r1","#), "{object}");
    }
}

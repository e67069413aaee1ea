//! `runs` and `show`: what the state directory knows about runs, past and present.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};
use smallhands_orchestrator::listing::{self, RunDetails, RunListing};
use smallhands_orchestrator::progress::Progress;
use smallhands_orchestrator::state_dir::StateDir;

use crate::exit_code;
use crate::failure::Failure;
use crate::render::describe;
use crate::run::explain;

/// Prints all runs, the newest first.
///
/// # Errors
/// When the state cannot be read.
pub fn list(state: &StateDir, json: bool) -> Result<u8, Failure> {
    let runs = listing::runs(state).map_err(|error| explain(&error))?;
    if json {
        runs.iter().for_each(|run| println!("{}", typed("run.listed", run)));
    } else if runs.is_empty() {
        println!("There are no runs in {} yet.", state.root().display());
    } else {
        print!("{}", table(&runs));
    }
    Ok(exit_code::VERIFIED)
}

/// Prints one run.
///
/// # Errors
/// When there is no such run or the state cannot be read.
pub fn show(state: &StateDir, run: &str, json: bool) -> Result<u8, Failure> {
    let details = listing::show(state, run).map_err(|error| explain(&error))?;
    if json {
        println!("{}", typed("run.details", &details));
    } else {
        print!("{}", page(&details));
    }
    Ok(exit_code::VERIFIED)
}

/// The value as one JSON object with its type first, like the events of a run.
fn typed(name: &str, value: &impl Serialize) -> Value {
    let mut object = json!({"type": name});
    if let (Some(object), Ok(Value::Object(fields))) = (object.as_object_mut(), serde_json::to_value(value)) {
        object.extend(fields);
    }
    object
}

fn table(runs: &[RunListing]) -> String {
    let width = runs.iter().map(|run| run.run.len()).max().unwrap_or(0);
    let line = |run: &RunListing| {
        let submitted = utc(run.submitted_at_ms);
        format!("{:width$}  {submitted}  {:11}  {}  ({})\n", run.run, run.status, run.repo, run.task)
    };
    runs.iter().map(line).collect()
}

fn page(details: &RunDetails) -> String {
    let run = &details.listing;
    let mut page = format!("run {}: {}\n", run.run, run.status);
    let submitted = utc(run.submitted_at_ms);
    for (label, value) in [
        ("task", &run.task),
        ("repository", &run.repo),
        ("submitted", &submitted),
        ("folder", &details.folder),
    ] {
        let _ = writeln!(page, "  {label:10} {value}");
    }
    let _ = writeln!(page, "  {:10} {}", "events", details.events);
    for check in &details.checks {
        let _ = writeln!(page, "  {:10} {check}", "check");
    }
    if let Some((parent, at)) = &details.forked_from {
        let _ = writeln!(page, "  {:10} {parent}, after its event {at}", "fork of");
    }
    if details.paused {
        let _ = writeln!(page, "  {:10} yes; go on with: smallhands unpause {}", "paused", run.run);
    }
    for (name, question) in &details.questions {
        let _ = writeln!(page, "  {:10} {question} (smallhands approve {} {name} yes|no)", name, run.run);
    }
    let _ = writeln!(page, "\nplan:\n{}", details.plan.trim_end());
    match &details.summary {
        Some(summary) => {
            let result = describe(&Progress::RunFinished(summary.clone()));
            let _ = writeln!(page, "\n{}", result.join("\n"));
        }
        None if run.status == "interrupted" => {
            let _ = writeln!(page, "\ncontinue with: smallhands resume {}", run.run);
        }
        None => {}
    }
    page
}

/// A time as `2026-11-20 21:05 UTC`, from milliseconds since the Unix epoch.
///
/// The calendar follows Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day comes last.
fn utc(at_ms: i64) -> String {
    let minutes = at_ms.div_euclid(60_000);
    let (days, minute) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, status: &str) -> RunListing {
        RunListing {
            run: id.into(),
            submitted_at_ms: 1_795_208_700_000,
            repo: "/home/u/shop".into(),
            task: "make the failing checks pass".into(),
            status: status.into(),
        }
    }

    #[test]
    fn times_are_shown_by_the_calendar() {
        for (at_ms, expected) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399_999, "2000-02-28 23:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (1_795_208_700_000, "2026-11-20 21:05 UTC"),
            (-60_000, "1969-12-31 23:59 UTC"),
        ] {
            assert_eq!(utc(at_ms), expected);
        }
    }

    #[test]
    fn runs_are_listed_in_columns() {
        let expected = "r1    2026-11-20 21:05 UTC  verified     /home/u/shop  (make the failing checks pass)\n\
                        r200  2026-11-20 21:05 UTC  interrupted  /home/u/shop  (make the failing checks pass)\n";
        assert_eq!(table(&[run("r1", "verified"), run("r200", "interrupted")]), expected);
    }

    #[test]
    fn an_interrupted_run_says_how_to_go_on() {
        let details = RunDetails {
            listing: run("r1", "interrupted"),
            checks: vec!["pytest -q".into()],
            plan: "observe done\n".into(),
            summary: None,
            events: 7,
            paused: true,
            questions: vec![("ask-1".into(), "a#1: may it?".into())],
            forked_from: Some(("r0".into(), 5)),
            folder: "/s/runs/r1".into(),
        };
        let text = page(&details);
        assert!(
            text.starts_with("run r1: interrupted\n  task       make the failing checks pass\n"),
            "{text}"
        );
        assert!(text.contains("  check      pytest -q\n"), "{text}");
        assert!(text.contains("\n\nplan:\nobserve done\n"), "{text}");
        assert!(text.ends_with("continue with: smallhands resume r1\n"), "{text}");
        for part in ["smallhands unpause r1", "ask-1      a#1: may it?", "r0, after its event 5"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let running = RunDetails { listing: run("r1", "running"), ..details };
        assert!(!page(&running).contains("resume"));
    }

    #[test]
    fn objects_begin_with_their_type() {
        assert!(
            typed("run.listed", &run("r1", "failed"))
                .to_string()
                .starts_with(r#"{"type":"run.listed","run":"r1","#)
        );
    }
}

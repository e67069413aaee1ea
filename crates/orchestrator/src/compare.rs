//! Two runs side by side: the first event in which they differ, and how their ends differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use smallhands_event_log::EventLog;
use smallhands_task_graph::{RunEvent, RunState, replay};

use crate::chronicle;
use crate::journal::stream_of;
use crate::replay::decode;
use crate::request::RunError;
use crate::state_dir::StateDir;

/// Fields that tell when, not what.
const TIMES: [&str; 6] = ["at_ms", "deadline_at_ms", "until_ms", "wall_ms", "duration_ms", "time_ms"];

/// How two runs differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The number of the first event that differs, with both sides; none when one is what the other is.
    pub first: Option<Difference>,
    /// Events that are the same before it.
    pub shared: u64,
    /// The ends.
    pub ends: [End; 2],
    /// Tasks that stand elsewhere: name, left, right; `absent` where a run has no such task.
    pub tasks: Vec<(String, String, String)>,
    /// Whether both patches are the same text, or both are absent.
    pub same_patch: bool,
}

/// An event that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its number, from 1.
    pub event: u64,
    /// What the first run says there.
    pub left: String,
    /// What the second run says there.
    pub right: String,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// Its id.
    pub run: String,
    /// The verdict, or `not finished`.
    pub verdict: String,
    /// Why, in its own words.
    pub reason: String,
    /// Its events.
    pub events: u64,
    /// Lines of its patch; none without a patch.
    pub patch_lines: Option<u64>,
}

/// Compares two runs. Times, and the runs' own names, do not count as differences.
///
/// # Errors
/// [`RunError::UnknownRun`], or whatever makes their events unreadable.
pub fn compare(state: &StateDir, left: &str, right: &str) -> Result<Comparison, RunError> {
    let log = state.log();
    let sides = [read(state, log.as_ref(), left)?, read(state, log.as_ref(), right)?];
    let first = first_difference(&sides[0], &sides[1]);
    let shared = first.as_ref().map_or(sides[0].events.len() as u64, |first| first.event - 1);
    let same_patch = sides[0].patch == sides[1].patch;
    let tasks = tasks(&sides[0].state, &sides[1].state);
    Ok(Comparison { first, shared, ends: sides.map(end), tasks, same_patch })
}

struct Side {
    run: String,
    events: Vec<RunEvent>,
    state: RunState,
    patch: Option<String>,
}

fn read(state_dir: &StateDir, log: &dyn EventLog, run: &str) -> Result<Side, RunError> {
    let stored = log.read(&stream_of(run)?, 0)?;
    if stored.is_empty() {
        return Err(RunError::UnknownRun { run: run.to_owned(), state: state_dir.root().to_path_buf() });
    }
    let events: Vec<RunEvent> = decode(run, &stored)?.into_iter().map(|recorded| recorded.event).collect();
    let state = replay(&events)
        .map_err(|error| RunError::StoredState { run: run.to_owned(), reason: error.to_string() })?;
    let patch = std::fs::read_to_string(state_dir.patch(run)).ok();
    Ok(Side { run: run.to_owned(), events, state, patch })
}

fn first_difference(left: &Side, right: &Side) -> Option<Difference> {
    let plain = |side: &Side, index: usize| side.events.get(index).map(|event| essence(event, &side.run));
    let longest = left.events.len().max(right.events.len());
    let at = (0..longest).find(|index| plain(left, *index) != plain(right, *index))?;
    let line =
        |side: &Side| side.events.get(at).map_or_else(|| "(no further event)".to_owned(), chronicle::line);
    let (mut left_line, mut right_line) = (line(left), line(right));
    if left_line == right_line
        && let (Some(left), Some(right)) = (plain(left, at), plain(right, at))
    {
        (left_line, right_line) = inner_difference(&left, &right);
    }
    Some(Difference { event: at as u64 + 1, left: left_line, right: right_line })
}

/// What an event says apart from when, and in which run.
fn essence(event: &RunEvent, run: &str) -> Value {
    let encoded = event.encode();
    let mut value = serde_json::json!({ "kind": encoded.kind, "payload": encoded.payload });
    strip(&mut value, run);
    value
}

fn strip(value: &mut Value, run: &str) {
    match value {
        Value::String(text) if text.contains(run) => *text = text.replace(run, "RUN"),
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, run)),
        Value::Object(fields) => {
            fields.retain(|name, _| !TIMES.contains(&name.as_str()));
            fields.values_mut().for_each(|field| strip(field, run));
        }
        _ => {}
    }
}

/// Events that read alike differ somewhere inside: the first place where they do.
fn inner_difference(left: &Value, right: &Value) -> (String, String) {
    fn places(value: &Value, at: &str, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| places(field, &format!("{at}/{name}"), into));
            }
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| places(item, &format!("{at}/{index}"), into));
            }
            other => drop(into.insert(at.to_owned(), other.to_string())),
        }
    }
    let (mut ours, mut theirs) = (BTreeMap::new(), BTreeMap::new());
    places(left, "", &mut ours);
    places(right, "", &mut theirs);
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let place = names.into_iter().find(|name| ours.get(*name) != theirs.get(*name));
    let shown = |side: &BTreeMap<String, String>| {
        let place = place.map(String::as_str).unwrap_or_default();
        let value = side.get(place).map_or("absent", String::as_str);
        format!("{place} = {}", value.chars().take(200).collect::<String>())
    };
    (shown(&ours), shown(&theirs))
}

fn tasks(left: &RunState, right: &RunState) -> Vec<(String, String, String)> {
    let phase = |state: &RunState, id: &_| {
        let phase = state.task(id).map(|task| serde_json::to_value(task.phase).unwrap_or_default());
        phase.as_ref().and_then(Value::as_str).unwrap_or("absent").replace('_', " ")
    };
    let names: BTreeSet<_> = left.tasks.keys().chain(right.tasks.keys()).collect();
    let both = names.into_iter().map(|id| (id.to_string(), phase(left, id), phase(right, id)));
    both.filter(|(_, left, right)| left != right).collect()
}

fn end(side: Side) -> End {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    End {
        verdict: text(side.state.verdict.as_ref()).unwrap_or_else(|| "not finished".into()),
        reason: text(side.state.summary.as_ref().map(|summary| &summary["reason"])).unwrap_or_default(),
        events: side.events.len() as u64,
        patch_lines: side.patch.map(|patch| patch.lines().count() as u64),
        run: side.run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(run: &str, reasons: &[(&str, i64)]) -> Side {
        let started = |(attempt, at_ms): &(&str, i64)| RunEvent::AttemptStarted {
            attempt: attempt.parse().unwrap(),
            at_ms: *at_ms,
        };
        let events = reasons.iter().map(started).collect();
        Side { run: run.into(), events, state: RunState::default(), patch: None }
    }

    #[test]
    fn times_and_names_of_runs_are_no_differences() {
        assert_eq!(first_difference(&side("r1", &[("a#1", 5)]), &side("r2", &[("a#1", 9)])), None);
        let told = |run: &str| {
            let event =
                RunEvent::EffectIntended { key: format!("{run}/a"), attempt: None, what: Value::Null };
            essence(&event, run)
        };
        assert_eq!(told("r1"), told("r2"));
    }

    #[test]
    fn the_first_difference_has_both_sides() {
        let difference =
            first_difference(&side("r1", &[("a#1", 5), ("b#1", 5)]), &side("r2", &[("a#1", 5), ("c#1", 5)]));
        let expected = Difference { event: 2, left: "b#1 started".into(), right: "c#1 started".into() };
        assert_eq!(difference, Some(expected));
        let shorter = first_difference(&side("r1", &[("a#1", 5)]), &side("r2", &[])).unwrap();
        assert_eq!((shorter.event, shorter.right.as_str()), (1, "(no further event)"));
    }

    #[test]
    fn events_that_read_alike_are_told_apart_inside() {
        let left = serde_json::json!({"a": {"b": [1, 2]}, "c": 1});
        let right = serde_json::json!({"a": {"b": [1, 3]}, "c": 1});
        assert_eq!(inner_difference(&left, &right), ("/a/b/1 = 2".into(), "/a/b/1 = 3".into()));
    }
}

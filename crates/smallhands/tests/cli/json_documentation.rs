//! `docs/json-output.md` documents every event, with an example that can be read back, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use smallhands_orchestrator::progress::Progress;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The `type`s that the source declares.
fn declared() -> BTreeSet<String> {
    let source = read("crates/orchestrator/src/progress.rs");
    let events = source.split_once("pub enum Progress").unwrap().1.split_once("\n}").unwrap().0.to_owned();
    let renames = events.split("#[serde(rename = \"").skip(1).filter_map(|rest| rest.split_once('"'));
    renames.map(|(name, _)| name.to_owned()).collect()
}

/// Headings such as "### `run.started`" in the part about runs.
fn documented() -> BTreeSet<String> {
    let page = read("docs/json-output.md");
    let part = page.split_once("\n## Events of a run").unwrap().1.split_once("\n## ").unwrap().0.to_owned();
    let headings = part.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    headings.map(str::to_owned).collect()
}

/// Examples: the lines of the fenced blocks.
fn examples() -> Vec<Value> {
    let page = read("docs/json-output.md");
    let blocks = page.split("```json\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let lines = blocks.flat_map(|(block, _)| block.lines().map(str::to_owned).collect::<Vec<_>>());
    lines
        .map(|line| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}")))
        .collect()
}

#[test]
fn every_event_is_documented_and_nothing_else() {
    assert_eq!(declared(), documented());
    assert!(declared().len() >= 12, "the source was not understood");
}

#[test]
fn every_event_has_an_example_that_is_complete() {
    let mut shown = BTreeSet::new();
    for example in examples() {
        let Ok(event) = serde_json::from_value::<Progress>(example.clone()) else { continue };
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(written, example, "the example has other fields than the event");
        shown.insert(written["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(shown, declared());
}

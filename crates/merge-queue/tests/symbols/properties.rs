//! Whatever is merged: it parses, each line comes from a side, and what one side alone did is what comes out.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use smallhands_merge_queue::symbols::{Conflict, merge};

/// What a side does to the functions of a file.
#[derive(Debug, Clone)]
enum Edit {
    /// Changes the number that one returns.
    Change(usize),
    Remove(usize),
    /// Adds one of its own before this one, or at the end.
    Add(usize, usize),
}

fn edits(count: usize) -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (0..count).prop_map(Edit::Change),
        (0..count).prop_map(Edit::Remove),
        (0..=count, 0..3_usize).prop_map(|(at, number)| Edit::Add(at, number)),
    ];
    prop::collection::vec(edit, 0..6)
}

/// The functions by name, in order, and what they return.
fn edited(count: usize, edits: &[Edit], side: &str) -> Vec<(String, String)> {
    let mut functions: Vec<(String, String)> =
        (0..count).map(|number| (format!("f{number}"), number.to_string())).collect();
    let place = |functions: &[(String, String)], number: usize| {
        functions.iter().position(|(name, _)| *name == format!("f{number}"))
    };
    for edit in edits {
        match edit {
            Edit::Change(number) => {
                if let Some(at) = place(&functions, *number) {
                    functions[at].1 = format!("'{side}'");
                }
            }
            Edit::Remove(number) => {
                if let Some(at) = place(&functions, *number) {
                    functions.remove(at);
                }
            }
            Edit::Add(at, number) => {
                let name = format!("{side}{number}");
                if !functions.iter().any(|(known, _)| *known == name) {
                    let at = place(&functions, *at).unwrap_or(functions.len());
                    functions.insert(at, (name, number.to_string()));
                }
            }
        }
    }
    functions
}

fn text(functions: &[(String, String)]) -> String {
    let texts = functions.iter().map(|(name, value)| format!("def {name}():\n    return {value}\n"));
    texts.collect::<Vec<_>>().join("\n\n")
}

/// What must come out: each function as the side has it that changed it; nothing when they quarrel.
fn expected(
    count: usize,
    ours: &[(String, String)],
    theirs: &[(String, String)],
) -> Option<BTreeMap<String, String>> {
    let base: BTreeMap<String, String> = edited(count, &[], "").into_iter().collect();
    let (ours, theirs): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (ours.iter().cloned().collect(), theirs.iter().cloned().collect());
    let names: BTreeSet<&String> = base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
    let mut all = BTreeMap::new();
    for name in names {
        let (b, o, t) = (base.get(name), ours.get(name), theirs.get(name));
        let result = if o == t || t == b {
            o
        } else if o == b {
            t
        } else {
            return None;
        };
        all.extend(result.map(|value| (name.clone(), value.clone())));
    }
    Some(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_each_side_did_is_in_the_result(
        (count, one, other) in (1..7_usize).prop_flat_map(|count| (Just(count), edits(count), edits(count)))
    ) {
        let base = text(&edited(count, &[], ""));
        let (ours, theirs) = (edited(count, &one, "o"), edited(count, &other, "t"));
        let merged = merge("a.py", &base, &text(&ours), &text(&theirs));
        match expected(count, &ours, &theirs) {
            Some(functions) => {
                let merged = merged.unwrap().text;
                let names: Vec<&str> = merged.lines().filter_map(|line| line.strip_prefix("def ")?.strip_suffix("():")).collect();
                prop_assert_eq!(names.len(), functions.len());
                for (name, value) in &functions {
                    let whole = format!("def {name}():\n    return {value}\n");
                    prop_assert!(merged.contains(&whole), "{} lacks {}", merged, whole);
                }
                // Each side's own order is kept.
                for side in [&ours, &theirs] {
                    let order: Vec<&str> = side.iter().map(|(name, _)| name.as_str()).filter(|name| functions.contains_key(*name)).collect();
                    let kept: Vec<&str> = names.iter().copied().filter(|name| order.contains(name)).collect();
                    prop_assert_eq!(kept, order);
                }
            }
            None => {
                let quarrel = matches!(merged, Err(Conflict::BothChanged { .. } | Conflict::RemovedAndChanged { .. }));
                prop_assert!(quarrel, "{:?}", merged);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_every_line_comes_from_a_side(
        path in prop::sample::select(vec!["a.py", "a.js", "a.ts", "a.rs", "a.go", "a.java"]),
        sides in prop::collection::vec(prop::collection::vec(0..LINES.len(), 0..10), 3),
    ) {
        let texts: Vec<String> = sides
            .iter()
            .map(|side| side.iter().map(|line| format!("{}\n", LINES[*line])).collect())
            .collect();
        if let Ok(merged) = merge(path, &texts[0], &texts[1], &texts[2]) {
            let lines: BTreeSet<&str> = texts[1..].iter().flat_map(|text| text.lines()).collect();
            for line in merged.text.lines().filter(|line| !line.contains("import") && !line.trim().is_empty()) {
                prop_assert!(lines.contains(line), "{line:?} is of no side");
            }
        }
    }
}

/// Lines that make up texts, sensible or not.
const LINES: [&str; 16] = [
    "def f():",
    "    return 1",
    "class A:",
    "    def g(self): pass",
    "x = 1",
    "",
    "# c",
    "import a",
    "fn f() {",
    "}",
    "class B {",
    "  f() { return 1; }",
    "func f() {",
    "f();",
    "from a import b",
    "    y = 2",
];

//! Every mistake is told at once, with its line and a mark below it: one file per kind, beside what is said about it.
//!
//! `UPDATE_EXPECTED=1 cargo test` writes what is said now; look at the difference before keeping it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic; helpers are not marked as tests")]

use std::path::{Path, PathBuf};

use smallhands_plan_format::loading::load;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors")
}

#[test]
fn mistakes_are_told_as_expected() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "expected") {
            continue;
        }
        count += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = load(&name, &text, &mut |_| Err("there is no such file".into()));
        assert!(loaded.document.is_none(), "{name} has no mistakes");
        let said = loaded.problems.render(&loaded.sources);
        let expected = path.with_file_name(format!("{name}.expected"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&expected, &said).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("--- {name}\n{said}"));
        }
    }
    assert!(count >= 12, "{count} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn places_for_scripts_are_those_for_people() {
    let text = "tasks:\n  - id: ä\n    comand: make\n";
    let loaded = load("p.yaml", text, &mut |_| Err(String::new()));
    let places: Vec<_> = loaded
        .problems
        .located(&loaded.sources)
        .iter()
        .map(|at| (at.line, at.column, at.end_column))
        .collect();
    assert_eq!(places, [(2, 9, 10), (3, 5, 11)]);
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_quickly() {
    let wide = format!("tasks: [{}]", "{ id: a, command: x },".repeat(60_000));
    let deep = format!("tasks: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let nested =
        format!("tasks: [{{ id: a, command: x, when: {}true{} }}]", "(".repeat(500), ")".repeat(500));
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"])
    {
        bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", ")));
    }
    for text in [wide, deep, nested, bomb] {
        let loaded = load("p.yaml", &text, &mut |_| Err(String::new()));
        assert!(loaded.document.is_none());
        assert!((1..=100).contains(&loaded.problems.len()));
    }
}

//! What holds of every list of candidates, whatever the source.

use std::collections::BTreeSet;

use proptest::prelude::*;
use smallhands_repair::{
    Candidate, EditKind, EnumerationLimits, Search, SearchInput, Suspicion, candidates, explain, functions,
    search,
};

use crate::corpus::CORPUS;
use crate::harness::parser;

fn one(path: &str, source: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), source.to_owned())]
}

fn search_with(sources: &[(String, String)], suspicion: &Suspicion, limits: EnumerationLimits) -> Search {
    search(&SearchInput { sources, suspicion, limits })
}

fn all(path: &str, source: &str) -> Vec<Candidate> {
    let sources = one(path, source);
    search_with(&sources, &Suspicion::uniform(&sources), EnumerationLimits::default()).candidates
}

fn names(path: &str, source: &str) -> Vec<String> {
    let mut names: Vec<String> = functions(path, source).into_iter().map(|function| function.name).collect();
    names.sort();
    names
}

/// What is wrong with a candidate, if anything.
fn complaint(path: &str, source: &str, one: &Candidate, parser: &mut tree_sitter::Parser) -> Option<String> {
    let edit = &one.edit;
    let fits = edit.start <= edit.end
        && source.is_char_boundary(edit.start)
        && edit.end <= source.len()
        && source.is_char_boundary(edit.end);
    if edit.file != path || !fits {
        return Some("is outside the file".into());
    }
    let edited = edit.apply(source);
    if !edited.starts_with(&source[..edit.start]) || !edited.ends_with(&source[edit.end..]) {
        return Some("touches text outside of its span".into());
    }
    if parser.parse(&edited, None).is_none_or(|tree| tree.root_node().has_error()) {
        return Some("does not parse".into());
    }
    if names(path, &edited) != names(path, source) {
        return Some("loses a function".into());
    }
    let (first, last) = edit.lines_of(source);
    let length = u32::try_from(source.lines().count()).unwrap();
    if one.line == 0 || one.line > length || last < first {
        return Some(format!("is on line {} of {length}", one.line));
    }
    if one.line.abs_diff(first) > length / 2 && edit.end > edit.start {
        return Some(format!("is told to be on line {} but changes {first} to {last}", one.line));
    }
    (!one.score.is_finite()).then(|| "has no finite score".into())
}

#[test]
fn candidates_of_the_corpus_are_sound() {
    let mut parser = parser();
    let mut complaints = Vec::new();
    for (path, source) in CORPUS {
        let found = all(path, source);
        assert!(found.len() > 100, "{path}: only {} candidates", found.len());
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score), "{path}: best first");
        let texts: BTreeSet<String> = found.iter().map(|one| one.edit.apply(source)).collect();
        assert_eq!(texts.len(), found.len(), "{path}: every result once");
        assert!(!texts.contains(*source), "{path}: an edit changes nothing");
        // Every third is enough to notice a family gone wrong; parsing them all takes minutes.
        for one in found.iter().step_by(3) {
            if let Some(what) = complaint(path, source, one, &mut parser) {
                complaints.push(format!("{path}: {} {what}: {}", one.kind, one.edit.summary(source)));
            }
        }
    }
    let shown = complaints.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} candidates\n{shown}", complaints.len());
}

#[test]
fn functions_are_those_of_the_lines() {
    let moves = |kind| matches!(kind, EditKind::StatementSwap | EditKind::StatementMove);
    for (path, source) in CORPUS.iter().take(4) {
        let known = functions(path, source);
        for one in all(path, source).iter().filter(|one| !moves(one.kind)) {
            let Some(name) = &one.function else { continue };
            let around = known.iter().find(|function| function.name == *name);
            let around = around.unwrap_or_else(|| panic!("{path}: no function {name}"));
            assert!((around.start_line..=around.end_line).contains(&one.line), "{path}: {one:?}");
            assert!(
                around.span.start <= one.edit.start && one.edit.end <= around.span.end + 1,
                "{path}: {one:?}"
            );
        }
    }
}

#[test]
fn equal_input_gives_equal_output_and_a_longer_list_starts_alike() {
    for (path, source) in CORPUS.iter().take(2) {
        let sources = one(path, source);
        let suspicion = Suspicion::uniform(&sources);
        let full = search_with(&sources, &suspicion, EnumerationLimits::default());
        assert_eq!(full, search_with(&sources, &suspicion, EnumerationLimits::default()));
        let input = SearchInput { sources: &sources, suspicion: &suspicion, limits: Default::default() };
        assert_eq!(full.candidates, candidates(&input), "{path}");
        assert!(full.notes.is_empty(), "{path}: {:?}", full.notes);
    }
}

#[test]
fn explanations_lead_to_the_candidates() {
    let (path, source) = CORPUS[0];
    let sources = one(path, source);
    let suspicion = Suspicion::uniform(&sources);
    let input = SearchInput { sources: &sources, suspicion: &suspicion, limits: Default::default() };
    let ways = explain(&input);
    let explained: BTreeSet<String> = ways.iter().map(|way| way.candidate.edit.apply(source)).collect();
    let found = candidates(&input);
    assert_eq!(explained, found.iter().map(|one| one.edit.apply(source)).collect());
    for way in ways {
        let merged = found.iter().find(|one| one.edit.apply(source) == way.candidate.edit.apply(source));
        let merged = merged.map_or(f64::NEG_INFINITY, |one| one.score);
        assert!(merged >= way.candidate.score - 1e-9, "several ways add up: {way:?}");
        assert!(way.places >= 1 && way.suspicion > 0.0 && !way.context.is_empty());
    }
}

#[test]
fn limits_are_kept() {
    let (path, source) = CORPUS[2];
    let sources = one(path, source);
    let suspicion = Suspicion::uniform(&sources);
    for max_candidates in [0, 1, 7, 250] {
        let limits = EnumerationLimits { max_candidates, ..Default::default() };
        let found = search_with(&sources, &suspicion, limits);
        assert!(found.candidates.len() <= max_candidates, "{max_candidates}");
        assert!(!found.notes.is_empty(), "{max_candidates}: what was cut must be told");
    }
    let few = EnumerationLimits { max_per_site: 2, ..Default::default() };
    let found = search_with(&sources, &suspicion, few).candidates;
    let everything = all(path, source);
    assert!(found.len() < everything.len());
    let texts: BTreeSet<String> = everything.iter().map(|one| one.edit.apply(source)).collect();
    assert!(found.iter().all(|one| texts.contains(&one.edit.apply(source))), "fewer, but no other ones");
    for (max_file_bytes, is_searched) in [(source.len(), true), (source.len() - 1, false), (0, false)] {
        let limits = EnumerationLimits { max_file_bytes, ..Default::default() };
        let found = search_with(&sources, &suspicion, limits);
        assert_eq!(found.candidates.is_empty(), !is_searched, "{max_file_bytes}");
        assert_eq!(found.notes.iter().any(|note| note.starts_with(path)), !is_searched, "{:?}", found.notes);
    }
}

#[test]
fn unsuspected_code_is_left_alone() {
    let sources: Vec<(String, String)> =
        CORPUS.iter().take(2).map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    for (path, source) in &sources {
        for function in functions(path, source) {
            let mut suspicion = Suspicion::default();
            suspicion.raise(path, function.end_line, 0.5);
            suspicion.raise("nowhere.py", 1, 1.0);
            let found = search_with(&sources, &suspicion, EnumerationLimits::default());
            assert!(!found.candidates.is_empty(), "{path}: {}", function.name);
            for one in &found.candidates {
                assert_eq!(&one.edit.file, path);
                assert!((function.start_line..=function.end_line).contains(&one.line), "{one:?}");
            }
        }
    }
    let nothing = search_with(&sources, &Suspicion::default(), EnumerationLimits::default());
    assert_eq!(nothing, Search::default());
}

#[test]
fn equally_suspicious_files_are_searched_together() {
    let sources: Vec<(String, String)> =
        CORPUS.iter().take(3).map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let found = search_with(
        &sources,
        &Suspicion::uniform(&sources),
        EnumerationLimits { max_candidates: 200_000, ..Default::default() },
    )
    .candidates;
    let early: BTreeSet<&str> =
        found.iter().take(found.len() / 4).map(|one| one.edit.file.as_str()).collect();
    assert_eq!(early.len(), sources.len(), "each file has likely edits");
    let alone: usize = sources.iter().map(|(path, text)| all(path, text).len()).sum();
    assert!(found.len() <= alone && found.len() * 10 >= alone * 9, "{} of {alone}", found.len());
    let mut reversed = sources.clone();
    reversed.reverse();
    let other = search_with(
        &reversed,
        &Suspicion::uniform(&sources),
        EnumerationLimits { max_candidates: 200_000, ..Default::default() },
    )
    .candidates;
    let texts = |list: &[Candidate]| -> BTreeSet<_> { list.iter().map(|one| one.edit.clone()).collect() };
    assert_eq!(texts(&found), texts(&other), "the order of the files decides between equals only");
    let scores = |list: &[Candidate]| -> Vec<f64> { list.iter().map(|one| one.score).collect() };
    assert_eq!(scores(&found), scores(&other));
}

#[test]
fn suspicion_moves_edits_up() {
    let (path, source) = CORPUS[9];
    let sources = one(path, source);
    let uniform = all(path, source);
    let lines = u32::try_from(source.lines().count()).unwrap();
    for line in (2..=lines).step_by(5) {
        let mut suspicion = Suspicion::default();
        for other in 1..=lines {
            suspicion.raise(path, other, if other == line { 1.0 } else { 0.3 });
        }
        let raised = search_with(&sources, &suspicion, EnumerationLimits::default()).candidates;
        let share = |list: &[Candidate]| list.iter().take(100).filter(|one| one.line == line).count();
        assert!(share(&raised) >= share(&uniform), "line {line}");
    }
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn truncated_programs_never_panic(which in 0..CORPUS.len(), at in 0..700usize, from in 0..200usize) {
        let (path, source) = CORPUS[which];
        let end = boundary(source, at);
        let start = boundary(source, from.min(end));
        let text = &source[start..end];
        for one in all(path, text) {
            prop_assert!(one.edit.end <= text.len() && one.score.is_finite());
            prop_assert_ne!(one.edit.apply(text), text);
        }
        let _ = functions(path, text);
    }

    #[test]
    fn spliced_programs_never_panic(one in 0..CORPUS.len(), other in 0..CORPUS.len(), cut in 0..500usize, put in "[ \\t\\r\\n:()\\[\\]{}'\"#\\\\éß∅]{0,6}") {
        let ((path, first), (_, second)) = (CORPUS[one], CORPUS[other]);
        let text = format!("{}{put}{}", &first[..boundary(first, cut)], &second[boundary(second, cut)..]);
        for one in all(path, &text) {
            prop_assert_ne!(one.edit.apply(&text), text.clone());
        }
    }

    #[test]
    fn any_suspicion_is_fine(lines in proptest::collection::btree_map(0..40u32, -1.0..2.0f64, 0..6)) {
        let (path, source) = CORPUS[1];
        let sources = one(path, source);
        let suspicion = Suspicion([(path.to_owned(), lines)].into());
        let found = search_with(&sources, &suspicion, EnumerationLimits::default());
        prop_assert!(found.candidates.iter().all(|one| one.score.is_finite()));
    }
}

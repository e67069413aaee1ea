//! What the rows of the catalogue are checked with.

use std::collections::BTreeSet;

use smallhands_repair::{
    Candidate, EditKind, EnumerationLimits, SearchInput, Suspicion, candidates, explain,
};

/// (Kind, text that occurs once in the source, what must stand there after the edit).
pub type Row = (&'static str, &'static str, &'static str);

/// A specimen is written on lines of its own: without the line break that opens the literal.
pub fn specimen(source: &str) -> &str {
    source.strip_prefix('\n').unwrap_or(source)
}

/// The source with its only occurrence of `old` replaced.
pub fn replaced(source: &str, old: &str, new: &str) -> String {
    assert_eq!(source.matches(old).count(), 1, "{old:?} must occur once in\n{source}");
    source.replacen(old, new, 1)
}

/// The line (from 1) on which `text` starts.
pub fn line_of(source: &str, text: &str) -> u32 {
    let at = source.find(text).unwrap_or_else(|| panic!("{text:?} is not in\n{source}"));
    let lead = text.len() - text.trim_start().len();
    u32::try_from(source[..at + lead].matches('\n').count()).unwrap() + 1
}

/// One file under the name of its language.
pub fn file(source: &str) -> Vec<(String, String)> {
    vec![("shop/stock.py".to_owned(), source.to_owned())]
}

/// Every way to reach a candidate, with all lines equally suspicious and nothing cut.
pub fn proposals(source: &str) -> Vec<Candidate> {
    let sources = file(source);
    let suspicion = Suspicion::uniform(&sources);
    let limits = EnumerationLimits { max_per_site: 10_000, max_candidates: 1_000_000, ..Default::default() };
    let input = SearchInput { sources: &sources, suspicion: &suspicion, limits };
    explain(&input).into_iter().map(|one| one.candidate).collect()
}

/// The ranked candidates of one file under the default limits.
pub fn ranked(source: &str, suspicion: &Suspicion) -> Vec<Candidate> {
    let sources = file(source);
    candidates(&SearchInput { sources: &sources, suspicion, limits: EnumerationLimits::default() })
}

/// Every row must be among the proposals, under its kind.
pub fn check(source: &str, rows: &[Row]) {
    let source = specimen(source);
    let found: BTreeSet<(EditKind, String)> =
        proposals(source).into_iter().map(|one| (one.kind, one.edit.apply(source))).collect();
    let mut missing = Vec::new();
    for (kind, old, new) in rows {
        assert!(EditKind::ALL.iter().any(|known| known.name() == *kind), "no kind is called {kind}");
        let wanted = replaced(source, old, new);
        if !found.iter().any(|(known, text)| known.name() == *kind && *text == wanted) {
            let under: Vec<&str> =
                found.iter().filter(|(_, text)| *text == wanted).map(|(known, _)| known.name()).collect();
            missing.push(format!("{kind}: {old:?} -> {new:?}; proposed under other kinds: {under:?}"));
        }
    }
    assert!(missing.is_empty(), "{} rows are not proposed\n{}", missing.len(), missing.join("\n"));
}

/// No row (old, new) may be proposed by any kind.
pub fn never(source: &str, rows: &[(&str, &str)]) {
    let source = specimen(source);
    let found = proposals(source);
    assert!(!found.is_empty(), "nothing at all is proposed for\n{source}");
    let mut proposed = Vec::new();
    for (old, new) in rows {
        let unwanted = replaced(source, old, new);
        let by = found.iter().filter(|one| one.edit.apply(source) == unwanted);
        proposed.extend(by.map(|one| format!("{}: {old:?} -> {new:?}", one.kind)));
    }
    assert!(proposed.is_empty(), "{} unwanted edits\n{}", proposed.len(), proposed.join("\n"));
}

/// Each text must survive every edit of at most the given tier.
pub fn keeps(source: &str, tier: u8, texts: &[&str]) {
    let source = specimen(source);
    let found = proposals(source);
    assert!(!found.is_empty(), "nothing at all is proposed for\n{source}");
    let mut lost = BTreeSet::new();
    for text in texts {
        assert!(source.contains(text), "{text:?} is not in\n{source}");
        let times = source.matches(text).count();
        let loses = |one: &&Candidate| one.edit.apply(source).matches(text).count() < times;
        let by = found.iter().filter(|one| one.tier <= tier).filter(loses);
        lost.extend(by.map(|one| format!("{text:?} by {}: {}", one.kind, one.edit.summary(source))));
    }
    let shown: Vec<&String> = lost.iter().take(40).collect();
    assert!(lost.is_empty(), "{} texts are lost\n{shown:#?}", lost.len());
}

/// A tree-sitter parser for Python.
pub fn parser() -> tree_sitter::Parser {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).unwrap();
    parser
}

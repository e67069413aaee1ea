//! The search space of one repair: the sources, where to look, and how much of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::edit::{Candidate, Edit};
use crate::enumerate::{Feature, proposals};
use crate::language::{Language, language_of};
use crate::localise::Suspicion;
use crate::rank::{Priors, Scored, log_add, score};
use crate::scope::{Region, regions};
use crate::syntax::{NodeId, Tree, parse};

/// Regions less suspicious than this share of the most suspicious one are not searched.
const RELATIVE_FLOOR: f64 = 0.02;
/// Proposals made before ranking, per candidate that is wanted: enough for the ranking to choose from.
const PROPOSALS_PER_CANDIDATE: usize = 4;

/// How much is enumerated before the ranking cuts the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumerationLimits {
    /// Longest list returned.
    pub max_candidates: usize,
    /// Files larger than this many bytes are refused with a note.
    pub max_file_bytes: usize,
    /// Most alternatives of one kind at one place of the code.
    pub max_per_site: usize,
}

impl Default for EnumerationLimits {
    fn default() -> Self {
        Self { max_candidates: 20_000, max_file_bytes: 1 << 20, max_per_site: 120 }
    }
}

/// What to search.
#[derive(Clone, Copy)]
pub struct SearchInput<'a> {
    /// Path (repository-relative) and text of every file that may be edited.
    pub sources: &'a [(String, String)],
    /// Where the fault is suspected.
    pub suspicion: &'a Suspicion,
    /// How much to enumerate.
    pub limits: EnumerationLimits,
}

/// Ranked candidates with what was left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Best first, without duplicates; the rank of a candidate is its index.
    pub candidates: Vec<Candidate>,
    /// One sentence for each thing that was not searched, and why.
    pub notes: Vec<String>,
}

/// One way to reach a candidate, with what its score is made of: for developers who tune the priors.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The candidate, with the score of this way alone.
    pub candidate: Candidate,
    /// Number of the place; alternatives of one kind at one place share its probability.
    pub place: usize,
    /// Places of the same kind in the function.
    pub places: usize,
    /// Suspicion of the lines.
    pub suspicion: f64,
    /// What the place is part of.
    pub context: &'static str,
    /// Features that are not 0.
    pub features: Vec<(&'static str, f32)>,
}

/// Every candidate edit, best first: [`search`] without its notes.
pub fn candidates(input: &SearchInput<'_>) -> Vec<Candidate> {
    search(input).candidates
}

/// Enumerates and ranks the edits of all suspicious functions. Deterministic: equal input, equal output.
pub fn search(input: &SearchInput<'_>) -> Search {
    let mut merged: BTreeMap<Edit, Candidate> = BTreeMap::new();
    let notes = visit(input, &mut |file, region, scored| {
        for scored in scored {
            let candidate = candidate_of(file, region, scored);
            merge(&mut merged, file.tree.source, candidate);
        }
    });
    let mut candidates: Vec<Candidate> = merged.into_values().collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.edit.cmp(&b.edit)));
    let mut search = Search { candidates, notes };
    if search.candidates.len() > input.limits.max_candidates {
        let dropped = search.candidates.len() - input.limits.max_candidates;
        search.notes.push(format!("the {dropped} least likely edits were left out: the limit is reached"));
        search.candidates.truncate(input.limits.max_candidates);
    }
    search
}

/// Every way to reach a candidate, in no particular order and not merged.
pub fn explain(input: &SearchInput<'_>) -> Vec<Explanation> {
    let mut found = Vec::new();
    let mut numbers = BTreeMap::new();
    visit(input, &mut |file, region, scored| {
        for scored in scored {
            let (places, suspicion) = (scored.places, scored.suspicion);
            let key = (file.path.to_owned(), scored.proposal.place);
            let next = numbers.len();
            let place = *numbers.entry(key).or_insert(next);
            let context = scored.proposal.context.name();
            let values = Feature::ALL.iter().zip(scored.proposal.features.values());
            let features =
                values.filter(|(_, value)| **value != 0.0).map(|(feature, value)| (feature.name(), *value));
            let features = features.collect();
            let candidate = candidate_of(file, region, scored);
            found.push(Explanation { candidate, place, places, suspicion, context, features });
        }
    });
    found
}

/// A file that is searched.
struct SearchedFile<'a> {
    path: &'a str,
    tree: &'a Tree<'a>,
    language: &'static dyn Language,
    priors: &'a Priors,
}

type Visitor<'v> = dyn FnMut(&SearchedFile<'_>, &Region<'_>, Vec<Scored>) + 'v;

/// Calls `visitor` for every searched region, the most suspicious ones first; returns the notes.
fn visit(input: &SearchInput<'_>, visitor: &mut Visitor<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let parsed = parse_all(input, &mut notes);
    let mut queue: Vec<(f64, usize, Option<NodeId>)> = Vec::new();
    for (index, file) in parsed.iter().enumerate() {
        for region in regions(&file.1) {
            queue.push((peak(input.suspicion, file.0, &file.1, region), index, region));
        }
    }
    queue.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    let best = queue.first().map_or(0.0, |first| first.0);
    let budget = input.limits.max_candidates.saturating_mul(PROPOSALS_PER_CANDIDATE);
    let (mut made, mut skipped) = (0, 0);
    for (peak, index, function) in queue {
        if peak <= 0.0 || peak < best * RELATIVE_FLOOR {
            break;
        }
        if made >= budget {
            skipped += 1;
            continue;
        }
        let (path, tree, language, priors) = &parsed[index];
        let file = SearchedFile { path, tree, language: *language, priors };
        let scored = search_region(&file, function, input);
        made += scored.1.len();
        visitor(&file, &scored.0, scored.1);
    }
    if skipped > 0 {
        notes.push(format!(
            "{skipped} less suspicious functions were not searched: enough edits were found before"
        ));
    }
    notes
}

type ParsedFile<'a> = (&'a str, Tree<'a>, &'static dyn Language, Priors);

/// Parses the suspicious files; what cannot be searched is noted.
fn parse_all<'a>(input: &SearchInput<'a>, notes: &mut Vec<String>) -> Vec<ParsedFile<'a>> {
    let mut parsed = Vec::new();
    for (path, text) in input.sources {
        if input.suspicion.max_in(path, 0, u32::MAX) <= 0.0 {
            continue;
        }
        match parse_one(path, text, input.limits.max_file_bytes) {
            Ok((tree, language, priors)) => parsed.push((path.as_str(), tree, language, priors)),
            Err(reason) => notes.push(format!("{path} was not searched: {reason}")),
        }
    }
    parsed
}

fn parse_one<'a>(
    path: &str,
    text: &'a str,
    limit: usize,
) -> Result<(Tree<'a>, &'static dyn Language, Priors), String> {
    let language = language_of(path).ok_or("no known language has this file name")?;
    if text.len() > limit {
        return Err(format!("its {} bytes are more than the limit of {limit}", text.len()));
    }
    let priors = Priors::parse(language.priors()).map_err(|error| error.to_string())?;
    let tree = parse(text, &language.parser(), language.grammar()).map_err(|error| error.to_string())?;
    Ok((tree, language, priors))
}

/// Highest suspicion of a region. Code outside functions counts lines that no function covers.
fn peak(suspicion: &Suspicion, path: &str, tree: &Tree<'_>, region: Option<NodeId>) -> f64 {
    if let Some(function) = region {
        let node = tree.node(function);
        return suspicion.max_in(path, node.line, node.last_line);
    }
    let functions: Vec<(u32, u32)> =
        regions(tree).into_iter().flatten().map(|id| (tree.node(id).line, tree.node(id).last_line)).collect();
    let outside = |line: u32| !functions.iter().any(|(first, last)| (*first..=*last).contains(&line));
    let lines = suspicion.0.get(path).into_iter().flatten();
    lines.filter(|(line, _)| outside(**line)).map(|(_, score)| *score).fold(0.0, f64::max)
}

fn search_region<'a>(
    file: &SearchedFile<'a>,
    function: Option<NodeId>,
    input: &SearchInput<'_>,
) -> (Region<'a>, Vec<Scored>) {
    let region = Region::new(file.tree, file.language, function);
    let made = proposals(&region);
    let mut scored = score(made, file.path, function.is_none(), input.suspicion, file.priors);
    keep_best_per_place(&mut scored, input.limits.max_per_site);
    (region, scored)
}

/// Drops all but the best alternatives of each kind at each place.
fn keep_best_per_place(scored: &mut Vec<Scored>, limit: usize) {
    let mut counts = BTreeMap::new();
    for one in scored.iter() {
        *counts.entry((one.proposal.kind, one.proposal.place)).or_insert(0usize) += 1;
    }
    if counts.values().all(|count| *count <= limit) {
        return;
    }
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = BTreeMap::new();
    scored.retain(|one| {
        let seen = kept.entry((one.proposal.kind, one.proposal.place)).or_insert(0usize);
        *seen += 1;
        *seen <= limit
    });
}

fn candidate_of(file: &SearchedFile<'_>, region: &Region<'_>, scored: Scored) -> Candidate {
    let proposal = scored.proposal;
    Candidate {
        edit: Edit {
            file: file.path.to_owned(),
            start: proposal.span.start,
            end: proposal.span.end,
            text: proposal.text,
        },
        kind: proposal.kind,
        tier: proposal.kind.tier(),
        line: file.tree.node(proposal.place.node()).line,
        function: region.function_name(proposal.place.node()),
        score: scored.score,
    }
}

/// Adds a candidate; one with the same effect is kept under its likelier kind, with both probabilities.
fn merge(merged: &mut BTreeMap<Edit, Candidate>, source: &str, candidate: Candidate) {
    let key = candidate.edit.trimmed(source);
    match merged.get_mut(&key) {
        Some(known) => {
            let sum = log_add(known.score, candidate.score);
            if candidate.score > known.score {
                *known = candidate;
            }
            known.score = sum;
        }
        None => {
            merged.insert(key, candidate);
        }
    }
}

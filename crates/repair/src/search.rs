//! The search space of one repair: the sources, where to look, and how much of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::edit::{Candidate, Edit};
use crate::enumerate::{Feature, proposals};
use crate::language::{Language, language_of};
use crate::localise::Suspicion;
use crate::rank::{Priors, Scored, log_add, score};
use crate::scope::{Region, regions};
use crate::syntax::{NodeId, Shape, Tree, parse, qualified_name};

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
    let mut notes = Vec::new();
    let files = parse_all(input, &mut notes);
    let mut found = Vec::new();
    visit(input, &files, &mut notes, &mut |index, scored| {
        let source = files.get(index).map_or("", |file| file.tree.source);
        found.extend(scored.into_iter().map(|scored| Found::new(index, source, scored)));
    });
    let mut ranked = merge(&found);
    ranked.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| found_order(&found, *x, *y)));
    if ranked.len() > input.limits.max_candidates {
        let dropped = ranked.len() - input.limits.max_candidates;
        notes.push(format!("the {dropped} least likely edits were left out: the limit is reached"));
        ranked.truncate(input.limits.max_candidates);
    }
    let candidate = |(score, index): (f64, usize)| {
        let found = found.get(index)?;
        Some(Candidate { score, ..candidate_of(files.get(found.file)?, &found.scored) })
    };
    Search { candidates: ranked.into_iter().filter_map(candidate).collect(), notes }
}

/// A scored edit with what tells it from others: the file and the edit trimmed to what it changes.
struct Found {
    file: usize,
    result: Edit,
    scored: Scored,
}

impl Found {
    fn new(file: usize, source: &str, scored: Scored) -> Self {
        let span = scored.proposal.span;
        let text = scored.proposal.text.clone();
        let edit = Edit { file: String::new(), start: span.start, end: span.end, text };
        Self { file, result: edit.trimmed(source), scored }
    }

    fn key(&self) -> (usize, usize, usize, &str) {
        (self.file, self.result.start, self.result.end, &self.result.text)
    }
}

fn found_order(found: &[Found], one: usize, other: usize) -> Ordering {
    found.get(one).map(Found::key).cmp(&found.get(other).map(Found::key))
}

/// Edits with the same result become one, under the likeliest kind and with the probability of all: (score,
/// index).
fn merge(found: &[Found]) -> Vec<(f64, usize)> {
    let score = |index: &usize| found.get(*index).map_or(f64::NEG_INFINITY, |one| one.scored.score);
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(|a, b| found_order(found, *a, *b).then_with(|| score(b).total_cmp(&score(a))));
    let mut merged: Vec<(f64, usize)> = Vec::with_capacity(order.len());
    for index in order {
        match merged.last_mut() {
            Some(last) if found_order(found, last.1, index) == Ordering::Equal => {
                last.0 = log_add(last.0, score(&index));
            }
            _ => merged.push((score(&index), index)),
        }
    }
    merged
}

/// Every way to reach a candidate, in no particular order and not merged.
pub fn explain(input: &SearchInput<'_>) -> Vec<Explanation> {
    let mut explained = Vec::new();
    let mut numbers = BTreeMap::new();
    let mut notes = Vec::new();
    let files = parse_all(input, &mut notes);
    visit(input, &files, &mut notes, &mut |index, scored| {
        let Some(file) = files.get(index) else { return };
        for scored in scored {
            let (places, suspicion) = (scored.places, scored.suspicion);
            let next = numbers.len();
            let place = *numbers.entry((file.path, scored.proposal.place)).or_insert(next);
            let context = scored.proposal.context.name();
            let values = Feature::ALL.iter().zip(scored.proposal.features.values());
            let features =
                values.filter(|(_, value)| **value != 0.0).map(|(feature, value)| (feature.name(), *value));
            let features = features.collect();
            let candidate = candidate_of(file, &scored);
            explained.push(Explanation { candidate, place, places, suspicion, context, features });
        }
    });
    explained
}

/// A file that is searched.
struct SearchedFile<'a> {
    path: &'a str,
    tree: Tree<'a>,
    language: &'static dyn Language,
    priors: Priors,
}

/// Takes the index of a file and the scored edits of one of its regions.
type Visitor<'v> = dyn FnMut(usize, Vec<Scored>) + 'v;

/// Calls `visitor` for every searched region, the most suspicious ones first.
fn visit(
    input: &SearchInput<'_>,
    files: &[SearchedFile<'_>],
    notes: &mut Vec<String>,
    visitor: &mut Visitor<'_>,
) {
    let mut queue: Vec<(f64, usize, Option<NodeId>)> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        for region in regions(&file.tree) {
            queue.push((peak(input.suspicion, file, region), index, region));
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
        } else if let Some(file) = files.get(index) {
            let scored = search_region(file, function, input);
            made += scored.len();
            visitor(index, scored);
        }
    }
    if skipped > 0 {
        notes.push(format!(
            "{skipped} less suspicious functions were not searched: enough edits were found before"
        ));
    }
}

/// Parses the suspicious files; what cannot be searched is noted.
fn parse_all<'a>(input: &SearchInput<'a>, notes: &mut Vec<String>) -> Vec<SearchedFile<'a>> {
    let mut parsed = Vec::new();
    for (path, text) in input.sources {
        if input.suspicion.max_in(path, 0, u32::MAX) <= 0.0 {
            continue;
        }
        match parse_one(path, text, input.limits.max_file_bytes) {
            Ok(file) => parsed.push(file),
            Err(reason) => notes.push(format!("{path} was not searched: {reason}")),
        }
    }
    parsed
}

fn parse_one<'a>(path: &'a str, text: &'a str, limit: usize) -> Result<SearchedFile<'a>, String> {
    let language = language_of(path).ok_or("no known language has this file name")?;
    if text.len() > limit {
        return Err(format!("its {} bytes are more than the limit of {limit}", text.len()));
    }
    let priors = Priors::parse(language.priors()).map_err(|error| error.to_string())?;
    let tree = parse(text, &language.parser(), language.grammar()).map_err(|error| error.to_string())?;
    Ok(SearchedFile { path, tree, language, priors })
}

/// Highest suspicion of a region. Code outside functions counts lines that no function covers.
fn peak(suspicion: &Suspicion, file: &SearchedFile<'_>, region: Option<NodeId>) -> f64 {
    let tree = &file.tree;
    if let Some(function) = region {
        let node = tree.node(function);
        return suspicion.max_in(file.path, node.line, node.last_line);
    }
    let functions: Vec<(u32, u32)> =
        regions(tree).into_iter().flatten().map(|id| (tree.node(id).line, tree.node(id).last_line)).collect();
    let outside = |line: u32| !functions.iter().any(|(first, last)| (*first..=*last).contains(&line));
    let lines = suspicion.0.get(file.path).into_iter().flatten();
    lines.filter(|(line, _)| outside(**line)).map(|(_, score)| *score).fold(0.0, f64::max)
}

fn search_region(file: &SearchedFile<'_>, function: Option<NodeId>, input: &SearchInput<'_>) -> Vec<Scored> {
    let region = Region::new(&file.tree, file.language, function);
    let made = proposals(&region);
    let mut scored = score(made, file.path, function.is_none(), input.suspicion, &file.priors);
    keep_best_per_place(&mut scored, input.limits.max_per_site);
    scored
}

/// Drops all but the best alternatives of each kind at each place.
fn keep_best_per_place(scored: &mut Vec<Scored>, limit: usize) {
    let mut scores: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for one in scored.iter() {
        scores.entry((one.proposal.kind, one.proposal.place)).or_default().push(one.score);
    }
    scores.retain(|_, scores| scores.len() > limit);
    for scores in scores.values_mut() {
        scores.sort_by(|a, b| b.total_cmp(a));
    }
    scored.retain(|one| {
        let crowded = scores.get(&(one.proposal.kind, one.proposal.place));
        crowded.and_then(|scores| scores.get(limit)).is_none_or(|threshold| one.score > *threshold)
    });
}

fn candidate_of(file: &SearchedFile<'_>, scored: &Scored) -> Candidate {
    let proposal = &scored.proposal;
    let node = proposal.place.node();
    let function = file.tree.enclosing(node, &[Shape::Function]);
    Candidate {
        edit: Edit {
            file: file.path.to_owned(),
            start: proposal.span.start,
            end: proposal.span.end,
            text: proposal.text.clone(),
        },
        kind: proposal.kind,
        tier: proposal.kind.tier(),
        line: file.tree.node(node).line,
        function: function.map(|id| qualified_name(&file.tree, id)),
        score: scored.score,
    }
}

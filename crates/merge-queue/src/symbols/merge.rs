//! The merge itself: segment by segment, then put in order, then parsed again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::arrangement::arrange;
use super::conflict::{Conflict, Side};
use super::imports::unite;
use super::language::{Language, language_of};
use super::outline::outline;
use super::segment::{Inside, Kind, Segment, text_of};

/// A merged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The text.
    pub text: String,
    /// What was merged inside symbols or taken over from their side, for people.
    pub resolutions: Vec<(String, Resolution)>,
}

/// What was done about a symbol that their side changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Their side adds it.
    Added,
    /// Their side changes it, ours does not.
    Changed,
    /// Their side removes it, ours leaves it as it was.
    Removed,
    /// Both change it, in different lines.
    MergedInside,
    /// Both import from it, other names.
    UnitedImports,
}

/// Merges two changes of one file symbol by symbol.
///
/// # Errors
/// [`Conflict`], with the symbol that does not go together, or why the file has no symbols.
pub fn merge(file: &str, base: &str, ours: &str, theirs: &str) -> Result<Merged, Conflict> {
    let language = language_of(file).ok_or_else(|| Conflict::UnknownLanguage { file: file.to_owned() })?;
    // One side alone has changed something: nothing to merge, whatever it looks like.
    if ours == theirs || theirs == base {
        return Ok(Merged { text: ours.to_owned(), resolutions: Vec::new() });
    }
    if ours == base {
        return Ok(Merged { text: theirs.to_owned(), resolutions: Vec::new() });
    }
    let read = |side, text: &str| {
        outline(language, &with_final_newline(text))
            .ok_or_else(|| Conflict::DoesNotParse { file: file.to_owned(), side })
    };
    let (base, _) = read(Side::Base, base)?;
    let (our_outline, tail) = read(Side::Ours, ours)?;
    let (theirs, _) = read(Side::Theirs, theirs)?;
    let mut merger = Merger { language, file, resolutions: Vec::new() };
    let merged = merger.all("", base, our_outline, theirs)?;
    let mut text = text_of(&merged) + &tail;
    if !ours.is_empty() && !ours.ends_with('\n') && text.ends_with('\n') {
        text.pop();
    }
    if language.parse(&text).is_none() {
        return Err(Conflict::ResultDoesNotParse { file: file.to_owned() });
    }
    Ok(Merged { text, resolutions: merger.resolutions })
}

fn with_final_newline(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

struct Merger<'f> {
    language: &'static Language,
    file: &'f str,
    resolutions: Vec<(String, Resolution)>,
}

/// The segments of one place, by key.
type Keyed<'s> = BTreeMap<&'s str, &'s Segment>;

fn keyed(segments: &[Segment]) -> Keyed<'_> {
    segments.iter().map(|segment| (segment.key.as_str(), segment)).collect()
}

fn keys(segments: &[Segment]) -> Vec<&str> {
    segments.iter().map(|segment| segment.key.as_str()).collect()
}

impl Merger<'_> {
    /// Merges the segments of the file or, with `within` telling which, of a class.
    fn all(
        &mut self,
        within: &str,
        mut base: Vec<Segment>,
        mut ours: Vec<Segment>,
        mut theirs: Vec<Segment>,
    ) -> Result<Vec<Segment>, Conflict> {
        align_loose([&mut base, &mut ours, &mut theirs]);
        let (b, o, t) = (keyed(&base), keyed(&ours), keyed(&theirs));
        let mut merged: BTreeMap<&str, Segment> = BTreeMap::new();
        // Ours first, then what only they have: messages come in the order of the file.
        let all: Vec<&str> = keys(&ours).into_iter().chain(keys(&theirs)).collect();
        for key in all {
            if merged.contains_key(key) {
                continue;
            }
            let name = qualified(within, key);
            if let Some(segment) =
                self.one(&name, b.get(key).copied(), o.get(key).copied(), t.get(key).copied())?
            {
                merged.insert(key, segment);
            }
        }
        let kept: BTreeSet<&str> = merged.keys().copied().collect();
        let order = arrange(&keys(&base), &keys(&ours), &keys(&theirs), &kept)
            .ok_or_else(|| Conflict::BothReordered { file: self.file.to_owned(), within: shown(within) })?;
        let mut result: Vec<Segment> = order.iter().filter_map(|key| merged.remove(key)).collect();
        space(&mut result, &ours, &theirs);
        Ok(result)
    }

    /// What becomes of one segment; `None` when it goes.
    fn one(
        &mut self,
        name: &str,
        base: Option<&Segment>,
        ours: Option<&Segment>,
        theirs: Option<&Segment>,
    ) -> Result<Option<Segment>, Conflict> {
        let (file, symbol) = (self.file.to_owned(), name.to_owned());
        match (base, ours, theirs) {
            (_, Some(ours), Some(theirs)) => self.both(name, base, ours, theirs).map(Some),
            (Some(base), Some(ours), None) if ours.body == base.body => {
                self.note(name, Resolution::Removed);
                Ok(None)
            }
            (Some(_), Some(_), None) => Err(Conflict::RemovedAndChanged { file, symbol, by: Side::Theirs }),
            (Some(base), None, Some(theirs)) if theirs.body == base.body => Ok(None),
            (Some(_), None, Some(_)) => Err(Conflict::RemovedAndChanged { file, symbol, by: Side::Ours }),
            (None, None, Some(theirs)) => {
                self.note(name, Resolution::Added);
                Ok(Some(theirs.clone()))
            }
            (None, Some(ours), None) => Ok(Some(ours.clone())),
            (_, None, None) => Ok(None),
        }
    }

    fn both(
        &mut self,
        name: &str,
        base: Option<&Segment>,
        ours: &Segment,
        theirs: &Segment,
    ) -> Result<Segment, Conflict> {
        let before = base.map(|base| base.body.as_str());
        if ours.body == theirs.body || before == Some(theirs.body.as_str()) {
            return Ok(ours.clone());
        }
        if before == Some(ours.body.as_str()) {
            self.note(name, Resolution::Changed);
            return Ok(Segment { gap: ours.gap.clone(), ..theirs.clone() });
        }
        if let (Some(ours_inside), Some(theirs_inside)) = (&ours.inside, &theirs.inside) {
            let base = base.and_then(|base| base.inside.as_ref());
            let inside = self.inside(name, base, ours_inside, theirs_inside)?;
            let body = format!("{}{}{}", inside.header, text_of(&inside.members), inside.footer);
            return Ok(Segment { body, inside: Some(inside), ..ours.clone() });
        }
        if ours.kind == Kind::Import
            && let Some(body) = unite(self.language, before, &ours.body, &theirs.body)
        {
            self.note(name, Resolution::UnitedImports);
            return Ok(Segment { body, ..ours.clone() });
        }
        let body = self.lines(name, before, &ours.body, &theirs.body)?;
        self.note(name, Resolution::MergedInside);
        Ok(Segment { body, ..ours.clone() })
    }

    fn inside(
        &mut self,
        name: &str,
        base: Option<&Inside>,
        ours: &Inside,
        theirs: &Inside,
    ) -> Result<Inside, Conflict> {
        let header = self.text(name, base.map(|base| &base.header), &ours.header, &theirs.header)?;
        let footer = self.text(name, base.map(|base| &base.footer), &ours.footer, &theirs.footer)?;
        let before = base.map(|base| base.members.clone()).unwrap_or_default();
        let members = self.all(name, before, ours.members.clone(), theirs.members.clone())?;
        Ok(Inside { header, members, footer })
    }

    /// One part of a class that is not a member.
    fn text(&self, name: &str, base: Option<&String>, ours: &str, theirs: &str) -> Result<String, Conflict> {
        match base {
            _ if ours == theirs => Ok(ours.to_owned()),
            Some(base) if base == theirs => Ok(ours.to_owned()),
            Some(base) if base == ours => Ok(theirs.to_owned()),
            // Blank lines at the end are nothing to quarrel about.
            _ if ours.trim_end() == theirs.trim_end() => Ok(ours.to_owned()),
            base => self.lines(name, base.map(String::as_str), ours, theirs),
        }
    }

    /// Merges line by line, inside one symbol.
    fn lines(&self, name: &str, base: Option<&str>, ours: &str, theirs: &str) -> Result<String, Conflict> {
        let (file, symbol) = (self.file.to_owned(), name.to_owned());
        let Some(base) = base else { return Err(Conflict::BothAdded { file, symbol }) };
        diffy::merge(base, ours, theirs).map_err(|_| Conflict::BothChanged { file, symbol })
    }

    fn note(&mut self, name: &str, resolution: Resolution) {
        self.resolutions.push((name.to_owned(), resolution));
    }
}

fn qualified(within: &str, key: &str) -> String {
    if within.is_empty() { key.to_owned() } else { format!("{within}.{key}") }
}

fn shown(within: &str) -> String {
    if within.is_empty() { "the file".to_owned() } else { within.to_owned() }
}

/// Where all sides have as many runs of loose code, they are the same ones, whatever stands between them now.
fn align_loose(sides: [&mut Vec<Segment>; 3]) {
    let count = |side: &[Segment]| side.iter().filter(|segment| segment.kind == Kind::Loose).count();
    let counts: BTreeSet<usize> = sides.iter().map(|side| count(side)).collect();
    if counts.len() > 1 {
        return;
    }
    for side in sides {
        let loose = side.iter_mut().filter(|segment| segment.kind == Kind::Loose);
        loose.enumerate().for_each(|(at, segment)| segment.key = format!("code {}", at + 1));
    }
}

/// Gives blank lines to what led on one side and does not lead now, and takes them from what leads now.
fn space(result: &mut [Segment], ours: &[Segment], theirs: &[Segment]) {
    let usual = usual_gap(ours).or_else(|| usual_gap(theirs)).unwrap_or_default();
    let leads = |segment: &Segment| {
        [ours, theirs].iter().any(|side| keys(side).first() == Some(&segment.key.as_str()))
    };
    let Some((first, rest)) = result.split_first_mut() else { return };
    if let Some(lead) = ours.first().or(theirs.first()) {
        first.gap.clone_from(&lead.gap);
    }
    for segment in rest {
        if segment.kind == Kind::Definition && segment.gap.is_empty() && leads(segment) {
            segment.gap.clone_from(&usual);
        }
    }
}

/// The blank lines that usually stand before a definition here.
fn usual_gap(segments: &[Segment]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for segment in segments.iter().skip(1).filter(|segment| segment.kind == Kind::Definition) {
        *counts.entry(&segment.gap).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(gap, _)| gap.to_owned())
}

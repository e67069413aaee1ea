//! Which function a line belongs to, for whole sets of files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Suspicion;
use crate::syntax::functions;

/// Name given to the code of a file outside any function.
pub const MODULE_CODE: &str = "<module>";

/// A function with how suspicious it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedFunction {
    /// Repository-relative path.
    pub file: String,
    /// Qualified name; [`MODULE_CODE`] for code outside functions.
    pub name: String,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// Highest score of its lines.
    pub score: f64,
}

/// One function of the outline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OutlinedFunction {
    pub file: String,
    pub start_line: u32,
    pub end_line: u32,
    pub name: String,
}

impl OutlinedFunction {
    pub fn ranked(&self, score: f64) -> RankedFunction {
        RankedFunction {
            file: self.file.clone(),
            name: self.name.clone(),
            start_line: self.start_line,
            end_line: self.end_line,
            score,
        }
    }
}

/// The functions of all files; nested functions belong to the outermost one, which is what is repaired.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    files: BTreeMap<String, Vec<OutlinedFunction>>,
}

impl Outline {
    /// Reads the files (path, text).
    pub fn of(sources: &[(String, String)]) -> Self {
        let outermost = |path: &String, text: &String| {
            let mut kept: Vec<OutlinedFunction> = Vec::new();
            for function in functions(path, text) {
                if kept.last().is_none_or(|last| function.start_line > last.end_line) {
                    kept.push(OutlinedFunction {
                        file: path.clone(),
                        start_line: function.start_line,
                        end_line: function.end_line,
                        name: function.name,
                    });
                }
            }
            let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
            let module = OutlinedFunction {
                file: path.clone(),
                start_line: 1,
                end_line: end,
                name: MODULE_CODE.into(),
            };
            kept.push(module);
            kept
        };
        Self { files: sources.iter().map(|(path, text)| (path.clone(), outermost(path, text))).collect() }
    }

    /// Whether the file was read.
    pub fn has_file(&self, file: &str) -> bool {
        self.files.contains_key(file)
    }

    /// The outermost function around a line.
    pub fn function_at(&self, file: &str, line: u32) -> Option<&OutlinedFunction> {
        self.unit_at(file, line).filter(|function| function.name != MODULE_CODE)
    }

    /// The outermost function around a line, or the module's own code.
    pub fn unit_at(&self, file: &str, line: u32) -> Option<&OutlinedFunction> {
        let units = self.files.get(file)?;
        units.iter().find(|unit| (unit.start_line..=unit.end_line).contains(&line)).or(units.last())
    }
}

/// The functions of the given files (path, text) by their most suspicious line, highest first; equal ones by
/// the average of their suspicious lines, then by place. Functions that score 0 are left out.
pub fn rank_functions(suspicion: &Suspicion, sources: &[(String, String)]) -> Vec<RankedFunction> {
    let outline = Outline::of(sources);
    let mut scores: BTreeMap<&OutlinedFunction, (f64, f64, u32)> = BTreeMap::new();
    for (file, lines) in &suspicion.0 {
        for (line, score) in lines {
            if let Some(unit) = outline.unit_at(file, *line)
                && *score > 0.0
            {
                let entry = scores.entry(unit).or_default();
                *entry = (entry.0.max(*score), entry.1 + score, entry.2 + 1);
            }
        }
    }
    let mut ranked: Vec<_> = scores.into_iter().collect();
    let key = |entry: &(f64, f64, u32)| (entry.0, entry.1 / f64::from(entry.2.max(1)));
    ranked.sort_by(|(a, x), (b, y)| {
        let ((x_peak, x_mean), (y_peak, y_mean)) = (key(x), key(y));
        y_peak.total_cmp(&x_peak).then(y_mean.total_cmp(&x_mean)).then_with(|| a.cmp(b))
    });
    ranked.into_iter().map(|(unit, entry)| unit.ranked(entry.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_ranked_by_their_worst_line() {
        let text = "X = 1\n\ndef f():\n    def g():\n        pass\n    return g\n\nclass C:\n    def m(self):\n        return 1\n";
        let sources = vec![("a.py".to_owned(), text.to_owned())];
        let mut suspicion = Suspicion::default();
        for (line, score) in [(1, 0.2), (5, 0.5), (6, 0.1), (10, 0.5)] {
            suspicion.raise("a.py", line, score);
        }
        let ranked = rank_functions(&suspicion, &sources);
        let names: Vec<&str> = ranked.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["C.m", "f", MODULE_CODE]);
        assert_eq!((ranked[1].start_line, ranked[1].end_line), (3, 6));
    }
}

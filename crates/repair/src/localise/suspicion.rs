//! How suspicious each line is: the one value that localisation hands to enumeration and ranking.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// File → line (from 1) → score in `0..=1`; a line that is not listed scores 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Suspicion(pub BTreeMap<String, BTreeMap<u32, f64>>);

impl Suspicion {
    /// Every line of the given files (path, text) equally suspicious: what to use when nothing is known.
    pub fn uniform(sources: &[(String, String)]) -> Self {
        let lines = |text: &str| (1u32..).zip(text.lines()).map(|(line, _)| (line, 1.0)).collect();
        Self(sources.iter().map(|(path, text)| (path.clone(), lines(text))).collect())
    }

    /// Score of one line; 0 for lines and files never seen.
    pub fn line(&self, file: &str, line: u32) -> f64 {
        self.0.get(file).and_then(|lines| lines.get(&line)).copied().unwrap_or(0.0)
    }

    /// Highest score of the lines `first..=last`.
    pub fn max_in(&self, file: &str, first: u32, last: u32) -> f64 {
        let Some(lines) = self.0.get(file) else { return 0.0 };
        if first > last {
            return 0.0;
        }
        lines.range(first..=last).map(|(_, score)| *score).fold(0.0, f64::max)
    }

    /// Files by their most suspicious line, highest first; ties by path. Files that score 0 are left out.
    pub fn files(&self) -> Vec<&str> {
        let peak = |lines: &BTreeMap<u32, f64>| lines.values().copied().fold(0.0, f64::max);
        let mut ranked: Vec<(f64, &str)> = self
            .0
            .iter()
            .map(|(file, lines)| (peak(lines), file.as_str()))
            .filter(|(p, _)| *p > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        ranked.into_iter().map(|(_, file)| file).collect()
    }

    /// Highest score anywhere.
    pub fn peak(&self) -> f64 {
        self.0.values().flat_map(BTreeMap::values).copied().fold(0.0, f64::max)
    }

    /// Raises a line to at least `score` (clamped to `0..=1`; not-a-number is ignored).
    pub fn raise(&mut self, file: &str, line: u32, score: f64) {
        if score.is_nan() || score <= 0.0 {
            return;
        }
        let entry = self.0.entry(file.to_owned()).or_default().entry(line).or_insert(0.0);
        *entry = entry.max(score.min(1.0));
    }

    /// The line-wise maximum of two localisations.
    pub fn merge(mut self, other: &Suspicion) -> Self {
        for (file, lines) in &other.0 {
            for (line, score) in lines {
                self.raise(file, *line, *score);
            }
        }
        self
    }

    /// The same localisation without the files the predicate holds for, such as test files.
    pub fn without(mut self, is_excluded: &dyn Fn(&str) -> bool) -> Self {
        self.0.retain(|file, _| !is_excluded(file));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Suspicion {
        let mut suspicion = Suspicion::default();
        suspicion.raise("b.py", 3, 0.4);
        suspicion.raise("a.py", 1, 0.4);
        suspicion.raise("c.py", 9, 0.9);
        suspicion.raise("c.py", 9, 0.2);
        suspicion.raise("d.py", 9, 0.0);
        suspicion.raise("e.py", 9, f64::NAN);
        suspicion
    }

    #[test]
    fn files_come_by_peak_then_path() {
        assert_eq!(sample().files(), ["c.py", "a.py", "b.py"]);
        assert_eq!(sample().peak(), 0.9);
    }

    #[test]
    fn lines_never_seen_score_nothing() {
        assert_eq!(sample().line("c.py", 9), 0.9);
        assert_eq!(sample().line("c.py", 8), 0.0);
        assert_eq!(sample().max_in("c.py", 1, 20), 0.9);
        assert_eq!(sample().max_in("c.py", 20, 1), 0.0);
        assert_eq!(sample().max_in("nowhere.py", 1, 2), 0.0);
    }

    #[test]
    fn merging_takes_the_higher_score_and_excluding_drops_files() {
        let mut other = Suspicion::default();
        other.raise("b.py", 3, 2.0);
        let merged = sample().merge(&other).without(&|file| file == "c.py");
        assert_eq!(merged.files(), ["b.py", "a.py"]);
        assert_eq!(merged.line("b.py", 3), 1.0);
    }
}

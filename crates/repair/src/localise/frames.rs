//! Localisation from stack traces: what crashed, and what called it.
//!
//! The innermost frame in the repository counts most, each caller less; the other lines of a function in
//! the trace count for half, falling with their distance, because the fault is often set up before it shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outline::Outline;
use super::{Spectrum, Suspicion, ochiai};

/// Weight of a caller relative to what it called.
const DECAY: f64 = 0.7;
/// Weight of a line beside the one in the trace, in the same function.
const NEIGHBOUR: f64 = 0.5;
/// Lines over which the weight of neighbours halves.
const REACH: f64 = 12.0;
/// How much traces say where coverage speaks as well.
const BESIDE_COVERAGE: f64 = 0.5;

/// One line of a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StackFrame {
    /// Repository-relative path.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// Scores lines by the stack traces of failing tests, each with its innermost frame last. Frames in files
/// that are not among `sources` (path, text) are passed over.
pub fn from_frames(stacks: &[Vec<StackFrame>], sources: &[(String, String)]) -> Suspicion {
    let outline = Outline::of(sources);
    let mut totals: BTreeMap<(String, u32), f64> = BTreeMap::new();
    for stack in stacks {
        for (place, weight) in weights(stack, &outline) {
            *totals.entry(place).or_default() += weight;
        }
    }
    let mut suspicion = Suspicion::default();
    for ((file, line), total) in totals {
        // The same shape as Ochiai without passing tests: the root of the share of failures explained.
        suspicion.raise(&file, line, (total / stacks.len() as f64).sqrt());
    }
    suspicion
}

/// Both kinds of evidence: coverage decides where there is any for failing tests, and traces raise what
/// crashed; without coverage, traces decide alone. The tests of the spectrum and of the traces may overlap.
pub fn from_evidence(
    spectrum: &Spectrum,
    stacks: &[Vec<StackFrame>],
    sources: &[(String, String)],
) -> Suspicion {
    let mut suspicion = ochiai(spectrum);
    let share = if suspicion.peak() > 0.0 { BESIDE_COVERAGE } else { 1.0 };
    for (file, lines) in &from_frames(stacks, sources).0 {
        for (line, score) in lines {
            let covered = suspicion.line(file, *line);
            suspicion.raise(file, *line, covered + (1.0 - covered) * share * score);
        }
    }
    suspicion
}

/// What one trace says about lines.
fn weights(stack: &[StackFrame], outline: &Outline) -> BTreeMap<(String, u32), f64> {
    let mut found: BTreeMap<(String, u32), f64> = BTreeMap::new();
    let mut raise = |file: &str, line: u32, weight: f64| {
        let entry = found.entry((file.to_owned(), line)).or_default();
        *entry = entry.max(weight);
    };
    let mut weight = 1.0;
    for frame in stack.iter().rev().filter(|frame| outline.has_file(&frame.file)) {
        raise(&frame.file, frame.line, weight);
        if let Some(function) = outline.function_at(&frame.file, frame.line) {
            for line in function.start_line..=function.end_line {
                let distance = f64::from(line.abs_diff(frame.line));
                raise(&frame.file, line, weight * NEIGHBOUR * (-distance / REACH).exp2());
            }
        }
        weight *= DECAY;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::localise::TestCoverage;

    const SOURCE: &str =
        "def outer():\n    x = 1\n    return inner(x)\n\ndef inner(x):\n    y = x\n    return 1 / y\n";

    fn sources() -> Vec<(String, String)> {
        vec![("a.py".to_owned(), SOURCE.to_owned())]
    }

    fn frame(file: &str, line: u32) -> StackFrame {
        StackFrame { file: file.to_owned(), line }
    }

    #[test]
    fn innermost_frame_leads_and_callers_follow() {
        let stack = vec![frame("test_a.py", 4), frame("a.py", 3), frame("a.py", 7), frame("lib/json.py", 90)];
        let suspicion = from_frames(&[stack], &sources());
        let line = |line| suspicion.line("a.py", line);
        assert_eq!(line(7), 1.0);
        assert!(line(3) < line(7) && line(6) < line(3) && line(2) < line(6), "{suspicion:?}");
        assert!(line(2) > 0.0 && line(4) == 0.0);
        assert_eq!(suspicion.files(), ["a.py"]);
    }

    #[test]
    fn frames_of_one_failure_in_many_count_less() {
        let stacks = vec![vec![frame("a.py", 7)], vec![frame("a.py", 3)], vec![frame("a.py", 3)], vec![]];
        let suspicion = from_frames(&stacks, &sources());
        assert_eq!(suspicion.line("a.py", 7), 0.5);
        assert!(suspicion.line("a.py", 3) > 0.7);
        assert_eq!(from_frames(&[], &sources()), Suspicion::default());
    }

    #[test]
    fn traces_raise_what_coverage_cannot_tell_apart() {
        let lines = [("a.py".to_owned(), [2, 3, 6, 7].into())];
        let spectrum = Spectrum {
            tests: vec![
                TestCoverage { failed: true, lines: lines.clone().into() },
                TestCoverage { failed: false, lines: lines.into() },
            ],
        };
        let suspicion = from_evidence(&spectrum, &[vec![frame("a.py", 7)]], &sources());
        assert!(suspicion.line("a.py", 7) > suspicion.line("a.py", 6));
        assert!(suspicion.line("a.py", 6) > suspicion.line("a.py", 2));
        let alone = from_evidence(&Spectrum::default(), &[vec![frame("a.py", 7)]], &sources());
        assert_eq!(alone.line("a.py", 7), 1.0);
    }
}

//! Evidence: what a check said about a tree. It is about that tree and no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Check, Tree};

/// What one check said about one tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The tree that was checked.
    pub tree: Tree,
    /// The check.
    pub check: Check,
    /// What it said.
    pub outcome: Outcome,
    /// Where its output is kept; opaque here.
    pub log: String,
}

impl Evidence {
    /// Whether this says anything about a tree: only about the one that was checked.
    #[must_use]
    pub fn is_fresh_for(&self, tree: &Tree) -> bool {
        self.tree == *tree
    }
}

/// What a check can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds: nothing that passed before is broken, what is claimed is true.
    Green,
    /// It does not.
    Red,
    /// It broke without saying anything: a lost machine, not a crashing test.
    Lost,
}

/// One verification of a tree: every check once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Run {
    /// What each check said.
    pub evidence: Vec<Evidence>,
}

impl Run {
    /// Red if any check is; lost if none is and any broke.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let any = |outcome| self.evidence.iter().any(|evidence| evidence.outcome == outcome);
        match (any(Outcome::Red), any(Outcome::Lost)) {
            (true, _) => Outcome::Red,
            (false, true) => Outcome::Lost,
            (false, false) => Outcome::Green,
        }
    }
}

/// What is known of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Green,
    /// It does not.
    Red,
    /// It cannot be verified; treated as red.
    Unverifiable,
}

/// All verifications of all trees, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Archive(BTreeMap<Tree, Vec<Run>>);

impl Archive {
    pub(super) fn add(&mut self, tree: &Tree, run: Run) {
        self.0.entry(tree.clone()).or_default().push(run);
    }

    pub(super) fn runs(&self, tree: &Tree) -> &[Run] {
        self.0.get(tree).map_or(&[], Vec::as_slice)
    }

    /// Verifications of a tree that said something.
    pub(super) fn judged(&self, tree: &Tree) -> usize {
        self.runs(tree).iter().filter(|run| run.outcome() != Outcome::Lost).count()
    }

    /// What is known of a tree: what its last verification said that said anything. One that broke may be begun again
    /// `max_lost` times.
    pub(super) fn verdict(&self, tree: &Tree, max_lost: u32) -> Option<Verdict> {
        let runs = self.runs(tree);
        let last = runs.iter().rev().map(Run::outcome).find(|outcome| *outcome != Outcome::Lost);
        match last {
            Some(Outcome::Green) => Some(Verdict::Green),
            Some(_) => Some(Verdict::Red),
            None if runs.len() > max_lost as usize => Some(Verdict::Unverifiable),
            None => None,
        }
    }

    /// The checks that were red when the tree was verified last.
    pub(super) fn failing(&self, tree: &Tree) -> Vec<Check> {
        let last = self.runs(tree).iter().rev().find(|run| run.outcome() == Outcome::Red);
        let red = last.into_iter().flat_map(|run| &run.evidence).filter(|e| e.outcome == Outcome::Red);
        red.map(|evidence| evidence.check.clone()).collect()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Evidence> {
        self.0.values().flatten().flat_map(|run| &run.evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcomes: &[Outcome]) -> Run {
        let numbered = outcomes.iter().enumerate();
        let evidence = numbered.map(|(number, outcome)| Evidence {
            tree: "t".into(),
            check: Check::new(format!("c{number}")),
            outcome: *outcome,
            log: String::new(),
        });
        Run { evidence: evidence.collect() }
    }

    #[test]
    fn what_is_known_of_a_tree() {
        use Outcome::{Green, Lost, Red};
        let cases: &[(&[&[Outcome]], Option<Verdict>)] = &[
            (&[], None),
            (&[&[Green, Green]], Some(Verdict::Green)),
            (&[&[Green, Red]], Some(Verdict::Red)),
            (&[&[Lost, Red]], Some(Verdict::Red)),
            (&[&[Green, Lost]], None),
            (&[&[Lost], &[Lost]], None),
            (&[&[Lost], &[Lost], &[Lost]], Some(Verdict::Unverifiable)),
            (&[&[Red], &[Green]], Some(Verdict::Green)),
            (&[&[Red], &[Lost]], Some(Verdict::Red)),
        ];
        for (runs, expected) in cases {
            let mut archive = Archive::default();
            runs.iter().for_each(|outcomes| archive.add(&"t".into(), run(outcomes)));
            assert_eq!(archive.verdict(&"t".into(), 2), *expected, "{runs:?}");
            assert_eq!(archive.verdict(&"other".into(), 2), None, "evidence is about one tree");
        }
    }

    #[test]
    fn the_failing_checks_are_those_of_the_last_red_run() {
        let mut archive = Archive::default();
        archive.add(&"t".into(), run(&[Outcome::Red, Outcome::Green]));
        archive.add(&"t".into(), run(&[Outcome::Green, Outcome::Red]));
        archive.add(&"t".into(), run(&[Outcome::Lost]));
        assert_eq!(archive.failing(&"t".into()), [Check::new("c1")]);
        assert_eq!(archive.judged(&"t".into()), 2);
        assert!(archive.all().all(|e| e.is_fresh_for(&"t".into()) && !e.is_fresh_for(&"u".into())));
    }
}

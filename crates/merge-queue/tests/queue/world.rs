//! A world in which a tree is the list of what was put on it, and the truth about every tree is known.

use std::collections::BTreeSet;

use smallhands_merge_queue::queue::{
    Check, Command, Entry, EntryId, Evidence, Fit, Mended, Outcome, Step, Tree,
};

/// What nobody tells the queue.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Break the checks by themselves.
    pub bad: BTreeSet<usize>,
    /// Break the checks when both are there.
    pub bad_pairs: BTreeSet<(usize, usize)>,
    /// Do not fit on each other as text.
    pub text_conflicts: BTreeSet<(usize, usize)>,
    /// Do not fit on each other by symbol either.
    pub symbol_conflicts: BTreeSet<(usize, usize)>,
    /// Merge tasks find no way for these.
    pub unmergeable: BTreeSet<usize>,
    /// The first verification of a tree is red without reason if the tree has so many parts.
    pub flaky_lengths: BTreeSet<usize>,
    /// The first verification of a tree breaks if the tree has so many parts.
    pub lost_lengths: BTreeSet<usize>,
    /// The head is red before anything is put on it, until this one is.
    pub mended_by: Option<usize>,
}

pub fn id(number: usize) -> EntryId {
    EntryId::new(format!("e{number:03}"))
}

pub fn entry(number: usize) -> Entry {
    Entry {
        id: id(number),
        author: format!("task{number}"),
        patch: format!("e{number:03}"),
        base: "root".into(),
        touches: [format!("f{}.py", number % 5)].into(),
        claims: [format!("t{number}")].into(),
        priority: 0,
        rivals: None,
    }
}

fn has(pairs: &BTreeSet<(usize, usize)>, one: usize, other: usize) -> bool {
    pairs.contains(&(one.min(other), one.max(other)))
}

/// The entries in a tree, and which of them are a merge task's work.
fn parts(tree: &Tree) -> Vec<(usize, bool)> {
    let parts = tree.as_str().split('+').filter_map(|part| part.strip_prefix('e'));
    parts.map(|part| (part.trim_end_matches('\'').parse().unwrap(), part.ends_with('\''))).collect()
}

impl World {
    pub fn partners(&self, number: usize) -> impl Iterator<Item = usize> {
        self.bad_pairs.iter().filter_map(move |(one, other)| match number {
            _ if *one == number => Some(*other),
            _ if *other == number => Some(*one),
            _ => None,
        })
    }

    pub fn is_green(&self, tree: &Tree) -> bool {
        let parts: Vec<usize> = parts(tree).into_iter().map(|(number, _)| number).collect();
        let quarrel = parts.iter().any(|one| parts.iter().any(|other| has(&self.bad_pairs, *one, *other)));
        let mended = self.mended_by.is_none_or(|number| parts.contains(&number));
        mended && !quarrel && !parts.iter().any(|number| self.bad.contains(number))
    }

    /// Does a step.
    pub fn answer(&self, step: &Step) -> Command {
        match step {
            Step::Rebase { entry, patch, onto } => {
                let fit = self.fit(patch, onto, &self.text_conflicts);
                Command::Rebased { entry: entry.clone(), onto: onto.clone(), fit }
            }
            Step::MergeBySymbol { entry, patch, onto, .. } => {
                let fit = self.fit(patch, onto, &self.symbol_conflicts);
                Command::MergedBySymbol { entry: entry.clone(), onto: onto.clone(), fit }
            }
            Step::Verify { tree, run, checks, .. } => {
                Command::Verified { tree: tree.clone(), run: *run, evidence: self.verify(tree, *run, checks) }
            }
            Step::Advance { to, .. } => Command::Advanced { to: to.clone() },
            Step::HandToMergeTask { entry, patch, onto, .. } => {
                let number: usize = patch[1..].parse().unwrap();
                let result = if self.unmergeable.contains(&number) {
                    Mended::Failed { reason: "no way".into() }
                } else {
                    let touches = [format!("f{}.py", number % 5)].into();
                    Mended::Patch { patch: format!("{patch}'"), base: onto.clone(), touches }
                };
                Command::MergeTaskEnded { entry: entry.clone(), result }
            }
        }
    }

    fn fit(&self, patch: &str, onto: &Tree, conflicts: &BTreeSet<(usize, usize)>) -> Fit {
        let tree = Tree::new(format!("{onto}+{patch}"));
        let number: usize = patch[1..].trim_end_matches('\'').parse().unwrap();
        let fits =
            patch.ends_with('\'') || !parts(onto).iter().any(|(other, _)| has(conflicts, number, *other));
        if fits { Fit::Clean { tree } } else { Fit::Conflict { conflicts: vec!["f.py".into()] } }
    }

    fn verify(&self, tree: &Tree, run: u32, checks: &[Check]) -> Vec<Evidence> {
        let length = parts(tree).len();
        let outcome = match run {
            1 if self.lost_lengths.contains(&length) => Outcome::Lost,
            1 if self.flaky_lengths.contains(&length) => Outcome::Red,
            _ if self.is_green(tree) => Outcome::Green,
            _ => Outcome::Red,
        };
        let about = |check: &Check| Evidence {
            tree: tree.clone(),
            check: check.clone(),
            outcome,
            log: format!("log of {tree}, {run}"),
        };
        checks.iter().map(about).collect()
    }
}

//! What tasks ask for while they run, each distinct demand kept once: tasks that ask for the same are blocked by the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::agenda::paths;
use crate::{Resources, Task};

/// A demand, by its place in the register.
pub(crate) type DemandId = u32;
/// A lock, by its place in the register.
pub(crate) type LockId = u32;
/// A pattern of paths, by its place in the register.
pub(crate) type PatternId = u32;

/// What a task asks for while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Demand {
    /// What it takes.
    pub resources: Resources,
    /// The locks it holds, and whether it shares them.
    pub locks: Vec<(LockId, bool)>,
    /// What it writes.
    pub owns: Vec<PatternId>,
}

/// Every distinct demand, lock and pattern of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Register {
    demands: Vec<Demand>,
    by_demand: BTreeMap<Demand, DemandId>,
    locks: BTreeMap<String, LockId>,
    patterns: BTreeMap<String, PatternId>,
    texts: Vec<String>,
    /// Patterns by their fixed part.
    places: BTreeMap<String, Vec<PatternId>>,
    /// For each pattern those that it meets, itself included.
    rivals: Vec<Vec<PatternId>>,
}

impl Register {
    /// The demand of a task.
    pub fn enter(&mut self, task: &Task) -> DemandId {
        let mut demand = Demand { resources: task.resources, ..Demand::default() };
        let mut names: BTreeMap<&str, bool> =
            task.locks.iter().map(|lock| (lock.name.as_str(), lock.shared)).collect();
        names.extend(task.exclusive.as_deref().map(|name| (name, false)));
        demand.locks = names.into_iter().map(|(name, shared)| (self.lock(name), shared)).collect();
        demand.owns = task.owns.iter().map(|pattern| self.pattern(pattern)).collect();
        demand.owns.sort_unstable();
        demand.owns.dedup();
        if let Some(id) = self.by_demand.get(&demand) {
            return *id;
        }
        let id = self.demands.len() as DemandId;
        self.by_demand.insert(demand.clone(), id);
        self.demands.push(demand);
        id
    }

    /// What stands behind a number.
    pub fn demand(&self, id: DemandId) -> &Demand {
        static NOTHING: Demand = Demand {
            resources: Resources { cpu_milli: 0, memory_mb: 0, gpu: 0 },
            locks: Vec::new(),
            owns: Vec::new(),
        };
        self.demands.get(id as usize).unwrap_or(&NOTHING)
    }

    /// The patterns that a pattern meets, itself included.
    pub fn rivals(&self, id: PatternId) -> &[PatternId] {
        self.rivals.get(id as usize).map_or(&[], Vec::as_slice)
    }

    fn lock(&mut self, name: &str) -> LockId {
        if let Some(id) = self.locks.get(name) {
            return *id;
        }
        let id = self.locks.len() as LockId;
        self.locks.insert(name.to_owned(), id);
        id
    }

    fn pattern(&mut self, text: &str) -> PatternId {
        if let Some(id) = self.patterns.get(text) {
            return *id;
        }
        let id = self.rivals.len() as PatternId;
        let meets = |id: &PatternId| paths::overlap(text, &self.texts[*id as usize]);
        let mut rivals: Vec<PatternId> =
            self.near(paths::fixed_part(text)).into_iter().filter(meets).collect();
        for rival in &rivals {
            self.rivals[*rival as usize].push(id);
        }
        rivals.push(id);
        self.rivals.push(rivals);
        self.patterns.insert(text.to_owned(), id);
        self.texts.push(text.to_owned());
        self.places.entry(paths::fixed_part(text).to_owned()).or_default().push(id);
        id
    }

    /// The patterns whose fixed part lies around or inside this one.
    fn near(&self, fixed: &str) -> BTreeSet<PatternId> {
        let around = fixed.match_indices('/').map(|(at, _)| &fixed[..at]).chain([""]);
        let mut near: BTreeSet<PatternId> =
            around.filter_map(|folder| self.places.get(folder)).flatten().copied().collect();
        let begins = |place: &&str| place.starts_with(fixed);
        let inside = self.places.range(fixed.to_owned()..).take_while(|(place, _)| begins(&place.as_str()));
        near.extend(inside.flat_map(|(_, ids)| ids));
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lock;

    #[test]
    fn equal_demands_are_one_and_exclusive_is_a_lock() {
        let mut register = Register::default();
        let plain = Task::new("a", "r", "g");
        let git = Task { exclusive: Some("git".into()), ..plain.clone() };
        let also_git = Task { locks: vec![Lock::exclusive("git")], ..plain.clone() };
        let shared = Task { locks: vec![Lock::shared("git")], ..plain.clone() };
        let ids: Vec<DemandId> =
            [&plain, &git, &also_git, &shared, &plain].map(|task| register.enter(task)).into();
        assert_eq!(ids, [0, 1, 1, 2, 0]);
    }

    #[test]
    fn patterns_know_whom_they_meet() {
        let mut register = Register::default();
        let texts = ["src/a.py", "src/b.py", "src", "docs/**", "**/*.py", "src/a.py"];
        let ids: Vec<PatternId> = texts.iter().map(|text| register.pattern(text)).collect();
        assert_eq!(ids, [0, 1, 2, 3, 4, 0]);
        let rivals: Vec<Vec<PatternId>> = (0..5)
            .map(|id| {
                let mut rivals = register.rivals(id).to_vec();
                rivals.sort_unstable();
                rivals
            })
            .collect();
        assert_eq!(rivals, [vec![0, 2, 4], vec![1, 2, 4], vec![0, 1, 2, 4], vec![3, 4], vec![0, 1, 2, 3, 4]]);
    }
}

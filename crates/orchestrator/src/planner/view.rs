//! What a planner sees: the run's facts and its tasks, typed. Derived from the run's state, owned by nobody.

use std::collections::BTreeSet;

use crate::assignment::{Assignment, Blob, Delivery, FailureGroup, Tree};

/// Where a task stands, as far as planning cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Waiting or running.
    Open,
    /// Brought a delivery.
    Done,
    /// Ended without one.
    Failed,
    /// Taken out of the plan.
    Dropped,
}

/// A task with its parsed parameters and output.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTask {
    /// Id.
    pub id: String,
    /// What is asked.
    pub work: Assignment,
    /// Where it stands.
    pub standing: Standing,
    /// What came back; a task that gave up may have brought something too.
    pub delivery: Option<Delivery>,
}

/// Facts of the run that never change.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFacts {
    /// Check commands.
    pub checks: Vec<String>,
    /// Tree of the repository as the user gave it.
    pub base: Tree,
    /// Agents that may work at the same time.
    pub agents: u32,
    /// The user's own goal, when it is more than "make the failing checks pass".
    pub goal: Option<String>,
    /// Whether a model may be used.
    pub has_model: bool,
    /// Upper bound for one search, milliseconds.
    pub search_ms: u64,
}

/// Everything that a planner decides from.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannerView {
    /// Facts.
    pub facts: RunFacts,
    /// Tasks in the order of their ids' creation.
    pub tasks: Vec<PlannedTask>,
}

/// The observation of one check in one round.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Index into the checks.
    pub check: usize,
    /// The stored observation.
    pub observation: &'a Blob,
    /// Tests that fail.
    pub failing: &'a [String],
    /// Failing tests by suspected cause.
    pub groups: &'a [FailureGroup],
}

impl PlannerView {
    /// The tree that carries everything merged so far: the chain of integrations, followed from the base.
    #[must_use]
    pub fn head(&self) -> Tree {
        let mut head = self.facts.base.clone();
        let mut links: Vec<(&Tree, &Tree)> = self
            .deliveries()
            .filter_map(|delivery| match delivery {
                Delivery::Integrated { onto, head, .. } if onto != head => Some((onto, head)),
                _ => None,
            })
            .collect();
        while let Some(at) = links.iter().position(|(onto, _)| **onto == head) {
            head = links.swap_remove(at).1.clone();
        }
        head
    }

    /// The newest round of planning; 0 before the first.
    #[must_use]
    pub fn round(&self) -> u32 {
        self.tasks.iter().map(|task| task.work.round()).max().unwrap_or(0)
    }

    /// Tasks of a round that are still part of the plan.
    pub fn of_round(&self, round: u32) -> impl Iterator<Item = &PlannedTask> {
        self.tasks.iter().filter(move |task| task.work.round() == round && task.standing != Standing::Dropped)
    }

    /// What tasks brought.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.tasks.iter().filter_map(|task| task.delivery.as_ref())
    }

    /// Observations of a round.
    #[must_use]
    pub fn observed(&self, round: u32) -> Vec<Observed<'_>> {
        self.of_round(round)
            .filter_map(|task| match (&task.work, &task.delivery) {
                (
                    Assignment::Observe { check, .. },
                    Some(Delivery::Observed { observation, failing, groups, .. }),
                ) => Some(Observed { check: *check, observation, failing, groups }),
                _ => None,
            })
            .collect()
    }

    /// Tests that integrations of a round made pass.
    #[must_use]
    pub fn fixed(&self, round: u32) -> BTreeSet<&str> {
        self.of_round(round)
            .filter_map(|task| match &task.delivery {
                Some(Delivery::Integrated { fixed, .. }) => Some(fixed),
                _ => None,
            })
            .flatten()
            .map(String::as_str)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(tasks: Vec<PlannedTask>) -> PlannerView {
        let facts = RunFacts {
            checks: vec!["pytest".into()],
            base: "t0".into(),
            agents: 1,
            goal: None,
            has_model: false,
            search_ms: 1,
        };
        PlannerView { facts, tasks }
    }

    fn integration(round: u32, onto: &str, head: &str, standing: Standing) -> PlannedTask {
        let work = Assignment::Integrate {
            group: "g".into(),
            check: 0,
            round,
            from: vec![],
            failing: vec![],
            observation: None,
        };
        let delivery = Delivery::Integrated {
            onto: onto.into(),
            head: head.into(),
            merged: None,
            fixed: vec![format!("by-{head}")],
            rejected: vec![],
            alternatives: vec![],
        };
        PlannedTask { id: format!("i-{onto}-{head}"), work, standing, delivery: Some(delivery) }
    }

    #[test]
    fn the_head_is_the_end_of_the_chain() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "t0"),
            (&[("t0", "t0")], "t0"),
            (&[("t0", "t1"), ("t1", "t2")], "t2"),
            (&[("t1", "t2"), ("t0", "t1")], "t2"),
            (&[("t5", "t6")], "t0"),
            (&[("t0", "t1"), ("t1", "t0")], "t0"),
        ];
        for (links, expected) in cases {
            let tasks = links.iter().map(|(onto, head)| integration(1, onto, head, Standing::Done)).collect();
            assert_eq!(view(tasks).head(), *expected, "{links:?}");
        }
    }

    #[test]
    fn rounds_are_apart_and_dropped_tasks_have_fixed_nothing() {
        let view = view(vec![
            integration(1, "t0", "t1", Standing::Done),
            integration(2, "t1", "t2", Standing::Done),
            integration(2, "t1", "t3", Standing::Dropped),
        ]);
        assert_eq!(view.round(), 2);
        assert_eq!(view.fixed(1), BTreeSet::from(["by-t1"]));
        assert_eq!(view.fixed(2), BTreeSet::from(["by-t2"]));
        assert_eq!(view.of_round(2).count(), 1);
        assert!(view.observed(1).is_empty());
    }
}

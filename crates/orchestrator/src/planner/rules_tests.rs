//! The rules, told as little stories: a view goes in, the decision comes out.

use super::*;
use crate::assignment::FoundPatch;
use crate::planner::view::RunFacts;
use crate::progress::{PatchView, TestCounts};

/// A run under construction: plans, then settles the tasks that the story says.
struct Story {
    view: PlannerView,
}

impl Story {
    fn new(agents: u32) -> Self {
        let facts = RunFacts {
            checks: vec!["pytest".into()],
            base: "t0".into(),
            agents,
            goal: None,
            has_model: false,
            search_ms: 60_000,
        };
        Self { view: PlannerView { facts, tasks: Vec::new() } }
    }

    /// Plans until the planner has nothing to change, and returns the last decision.
    fn plan(&mut self) -> Decision {
        loop {
            match plan(&self.view) {
                Decision::Change(change) if !change.add.is_empty() || !change.drop.is_empty() => {
                    self.adopt(change)
                }
                decision => return decision,
            }
        }
    }

    fn adopt(&mut self, change: PlanChange) {
        for id in change.drop {
            self.find(id.as_str()).standing = Standing::Dropped;
        }
        for task in change.add {
            let work = Assignment::from_value(&task.params).unwrap();
            self.view.tasks.push(PlannedTask {
                id: task.id.to_string(),
                work,
                standing: Standing::Open,
                delivery: None,
            });
        }
    }

    fn find(&mut self, id: &str) -> &mut PlannedTask {
        let known = self.open();
        self.view
            .tasks
            .iter_mut()
            .find(|task| task.id == id)
            .unwrap_or_else(|| panic!("no task {id}; open: {known:?}"))
    }

    fn open(&self) -> Vec<String> {
        self.view
            .tasks
            .iter()
            .filter(|task| task.standing == Standing::Open)
            .map(|task| task.id.clone())
            .collect()
    }

    fn settle(&mut self, id: &str, delivery: Option<Delivery>) -> &mut Self {
        let task = self.find(id);
        task.standing = if delivery.is_some() { Standing::Done } else { Standing::Failed };
        task.delivery = delivery;
        self
    }
}

fn observed(groups: &[&[&str]]) -> Option<Delivery> {
    let groups: Vec<FailureGroup> = groups
        .iter()
        .map(|tests| FailureGroup {
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
            functions: vec!["a.py::f".into()],
            specialist: "repair-python".into(),
        })
        .collect();
    Some(Delivery::Observed {
        observation: "b3-0".into(),
        counts: TestCounts::default(),
        failing: groups.iter().flat_map(|group| group.tests.clone()).collect(),
        flaky: vec![],
        mode: "warm-pytest".into(),
        groups,
    })
}

fn integrated(onto: &str, head: &str, fixed: &[&str]) -> Option<Delivery> {
    let view = PatchView { file: "a.py".into(), line: 1, kind: "k".into(), summary: "a → b".into() };
    let merged = (onto != head).then(|| FoundPatch {
        view,
        diff: "b3-1".into(),
        fixed: vec![],
        complete: true,
        rank: 1,
    });
    Some(Delivery::Integrated {
        onto: onto.into(),
        head: head.into(),
        merged,
        fixed: fixed.iter().map(|test| (*test).to_owned()).collect(),
        rejected: vec![],
        alternatives: vec![],
    })
}

fn searched() -> Option<Delivery> {
    Some(Delivery::Searched { found: vec![], validated: 9, candidates: 9, ended: "exhausted".into() })
}

fn verified(at: &str) -> Option<Delivery> {
    Some(Delivery::Verified {
        at: at.into(),
        green: true,
        counts: TestCounts::default(),
        failing: vec![],
        broken: vec![],
        evidence: "b3-2".into(),
        warnings: vec![],
    })
}

#[test]
fn nothing_fails_so_there_is_nothing_to_do() {
    let mut story = Story::new(2);
    story.plan();
    assert_eq!(story.open(), ["observe-1.0"]);
    assert_eq!(story.settle("observe-1.0", observed(&[])).plan(), Decision::Halt(Halt::NothingToDo));
}

#[test]
fn one_group_gets_all_agents_and_ends_with_a_verification() {
    let mut story = Story::new(2);
    story.plan();
    story.settle("observe-1.0", observed(&[&["t1"]])).plan();
    assert_eq!(story.open(), ["search-g1.1.1", "search-g1.1.2", "integrate-g1.1.1"]);
    story.settle("search-g1.1.1", searched()).settle("search-g1.1.2", searched()).plan();
    story.settle("integrate-g1.1.1", integrated("t0", "t1", &["t1"])).plan();
    assert_eq!(story.open(), ["verify-1"]);
    assert_eq!(story.settle("verify-1", verified("t1")).plan(), Decision::Halt(Halt::Verified));
}

#[test]
fn many_groups_share_the_agents() {
    let cases: &[(u32, usize, u32)] = &[(2, 1, 2), (30, 1, 16), (30, 10, 3), (30, 40, 1), (1, 5, 1)];
    for &(agents, groups, shards) in cases {
        assert_eq!(shards_per_group(agents, groups), shards, "{agents} agents, {groups} groups");
    }
}

#[test]
fn groups_that_vanish_are_dropped() {
    let mut story = Story::new(2);
    story.plan();
    story.settle("observe-1.0", observed(&[&["t1"], &["t2"]])).plan();
    story
        .settle("search-g1.1.1", searched())
        .settle("integrate-g1.1.1", integrated("t0", "t1", &["t1", "t2"]))
        .plan();
    assert_eq!(story.open(), ["verify-1"], "the second group's search and integration are no longer needed");
}

#[test]
fn failures_that_are_left_get_another_round_only_after_progress() {
    let mut story = Story::new(1);
    story.plan();
    story.settle("observe-1.0", observed(&[&["t1"], &["t2"]])).plan();
    story.settle("search-g1.1.1", searched()).settle("integrate-g1.1.1", integrated("t0", "t1", &["t1"]));
    story.settle("search-g1.2.1", searched()).settle("integrate-g1.2.1", integrated("t1", "t1", &[])).plan();
    assert_eq!(story.open(), ["observe-2.0"]);
    story.settle("observe-2.0", observed(&[&["t2"]])).plan();
    assert_eq!(story.open(), ["verify-2"], "t2 was searched in vain before and nothing about it changed");
}

#[test]
fn no_patch_means_no_verification() {
    let mut story = Story::new(1);
    story.plan();
    story.settle("observe-1.0", observed(&[&["t1"]])).plan();
    story.settle("search-g1.1.1", searched());
    assert_eq!(
        story.settle("integrate-g1.1.1", integrated("t0", "t0", &[])).plan(),
        Decision::Halt(Halt::NoPatch)
    );
}

#[test]
fn a_model_is_hired_for_what_the_search_could_not_repair() {
    let mut story = Story::new(1);
    story.view.facts.has_model = true;
    story.plan();
    story.settle("observe-1.0", observed(&[&["t1"]])).plan();
    story.settle("search-g1.1.1", searched()).settle("integrate-g1.1.1", integrated("t0", "t0", &[])).plan();
    assert_eq!(story.open(), ["code-g1.1", "integrate-code-g1.1"]);
    story.settle("code-g1.1", None);
    let end = story.settle("integrate-code-g1.1", integrated("t0", "t0", &[])).plan();
    assert_eq!(end, Decision::Halt(Halt::NoPatch), "a model gets one turn per group and round");
}

#[test]
fn a_goal_is_worked_on_before_failures_are_repaired() {
    let mut story = Story::new(1);
    story.view.facts.has_model = true;
    story.view.facts.goal = Some("add a flag".into());
    story.plan();
    story.settle("observe-1.0", observed(&[])).plan();
    assert_eq!(story.open(), ["code-goal-1", "integrate-goal-1"]);
    story.settle("code-goal-1", None).settle("integrate-goal-1", integrated("t0", "t1", &[])).plan();
    assert_eq!(story.open(), ["verify-1"]);
}

#[test]
fn checks_that_cannot_be_observed_stop_the_run() {
    let mut story = Story::new(1);
    story.plan();
    assert!(matches!(story.settle("observe-1.0", None).plan(), Decision::Halt(Halt::Unobservable(_))));
}

#[test]
fn the_head_follows_the_chain_of_integrations_whatever_their_order() {
    let mut story = Story::new(1);
    story.plan();
    story.settle("observe-1.0", observed(&[&["a"], &["b"], &["c"]])).plan();
    story.settle("integrate-g1.3.1", integrated("t0", "t1", &["c"]));
    story.settle("integrate-g1.1.1", integrated("t1", "t1", &[]));
    story.settle("integrate-g1.2.1", integrated("t1", "t2", &["b"]));
    assert_eq!(story.view.head(), "t2");
}

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
        hung: false,
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

/// A story whose run has these checks.
fn with_checks(checks: &[&str]) -> Story {
    let mut story = Story::new(2);
    story.view.facts.checks = checks.iter().map(|check| (*check).to_owned()).collect();
    story
}

#[test]
fn every_check_is_observed_and_each_brings_its_groups() {
    let mut story = with_checks(&["pytest", "npm test"]);
    story.plan();
    assert_eq!(story.open(), ["observe-1.0", "observe-1.1"]);
    story.settle("observe-1.0", observed(&[&["py"]])).plan();
    assert_eq!(story.open(), ["observe-1.1"], "groups are formed once everything is known");
    story.settle("observe-1.1", observed(&[&["js"]])).plan();
    let groups: Vec<(usize, Vec<String>)> = story
        .view
        .tasks
        .iter()
        .filter_map(|task| match &task.work {
            Assignment::Search { check, failing, .. } => Some((*check, failing.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(groups, [(0, vec!["py".to_owned()]), (1, vec!["js".to_owned()])]);
}

#[test]
fn one_check_that_cannot_be_observed_does_not_hide_the_other() {
    let mut story = with_checks(&["pytest", "npm test"]);
    story.plan();
    story.settle("observe-1.0", None).settle("observe-1.1", observed(&[&["js"]])).plan();
    assert_eq!(story.open(), ["search-g1.1.1", "search-g1.1.2", "integrate-g1.1.1"]);
}

#[test]
fn rounds_are_bounded_however_much_progress_there_is() {
    let mut story = Story::new(1);
    story.plan();
    for round in 1..=MAX_ROUNDS {
        let (onto, head) = (format!("t{}", round - 1), format!("t{round}"));
        // Each round repairs one test, and another one that was hidden by it comes up.
        let (now, left) = (format!("now{round}"), format!("left{round}"));
        story.settle(&format!("observe-{round}.0"), observed(&[&[&now, &left]])).plan();
        story.settle(&format!("search-g{round}.1.1"), searched());
        let id = format!("integrate-g{round}.1.1");
        story.settle(&id, integrated(&onto, &head, &[&now])).plan();
    }
    assert_eq!(story.open(), [format!("verify-{MAX_ROUNDS}")]);
    let last = format!("t{MAX_ROUNDS}");
    story.settle(&format!("verify-{MAX_ROUNDS}"), verified(&last));
    assert_eq!(story.plan(), Decision::Halt(Halt::Verified));
}

#[test]
fn a_partial_repair_is_followed_by_a_search_for_the_rest() {
    let mut story = Story::new(1);
    story.plan();
    story.settle("observe-1.0", observed(&[&["a", "b"]])).plan();
    story
        .settle("search-g1.1.1", searched())
        .settle("integrate-g1.1.1", integrated("t0", "t1", &["a"]))
        .plan();
    assert_eq!(story.open(), ["observe-2.0"]);
    story.settle("observe-2.0", observed(&[&["b"]])).plan();
    assert_eq!(story.open(), ["search-g2.1.1", "integrate-g2.1.1"]);
    let Assignment::Search { at, round, failing, .. } = &story.find("search-g2.1.1").work else {
        panic!("not a search")
    };
    assert_eq!((at.as_str(), *round, failing.as_slice()), ("t1", 2, &["b".to_owned()][..]));
}

#[test]
fn a_group_is_kept_while_one_of_its_tests_still_fails() {
    let mut story = Story::new(2);
    story.plan();
    story.settle("observe-1.0", observed(&[&["a"], &["b", "c"]])).plan();
    story.settle("search-g1.1.1", searched());
    story.settle("integrate-g1.1.1", integrated("t0", "t1", &["a", "b"])).plan();
    assert_eq!(story.open(), ["search-g1.2.1", "integrate-g1.2.1"]);
    story
        .settle("search-g1.2.1", searched())
        .settle("integrate-g1.2.1", integrated("t1", "t2", &["c"]))
        .plan();
    assert_eq!(story.open(), ["verify-1"]);
}

#[test]
fn a_plan_file_comes_before_the_first_look() {
    let mut story = Story::new(1);
    let text = r#"{"tasks":[{"id":"a","role":"command","command":"x"}]}"#;
    let source = crate::plan_source::PlanSource {
        file: "plan.json".into(),
        texts: [("plan.json".to_owned(), text.to_owned())].into(),
        inputs: serde_json::Map::new(),
    };
    let script = crate::planner::plan_file::Script::new(&source, false).unwrap();
    match script.progress(&smallhands_plan_format::expand::Known::new()) {
        crate::planner::plan_file::Progressed::Changes(changes) => {
            changes.into_iter().for_each(|change| story.adopt(change));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(story.plan(), wait());
    assert_eq!(story.open(), ["a", "integrate-a"]);
    story.settle("a", None).settle("integrate-a", integrated("t0", "t1", &[])).plan();
    assert_eq!(story.open(), ["observe-1.0"]);
    let Assignment::Observe { at, .. } = &story.find("observe-1.0").work else { panic!("not a look") };
    assert_eq!(at, "t1", "what the plan changed is what is looked at");
    story.settle("observe-1.0", observed(&[])).plan();
    assert_eq!(story.open(), ["verify-1"]);
}

#[test]
fn a_verification_that_cannot_be_run_ends_the_run_without_a_claim() {
    let mut story = Story::new(1);
    story.plan();
    story.settle("observe-1.0", observed(&[&["t1"]])).plan();
    story
        .settle("search-g1.1.1", searched())
        .settle("integrate-g1.1.1", integrated("t0", "t1", &["t1"]))
        .plan();
    assert!(matches!(story.settle("verify-1", None).plan(), Decision::Halt(Halt::Unobservable(_))));
}

#[test]
fn planning_twice_from_the_same_view_decides_the_same() {
    let mut story = Story::new(3);
    story.plan();
    story.settle("observe-1.0", observed(&[&["a"], &["b"]]));
    assert_eq!(plan(&story.view), plan(&story.view));
    story.plan();
    assert_eq!(plan(&story.view), wait(), "with work under way there is nothing to change");
}

#[test]
fn what_is_planned_holds_together() {
    let mut story = Story::new(4);
    story.plan();
    story.settle("observe-1.0", observed(&[&["a"], &["b"]]));
    let Decision::Change(change) = plan(&story.view) else { panic!("no change") };
    smallhands_task_graph::Plan { tasks: change.add.clone() }.validate().unwrap();
    for task in &change.add {
        let work = Assignment::from_value(&task.params).unwrap();
        assert_eq!(task.role, work.role(), "{}", task.id);
        let is_search = matches!(work, Assignment::Search { .. });
        assert_eq!(task.race.is_some(), is_search, "{}: siblings of a race are searches", task.id);
        assert_eq!(task.exclusive.as_deref(), (!is_search).then_some("merge"), "{}", task.id);
        assert!(task.time_limit_ms >= story.view.facts.search_ms, "{}", task.id);
    }
}

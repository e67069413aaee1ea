//! Events of a small made-up run, for the tests of the renderers.

use smallhands_orchestrator::progress::{
    PatchView, Progress, RunSummary, TaskPhase, TaskView, TestCounts, TestsBeforeAfter, Verdict,
};

/// A patch of one line.
pub fn patch() -> PatchView {
    PatchView {
        file: "shop/pricing.py".into(),
        line: 41,
        kind: "compare-operator".into(),
        summary: "total > limit → total >= limit".into(),
    }
}

/// The start of a run.
pub fn started() -> Progress {
    Progress::RunStarted {
        run: "r1".into(),
        repo: "/home/u/shop".into(),
        task: "make the failing checks pass".into(),
        agents: 4,
        sandbox: "host".into(),
        folder: "/state/runs/r1".into(),
        resumed: false,
    }
}

/// A task of the repair specialist was planned.
pub fn planned(id: &str) -> Progress {
    let task = TaskView {
        id: id.into(),
        role: "repair-python".into(),
        goal: "make test_limit pass".into(),
        after: vec![],
    };
    Progress::PlanChanged { reason: "one group of failing tests".into(), added: vec![task], dropped: vec![] }
}

/// A task changed its phase.
pub fn phase(id: &str, phase: TaskPhase) -> Progress {
    Progress::TaskChanged { task: id.into(), phase, note: "because".into() }
}

/// An attempt began.
pub fn began(attempt: &str) -> Progress {
    Progress::AttemptStarted {
        attempt: attempt.into(),
        role: "repair-python".into(),
        goal: "make test_limit pass".into(),
    }
}

/// An attempt tells what it does.
pub fn doing(attempt: &str, doing: &str, validations: u64) -> Progress {
    Progress::AttemptActivity { attempt: attempt.into(), doing: doing.into(), validations }
}

/// An attempt ended.
pub fn ended(attempt: &str) -> Progress {
    Progress::AttemptFinished { attempt: attempt.into(), outcome: "done".into(), note: "one patch".into() }
}

/// An attempt found the patch.
pub fn found(attempt: &str) -> Progress {
    Progress::PatchFound { attempt: attempt.into(), patch: patch() }
}

/// The result of the run.
pub fn summary() -> RunSummary {
    let before = TestCounts { passed: 11, failed: 2, skipped: 1 };
    RunSummary {
        run: "r1".into(),
        verdict: Verdict::Verified,
        reason: "all checks hold in a fresh copy".into(),
        patch: Some("/state/runs/r1/result.patch".into()),
        report: Some("/state/runs/r1/report.md".into()),
        tests: TestsBeforeAfter { before, after: Some(TestCounts { passed: 13, failed: 0, skipped: 1 }) },
        validations: 312,
        cost_usd: 0.0,
        wall_ms: 14_200,
        limit: None,
        changes: vec![patch()],
        alternatives: vec![PatchView { summary: "total > limit → not total < limit".into(), ..patch() }],
    }
}

/// One event of every kind, in the order of a run.
pub fn one_of_each() -> Vec<Progress> {
    vec![
        started(),
        Progress::CheckSelected {
            command: "python3 -m unittest".into(),
            reason: "tests/test_shop.py uses unittest".into(),
        },
        Progress::TestsObserved {
            counts: summary().tests.before,
            failing: vec!["test_a".into(), "test_b".into()],
        },
        planned("t1"),
        phase("t1", TaskPhase::Running),
        began("t1#1"),
        doing("t1#1", "trying compare-operator at shop/pricing.py:41", 12),
        found("t1#1"),
        ended("t1#1"),
        Progress::PatchMerged { task: "t1".into(), patch: patch(), fixed: vec!["test_a".into()] },
        Progress::ControlTaken { request: 3, words: "paused".into() },
        Progress::ApprovalAsked {
            approval: "ask-1".into(),
            attempt: "code-goal#1".into(),
            question: "may it do this?".into(),
            default: false,
            until_ms: 9,
        },
        Progress::ApprovalSettled { approval: "ask-1".into(), yes: false, by: "nobody".into() },
        Progress::Warning { message: "the submodule vendor/x is not there and was left out".into() },
        Progress::RunFinished(summary()),
    ]
}

//! What a run tells the outside while it lives: one closed enum that the terminal, plain lines and `--json` consume.
//!
//! These are views for people and scripts, not the durable events: losing one loses nothing.

use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check holds in a fresh copy of the repository with the patch applied.
    Verified,
    /// There is a patch that makes things better, but some check still fails or could not be run.
    Unverified,
    /// No useful patch was found.
    Failed,
}

/// Tests counted by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCounts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, errored, crashed or ran out of time.
    pub failed: u64,
    /// Tests that were skipped.
    pub skipped: u64,
}

/// Test counts of the whole check before and after the run's patch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestsBeforeAfter {
    /// On the repository as the user gave it.
    pub before: TestCounts,
    /// On the verified tree; absent when no verification ran.
    pub after: Option<TestCounts>,
}

/// A task as shown to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    /// The task's id, unique in its run.
    pub id: String,
    /// The specialist it is for: `tester`, `repair-python`, `coder`, `integrator`, `verifier`, …
    pub role: String,
    /// What is to be achieved, one line.
    pub goal: String,
    /// Ids of the tasks it waits for.
    pub after: Vec<String>,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// Waiting for others or for a free agent.
    Waiting,
    /// An attempt is under way.
    Running,
    /// Finished with a result.
    Done,
    /// Finished without a result.
    Failed,
    /// No longer needed.
    Dropped,
}

/// A patch that passed the tests it was tried against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatchView {
    /// Repository-relative path of the changed file (the first one when several).
    pub file: String,
    /// 1-based line of the change.
    pub line: u32,
    /// Kind of edit, such as `compare-operator`.
    pub kind: String,
    /// The change in one line, `old → new`, bounded to 120 characters.
    pub summary: String,
}

/// One thing that happened in a run. `--json` prints exactly this, one object per line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Progress {
    /// The run exists; `folder` holds its report and patch.
    #[serde(rename = "run.started")]
    RunStarted {
        /// Run id.
        run: String,
        /// The user's repository.
        repo: String,
        /// What is to be achieved.
        task: String,
        /// Agents that may work at the same time.
        agents: u32,
        /// Sandbox backend in use.
        sandbox: String,
        /// The run's folder in the state directory.
        folder: String,
        /// True when this process continues a run that another one began.
        resumed: bool,
    },
    /// A check that will be run, and how it was chosen. Printed before it is run.
    #[serde(rename = "check.selected")]
    CheckSelected {
        /// The shell command.
        command: String,
        /// `given` or the reason for the detection.
        reason: String,
    },
    /// Which tests fail, as far as the checks tell.
    #[serde(rename = "tests.observed")]
    TestsObserved {
        /// Counts over all checks.
        counts: TestCounts,
        /// Ids of failing tests, at most 200.
        failing: Vec<String>,
    },
    /// The plan was made or changed.
    #[serde(rename = "plan.changed")]
    PlanChanged {
        /// Why.
        reason: String,
        /// New tasks.
        added: Vec<TaskView>,
        /// Ids of tasks no longer needed.
        dropped: Vec<String>,
    },
    /// A task changed its phase.
    #[serde(rename = "task.changed")]
    TaskChanged {
        /// Task id.
        task: String,
        /// New phase.
        phase: TaskPhase,
        /// One line for people: the result or the reason.
        note: String,
    },
    /// An agent began an attempt at a task.
    #[serde(rename = "attempt.started")]
    AttemptStarted {
        /// `task#number`.
        attempt: String,
        /// The specialist's role.
        role: String,
        /// Goal in one line.
        goal: String,
    },
    /// What an agent is doing now. Sent at most a few times a second per attempt.
    #[serde(rename = "attempt.activity")]
    AttemptActivity {
        /// `task#number`.
        attempt: String,
        /// One line.
        doing: String,
        /// Candidates validated so far by this attempt.
        validations: u64,
    },
    /// An attempt ended.
    #[serde(rename = "attempt.finished")]
    AttemptFinished {
        /// `task#number`.
        attempt: String,
        /// `done`, `gave_up`, `limit_reached` or `lost`.
        outcome: String,
        /// One line for people.
        note: String,
    },
    /// An agent found a patch that passes what it was tried against.
    #[serde(rename = "patch.found")]
    PatchFound {
        /// `task#number`.
        attempt: String,
        /// The patch.
        patch: PatchView,
    },
    /// A patch became part of the result.
    #[serde(rename = "patch.merged")]
    PatchMerged {
        /// Task whose patch it is.
        task: String,
        /// The patch.
        patch: PatchView,
        /// Tests that pass since then.
        fixed: Vec<String>,
    },
    /// An order of the user took effect.
    #[serde(rename = "control.taken")]
    ControlTaken {
        /// The number of the request.
        request: u64,
        /// What it does, one line.
        words: String,
    },
    /// An agent waits for the user's consent: answer with `smallhands approve`.
    #[serde(rename = "approval.asked")]
    ApprovalAsked {
        /// The name of the question.
        approval: String,
        /// `task#number`.
        attempt: String,
        /// What is asked, one line.
        question: String,
        /// What counts when nobody answers in time.
        default: bool,
        /// Until when an answer counts, milliseconds since the Unix epoch.
        until_ms: i64,
    },
    /// A question was answered, or its time was up.
    #[serde(rename = "approval.settled")]
    ApprovalSettled {
        /// The name of the question.
        approval: String,
        /// The answer.
        yes: bool,
        /// `user` or `nobody`.
        by: String,
    },
    /// Something the user should know: a skipped submodule, a limit, a flaky test.
    #[serde(rename = "warning")]
    Warning {
        /// One line.
        message: String,
    },
    /// The last line of a run that came to an end.
    #[serde(rename = "run.finished")]
    RunFinished(RunSummary),
}

/// The result of a run; the payload of `run.finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Run id.
    pub run: String,
    /// How it ended.
    pub verdict: Verdict,
    /// One line for people: why this verdict.
    pub reason: String,
    /// Path of the patch file; absent when there is none.
    pub patch: Option<String>,
    /// Path of the report (Markdown).
    pub report: Option<String>,
    /// Test counts before and after.
    pub tests: TestsBeforeAfter,
    /// Candidates validated in all.
    pub validations: u64,
    /// Money spent on models, US dollars.
    pub cost_usd: f64,
    /// Wall time of this process's share of the run, milliseconds.
    pub wall_ms: u64,
    /// Which limit ended the run, if one did: `timeout`, `budget`.
    pub limit: Option<String>,
    /// The changes in the patch.
    pub changes: Vec<PatchView>,
    /// Other patches that passed as well and were not chosen.
    pub alternatives: Vec<PatchView>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn view() -> PatchView {
        PatchView {
            file: "a.py".into(), line: 3, kind: "compare-operator".into(), summary: "< → <=".into()
        }
    }

    fn summary() -> RunSummary {
        RunSummary {
            run: "r1".into(),
            verdict: Verdict::Unverified,
            reason: "the patch helps".into(),
            patch: Some("/s/result.patch".into()),
            report: None,
            tests: TestsBeforeAfter {
                before: TestCounts { passed: 1, failed: 2, skipped: 0 },
                after: Some(TestCounts { passed: 2, failed: 1, skipped: 0 }),
            },
            validations: 12,
            cost_usd: 0.25,
            wall_ms: 900,
            limit: Some("timeout".into()),
            changes: vec![view()],
            alternatives: vec![],
        }
    }

    /// One of each kind, with the type under which scripts know it.
    fn one_of_each() -> Vec<(Progress, &'static str)> {
        let attempt = || "search-g1.1.1#2".to_owned();
        let started = Progress::RunStarted {
            run: "r1".into(),
            repo: "/r".into(),
            task: "t".into(),
            agents: 2,
            sandbox: "host".into(),
            folder: "/s/runs/r1".into(),
            resumed: true,
        };
        let added = TaskView { id: "a".into(), role: "tester".into(), goal: "look".into(), after: vec![] };
        vec![
            (started, "run.started"),
            (Progress::CheckSelected { command: "c".into(), reason: "given".into() }, "check.selected"),
            (
                Progress::TestsObserved { counts: TestCounts::default(), failing: vec!["t".into()] },
                "tests.observed",
            ),
            (
                Progress::PlanChanged { reason: "why".into(), added: vec![added], dropped: vec!["b".into()] },
                "plan.changed",
            ),
            (
                Progress::TaskChanged { task: "a".into(), phase: TaskPhase::Dropped, note: String::new() },
                "task.changed",
            ),
            (
                Progress::AttemptStarted { attempt: attempt(), role: "coder".into(), goal: "g".into() },
                "attempt.started",
            ),
            (
                Progress::AttemptActivity { attempt: attempt(), doing: "trying".into(), validations: 7 },
                "attempt.activity",
            ),
            (
                Progress::AttemptFinished { attempt: attempt(), outcome: "lost".into(), note: "n".into() },
                "attempt.finished",
            ),
            (Progress::PatchFound { attempt: attempt(), patch: view() }, "patch.found"),
            (
                Progress::PatchMerged { task: "i".into(), patch: view(), fixed: vec!["t".into()] },
                "patch.merged",
            ),
            (Progress::ControlTaken { request: 3, words: "paused".into() }, "control.taken"),
            (
                Progress::ApprovalAsked {
                    approval: "ask-1".into(),
                    attempt: attempt(),
                    question: "git push?".into(),
                    default: false,
                    until_ms: 9,
                },
                "approval.asked",
            ),
            (
                Progress::ApprovalSettled { approval: "ask-1".into(), yes: false, by: "nobody".into() },
                "approval.settled",
            ),
            (Progress::Warning { message: "careful".into() }, "warning"),
            (Progress::RunFinished(summary()), "run.finished"),
        ]
    }

    #[test]
    fn every_kind_has_its_type_and_survives_json() {
        for (progress, kind) in one_of_each() {
            let value = serde_json::to_value(&progress).unwrap();
            assert_eq!(value["type"], kind);
            assert_eq!(serde_json::from_value::<Progress>(value).unwrap(), progress);
        }
    }

    #[test]
    fn the_last_line_carries_the_summary_itself() {
        let value = serde_json::to_value(Progress::RunFinished(summary())).unwrap();
        assert_eq!(value["verdict"], "unverified");
        assert_eq!(value["tests"]["after"]["failed"], 1);
        assert_eq!(value["changes"][0]["line"], 3);
        assert_eq!(value["limit"], "timeout");
        assert_eq!(value["report"], json!(null));
    }
}

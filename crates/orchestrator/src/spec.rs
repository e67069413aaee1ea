//! What a run was asked to do, resolved and durable: the first event of every run, and all that a resuming process needs to know.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallhands_agent::validation::CheckSpec;
use smallhands_checks::classify;

use crate::assignment::Tree;
use crate::plan_source::PlanSource;
use crate::planner::view::RunFacts;
use crate::request::{Approvals, Deliver};

/// Version of [`RunSpec`] in the log.
pub const SPEC_VERSION: u16 = 1;

/// The goal when the user names none.
pub const DEFAULT_TASK: &str = "make the failing checks pass";

/// A check and how it was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectedCheck {
    /// Shell command.
    pub command: String,
    /// `given`, or why it was detected.
    pub reason: String,
}

/// The durable form of a run request. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// [`SPEC_VERSION`] of the writer.
    pub version: u16,
    /// What is to be achieved.
    pub task: String,
    /// The user's repository, absolute.
    pub repo: PathBuf,
    /// Checks, in order.
    pub checks: Vec<SelectedCheck>,
    /// Agents that may work at the same time.
    pub agents: u32,
    /// Sandbox backend.
    pub sandbox: String,
    /// Model name, if one is used.
    pub model: Option<String>,
    /// Money limit, millionths of a US dollar.
    pub budget_usd_micros: Option<u64>,
    /// Limit for the run, milliseconds.
    pub timeout_ms: u64,
    /// Limit for one execution of a check, milliseconds.
    pub check_timeout_ms: u64,
    /// Limit for one test, milliseconds; absent means adaptive.
    pub test_timeout_ms: Option<u64>,
    /// What to do with the result.
    pub deliver: Deliver,
    /// How questions to the user are dealt with.
    #[serde(default)]
    pub approvals: Approvals,
    /// The published copy of the repository.
    pub base: Tree,
    /// The plan that the user laid down, with everything that it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSource>,
}

impl RunSpec {
    /// A check in the form that agents need.
    #[must_use]
    pub fn check(&self, index: usize) -> Option<CheckSpec> {
        self.checks.get(index).map(|check| CheckSpec {
            command: check.command.clone(),
            framework: classify(&check.command),
            timeout: Duration::from_millis(self.check_timeout_ms),
            test_timeout: self.test_timeout_ms.map(Duration::from_millis),
        })
    }

    /// The user's own goal, if it is more than the default.
    #[must_use]
    pub fn goal(&self) -> Option<&str> {
        (self.task != DEFAULT_TASK).then_some(self.task.as_str())
    }

    /// What the planner needs to know.
    #[must_use]
    pub fn facts(&self) -> RunFacts {
        RunFacts {
            checks: self.checks.iter().map(|check| check.command.clone()).collect(),
            base: self.base.clone(),
            agents: self.agents,
            goal: self.goal().map(str::to_owned),
            has_model: self.model.is_some(),
            search_ms: self.search_ms(),
        }
    }

    /// One search may take half of the run, so that there is time to integrate, look again and verify.
    fn search_ms(&self) -> u64 {
        self.timeout_ms / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(task: &str) -> RunSpec {
        RunSpec {
            version: SPEC_VERSION,
            task: task.into(),
            repo: "/r".into(),
            checks: vec![SelectedCheck { command: "pytest".into(), reason: "given".into() }],
            agents: 2,
            sandbox: "host".into(),
            model: None,
            budget_usd_micros: None,
            timeout_ms: 100_000,
            check_timeout_ms: 1_000,
            test_timeout_ms: None,
            deliver: Deliver::Apply,
            approvals: Approvals::default(),
            base: "t0".into(),
            plan: None,
        }
    }

    #[test]
    fn survives_the_log() {
        let spec = spec("x");
        assert_eq!(serde_json::from_value::<RunSpec>(serde_json::to_value(&spec).unwrap()).unwrap(), spec);
    }

    #[test]
    fn the_default_task_is_no_goal_of_its_own() {
        assert_eq!(spec(DEFAULT_TASK).goal(), None);
        assert_eq!(spec("add a flag").goal(), Some("add a flag"));
    }

    #[test]
    fn agents_get_the_check_with_its_limits() {
        let mut spec = spec("x");
        let check = spec.check(0).unwrap();
        assert_eq!((check.command.as_str(), check.timeout), ("pytest", Duration::from_secs(1)));
        assert_eq!((check.framework, check.test_timeout), (classify("pytest"), None));
        spec.test_timeout_ms = Some(250);
        assert_eq!(spec.check(0).unwrap().test_timeout, Some(Duration::from_millis(250)));
        assert!(spec.check(1).is_none());
    }

    #[test]
    fn the_planner_gets_the_facts_and_half_of_the_time_for_a_search() {
        let mut spec = spec("add a flag");
        spec.model = Some("tiny".into());
        let facts = spec.facts();
        assert_eq!(facts.checks, ["pytest"]);
        assert_eq!((facts.base.as_str(), facts.agents), ("t0", 2));
        assert_eq!(facts.goal.as_deref(), Some("add a flag"));
        assert!(facts.has_model);
        assert_eq!(facts.search_ms, 50_000);
    }
}

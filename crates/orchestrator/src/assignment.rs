//! What a task asks of its specialist and what comes back: the typed form of a task's parameters and output.
//!
//! The task graph carries both as opaque values; they are parsed here, at the rim, and nowhere else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smallhands_plan_format::outputs::OutputDeclaration;
use smallhands_task_graph::Role;

use crate::progress::{PatchView, TestCounts};

/// A tree of the run's base repository (a commit id).
pub type Tree = String;
/// A blob of the event log (its id as text).
pub type Blob = String;

/// What a task asks of its specialist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Assignment {
    /// Run a check as it is, test by test, and record who covers what.
    Observe {
        /// Index into the run's checks.
        check: usize,
        /// Round of planning, from 1.
        round: u32,
        /// Tree to observe.
        at: Tree,
    },
    /// Search for an edit that makes a group's failing tests pass.
    Search {
        /// Group of failing tests.
        group: String,
        /// Index into the run's checks.
        check: usize,
        /// Round of planning.
        round: u32,
        /// Tree the search starts from.
        at: Tree,
        /// The group's failing tests.
        failing: Vec<String>,
        /// Functions under suspicion, most suspicious first.
        functions: Vec<String>,
        /// The observation that the search is based on.
        observation: Blob,
        /// This task's share of the candidates: index, count.
        shard: (u32, u32),
        /// Upper bound for the search, milliseconds.
        wall_ms: u64,
        /// Language specialist, such as `repair-python`.
        specialist: String,
    },
    /// Let a model work towards a goal.
    Code {
        /// Group of failing tests, or `goal` for the user's own task.
        group: String,
        /// Round of planning.
        round: u32,
        /// What is to be achieved.
        goal: String,
        /// Failing tests that should pass afterwards; empty for a free goal.
        failing: Vec<String>,
        /// Functions under suspicion.
        hints: Vec<String>,
        /// Index into the run's checks.
        check: usize,
        /// The observation, if there is one.
        observation: Option<Blob>,
        /// The most that this attempt may spend, millionths of a US dollar.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget_usd_micros: Option<u64>,
    },
    /// Run one command of a plan file; what it changes becomes a patch.
    Run {
        /// Shell command.
        command: String,
        /// Variables that it sees.
        #[serde(default)]
        env: BTreeMap<String, String>,
        /// What it hands on.
        #[serde(default)]
        outputs: Vec<OutputDeclaration>,
    },
    /// Put what a task of a plan file changed on the run's tree, if it fits there and the task's checks hold.
    Merge {
        /// The task.
        from: String,
        /// Commands that must succeed on the result.
        #[serde(default)]
        checks: Vec<String>,
    },
    /// Nothing: a task of a plan file that is on record only to say why it is not done.
    Skip {
        /// The specialist it would have been for.
        role: String,
    },
    /// Put the best patch that a group's tasks brought on the run's tree, if it holds there.
    Integrate {
        /// Group whose patches are to be integrated.
        group: String,
        /// Index into the run's checks.
        check: usize,
        /// Round of planning.
        round: u32,
        /// Tasks that bring the patches.
        from: Vec<String>,
        /// The group's failing tests.
        failing: Vec<String>,
        /// The observation, if there is one.
        observation: Option<Blob>,
    },
    /// Run every check as the user wrote it in a fresh copy of the run's tree.
    Verify {
        /// Round of planning.
        round: u32,
        /// Tree to verify.
        at: Tree,
    },
}

impl Assignment {
    /// The specialist that the work is for.
    #[must_use]
    pub fn role(&self) -> Role {
        let name = match self {
            Self::Observe { .. } => "tester",
            Self::Search { specialist, .. } => specialist,
            Self::Code { .. } => "coder",
            Self::Run { .. } => "command",
            Self::Integrate { .. } | Self::Merge { .. } => "integrator",
            Self::Skip { role } => role,
            Self::Verify { .. } => "verifier",
        };
        Role::new(name)
    }

    /// The group of failing tests that the work serves, if any.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Search { group, .. } | Self::Code { group, .. } | Self::Integrate { group, .. } => {
                Some(group)
            }
            _ => None,
        }
    }

    /// The round of planning that the work belongs to; 0 for the tasks of a plan file.
    #[must_use]
    pub fn round(&self) -> u32 {
        match self {
            Self::Observe { round, .. }
            | Self::Search { round, .. }
            | Self::Code { round, .. }
            | Self::Integrate { round, .. }
            | Self::Verify { round, .. } => *round,
            Self::Run { .. } | Self::Merge { .. } | Self::Skip { .. } => 0,
        }
    }

    /// The opaque form carried by the task graph.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Parses the opaque form.
    ///
    /// # Errors
    /// When the value was written by something else.
    pub fn from_value(value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(value)
    }
}

/// A patch that was found, with what it is known to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundPatch {
    /// How it is shown to people.
    pub view: PatchView,
    /// The unified diff.
    pub diff: Blob,
    /// Tests of the group that pass with it.
    pub fixed: Vec<String>,
    /// True when all of the group's tests pass with it.
    pub complete: bool,
    /// Rank in the search; 0 for a model's patch.
    pub rank: u64,
}

/// What a specialist brings back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "delivered", rename_all = "snake_case")]
pub enum Delivery {
    /// Result of [`Assignment::Observe`].
    Observed {
        /// The whole observation.
        observation: Blob,
        /// Tests by outcome.
        counts: TestCounts,
        /// Tests that fail whenever they are run.
        failing: Vec<String>,
        /// Tests that pass and fail without a change; left alone.
        flaky: Vec<String>,
        /// How the tests were run: `warm-pytest`, `command`, …
        mode: String,
        /// Groups of failing tests by suspected cause, most promising first.
        groups: Vec<FailureGroup>,
        /// Whether the check as a whole did not end in the time it had.
        #[serde(default)]
        hung: bool,
    },
    /// Result of [`Assignment::Search`].
    Searched {
        /// What was found, best first.
        found: Vec<FoundPatch>,
        /// Candidates validated, earlier attempts at the same task included.
        validated: u64,
        /// Candidates there were in all (over all shards).
        candidates: u64,
        /// Why the search ended, in one word.
        ended: String,
    },
    /// Result of [`Assignment::Code`].
    Changed {
        /// The patch; absent when nothing was changed.
        found: Option<FoundPatch>,
        /// One line about how it went.
        note: String,
        /// Money spent, millionths of a US dollar.
        cost_usd_micros: u64,
        /// Bounded log for people.
        log: Option<Blob>,
    },
    /// Result of [`Assignment::Run`].
    Ran {
        /// The patch; absent when nothing was changed.
        found: Option<FoundPatch>,
        /// How it ended, one line.
        note: String,
        /// What it printed, bounded.
        log: Blob,
        /// What it hands on.
        #[serde(default)]
        outputs: Map<String, Value>,
    },
    /// Result of [`Assignment::Integrate`] and [`Assignment::Merge`].
    Integrated {
        /// Tree that the work started from.
        onto: Tree,
        /// Tree afterwards; equal to `onto` when nothing held.
        head: Tree,
        /// The patch that was taken.
        merged: Option<FoundPatch>,
        /// Tests that pass since then, of this and of other groups.
        fixed: Vec<String>,
        /// Patches that were tried and did not hold, with the reason.
        rejected: Vec<String>,
        /// Patches that would have done as well.
        alternatives: Vec<PatchView>,
    },
    /// Result of [`Assignment::Verify`].
    Verified {
        /// Tree that was verified.
        at: Tree,
        /// True when every check holds.
        green: bool,
        /// Tests by outcome.
        counts: TestCounts,
        /// Tests that still fail.
        failing: Vec<String>,
        /// Tests that passed before and fail now.
        broken: Vec<String>,
        /// What was run and what it said, bounded, for the report.
        evidence: Blob,
        /// Things the user should know.
        warnings: Vec<String>,
    },
}

/// Failing tests that are believed to have one cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// The tests.
    pub tests: Vec<String>,
    /// Functions under suspicion as `path::name`, most suspicious first.
    pub functions: Vec<String>,
    /// Language specialist for the most suspicious file.
    pub specialist: String,
}

impl Delivery {
    /// The opaque form carried by the task graph.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// Parses the opaque form.
    ///
    /// # Errors
    /// When the value was written by something else.
    pub fn from_value(value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(value)
    }
}

/// What a search tells while it works, so that its successor continues instead of starting over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchNote {
    /// First rank that has not been tried.
    pub next_rank: u64,
    /// Candidates validated so far.
    pub validated: u64,
    /// What was found so far.
    pub found: Vec<FoundPatch>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_the_opaque_form() {
        let work = Assignment::Verify { round: 2, at: "abc".into() };
        assert_eq!(Assignment::from_value(&work.to_value()).unwrap(), work);
        assert_eq!(work.role().as_str(), "verifier");
        assert!(Assignment::from_value(&serde_json::json!({"work": "dance"})).is_err());
    }

    #[test]
    fn a_search_is_for_its_language_specialist() {
        let work = Assignment::Search {
            group: "g1".into(),
            check: 0,
            round: 1,
            at: "t".into(),
            failing: vec![],
            functions: vec![],
            observation: "b".into(),
            shard: (0, 2),
            wall_ms: 1,
            specialist: "repair-python".into(),
        };
        assert_eq!(work.role().as_str(), "repair-python");
        assert_eq!(work.group(), Some("g1"));
        assert_eq!(work.round(), 1);
    }

    fn patch() -> FoundPatch {
        let view = PatchView { file: "a.py".into(), line: 1, kind: "k".into(), summary: "s".into() };
        FoundPatch { view, diff: "b3-1".into(), fixed: vec!["t".into()], complete: true, rank: 4 }
    }

    #[test]
    fn every_kind_of_work_has_its_specialist_group_and_round() {
        let code = Assignment::Code {
            group: "g2".into(),
            round: 3,
            goal: "x".into(),
            failing: vec![],
            hints: vec![],
            check: 0,
            observation: None,
            budget_usd_micros: None,
        };
        let run = Assignment::Run { command: "make".into(), env: BTreeMap::new(), outputs: vec![] };
        let integrate = Assignment::Integrate {
            group: "g2".into(),
            check: 0,
            round: 3,
            from: vec!["code".into()],
            failing: vec![],
            observation: None,
        };
        let cases = [
            (Assignment::Observe { check: 1, round: 2, at: "t".into() }, "tester", None, 2),
            (code, "coder", Some("g2"), 3),
            (integrate, "integrator", Some("g2"), 3),
            (run, "command", None, 0),
            (Assignment::Merge { from: "a".into(), checks: vec![] }, "integrator", None, 0),
            (Assignment::Skip { role: "coder".into() }, "coder", None, 0),
            (Assignment::Verify { round: 4, at: "t".into() }, "verifier", None, 4),
        ];
        for (work, role, group, round) in cases {
            assert_eq!(work.role().as_str(), role);
            assert_eq!((work.group(), work.round()), (group, round), "{role}");
            assert_eq!(Assignment::from_value(&work.to_value()).unwrap(), work);
        }
    }

    #[test]
    fn deliveries_survive_the_opaque_form() {
        let cases = [
            Delivery::Searched { found: vec![patch()], validated: 1, candidates: 2, ended: "found".into() },
            Delivery::Changed {
                found: Some(patch()),
                note: "n".into(),
                cost_usd_micros: 7,
                log: Some("b3-2".into()),
            },
            Delivery::Ran { found: None, note: "n".into(), log: "b3-3".into(), outputs: Map::new() },
            Delivery::Integrated {
                onto: "t0".into(),
                head: "t1".into(),
                merged: Some(patch()),
                fixed: vec![],
                rejected: vec!["why".into()],
                alternatives: vec![patch().view],
            },
        ];
        for delivery in cases {
            assert_eq!(Delivery::from_value(&delivery.to_value()).unwrap(), delivery);
        }
        assert!(Delivery::from_value(&Value::Null).is_err());
    }

    #[test]
    fn a_note_of_a_search_survives_the_opaque_form() {
        let note = SearchNote { next_rank: 40, validated: 39, found: vec![patch()] };
        let value = serde_json::to_value(&note).unwrap();
        assert_eq!(serde_json::from_value::<SearchNote>(value).unwrap(), note);
    }
}

//! The integrator: puts the best of a group's patches on the run's tree, if it holds there.
//!
//! Patches were found on the tree that the search began with; the run's tree may have moved on since. So each is applied
//! anew (three-way where needed), and the tests that it touches are run on the result before it counts.

use std::collections::BTreeSet;

use smallhands_agent::repair::Observation;
use smallhands_agent::validation::{self, CheckSpec, RunRequest, StopRule, TestLimits};
use smallhands_checks::{TestId, TestReport};
use smallhands_sandbox::SandboxError;

use super::{Attempt, Breakdown, Ending, Workshop, evidence, tree_id};
use crate::assignment::{Assignment, Delivery, FoundPatch, Tree};
use crate::progress::PatchView;

/// Patches tried before a group's patches count as unusable.
const MAX_TRIES: usize = 5;
/// Other patches listed for people.
const MAX_LISTED: usize = 5;

/// What became of a patch on the run's tree.
enum Trial {
    /// It holds: the new tree, and the tests that pass since then.
    Holds(Tree, Vec<String>),
    /// It does not, and why.
    Fails(String),
}

/// Integrates the best patch that the named tasks brought.
///
/// # Errors
/// Whatever breaks; trying again is safe, since nothing but the returned tree names the result.
pub async fn integrate(shop: &Workshop, attempt: &Attempt) -> Result<Ending, Breakdown> {
    let patches = best_first(attempt);
    let mut rejected = Vec::new();
    for (index, patch) in patches.iter().take(MAX_TRIES).enumerate() {
        if attempt.cancel.is_cancelled() {
            break;
        }
        attempt
            .voice
            .doing(&format!("trying {}:{} {}", patch.view.file, patch.view.line, patch.view.summary), 0);
        match try_patch(shop, attempt, patch).await? {
            Trial::Holds(head, fixed) => {
                let alternatives = others(&patches, index);
                let merged = Some((*patch).clone());
                let onto = attempt.head.clone();
                return Ok(Ending::Done(Delivery::Integrated {
                    onto,
                    head,
                    merged,
                    fixed,
                    rejected,
                    alternatives,
                }));
            }
            Trial::Fails(reason) => {
                rejected.push(format!("{}:{} {reason}", patch.view.file, patch.view.line))
            }
        }
    }
    let onto = attempt.head.clone();
    let reason = match rejected.first() {
        Some(first) => {
            format!("{} patches did not hold on the run's tree; the first: {first}", rejected.len())
        }
        None => "there is no patch to integrate".into(),
    };
    let (fixed, alternatives) = (Vec::new(), Vec::new());
    let delivery =
        Delivery::Integrated { head: onto.clone(), onto, merged: None, fixed, rejected, alternatives };
    Ok(Ending::GaveUp(reason, delivery))
}

/// Complete patches before partial ones, more tests fixed first, then the more likely.
fn best_first(attempt: &Attempt) -> Vec<FoundPatch> {
    let mut patches: Vec<FoundPatch> = attempt
        .brought
        .iter()
        .flat_map(|(_, delivery)| match delivery {
            Delivery::Searched { found, .. } => found.clone(),
            Delivery::Changed { found, .. } => found.iter().cloned().collect(),
            _ => Vec::new(),
        })
        .collect();
    patches.sort_by_key(|patch| (!patch.complete, std::cmp::Reverse(patch.fixed.len()), patch.rank));
    patches
}

fn others(patches: &[FoundPatch], taken: usize) -> Vec<PatchView> {
    let rest = patches.iter().enumerate().filter(|(index, patch)| *index != taken && patch.complete);
    rest.take(MAX_LISTED).map(|(_, patch)| patch.view.clone()).collect()
}

async fn try_patch(shop: &Workshop, attempt: &Attempt, patch: &FoundPatch) -> Result<Trial, Breakdown> {
    let bytes = shop.log.get_blob(&patch.diff.parse().map_err(|_| Breakdown::Other("not a blob".into()))?)?;
    let diff = String::from_utf8(bytes).map_err(|error| Breakdown::Other(error.to_string()))?;
    let message = format!("{}: {}", patch.view.file, patch.view.summary);
    let head = match shop.base.commit_patch(&tree_id(&attempt.head)?, &diff, &message).await {
        Ok(head) => head.to_string(),
        Err(SandboxError::Conflict { .. }) => {
            return Ok(Trial::Fails("conflicts with what was merged before".into()));
        }
        Err(error) => return Err(error.into()),
    };
    let Assignment::Integrate { check, failing, observation, .. } = &attempt.work else {
        return Err(Breakdown::Other("not an integration".into()));
    };
    let Some(observation) = observation else { return Ok(Trial::Holds(head, Vec::new())) };
    let observation: Observation = shop.fetch(observation)?;
    let before = Before::new(&observation, failing, &evidence::files_of(&diff), &attempt.fixed);
    let report = run_tests(shop, attempt, &shop.check(*check)?, &head, &before).await?;
    Ok(judge(&before, &report, head))
}

/// The tests that a patch has to answer for.
struct Before {
    /// The group's failing tests.
    wanted: BTreeSet<TestId>,
    /// Tests that passed, or were fixed by an earlier patch, and run a changed file.
    green: BTreeSet<TestId>,
    /// Other tests that failed and run a changed file: they may have been fixed as well.
    hopeful: BTreeSet<TestId>,
}

impl Before {
    fn new(observation: &Observation, wanted: &[String], files: &[String], fixed: &BTreeSet<String>) -> Self {
        let wanted: BTreeSet<TestId> = wanted.iter().map(|test| TestId::new(test.as_str())).collect();
        let stable = |test: &TestId| !observation.flaky.contains(test);
        let touched = evidence::touched_by(observation, files);
        let mut passing: BTreeSet<TestId> = observation.report.passing().into_iter().collect();
        let (mended, failing): (BTreeSet<TestId>, BTreeSet<TestId>) =
            observation.report.failing().into_iter().partition(|test| fixed.contains(test.as_str()));
        passing.extend(mended);
        let green = touched.iter().filter(|test| passing.contains(test) && stable(test)).cloned().collect();
        let hopeful = touched
            .iter()
            .filter(|test| failing.contains(test) && !wanted.contains(test) && stable(test))
            .cloned()
            .collect();
        Self { wanted, green, hopeful }
    }

    fn all(&self) -> Vec<TestId> {
        self.wanted.iter().chain(&self.green).chain(&self.hopeful).cloned().collect()
    }
}

/// Takes the patch if it breaks nothing and makes at least one wanted test pass (or if none is wanted).
fn judge(before: &Before, report: &TestReport, head: Tree) -> Trial {
    let passing: BTreeSet<TestId> = report.passing().into_iter().collect();
    if let Some(broken) = before.green.iter().find(|test| !passing.contains(test)) {
        return Trial::Fails(format!("breaks {broken}"));
    }
    let fixed: Vec<String> = before
        .wanted
        .iter()
        .chain(&before.hopeful)
        .filter(|test| passing.contains(test))
        .map(ToString::to_string)
        .collect();
    if !before.wanted.is_empty() && !before.wanted.iter().any(|test| passing.contains(test)) {
        return Trial::Fails("does not make the failing tests pass here".into());
    }
    Trial::Holds(head, fixed)
}

/// Runs the tests in a fresh sandbox, each on its own where the framework allows it.
async fn run_tests(
    shop: &Workshop,
    attempt: &Attempt,
    check: &CheckSpec,
    head: &Tree,
    before: &Before,
) -> Result<TestReport, Breakdown> {
    let tests = before.all();
    let sandbox = shop.lease(attempt, head).await?;
    let broke = |error: validation::ValidationError| Breakdown::Other(error.to_string());
    let mut validator = validation::open(sandbox.runtime(), check, &tests).await.map_err(broke)?;
    let known: BTreeSet<TestId> = validator.tests().iter().cloned().collect();
    let runnable: Vec<TestId> =
        tests.iter().filter(|test| known.is_empty() || known.contains(test)).cloned().collect();
    let request = RunRequest {
        edits: &[],
        tests: &runnable,
        limits: limits(check),
        stop: StopRule::Never,
        trace: false,
    };
    let outcome = validator.run(request).await.map_err(broke);
    validator.close().await;
    sandbox.destroy().await?;
    Ok(outcome?.report)
}

/// Generous: what is run here passed within a tenth of it during the search.
fn limits(check: &CheckSpec) -> TestLimits {
    let each = check.test_timeout.unwrap_or(std::time::Duration::from_secs(10)).min(check.timeout);
    TestLimits { cpu: each, wall: each * 2, memory_bytes: 2 << 30 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_checks::{Outcome, TestResult};

    fn report(tests: &[(&str, Outcome)]) -> TestReport {
        let mut report = TestReport::default();
        for (name, outcome) in tests {
            report.record(*name, TestResult::new(*outcome));
        }
        report
    }

    fn set(names: &[&str]) -> BTreeSet<TestId> {
        names.iter().map(|name| TestId::new(*name)).collect()
    }

    #[test]
    fn verdicts_on_a_patch() {
        use Outcome::{Failed, Passed};
        let before = Before { wanted: set(&["w1", "w2"]), green: set(&["g"]), hopeful: set(&["h"]) };
        type Case<'a> = (&'a [(&'a str, Outcome)], Result<&'a [&'a str], &'a str>);
        let cases: &[Case<'_>] = &[
            (&[("w1", Passed), ("w2", Passed), ("g", Passed), ("h", Failed)], Ok(&["w1", "w2"])),
            (&[("w1", Passed), ("w2", Failed), ("g", Passed), ("h", Passed)], Ok(&["w1", "h"])),
            (&[("w1", Passed), ("w2", Passed), ("g", Failed)], Err("breaks g")),
            (&[("w1", Passed), ("w2", Passed)], Err("breaks g")),
            (&[("w1", Failed), ("w2", Failed), ("g", Passed)], Err("does not make")),
        ];
        for (tests, expected) in cases {
            match (judge(&before, &report(tests), "t".into()), expected) {
                (Trial::Holds(_, fixed), Ok(expected)) => assert_eq!(fixed, *expected),
                (Trial::Fails(reason), Err(expected)) => assert!(reason.contains(expected), "{reason}"),
                _ => panic!("wrong verdict on {tests:?}"),
            }
        }
    }

    fn patch(name: &str, complete: bool, fixed: usize, rank: u64) -> FoundPatch {
        let view =
            PatchView { file: name.into(), line: 1, kind: "k".into(), summary: format!("patch {name}") };
        FoundPatch { view, diff: "b3-0".into(), fixed: vec!["t".into(); fixed], complete, rank }
    }

    fn searched(found: Vec<FoundPatch>) -> Delivery {
        Delivery::Searched { found, validated: 1, candidates: 1, ended: "found".into() }
    }

    fn attempt(brought: Vec<(String, Delivery)>) -> Attempt {
        let work = Assignment::Integrate {
            group: "g".into(),
            check: 0,
            round: 1,
            from: vec![],
            failing: vec![],
            observation: None,
        };
        let id = smallhands_task_graph::AttemptId::new("integrate".into(), 1);
        let (to, _) = tokio::sync::mpsc::unbounded_channel();
        Attempt {
            conduct: crate::conduct::Conduct::default(),
            effect_key: "r/i".into(),
            outside: None,
            mailbox: Default::default(),
            task: smallhands_task_graph::Task::new("integrate", work.role(), "g"),
            work,
            head: "t0".into(),
            continue_from: None,
            brought,
            fixed: BTreeSet::new(),
            cancel: smallhands_agent::cancel::CancelToken::new(),
            voice: std::sync::Arc::new(crate::workshop::voice::Voice::new(id.clone(), to)),
            id,
        }
    }

    #[test]
    fn complete_patches_first_then_more_tests_then_the_likelier() {
        let model = Delivery::Changed {
            found: Some(patch("model", true, 2, 0)),
            note: String::new(),
            cost_usd_micros: 0,
            log: None,
        };
        let nothing = Delivery::Changed { found: None, note: String::new(), cost_usd_micros: 0, log: None };
        let brought = vec![
            ("s1".to_owned(), searched(vec![patch("late", true, 2, 9), patch("partial", false, 3, 1)])),
            ("s2".to_owned(), searched(vec![patch("early", true, 2, 4), patch("fewer", true, 1, 2)])),
            ("code".to_owned(), model),
            ("idle".to_owned(), nothing),
        ];
        let sorted = best_first(&attempt(brought));
        let order: Vec<&str> = sorted.iter().map(|patch| patch.view.file.as_str()).collect();
        assert_eq!(order, ["model", "early", "late", "fewer", "partial"]);
        let rest: Vec<String> = others(&sorted, 0).into_iter().map(|view| view.file).collect();
        assert_eq!(rest, ["early", "late", "fewer"], "partial patches are no alternatives");
    }

    #[test]
    fn the_list_of_alternatives_is_bounded() {
        let patches: Vec<FoundPatch> = (0..20).map(|rank| patch("p", true, 1, rank)).collect();
        assert_eq!(others(&patches, 3).len(), MAX_LISTED);
        assert!(best_first(&attempt(vec![])).is_empty());
    }

    #[test]
    fn a_patch_answers_for_the_tests_that_run_what_it_changes() {
        use Outcome::{Failed, Passed};
        let mut observation = Observation {
            report: report(&[
                ("w", Failed),
                ("g", Passed),
                ("h", Failed),
                ("far", Passed),
                ("wobbly", Passed),
            ]),
            coverage: std::collections::BTreeMap::new(),
            flaky: vec![TestId::new("wobbly")],
            mode: "warm-unittest".into(),
            slowest_pass: std::time::Duration::ZERO,
            notes: vec![],
        };
        for (test, file) in [("w", "a.py"), ("g", "a.py"), ("h", "a.py"), ("far", "b.py"), ("wobbly", "a.py")]
        {
            let lines = [(file.to_owned(), BTreeSet::from([1]))].into();
            observation.coverage.insert(TestId::new(test), lines);
        }
        let files = ["a.py".to_owned()];
        let before = Before::new(&observation, &["w".to_owned()], &files, &BTreeSet::new());
        assert_eq!((before.wanted, before.green, before.hopeful), (set(&["w"]), set(&["g"]), set(&["h"])));

        let mended = BTreeSet::from(["h".to_owned()]);
        let before = Before::new(&observation, &["w".to_owned()], &files, &mended);
        assert_eq!((before.green, before.hopeful), (set(&["g", "h"]), set(&[])), "h must stay mended");
    }
}

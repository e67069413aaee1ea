//! The end of a run: what came out, written down, handed over, and only then recorded as finished.

use smallhands_task_graph::{Command, RunState};

use super::Dispatcher;
use crate::assignment::{Assignment, Delivery, FoundPatch};
use crate::planner::Halt;
use crate::planner::view::{PlannedTask, PlannerView, Standing};
use crate::progress::{PatchView, Progress, RunSummary, TestCounts, TestsBeforeAfter, Verdict};
use crate::report::{self, ReportDetails};
use crate::request::RunError;
use crate::state_dir::write_whole;

/// Characters per line of the plan's drawing in the report.
const PLAN_WIDTH: usize = 120;

/// What the deliveries of a run add up to.
#[derive(Debug, Default)]
struct Sum {
    before: TestCounts,
    after: Option<TestCounts>,
    green: bool,
    validations: u64,
    cost_usd_micros: u64,
    merged: Vec<FoundPatch>,
    alternatives: Vec<PatchView>,
    failing: Vec<String>,
    broken: Vec<String>,
    flaky: Vec<String>,
    warnings: Vec<String>,
    evidence: Option<String>,
    cause: Option<String>,
    hung: bool,
}

impl Dispatcher {
    /// Ends the run: writes patch and report, delivers, records, tells.
    pub(super) async fn finish(&mut self, halt: Halt) -> Result<RunSummary, RunError> {
        let view = self.view()?;
        let head = view.head();
        let mut sum = add_up(&view);
        sum.cause = failure_cause(self.journal.state());
        if let (Halt::Unobservable(_), Some(cause)) = (&halt, &sum.cause)
            && head == view.facts.base
        {
            self.close(Verdict::Failed, &serde_json::json!({ "reason": cause }))?;
            let command = view.facts.checks.join("`, `");
            return Err(RunError::CheckNotRunnable { command, reason: cause.clone() });
        }
        let mut summary = self.summarise(&halt, &sum);
        let changed = head != view.facts.base;
        if changed {
            self.write_patch(&head, &mut summary).await?;
        }
        self.write_report(&sum, &mut summary)?;
        if changed {
            self.hand_over(&mut summary).await?;
        }
        let value = serde_json::to_value(&summary).unwrap_or_default();
        self.close(summary.verdict, &value)?;
        // Whoever asked for something at the last moment hears that it is too late.
        self.obey()?;
        self.tell(Progress::RunFinished(summary.clone()));
        Ok(summary)
    }

    fn close(&mut self, verdict: Verdict, summary: &serde_json::Value) -> Result<(), RunError> {
        let verdict = serde_json::to_value(verdict).unwrap_or_default();
        self.apply(&Command::Finish { verdict, summary: summary.clone() })?;
        self.journal.flush()?;
        if self.is_finished() {
            return Ok(());
        }
        let reason = "the run could not be closed while attempts were at work".into();
        Err(RunError::StoredState { run: self.journal.run().to_owned(), reason })
    }

    fn summarise(&self, halt: &Halt, sum: &Sum) -> RunSummary {
        let (verdict, reason) = judge(halt, sum);
        RunSummary {
            run: self.journal.run().to_owned(),
            verdict,
            reason,
            patch: None,
            report: None,
            tests: TestsBeforeAfter { before: sum.before, after: sum.after },
            validations: sum.validations,
            cost_usd: sum.cost_usd_micros as f64 / 1e6,
            wall_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            limit: (matches!(halt, Halt::Limit(_)) || sum.hung && verdict == Verdict::Failed)
                .then(|| self.limit_word())
                .flatten(),
            changes: sum.merged.iter().map(|patch| patch.view.clone()).collect(),
            alternatives: sum.alternatives.clone(),
        }
    }

    async fn write_patch(&self, head: &str, summary: &mut RunSummary) -> Result<(), RunError> {
        let parse = |tree: &str| {
            tree.parse().map_err(|_| RunError::StoredState {
                run: self.journal.run().to_owned(),
                reason: format!("`{tree}` does not name a tree"),
            })
        };
        let diff = self.shop.base.diff(&parse(&self.shop.spec.base)?, &parse(head)?).await?;
        let path = self.state_dir.patch(self.journal.run());
        write_whole(&path, diff.as_bytes())?;
        summary.patch = Some(path.display().to_string());
        Ok(())
    }

    fn write_report(&self, sum: &Sum, summary: &mut RunSummary) -> Result<(), RunError> {
        let spec = &self.shop.spec;
        let evidence = sum.evidence.as_ref().and_then(|blob| blob.parse().ok());
        let evidence = evidence.and_then(|id| self.shop.log.get_blob(&id).ok());
        let details = ReportDetails {
            task: spec.task.clone(),
            repo: spec.repo.display().to_string(),
            checks: spec.checks.iter().map(|check| check.command.clone()).collect(),
            failing: sum.failing.clone(),
            broken: sum.broken.clone(),
            flaky: sum.flaky.clone(),
            warnings: self.warnings.iter().chain(&sum.warnings).cloned().collect(),
            evidence: evidence.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            plan: smallhands_task_graph::render::run_text(self.journal.state(), PLAN_WIDTH),
        };
        let path = self.state_dir.report(self.journal.run());
        write_whole(&path, report::markdown(summary, &details).as_bytes())?;
        summary.report = Some(path.display().to_string());
        for warning in &sum.warnings {
            self.tell(Progress::Warning { message: warning.clone() });
        }
        Ok(())
    }
}

/// Why the first observation brought nothing, in its own words.
fn failure_cause(state: &RunState) -> Option<String> {
    state.tasks.values().flat_map(|task| task.attempts.iter()).find_map(|attempt| {
        attempt
            .output
            .as_ref()
            .is_none_or(serde_json::Value::is_null)
            .then(|| attempt.reason.clone())
            .flatten()
    })
}

/// The verdict on a run that stands so, in the word that is stored, and why.
#[must_use]
pub fn verdict_of(state: &RunState, view: &PlannerView, halt: &Halt) -> (&'static str, String) {
    let sum = Sum { cause: failure_cause(state), ..add_up(view) };
    let (verdict, reason) = judge(halt, &sum);
    let word = match verdict {
        Verdict::Verified => "verified",
        Verdict::Unverified => "unverified",
        Verdict::Failed => "failed",
    };
    (word, reason)
}

/// The verdict, and why.
fn judge(halt: &Halt, sum: &Sum) -> (Verdict, String) {
    let left = sum.failing.len();
    match halt {
        Halt::NothingToDo => {
            (Verdict::Verified, format!("nothing to do: all {} tests pass already", sum.before.passed))
        }
        Halt::Verified if sum.green => {
            let tests = sum.after.unwrap_or_default();
            (
                Verdict::Verified,
                format!("all {} tests pass in a fresh copy with the patch applied", tests.passed),
            )
        }
        Halt::Verified if !sum.broken.is_empty() => {
            (Verdict::Unverified, format!("the patch breaks {} tests that passed before", sum.broken.len()))
        }
        Halt::Verified => (Verdict::Unverified, format!("the patch helps, but {left} tests still fail")),
        Halt::NoPatch if sum.hung => (
            Verdict::Failed,
            "the check did not end in the time it had; allow more with --check-timeout or --timeout".into(),
        ),
        Halt::NoPatch => {
            (Verdict::Failed, format!("no patch was found after {} validations", sum.validations))
        }
        Halt::Unobservable(reason) => {
            let reason = sum.cause.as_deref().unwrap_or(reason);
            let verdict = if sum.merged.is_empty() { Verdict::Failed } else { Verdict::Unverified };
            (verdict, reason.to_owned())
        }
        Halt::PlanDone(reason) => (Verdict::Verified, reason.clone()),
        Halt::PlanFailed(reason) => (Verdict::Failed, reason.clone()),
        Halt::Limit(which) if sum.merged.is_empty() => {
            (Verdict::Failed, format!("{which} before a patch was found"))
        }
        Halt::Limit(which) => (Verdict::Unverified, format!("{which} before the result could be verified")),
    }
}

/// Whether a command of a plan ended otherwise than with exit code 0.
fn failed_command(task: &PlannedTask) -> bool {
    matches!(&task.delivery, Some(Delivery::Ran { note, .. }) if note != "exit code 0")
}

fn add_up(view: &PlannerView) -> Sum {
    let mut sum = Sum::default();
    for task in &view.tasks {
        let Some(delivery) = &task.delivery else { continue };
        match delivery {
            Delivery::Observed { counts, flaky, failing, hung, .. }
                if matches!(task.work, Assignment::Observe { round: 1, .. }) =>
            {
                sum.hung |= hung;
                sum.before.passed += counts.passed;
                sum.before.failed += counts.failed;
                sum.before.skipped += counts.skipped;
                sum.flaky.extend(flaky.iter().cloned());
                sum.failing.extend(failing.iter().cloned());
            }
            Delivery::Observed { .. } => {}
            Delivery::Searched { validated, .. } => sum.validations += validated,
            Delivery::Changed { cost_usd_micros, .. } => sum.cost_usd_micros += cost_usd_micros,
            // What commands of a plan printed is evidence until a verification brings better.
            Delivery::Ran { log, .. } if task.standing == Standing::Done && failed_command(task) => {
                sum.evidence = Some(log.clone());
            }
            Delivery::Ran { .. } => {}
            Delivery::Integrated { merged, alternatives, .. } => {
                sum.merged.extend(merged.iter().cloned());
                sum.alternatives.extend(alternatives.iter().cloned());
            }
            Delivery::Verified { green, counts, failing, broken, evidence, warnings, .. } => {
                sum.green = *green;
                sum.after = Some(*counts);
                sum.failing.clone_from(failing);
                sum.broken.clone_from(broken);
                sum.evidence = Some(evidence.clone());
                sum.warnings.extend(warnings.iter().cloned());
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(green: bool, failing: usize, broken: usize, merged: bool) -> Sum {
        let view = PatchView { file: "a".into(), line: 1, kind: "k".into(), summary: "s".into() };
        let patch = FoundPatch { view, diff: "b".into(), fixed: vec![], complete: true, rank: 0 };
        Sum {
            green,
            failing: vec!["t".into(); failing],
            broken: vec!["t".into(); broken],
            merged: if merged { vec![patch] } else { vec![] },
            ..Sum::default()
        }
    }

    #[test]
    fn verdicts() {
        let cases = [
            (Halt::NothingToDo, sum(false, 0, 0, false), Verdict::Verified),
            (Halt::Verified, sum(true, 0, 0, true), Verdict::Verified),
            (Halt::Verified, sum(false, 2, 0, true), Verdict::Unverified),
            (Halt::Verified, sum(false, 2, 1, true), Verdict::Unverified),
            (Halt::NoPatch, sum(false, 2, 0, false), Verdict::Failed),
            (Halt::Limit("deadline reached".into()), sum(false, 2, 0, false), Verdict::Failed),
            (Halt::Limit("deadline reached".into()), sum(false, 2, 0, true), Verdict::Unverified),
            (Halt::PlanDone("done".into()), sum(false, 0, 0, true), Verdict::Verified),
            (Halt::PlanFailed("why".into()), sum(false, 0, 0, true), Verdict::Failed),
            (Halt::Unobservable("why".into()), sum(false, 2, 0, false), Verdict::Failed),
        ];
        for (halt, sum, expected) in cases {
            assert_eq!(judge(&halt, &sum).0, expected, "{halt:?}");
        }
    }

    fn task(id: &str, work: Assignment, delivery: Delivery) -> crate::planner::view::PlannedTask {
        let standing = crate::planner::view::Standing::Done;
        crate::planner::view::PlannedTask { id: id.into(), work, standing, delivery: Some(delivery) }
    }

    fn observed(round: u32, passed: u64, failing: &[&str]) -> crate::planner::view::PlannedTask {
        let failing: Vec<String> = failing.iter().map(|test| (*test).to_owned()).collect();
        let counts = TestCounts { passed, failed: failing.len() as u64, skipped: 1 };
        let delivery = Delivery::Observed {
            observation: "b3-0".into(),
            counts,
            failing,
            flaky: vec![format!("wobbly-{round}")],
            mode: "command".into(),
            groups: vec![],
            hung: false,
        };
        task("observe", Assignment::Observe { check: 0, round, at: "t0".into() }, delivery)
    }

    fn searched(validated: u64) -> crate::planner::view::PlannedTask {
        let ended = "exhausted".into();
        let delivery = Delivery::Searched { found: vec![], validated, candidates: 99, ended };
        task("search", Assignment::Skip { role: String::new() }, delivery)
    }

    fn paid(cost_usd_micros: u64) -> crate::planner::view::PlannedTask {
        let delivery = Delivery::Changed { found: None, note: "n".into(), cost_usd_micros, log: None };
        task("code", Assignment::Skip { role: String::new() }, delivery)
    }

    fn verified(green: bool, failing: &[&str], warning: &str) -> crate::planner::view::PlannedTask {
        let delivery = Delivery::Verified {
            at: "t1".into(),
            green,
            counts: TestCounts { passed: 9, failed: failing.len() as u64, skipped: 0 },
            failing: failing.iter().map(|test| (*test).to_owned()).collect(),
            broken: vec![],
            evidence: "b3-9".into(),
            warnings: vec![warning.into()],
        };
        task("verify", Assignment::Verify { round: 1, at: "t1".into() }, delivery)
    }

    fn total(tasks: Vec<crate::planner::view::PlannedTask>) -> Sum {
        let facts = crate::planner::view::RunFacts {
            checks: vec![],
            base: "t0".into(),
            agents: 1,
            goal: None,
            has_model: false,
            search_ms: 1,
        };
        add_up(&PlannerView { facts, tasks })
    }

    #[test]
    fn what_was_before_is_what_the_first_round_saw_over_all_checks() {
        let sum = total(vec![observed(1, 3, &["a"]), observed(1, 4, &["b", "c"]), observed(2, 50, &["c"])]);
        assert_eq!(sum.before, TestCounts { passed: 7, failed: 3, skipped: 2 });
        assert_eq!(sum.failing, ["a", "b", "c"]);
        assert_eq!(sum.flaky, ["wobbly-1", "wobbly-1"]);
        assert_eq!((sum.after, sum.green), (None, false));
    }

    #[test]
    fn the_verification_replaces_what_was_seen_before() {
        let sum = total(vec![observed(1, 8, &["a", "b"]), verified(false, &["b"], "careful")]);
        assert_eq!(sum.failing, ["b"]);
        assert_eq!(sum.after.map(|after| after.failed), Some(1));
        assert_eq!((sum.evidence.as_deref(), sum.green), (Some("b3-9"), false));
        assert_eq!(sum.warnings, ["careful"]);
        assert!(total(vec![verified(true, &[], "w")]).green);
    }

    #[test]
    fn work_and_money_add_up() {
        let sum = total(vec![searched(40), searched(2), paid(1500), paid(1)]);
        assert_eq!((sum.validations, sum.cost_usd_micros), (42, 1501));
        assert!(sum.merged.is_empty() && sum.alternatives.is_empty());
    }

    #[test]
    fn reasons_are_for_people() {
        let limit = || Halt::Limit("deadline".into());
        let cases = [
            (Halt::Verified, sum(false, 2, 0, true), "the patch helps, but 2 tests still fail"),
            (Halt::Verified, sum(false, 0, 3, true), "the patch breaks 3 tests that passed before"),
            (Halt::NoPatch, sum(false, 1, 0, false), "no patch was found after 0 validations"),
            (limit(), sum(false, 1, 0, false), "deadline before a patch was found"),
            (limit(), sum(false, 1, 0, true), "deadline before the result could be verified"),
            (Halt::PlanDone("done".into()), sum(false, 0, 0, true), "done"),
            (Halt::PlanFailed("why".into()), sum(false, 0, 0, true), "why"),
            (Halt::Unobservable("why".into()), sum(false, 0, 0, true), "why"),
        ];
        for (halt, sum, expected) in cases {
            assert_eq!(judge(&halt, &sum).1, expected, "{halt:?}");
        }
        let told = Sum { cause: Some("there is no pytest".into()), ..Sum::default() };
        assert_eq!(judge(&Halt::Unobservable("why".into()), &told).1, "there is no pytest");
    }
}

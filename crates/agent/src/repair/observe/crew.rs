//! Several warm interpreters that share the tests of a check between them.

use std::collections::BTreeMap;

use smallhands_checks::{Outcome, TestId, TestResult};
use smallhands_repair::CoveredLines;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::repair::SearchEnd;
use crate::repair::trials::{Halt, Trials};
use crate::validation::{RunRequest, StopRule, TestLimits};

/// Tests asked for in one call. Few enough that progress is seen and a dead interpreter costs little.
const PER_CALL: usize = 16;

/// What some tests did.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) results: BTreeMap<TestId, TestResult>,
    pub(super) coverage: BTreeMap<TestId, CoveredLines>,
}

impl Batch {
    /// Later results take the place of earlier ones; recorded lines are kept.
    pub(super) fn update(&mut self, later: Batch) {
        self.results.extend(later.results);
        self.coverage.extend(later.coverage);
    }
}

/// How the tests of a batch are run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) limits: TestLimits,
    pub(super) trace: bool,
}

/// The interpreters.
pub(super) struct Crew {
    members: Vec<Trials>,
}

impl Crew {
    pub(super) fn new(members: Vec<Trials>) -> Self {
        Self { members }
    }

    /// Runs the tests, dealt out in blocks so that neighbours share their module's set-up; `progress` hears how many are done.
    pub(super) async fn run(
        &mut self,
        tests: &[TestId],
        manner: Manner,
        mut progress: impl FnMut(usize),
    ) -> Result<Batch, Halt> {
        let mut at_work = JoinSet::new();
        let (done, mut results) = mpsc::channel(self.members.len().max(1));
        let members = std::mem::take(&mut self.members);
        let mut shares = tests.chunks(tests.len().div_ceil(members.len().max(1)).max(1));
        for member in members {
            let share = shares.next().unwrap_or_default().to_vec();
            at_work.spawn(work(member, share, manner, done.clone()));
        }
        drop(done);
        let mut batch = Batch::default();
        while let Some(part) = results.recv().await {
            batch.update(part);
            progress(batch.results.len());
        }
        while let Some(joined) = at_work.join_next().await {
            // A worker that panicked took its interpreter along; the others are stopped by dropping the set.
            self.members.push(joined.map_err(|_| Halt::Ended(SearchEnd::Cancelled))??);
        }
        Ok(batch)
    }

    /// How often interpreters died, and what the last one died of.
    pub(super) fn deaths(&self) -> Option<(u32, String)> {
        let deaths: Vec<(u32, &str)> = self.members.iter().filter_map(Trials::deaths).collect();
        let (_, last) = deaths.last()?;
        Some((deaths.iter().map(|(times, _)| times).sum(), (*last).to_owned()))
    }

    pub(super) async fn close(self) {
        for member in self.members {
            member.close().await;
        }
    }
}

/// One member's share. Gives the member back for the next batch.
async fn work(
    mut member: Trials,
    tests: Vec<TestId>,
    manner: Manner,
    done: mpsc::Sender<Batch>,
) -> Result<Trials, Halt> {
    for tests in tests.chunks(PER_CALL) {
        let mut batch = ask(&mut member, tests, manner).await?;
        let silent: Vec<&TestId> = tests.iter().filter(|test| !batch.results.contains_key(test)).collect();
        for test in silent {
            // Alone, a test can only take itself along.
            batch.update(ask(&mut member, std::slice::from_ref(test), manner).await?);
            batch.results.entry(test.clone()).or_insert_with(died);
        }
        if done.send(batch).await.is_err() {
            break;
        }
    }
    Ok(member)
}

async fn ask(member: &mut Trials, tests: &[TestId], manner: Manner) -> Result<Batch, Halt> {
    let Manner { limits, trace } = manner;
    let request = RunRequest { edits: &[], tests, limits, stop: StopRule::Never, trace };
    let Some(outcome) = member.run(request).await? else { return Ok(Batch::default()) };
    let mut results = outcome.report.tests;
    results.retain(|test, _| tests.contains(test));
    Ok(Batch { results, coverage: outcome.coverage })
}

fn died() -> TestResult {
    TestResult::new(Outcome::Crashed).with_message("the test process died while this test ran")
}

//! Several faults in one group of tests: partial patches that repair different tests, made together.
//!
//! No single edit repairs such a group, but each fault's own patch repairs some of its tests. Pairs are tried in the order of
//! how many tests they repair between them, so that tests which need both are found to pass as well; what a round of pairs
//! gains takes part in the next one.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallhands_checks::TestId;
use smallhands_repair::{Candidate, Edit};
use tokio::time::Instant;

use super::exam::{Exam, Judgement, Patience, Repaired};
use super::observer::AttemptObserver;
use super::trials::{Halt, OpenValidator, Trials};
use super::{Plausible, RepairError, SearchTask, Space, baseline, preference};
use crate::cancel::CancelToken;

/// Rounds of pairing: two of them put up to four faults together.
const ROUNDS: usize = 2;
/// Pairs tried in a round before giving up.
const PAIRS: usize = 64;
/// Combinations kept of a round.
const KEPT: usize = 4;

/// Combines partial patches, such as those that the shards of a race found, into better ones; best first.
///
/// # Errors
/// As [`super::search()`]. Running out of time or being cancelled is none: what was found until then is returned.
pub async fn combine(
    validators: Arc<dyn OpenValidator>,
    space: &Space,
    task: &SearchTask,
    partial: &[Plausible],
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<Vec<Plausible>, RepairError> {
    let tests: Vec<TestId> = task.failing.iter().chain(&task.guards).cloned().collect();
    let mut trials = Trials::new(validators, tests, Some(Instant::now() + task.wall), cancel);
    observer.activity("combining partial patches", 0);
    let result = match baseline::exam(&mut trials, task).await {
        Ok(exam) => search(&mut trials, &exam, space, partial).await,
        Err(halt) => Err(halt),
    };
    trials.close().await;
    match result {
        Ok(mut combined) => {
            preference::sort(&mut combined);
            Ok(combined)
        }
        Err(Halt::Ended(_)) => Ok(Vec::new()),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// Combines `partial` patches; stops at the first combination that repairs everything.
pub(super) async fn search(
    trials: &mut Trials,
    exam: &Exam,
    space: &Space,
    partial: &[Plausible],
) -> Result<Vec<Plausible>, Halt> {
    let mut patches = partial.to_vec();
    for _ in 0..ROUNDS {
        let gained = round(trials, exam, space, &patches).await?;
        let over = gained.is_empty() || gained.iter().any(|patch| patch.complete);
        patches.extend(gained);
        if over {
            break;
        }
    }
    Ok(patches.split_off(partial.len()))
}

/// Tries the promising pairs of `patches`.
async fn round(
    trials: &mut Trials,
    exam: &Exam,
    space: &Space,
    patches: &[Plausible],
) -> Result<Vec<Plausible>, Halt> {
    let mut gained: Vec<Plausible> = Vec::new();
    for (left, right) in promising(patches).into_iter().take(PAIRS) {
        trials.still_wanted()?;
        let parts: Vec<&Candidate> = left.candidates().chain(right.candidates()).collect();
        let edits: Vec<Edit> = parts.iter().map(|part| part.edit.clone()).collect();
        let more = left.fixed.len().max(right.fixed.len());
        let better = |repaired: &Repaired| repaired.tests.len() > more;
        let judgement = exam.judge(trials, &edits, Patience::Patient, &better).await?;
        let Judgement::Repairs(repaired) = judgement else { continue };
        let complete = repaired.complete;
        gained.extend(space.patch(left.rank.max(right.rank), &parts, repaired));
        if complete || gained.len() >= KEPT {
            break;
        }
    }
    Ok(gained)
}

/// Pairs that can be made together and repair different tests; those that repair most between them first.
fn promising(partial: &[Plausible]) -> Vec<(&Plausible, &Plausible)> {
    let mut pairs: Vec<(usize, &Plausible, &Plausible)> = Vec::new();
    for (index, left) in partial.iter().enumerate() {
        for right in &partial[index + 1..] {
            let union: BTreeSet<&TestId> = left.fixed.iter().chain(&right.fixed).collect();
            let both_add = union.len() > left.fixed.len() && union.len() > right.fixed.len();
            if both_add && !collide(left, right) {
                pairs.push((union.len(), left, right));
            }
        }
    }
    pairs.sort_by_key(|(repaired, left, right)| {
        (std::cmp::Reverse(*repaired), left.rank + right.rank, left.rank)
    });
    pairs.into_iter().map(|(_, left, right)| (left, right)).collect()
}

/// Whether some edit of one touches what an edit of the other replaces.
fn collide(left: &Plausible, right: &Plausible) -> bool {
    let touch = |a: &Edit, b: &Edit| a.file == b.file && a.start <= b.end && b.start <= a.end;
    left.candidates().any(|a| right.candidates().any(|b| touch(&a.edit, &b.edit)))
}

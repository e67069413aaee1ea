//! The repair specialist's place in a run: works on its shard of the candidates and tells siblings how far to look.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use smallhands_agent::repair::{
    self, AttemptObserver, Observation, Plausible, RepairError, SearchEnd, SearchTask,
};
use smallhands_checks::TestId;
use smallhands_repair::{EnumerationLimits, Suspicion};
use smallhands_sandbox::Sandbox;
use tokio::sync::watch;

use super::voice::Voice;
use super::{Attempt, Breakdown, Ending, Workshop, evidence, tree_id};
use crate::assignment::{Assignment, Delivery, FoundPatch, SearchNote, Tree};
use crate::progress::PatchView;

/// Patches kept per search.
const MAX_ALTERNATIVES: usize = 8;
/// Part of the run's remaining time that a search may use; the rest is for integrating and verifying.
const SHARE_OF_TIME: f64 = 0.8;

/// Searches this task's share of the candidates.
///
/// # Errors
/// Whatever breaks under the search; it may be tried again and then goes on where it was.
pub async fn search(shop: &Workshop, attempt: &Attempt) -> Result<Ending, Breakdown> {
    let Assignment::Search { at, check, failing, observation, .. } = &attempt.work else {
        return Err(Breakdown::Other("not a search".into()));
    };
    let observation: Observation = shop.fetch(observation)?;
    let failing: Vec<TestId> = failing.iter().map(|test| TestId::new(test.as_str())).collect();
    let before = continue_from(attempt);
    let sandbox = shop.lease(attempt, at).await?;
    let suspicion = suspicion(shop, &*sandbox, at, &observation, &failing).await?;
    let files: Vec<String> = suspicion.files().into_iter().map(str::to_owned).collect();
    if files.is_empty() {
        sandbox.destroy().await?;
        return Ok(nothing_to_edit("nothing points to a source file that could be edited".into()));
    }
    let task = SearchTask {
        check: shop.check(*check)?,
        guards: evidence::guards(&observation, &files, &suspicion),
        failing,
        suspicion,
        files,
        shard: shard(attempt),
        start_rank: before.next_rank,
        wall: wall(shop, attempt),
        max_alternatives: MAX_ALTERNATIVES,
        limits: EnumerationLimits::default(),
    };
    let bound = bound(shop, attempt);
    let listener = Listener::new(shop, attempt, before.clone());
    let outcome = repair::search(sandbox.runtime(), &task, bound, attempt.cancel.clone(), &listener).await;
    sandbox.destroy().await?;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error @ (RepairError::NotReproduced { .. } | RepairError::NoSources { .. })) => {
            return Ok(nothing_to_edit(error.to_string()));
        }
        Err(error) => return Err(Breakdown::Other(error.to_string())),
    };
    let mut found = before.found;
    for plausible in &outcome.plausible {
        let patch = to_found(shop, plausible)?;
        if !found.iter().any(|known| known.rank == patch.rank) {
            found.push(patch);
        }
    }
    let delivery = Delivery::Searched {
        found,
        validated: before.validated + outcome.validated,
        candidates: outcome.candidates,
        ended: word(outcome.ended).to_owned(),
    };
    Ok(Ending::Done(delivery))
}

/// Trying again would end the same way.
fn nothing_to_edit(reason: String) -> Ending {
    let delivery =
        Delivery::Searched { found: vec![], validated: 0, candidates: 0, ended: "exhausted".into() };
    Ending::GaveUp(reason, delivery)
}

/// Suspicious lines by evidence; where nothing points anywhere, all source files faintly.
async fn suspicion(
    shop: &Workshop,
    sandbox: &dyn Sandbox,
    at: &Tree,
    observation: &Observation,
    failing: &[TestId],
) -> Result<Suspicion, Breakdown> {
    let runtime = sandbox.runtime();
    let observed = evidence::sources(&*runtime, evidence::observed_files(observation)).await;
    let suspicion = evidence::suspicion(observation, failing, &observed);
    if !suspicion.files().is_empty() {
        return Ok(suspicion);
    }
    let paths = shop.base.paths(&tree_id(at)?).await?;
    let sources = evidence::sources(&*runtime, paths).await;
    Ok(evidence::faint_suspicion(&sources))
}

fn continue_from(attempt: &Attempt) -> SearchNote {
    attempt.continue_from.clone().and_then(|note| serde_json::from_value(note).ok()).unwrap_or_default()
}

fn shard(attempt: &Attempt) -> (u32, u32) {
    match attempt.work {
        Assignment::Search { shard, .. } => shard,
        _ => (0, 1),
    }
}

fn wall(shop: &Workshop, attempt: &Attempt) -> Duration {
    let asked = match attempt.work {
        Assignment::Search { wall_ms, .. } => Duration::from_millis(wall_ms),
        _ => Duration::ZERO,
    };
    asked.min(shop.time_left().mul_f64(SHARE_OF_TIME))
}

/// The race's bound, tightened by what this task found before it was interrupted.
fn bound(shop: &Workshop, attempt: &Attempt) -> watch::Receiver<Option<u64>> {
    match attempt.race() {
        Some(race) => {
            for patch in continue_from(attempt).found.iter().filter(|patch| patch.complete) {
                shop.races.tighten(race, patch.rank);
            }
            shop.races.watch(race)
        }
        None => watch::Sender::new(None).subscribe(),
    }
}

fn to_found(shop: &Workshop, plausible: &Plausible) -> Result<FoundPatch, Breakdown> {
    Ok(FoundPatch {
        view: to_view(plausible),
        diff: shop.log.put_blob(plausible.diff.as_bytes())?.to_string(),
        fixed: plausible.fixed.iter().map(ToString::to_string).collect(),
        complete: plausible.complete,
        rank: plausible.rank,
    })
}

fn to_view(plausible: &Plausible) -> PatchView {
    let candidate = &plausible.candidate;
    PatchView {
        file: candidate.edit.file.clone(),
        line: candidate.line,
        kind: candidate.kind.to_string(),
        summary: plausible.summary.clone(),
    }
}

fn word(ended: SearchEnd) -> &'static str {
    match ended {
        SearchEnd::Found => "found",
        SearchEnd::Exhausted => "exhausted",
        SearchEnd::TimeLimit => "time limit",
        SearchEnd::Bounded => "bounded",
        SearchEnd::Cancelled => "cancelled",
    }
}

/// Passes on what the search tells: to the dispatcher, and to the siblings of the race.
struct Listener<'a> {
    shop: &'a Workshop,
    attempt: &'a Attempt,
    voice: Arc<Voice>,
    note: Mutex<SearchNote>,
    validated_before: u64,
}

impl<'a> Listener<'a> {
    fn new(shop: &'a Workshop, attempt: &'a Attempt, note: SearchNote) -> Self {
        let validated_before = note.validated;
        Self { shop, attempt, voice: attempt.voice.clone(), note: Mutex::new(note), validated_before }
    }

    /// Changes the note and leaves it for a successor.
    fn leave_note(&self, change: impl FnOnce(&mut SearchNote)) {
        if let Ok(mut note) = self.note.lock() {
            change(&mut note);
            if let Ok(value) = serde_json::to_value(&*note) {
                self.voice.note(value);
            }
        }
    }
}

impl AttemptObserver for Listener<'_> {
    fn activity(&self, doing: &str, validations: u64) {
        let validations = self.validated_before + validations;
        if let Ok(mut note) = self.note.lock() {
            note.validated = validations;
        }
        self.voice.doing(doing, validations);
    }

    fn checkpoint(&self, next_rank: u64) {
        self.leave_note(|note| note.next_rank = next_rank);
    }

    fn plausible(&self, patch: &Plausible) {
        if let (true, Some(race)) = (patch.complete, self.attempt.race()) {
            self.shop.races.tighten(race, patch.rank);
        }
        self.voice.found(to_view(patch));
        if let Ok(found) = to_found(self.shop, patch) {
            self.leave_note(|note| note.found.push(found));
        }
    }
}

/// Observation tells little; it only shows what it is doing.
impl AttemptObserver for Voice {
    fn activity(&self, doing: &str, validations: u64) {
        self.doing(doing, validations);
    }

    fn checkpoint(&self, _next_rank: u64) {}

    fn plausible(&self, patch: &Plausible) {
        self.found(to_view(patch));
    }
}

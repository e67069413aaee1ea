//! Which of several patches that pass is the better one.
//!
//! All of them satisfy the tests, so the tests cannot tell them apart. The order is:
//!
//! 1. complete patches before partial ones, and partial ones by the number of tests they repair;
//! 2. the ranking's own score, in steps of [`NEARBY`], so that near ties count as ties. Patches that pass by *taking
//!    behaviour away* (a statement deleted, a constant returned, a condition fixed, a branch dropped) lose
//!    [`OVERFITTING_HANDICAP`] first: such patches are the typical overfitted ones, and what they say about the intended
//!    behaviour is the least;
//! 3. the smaller edit, counted in characters removed and added;
//! 4. the one that removes fewer lines;
//! 5. the better rank.

use std::cmp::{Ordering, Reverse};

use smallhands_repair::{Candidate, EditKind};

use super::Plausible;

/// Scores closer than this are not told apart. Scores are logarithms.
const NEARBY: f64 = 0.5;
/// What a patch loses that takes behaviour away: about a factor of twelve in probability.
const OVERFITTING_HANDICAP: f64 = 2.5;

/// Sorts patches, best first.
pub(super) fn sort(patches: &mut [Plausible]) {
    patches.sort_by(compare);
}

fn compare(left: &Plausible, right: &Plausible) -> Ordering {
    key(left).cmp(&key(right))
}

type Key = (bool, Reverse<usize>, Reverse<i64>, usize, usize, u64);

fn key(patch: &Plausible) -> Key {
    let worth = patch.candidates().map(worth).fold(f64::INFINITY, f64::min);
    let size = patch.candidates().map(size).sum();
    let removed = patch.diff.lines().filter(|line| line.starts_with('-') && !line.starts_with("---")).count();
    let added = patch.diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count();
    let step = (worth / NEARBY).floor() as i64;
    (
        !patch.complete,
        Reverse(patch.fixed.len()),
        Reverse(step),
        size,
        removed.saturating_sub(added),
        patch.rank,
    )
}

fn worth(candidate: &Candidate) -> f64 {
    let handicap = if takes_behaviour_away(candidate.kind) { OVERFITTING_HANDICAP } else { 0.0 };
    candidate.score - handicap
}

fn size(candidate: &Candidate) -> usize {
    (candidate.edit.end - candidate.edit.start.min(candidate.edit.end)) + candidate.edit.text.len()
}

fn takes_behaviour_away(kind: EditKind) -> bool {
    matches!(
        kind,
        EditKind::StatementDelete
            | EditKind::StatementUnwrap
            | EditKind::ReturnConstant
            | EditKind::ConditionConstant
            | EditKind::ConditionalDrop
            | EditKind::VariableToConstant
            | EditKind::InsertReturn
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_repair::Edit;

    fn patch(rank: u64, kind: EditKind, score: f64, text: &str, fixed: usize, complete: bool) -> Plausible {
        let edit = Edit { file: "a.py".into(), start: 0, end: 1, text: text.into() };
        Plausible {
            rank,
            candidate: Candidate { edit, kind, tier: kind.tier(), line: 1, function: None, score },
            together_with: Vec::new(),
            fixed: vec!["t".into(); fixed],
            complete,
            summary: String::new(),
            diff: String::new(),
        }
    }

    fn check(patches: Vec<Plausible>, expected: &[u64]) {
        let mut sorted = patches;
        sort(&mut sorted);
        assert_eq!(sorted.iter().map(|patch| patch.rank).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn complete_patches_come_first_then_those_that_repair_more() {
        use EditKind::ComparisonOperator as Kind;
        check(
            vec![
                patch(1, Kind, -1.0, "<", 1, false),
                patch(2, Kind, -9.0, "<", 2, false),
                patch(3, Kind, -20.0, "<", 3, true),
            ],
            &[3, 2, 1],
        );
    }

    #[test]
    fn taking_behaviour_away_loses_against_nearby_scores_only() {
        check(
            vec![
                patch(1, EditKind::StatementDelete, -3.0, "", 1, true),
                patch(2, EditKind::ComparisonOperator, -4.0, "<", 1, true),
            ],
            &[2, 1],
        );
        check(
            vec![
                patch(1, EditKind::StatementDelete, -3.0, "", 1, true),
                patch(2, EditKind::ComparisonOperator, -9.0, "<", 1, true),
            ],
            &[1, 2],
        );
    }

    #[test]
    fn near_ties_go_to_the_smaller_edit_and_then_to_the_better_rank() {
        use EditKind::OperandAdd as Kind;
        check(
            vec![
                patch(1, Kind, -3.1, "a + bcd", 1, true),
                patch(2, Kind, -3.2, "a + b", 1, true),
                patch(3, Kind, -3.3, "a - b", 1, true),
            ],
            &[2, 3, 1],
        );
    }

    #[test]
    fn scores_that_are_no_numbers_do_not_upset_the_order() {
        use EditKind::OperandAdd as Kind;
        check(
            vec![patch(1, Kind, f64::NEG_INFINITY, "a", 1, true), patch(2, Kind, -1.0, "a", 1, true)],
            &[2, 1],
        );
    }
}

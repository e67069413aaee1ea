//! Ranking: how likely each proposal is the repair.
//!
//! The score is the logarithm of an unnormalised probability with three factors, as in a generative story of
//! the bug: *which kind* of slip was made, *where*, and *what* should have stood there:
//!
//! ```text
//! score = kind + context + β·ln(floor + suspicion) − δ·ln(places of the kind in the function)
//!       + w·features − γ·ln Σ exp(w·features of the alternatives of the same kind at the same place)
//! ```
//!
//! The weights come from the language's priors file. Equal texts reached in several ways add up.

mod priors;

use std::collections::BTreeMap;

pub use priors::Priors;

use crate::enumerate::{Context, Place, Proposal};
use crate::kind::EditKind;
use crate::localise::Suspicion;

/// A proposal with its score and what went into it.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The proposal.
    pub proposal: Proposal,
    /// Suspicion of its lines.
    pub suspicion: f64,
    /// Places of the same kind in the region.
    pub places: usize,
    /// Logarithm of an unnormalised probability.
    pub score: f64,
}

/// Scores the proposals of one region.
pub fn score(
    proposals: Vec<Proposal>,
    file: &str,
    is_module_code: bool,
    suspicion: &Suspicion,
    priors: &Priors,
) -> Vec<Scored> {
    let affinities: Vec<f64> = proposals.iter().map(|p| p.features.dot(&priors.features)).collect();
    let mut alternatives: BTreeMap<(EditKind, Place), f64> = BTreeMap::new();
    for (proposal, affinity) in proposals.iter().zip(&affinities) {
        *alternatives.entry((proposal.kind, proposal.place)).or_default() += affinity.exp();
    }
    let mut places: BTreeMap<EditKind, usize> = BTreeMap::new();
    for (kind, _) in alternatives.keys() {
        *places.entry(*kind).or_default() += 1;
    }
    let outside = if is_module_code { priors.outside } else { 0.0 };
    let scored = proposals.into_iter().zip(affinities).map(|(proposal, affinity)| {
        let suspicion = suspicion.max_in(file, proposal.lines.0, proposal.lines.1);
        let mass = alternatives.get(&(proposal.kind, proposal.place)).copied().unwrap_or(1.0);
        let places = places.get(&proposal.kind).copied().unwrap_or(1);
        let score = priors.kind(proposal.kind)
            + priors.context(proposal.context)
            + priors.suspicion * (priors.floor + suspicion).ln()
            - priors.places * (places as f64).ln()
            + affinity
            - priors.alternatives * mass.ln()
            + outside;
        Scored { proposal, suspicion, places, score }
    });
    scored.collect()
}

impl Priors {
    /// Weight of a kind.
    pub fn kind(&self, kind: EditKind) -> f64 {
        self.kinds.get(kind as usize).copied().unwrap_or(0.0)
    }

    /// Weight of a context.
    pub fn context(&self, context: Context) -> f64 {
        self.contexts.get(context as usize).copied().unwrap_or(0.0)
    }
}

/// `ln(exp(a) + exp(b))` without overflow.
pub fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if high.is_infinite() { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::enumerate::{Feature, proposals};
    use crate::language::language_of;
    use crate::scope::Region;
    use crate::syntax::{Shape, parse};

    const SOURCE: &str = "def f(a, b):\n    c = a + 1\n    d = b + 1\n    return c < d\n";

    /// (Kind, line, score) of all edits of the function, with the priors changed a little.
    fn scores(suspicion: &Suspicion, change: impl Fn(&mut Priors)) -> Vec<(EditKind, u32, f64)> {
        let language = language_of("a.py").unwrap();
        let tree = parse(SOURCE, &language.parser(), language.grammar()).unwrap();
        let function =
            tree.subtree(tree.root().unwrap()).into_iter().find(|id| tree.shape(*id) == Shape::Function);
        let mut priors = Priors::parse(language.priors()).unwrap();
        change(&mut priors);
        let region = Region::new(&tree, language, function);
        let scored = score(proposals(&region), "a.py", false, suspicion, &priors);
        scored.into_iter().map(|one| (one.proposal.kind, one.proposal.lines.0, one.score)).collect()
    }

    fn best(scores: &[(EditKind, u32, f64)], kind: EditKind, line: u32) -> f64 {
        let of_both = scores.iter().filter(|one| one.0 == kind && one.1 == line);
        of_both.map(|one| one.2).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn a_suspicious_line_lifts_its_edits_by_the_same_amount() {
        let mut suspicion = Suspicion::default();
        suspicion.raise("a.py", 3, 1.0);
        let scores = scores(&suspicion, |_| {});
        let gap = |kind| best(&scores, kind, 3) - best(&scores, kind, 2);
        assert!(gap(EditKind::ArithmeticOperator) > 3.0);
        assert!((gap(EditKind::ArithmeticOperator) - gap(EditKind::IntegerStep)).abs() < 1e-6);
    }

    #[test]
    fn kinds_and_contexts_add_to_the_score() {
        let mut uniform = Suspicion::default();
        (1..=4).for_each(|line| uniform.raise("a.py", line, 1.0));
        let plain = scores(&uniform, |_| {});
        let raised = scores(&uniform, |priors| {
            if let Some(weight) = priors.kinds.get_mut(EditKind::ArithmeticOperator as usize) {
                *weight += 2.0;
            }
            if let Some(weight) = priors.contexts.get_mut(Context::Returned as usize) {
                *weight += 1.0;
            }
        });
        let gain = |kind, line| best(&raised, kind, line) - best(&plain, kind, line);
        assert!((gain(EditKind::ArithmeticOperator, 2) - 2.0).abs() < 1e-9);
        assert!((gain(EditKind::ComparisonOperator, 4) - 1.0).abs() < 1e-9);
        assert!(gain(EditKind::IntegerStep, 2).abs() < 1e-9);
    }

    #[test]
    fn alternatives_share_the_probability_of_their_place() {
        let mut uniform = Suspicion::default();
        uniform.raise("a.py", 4, 1.0);
        let mass = |share: f64| {
            let scores = scores(&uniform, |priors| {
                priors.alternatives = share;
                priors.features = vec![0.0; Feature::ALL.len()];
            });
            let of_place = scores.iter().filter(|one| one.0 == EditKind::ComparisonOperator && one.1 == 4);
            of_place.map(|one| one.2.exp()).sum::<f64>()
        };
        // Five operators can stand for `<`: undivided, together they weigh five times as much.
        assert!((mass(0.0) / mass(1.0) - 5.0).abs() < 1e-6);
    }

    #[test]
    fn probabilities_add_in_log_space() {
        assert!((log_add(0.5f64.ln(), 0.25f64.ln()) - 0.75f64.ln()).abs() < 1e-12);
        assert_eq!(log_add(f64::NEG_INFINITY, 1.0), 1.0);
        assert_eq!(log_add(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
    }
}

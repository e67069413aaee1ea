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

    #[test]
    fn probabilities_add_in_log_space() {
        assert!((log_add(0.5f64.ln(), 0.25f64.ln()) - 0.75f64.ln()).abs() < 1e-12);
        assert_eq!(log_add(f64::NEG_INFINITY, 1.0), 1.0);
        assert_eq!(log_add(f64::NEG_INFINITY, f64::NEG_INFINITY), f64::NEG_INFINITY);
    }
}

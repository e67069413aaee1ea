//! The weights of the ranking, read from a priors file.
//!
//! A priors file is lines of `name number` in sections; `#` starts a comment:
//!
//! ```text
//! [model]       suspicion, floor, places, alternatives, outside
//! [kinds]       logarithm of how common each kind of edit is; every kind must be listed
//! [contexts]    what is added by where the edit is
//! [features]    what is added per unit of a feature
//! ```

use std::collections::BTreeMap;

use thiserror::Error;

use crate::enumerate::{Context, Feature};
use crate::kind::EditKind;

/// Weights of the ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Priors {
    /// Which edition of the file this is.
    pub version: u32,
    /// How much the suspicion of the line counts.
    pub suspicion: f64,
    /// Suspicion that every line of a searched function has.
    pub floor: f64,
    /// How much a kind's probability is shared between its places, 0 not at all, 1 evenly.
    pub places: f64,
    /// How much a place's probability is shared between its alternatives.
    pub alternatives: f64,
    /// What is added for code outside functions.
    pub outside: f64,
    /// By kind, in declaration order.
    pub kinds: Vec<f64>,
    /// By context, in declaration order.
    pub contexts: Vec<f64>,
    /// By feature, in declaration order.
    pub features: Vec<f64>,
}

/// What is wrong with a priors file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PriorsError {
    /// A line that is neither a section nor a name with a number.
    #[error("line {line} is not `name number`: {text}; write one name and one number per line")]
    Malformed {
        /// Line number from 1.
        line: usize,
        /// What is there.
        text: String,
    },
    /// A name that should have a weight has none.
    #[error("section [{section}] lacks {name}; add a line for it")]
    Missing {
        /// The section.
        section: &'static str,
        /// The name.
        name: &'static str,
    },
}

impl Priors {
    /// Reads a priors file. Names that mean nothing to this version are ignored.
    pub fn parse(text: &str) -> Result<Self, PriorsError> {
        let weights = Weights::read(text)?;
        let model = |name| weights.get("model", name);
        let contexts = Context::ALL.iter().map(|context| weights.get("contexts", context.name()));
        let features = Feature::ALL.iter().map(|feature| weights.get("features", feature.name()));
        Ok(Self {
            version: model("version")? as u32,
            suspicion: model("suspicion")?,
            floor: model("floor")?,
            places: model("places")?,
            alternatives: model("alternatives")?,
            outside: model("outside")?,
            kinds: EditKind::ALL
                .iter()
                .map(|kind| weights.get("kinds", kind.name()))
                .collect::<Result<_, _>>()?,
            contexts: contexts.collect::<Result<_, _>>()?,
            features: features.collect::<Result<_, _>>()?,
        })
    }
}

struct Weights<'t>(BTreeMap<(&'t str, &'t str), f64>);

impl<'t> Weights<'t> {
    fn read(text: &'t str) -> Result<Self, PriorsError> {
        let mut weights = BTreeMap::new();
        let mut section = "";
        for (index, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or("").trim();
            if content.is_empty() {
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name;
                continue;
            }
            let parsed = content.split_once(char::is_whitespace).and_then(|(name, number)| {
                let number: f64 = number.trim().parse().ok()?;
                number.is_finite().then_some((name, number))
            });
            let malformed = || PriorsError::Malformed { line: index + 1, text: content.to_owned() };
            let (name, number) = parsed.ok_or_else(malformed)?;
            weights.insert((section, name), number);
        }
        Ok(Self(weights))
    }

    fn get(&self, section: &'static str, name: &'static str) -> Result<f64, PriorsError> {
        self.0.get(&(section, name)).copied().ok_or(PriorsError::Missing { section, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::all_languages;

    #[test]
    fn the_files_that_ship_are_complete() {
        for language in all_languages() {
            let priors =
                Priors::parse(language.priors()).unwrap_or_else(|e| panic!("{}: {e}", language.name()));
            assert!(priors.version >= 1 && priors.floor > 0.0 && priors.suspicion > 0.0);
        }
    }

    #[test]
    fn mistakes_are_told() {
        let malformed = Priors::parse("[model]\nfloor much").unwrap_err();
        assert!(malformed.to_string().starts_with("line 2"), "{malformed}");
        let missing = Priors::parse("[model]\nversion 1 # first\n").unwrap_err();
        assert_eq!(missing, PriorsError::Missing { section: "model", name: "suspicion" });
        assert!(Priors::parse("[model]\nfloor inf").is_err());
    }
}

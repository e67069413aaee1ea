//! How often one operator or name is written for another, as logarithms: 0 is "as often as any".

use super::Language;

/// A pair of spellings and how often they are mistaken for each other, relative to other pairs (logarithm).
pub type Confusion = (&'static str, &'static str, f32);

impl dyn Language {
    /// Logarithm of how often `new` is what should have been written for `old`.
    pub fn pair_weight(&self, old: &str, new: &str) -> f32 {
        let matches = |row: &&Confusion| (row.0 == old && row.1 == new) || (row.0 == new && row.1 == old);
        self.confusions().iter().find(matches).map_or(0.0, |row| row.2)
    }
}

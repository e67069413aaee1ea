//! Operators of a language: which can stand for which, and how tightly they bind.

use crate::syntax::Level;

/// Operator tables; binding strengths are numbers of the language's own, higher binds tighter.
pub struct Operators {
    /// Comparison operators in groups whose members can stand for each other.
    pub comparisons: &'static [&'static [&'static str]],
    /// Arithmetic operators.
    pub arithmetic: &'static [&'static str],
    /// Bitwise operators.
    pub bitwise: &'static [&'static str],
    /// Augmented assignment operators.
    pub augmented: &'static [&'static str],
    /// Operators that add one to a variable and take one from it, if there are such.
    pub steps: Option<(&'static str, &'static str)>,
    /// Words in the head of a loop that can stand for each other.
    pub loops: Option<(&'static str, &'static str)>,
    /// Logical conjunction.
    pub and: &'static str,
    /// Logical disjunction.
    pub or: &'static str,
    /// Logical negation with the space after it, if it needs one.
    pub not: &'static str,
    /// (`equal`, `not equal`).
    pub equality: (&'static str, &'static str),
    /// Pairs of a comparison operator and the one that holds exactly when it does not.
    pub opposites: &'static [(&'static str, &'static str)],
    /// Whether `a < b < c` means `a < b and b < c`.
    pub chains: bool,
    /// Whether `a[b:c]` takes a part of a sequence.
    pub slices: bool,
    /// Binding strength of each binary operator, comparisons and logical ones included.
    pub levels: &'static [(&'static str, Level)],
    /// Operators that group to the right.
    pub right_associative: &'static [&'static str],
    /// Strength of a conditional expression.
    pub conditional: Level,
    /// Strength of logical negation.
    pub negation: Level,
    /// Strength of a sign.
    pub sign: Level,
    /// Strength of a literal mapping; weak where braces at the start of a statement open a block.
    pub mapping: Level,
    /// Strength of what needs no parentheses anywhere.
    pub primary: Level,
}

impl Operators {
    /// Strength of a binary operator; unknown operators bind weakest.
    pub fn level(&self, operator: &str) -> Level {
        self.levels.iter().find(|(name, _)| *name == operator).map_or(0, |(_, level)| *level)
    }

    /// The group of comparison operators this one belongs to.
    pub fn comparison_group(&self, operator: &str) -> &'static [&'static str] {
        self.comparisons.iter().copied().find(|group| group.contains(&operator)).unwrap_or(&[])
    }

    /// The comparison operator that holds exactly when this one does not.
    pub fn opposite(&self, operator: &str) -> Option<&'static str> {
        self.opposites.iter().find_map(|(one, other)| match operator {
            _ if *one == operator => Some(*other),
            _ if *other == operator => Some(*one),
            _ => None,
        })
    }

    /// Whether the operator orders its operands (`<` and the like).
    pub fn is_ordering(&self, operator: &str) -> bool {
        matches!(operator, "<" | "<=" | ">" | ">=")
    }
}

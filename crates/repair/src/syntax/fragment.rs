//! Expression text with how tightly it binds, so that parentheses are added only where they are needed.

/// Binding strength; higher binds tighter. The numbers are each language's own.
pub type Level = u8;

/// The text of an expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fragment {
    /// Source text.
    pub text: String,
    /// Binding strength of its outermost operator.
    pub level: Level,
}

impl Fragment {
    /// An expression whose outermost operator binds with `level`.
    pub fn new(text: impl Into<String>, level: Level) -> Self {
        Self { text: text.into(), level }
    }

    /// The text for a place that needs at least this strength.
    pub fn at_least(&self, level: Level) -> String {
        if self.level >= level { self.text.clone() } else { format!("({})", self.text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_come_only_where_they_are_needed() {
        let sum = Fragment::new("a + b", 10);
        assert_eq!(sum.at_least(10), "a + b");
        assert_eq!(sum.at_least(11), "(a + b)");
    }
}

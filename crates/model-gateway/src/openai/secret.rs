//! A text that must not be seen: it prints as dots and can be struck out of other texts.

use std::fmt;

/// An API key. Neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from sight.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the secret struck out: endpoints like to repeat a wrong key in their refusal.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "[redacted]") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_neither_printed_nor_repeated() {
        let key = Secret::new("sk-123");
        assert_eq!(format!("{key:?}"), "Secret(…)");
        assert_eq!(key.redact("wrong key sk-123!"), "wrong key [redacted]!");
        assert_eq!(Secret::new("").redact("abc"), "abc");
    }
}

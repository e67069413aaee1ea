//! Why the command could not do what was asked, in the three parts a person needs: what failed, on what, what to do next.

use std::fmt;

use crate::exit_code;

/// An error for people, with the exit code it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed, in one line.
    pub what: String,
    /// What it failed on: a path, a command, a run.
    pub on: Option<String>,
    /// What to do next.
    pub next: Option<String>,
    /// Documented exit code.
    pub exit: u8,
}

impl Failure {
    /// Input that cannot be used.
    pub fn bad_input(what: impl Into<String>, on: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), on: Some(on.into()), next: Some(next.into()), exit: exit_code::BAD_INPUT }
    }

    /// Something broke that is not the user's doing.
    pub fn infrastructure(what: impl Into<String>, on: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit: exit_code::INFRASTRUCTURE, ..Self::bad_input(what, on, next) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for (label, part) in [("on", &self.on), ("next", &self.next)] {
            if let Some(part) = part {
                write!(f, "\n  {label}: {part}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_parts_are_shown() {
        let failure = Failure::bad_input("no such folder", "/nope", "give an existing folder");
        assert_eq!(
            failure.to_string(),
            "error: no such folder\n  on: /nope\n  next: give an existing folder"
        );
        assert_eq!(failure.exit, 2);
        assert_eq!(Failure::infrastructure("a", "b", "c").exit, 4);
    }

    #[test]
    fn parts_that_are_not_known_are_left_out() {
        let failure = Failure { on: None, next: None, ..Failure::bad_input("short", "", "") };
        assert_eq!(failure.to_string(), "error: short");
    }
}

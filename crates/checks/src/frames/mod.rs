//! Stack traces, in the dialects of the languages whose checks we read, as places in the repository.
//!
//! Each dialect is one module with one function `frames(text, &Place)`, innermost frame last whatever the dialect's own
//! order. What lies outside the repository (the interpreter, installed packages) is dropped, because nothing there
//! can be repaired.

mod go;
mod javascript;
mod jvm;
mod location;
mod native;
mod place;
mod python;
pub(crate) mod resolve;
mod rust;

use serde::{Deserialize, Serialize};

pub(crate) use place::Place;

/// One level of a stack trace: a line of a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// The file, relative to the repository, with `/` between folders.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The function, as far as the trace names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// The form a stack trace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Python,
    JavaScript,
    Rust,
    Go,
    Jvm,
    Native,
}

impl Dialect {
    const ALL: [Dialect; 6] = [Self::Python, Self::JavaScript, Self::Rust, Self::Go, Self::Jvm, Self::Native];

    /// The frames in `text`, innermost last.
    pub(crate) fn frames(self, text: &str, place: &Place<'_>) -> Vec<Frame> {
        match self {
            Self::Python => python::frames(text, place),
            Self::JavaScript => javascript::frames(text, place),
            Self::Rust => rust::frames(text, place),
            Self::Go => go::frames(text, place),
            Self::Jvm => jvm::frames(text, place),
            Self::Native => native::frames(text, place),
        }
    }
}

/// The frames in a text of unknown dialect: those of the first dialect that finds the most.
pub(crate) fn any_dialect(text: &str, place: &Place<'_>) -> Vec<Frame> {
    let mut best = Vec::new();
    for dialect in Dialect::ALL {
        let found = dialect.frames(text, place);
        if found.len() > best.len() {
            best = found;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that `reader` finds `expected` (`file:line function`) in a check that ran in `/w/repo`.
    pub(super) fn check(reader: fn(&str, &Place<'_>) -> Vec<Frame>, text: &str, expected: &[&str]) {
        let place = Place::new(Some("/w/repo"), "");
        let found: Vec<String> = reader(text, &place).iter().map(shown).collect();
        assert_eq!(found, expected, "in: {text}");
    }

    fn shown(frame: &Frame) -> String {
        let function = frame.function.iter().map(|name| format!(" {name}")).collect::<String>();
        format!("{}:{}{function}", frame.file, frame.line)
    }

    #[test]
    fn an_unknown_dialect_is_the_one_that_finds_most() {
        check(
            any_dialect,
            "    at f (/w/repo/a.js:1:2)\n    at g (/w/repo/b.js:3:4)\n",
            &["b.js:3 g", "a.js:1 f"],
        );
        check(any_dialect, "\tat com.acme.A.f(A.java:3)\n", &["com/acme/A.java:3 A.f"]);
        check(any_dialect, "File \"a.py\", line 3, in f\n", &["a.py:3 f"]);
        check(any_dialect, "nothing to see\n", &[]);
    }
}

//! Names of things in a plan: tasks, attempts, roles, races.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names are shared, not copied: they stand in every event and in every index.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Takes the text as it is; [`crate::Plan::validate`] refuses what is not a good name.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into().into())
            }

            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

name! {
    /// A task's name, unique in its run, for ever: a dropped task's name is not used again.
    TaskId
}
name! {
    /// The specialist a task is for, such as `tester` or `repair-python`. This crate gives it no meaning.
    Role
}
name! {
    /// Joins the tasks that are sibling attempts at one goal.
    RaceId
}
name! {
    /// A place where attempts run: a machine, or a part of one.
    WorkerId
}

/// Longest name accepted in a plan, in bytes. Names become parts of stream names and of file names.
const LONGEST_NAME: usize = 100;

/// Whether `text` may name a task, role, race or lock: 1 to 100 ASCII letters, digits and `. _ - : /`, starting with a
/// letter or digit. `#` stays out because it separates a task from the number of its attempt.
pub(crate) fn is_good_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/".contains(c))
}

/// One try at a task. Written `task#2`, counting from 1; never used twice, also not after a crash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttemptId {
    /// The task being tried.
    pub task: TaskId,
    /// Which try, from 1.
    pub number: u32,
}

impl AttemptId {
    /// The `number`-th try at `task`.
    pub fn new(task: TaskId, number: u32) -> Self {
        Self { task, number }
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.task, self.number)
    }
}

/// Text that is not the name of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name an attempt: write the task, `#` and a number from 1, as in `fix-a#2`")]
pub struct BadAttemptId(pub String);

impl FromStr for AttemptId {
    type Err = BadAttemptId;

    fn from_str(text: &str) -> Result<Self, BadAttemptId> {
        let bad = || BadAttemptId(text.to_owned());
        let (task, number) = text.rsplit_once('#').ok_or_else(bad)?;
        let number: u32 = number.parse().map_err(|_| bad())?;
        if task.is_empty() || number == 0 {
            return Err(bad());
        }
        Ok(Self::new(TaskId::new(task), number))
    }
}

impl TryFrom<String> for AttemptId {
    type Error = BadAttemptId;

    fn try_from(text: String) -> Result<Self, BadAttemptId> {
        text.parse()
    }
}

impl From<AttemptId> for String {
    fn from(id: AttemptId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempt_ids_survive_text() {
        let id = AttemptId::new("fix/a".into(), 3);
        assert_eq!(id.to_string(), "fix/a#3");
        assert_eq!("fix/a#3".parse::<AttemptId>(), Ok(id.clone()));
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"fix/a#3\"");
        assert_eq!(serde_json::from_str::<AttemptId>("\"fix/a#3\"").unwrap(), id);
    }

    #[test]
    fn what_is_not_an_attempt_is_refused() {
        for text in ["", "fix", "fix#", "#1", "fix#0", "fix#-1", "fix#x"] {
            assert_eq!(text.parse::<AttemptId>(), Err(BadAttemptId(text.into())), "{text}");
        }
    }

    #[test]
    fn names() {
        for good in ["a", "fix-a", "repair:python", "pkg/mod.fn_1", "7"] {
            assert!(is_good_name(good), "{good}");
        }
        for bad in ["", "-a", "a b", "a#1", "é", "a\n", &"x".repeat(101)] {
            assert!(!is_good_name(bad), "{bad}");
        }
    }
}

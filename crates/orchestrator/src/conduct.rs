//! How a task is to be carried out, beside what it is: kept in the task's parameters next to the assignment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What has to be minded about a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conduct {
    /// The user is asked before each attempt.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approval: bool,
    /// The command has an effect outside that must happen once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once: Option<Once>,
}

/// An effect that must not be repeated blindly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Once {
    /// A command that tells whether the effect has happened: exit code 0 for yes, 1 for no, any other for "cannot say".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
}

impl Conduct {
    /// Reads it from a task's parameters; what says nothing has nothing to be minded.
    #[must_use]
    pub fn of(params: &Value) -> Self {
        Self::deserialize(params).unwrap_or_default()
    }

    /// Writes it into a task's parameters.
    pub fn write_into(&self, params: &mut Value) {
        if let (Some(params), Ok(Value::Object(own))) = (params.as_object_mut(), serde_json::to_value(self)) {
            params.extend(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assignment::Assignment;
    use serde_json::json;

    #[test]
    fn lives_beside_the_assignment() {
        let work = Assignment::Run { command: "x".into(), env: Default::default(), outputs: Vec::new() };
        let mut params = work.to_value();
        assert_eq!(Conduct::of(&params), Conduct::default());
        let conduct = Conduct { approval: true, once: Some(Once { verify: Some("test -e y".into()) }) };
        conduct.write_into(&mut params);
        assert_eq!(Conduct::of(&params), conduct);
        assert_eq!(Assignment::from_value(&params).unwrap(), work);
        assert_eq!(Conduct::of(&json!(null)), Conduct::default());
    }

    #[test]
    fn ordinary_tasks_stay_as_they_are() {
        let mut params = json!({"work": "run", "command": "x"});
        Conduct::default().write_into(&mut params);
        assert_eq!(params, json!({"work": "run", "command": "x"}));
    }
}

//! What the model can do: a port, a reply, and one list. To add a tool, write its file and put it on the list; the model, the
//! prompts and the tests follow from it.
//!
//! A tool reaches the outside only through the runtime in its context.

mod bash;
mod edit;
mod read;
mod submit;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smallhands_shell_runtime::{Runtime, RuntimeError};
use smallhands_trajectory::ToolSpec;

use super::shell::Shell;

/// What came of a call, for the model to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was done; this is what was seen.
    Seen(String),
    /// It was done and changed a file.
    Changed(String),
    /// It was not done; this is why, and what to do instead.
    Refused(String),
    /// The model says it is finished, in these words.
    Submitted(String),
}

/// What tools work with.
pub struct ToolContext {
    runtime: Arc<dyn Runtime>,
    shell: Shell,
    longest_command: Duration,
}

impl ToolContext {
    /// Tools that work in `runtime`, and let no command run for longer than `longest_command`.
    pub fn new(runtime: Arc<dyn Runtime>, longest_command: Duration) -> Self {
        Self { shell: Shell::new(Arc::clone(&runtime)), runtime, longest_command }
    }
}

/// One capability.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What the model is told about it.
    fn spec(&self) -> ToolSpec;

    /// Does it. `arguments` is a JSON object that need not fit the schema.
    ///
    /// # Errors
    /// Only when the runtime itself does not work; what the model did wrong is a [`Reply::Refused`].
    async fn call(&self, context: &ToolContext, arguments: &Value) -> Result<Reply, RuntimeError>;
}

/// All tools, in the order in which the model is shown them.
pub fn all() -> Vec<Box<dyn Tool>> {
    vec![Box::new(bash::Bash), Box::new(read::ReadFile), Box::new(edit::EditFile), Box::new(submit::Submit)]
}

/// The arguments as a tool wants them, or what to tell the model.
fn parsed<T: DeserializeOwned>(tool: &dyn Tool, arguments: &Value) -> Result<T, Reply> {
    serde_json::from_value(arguments.clone()).map_err(|error| {
        let spec = tool.spec();
        let known: Vec<&str> = spec.parameters["properties"]
            .as_object()
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        Reply::Refused(format!(
            "invalid arguments for {}: {error}; the arguments are: {}",
            spec.name,
            known.join(", ")
        ))
    })
}

/// Whether a path stays inside the repository by its spelling; the runtime checks again with the links followed.
fn inside(path: &str) -> Result<(), Reply> {
    let leaves = path.starts_with('/') || path.split('/').any(|part| part == "..");
    if path.trim().is_empty() || leaves {
        return Err(Reply::Refused(format!(
            "{path:?} is not a path inside the repository; give it relative to the repository's root, such as src/a.py"
        )));
    }
    Ok(())
}

/// A file's text, or what to tell the model.
async fn text_of(context: &ToolContext, path: &str) -> Result<Result<String, Reply>, RuntimeError> {
    let bytes = match context.runtime.read_file(path).await {
        Ok(bytes) => bytes,
        Err(broken @ RuntimeError::Closed) => return Err(broken),
        Err(error) => {
            return Ok(Err(Reply::Refused(format!("{error}; `bash` with ls or find shows what is there"))));
        }
    };
    Ok(String::from_utf8(bytes)
        .map_err(|_| Reply::Refused(format!("{path} is not UTF-8 text; use `bash` to look at it"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_tool_is_described_by_an_object_schema_whose_required_fields_exist() {
        let mut names: Vec<String> = Vec::new();
        for tool in all() {
            let ToolSpec { name, description, parameters } = tool.spec();
            assert!(description.len() > 20, "{name}");
            assert_eq!(parameters["type"], "object", "{name}");
            for field in parameters["required"].as_array().unwrap() {
                assert!(parameters["properties"][field.as_str().unwrap()].is_object(), "{name} {field}");
            }
            names.push(name);
        }
        assert_eq!(names, ["bash", "read_file", "edit_file", "submit"]);
    }

    #[test]
    fn wrong_arguments_are_explained() {
        let check = |arguments: Value, expected: &str| {
            let reply = parsed::<submit::Arguments>(&submit::Submit, &arguments).map(|_| ()).unwrap_err();
            let Reply::Refused(text) = reply else { panic!("{reply:?}") };
            assert!(text.contains(expected) && text.contains("the arguments are: message"), "{text}");
        };
        check(json!({}), "missing field `message`");
        check(json!({"message": 3}), "expected a string");
    }

    #[test]
    fn paths_stay_inside() {
        let check = |path: &str, expected: bool| assert_eq!(inside(path).is_ok(), expected, "{path:?}");
        check("a.py", true);
        check("./src/a..b.py", true);
        check("/etc/passwd", false);
        check("../a.py", false);
        check("src/../../a.py", false);
        check(" ", false);
    }
}

//! `submit`: the model says that it is done. Whether that is true is found out elsewhere.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use smallhands_shell_runtime::RuntimeError;
use smallhands_trajectory::ToolSpec;

use super::{Reply, Tool, ToolContext, parsed};

/// Ends the attempt.
pub(super) struct Submit;

#[derive(Deserialize)]
pub(super) struct Arguments {
    message: String,
}

#[async_trait]
impl Tool for Submit {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "submit".to_owned(),
            description: "Ends your work. Whatever is changed in the repository is your answer; it will be verified in a \
                fresh copy."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "message": {"type": "string", "description": "What was wrong and what you changed, in one or two sentences."},
                },
                "required": ["message"],
            }),
        }
    }

    async fn call(&self, _context: &ToolContext, arguments: &Value) -> Result<Reply, RuntimeError> {
        let arguments: Result<Arguments, Reply> = parsed(self, arguments);
        Ok(arguments.map_or_else(|refused| refused, |arguments| Reply::Submitted(arguments.message)))
    }
}

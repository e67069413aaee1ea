//! Sessions, commands and written files: the calls with effects.

use std::sync::Arc;

use serde_json::json;
use smallhands_shell_runtime::files::access::overwrite;
use smallhands_shell_runtime::{LocalRuntime, Runtime};

use crate::app::{App, blocking};
use crate::reply::{Refusal, Reply};
use crate::routes::Operation;
use crate::schema::Fields;
use crate::wire::{self, Execute, ObservationReply};

/// The version of the server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Number of the set of extensions that the server has.
const EXTENSIONS: u32 = 1;

/// The answer that says that there is an answer. It waits for nothing.
pub fn is_alive() -> Reply {
    Reply::ok(&json!({
        "is_alive": true,
        "message": "",
        "server": format!("smallhands/{VERSION}"),
        "extensions": EXTENSIONS,
    }))
}

/// Ends all sessions; their names are free then.
pub async fn close(runtime: Arc<LocalRuntime>) -> Reply {
    match runtime.close_sessions().await {
        Ok(()) => Reply::ok(&json!({})),
        Err(error) => Refusal::from(error).into_reply(),
    }
}

/// Does what a checked body asks for.
///
/// # Errors
/// What the runtime says.
pub async fn perform(app: &Arc<App>, operation: Operation, mut fields: Fields) -> Result<Reply, Refusal> {
    let runtime = &app.runtime;
    match operation {
        Operation::CreateSession => {
            let created = runtime.create_session(wire::create_session(fields)?).await?;
            Ok(Reply::ok(&json!({"output": created.output, "session_type": "bash"})))
        }
        Operation::RunInSession => {
            let observation = runtime.run_in_session(wire::action(fields)?).await?;
            Ok(ObservationReply::from(observation).into_reply())
        }
        Operation::CloseSession => {
            runtime.close_session(&fields.text("session")).await?;
            Ok(Reply::ok(&json!({"session_type": "bash"})))
        }
        Operation::Execute => {
            let (command, expectation) = Execute::new(fields)?.split();
            let response = runtime.execute(command).await?;
            Ok(expectation.judge(response)?.into_reply())
        }
        Operation::WriteFile => {
            let path = app.files.locate(&fields.text("path"))?;
            let content = fields.text("content");
            blocking(move || overwrite(&path, content.as_bytes()).map_err(Refusal::from)).await?;
            Ok(Reply::ok(&json!({})))
        }
        _ => Err(Refusal::NotFound),
    }
}

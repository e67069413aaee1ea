//! The persistent shell behind the `bash` tool: started when first needed, started again when a command ended it.

use std::sync::Arc;
use std::time::Duration;

use smallhands_shell_runtime::{
    Action, BashAction, BashInterruptAction, CreateSession, Observation, Runtime, RuntimeError,
};

/// The session's name. Each attempt has a runtime of its own, so one name is enough.
const SESSION: &str = "coder";

/// What became of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// It ended.
    Ended {
        /// What it printed.
        output: String,
        /// Its exit status.
        status: Option<i32>,
    },
    /// It took too long and was stopped.
    TooLong {
        /// What it had printed.
        output: String,
        /// Whether the shell had to be replaced to stop it.
        replaced: bool,
    },
    /// It ended the shell; the next command gets a new one.
    ShellEnded {
        /// What it had printed.
        output: String,
        /// The shell's exit status.
        status: i32,
    },
    /// It is not something bash can run.
    Refused {
        /// Why.
        reason: String,
    },
}

/// A shell that is always there.
pub(super) struct Shell {
    runtime: Arc<dyn Runtime>,
}

impl Shell {
    /// The shell of `runtime`; an earlier round's is taken over with its directory and variables.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime }
    }

    /// Runs `command` for at most `limit`.
    ///
    /// # Errors
    /// Only what a model cannot cause: the runtime itself does not work.
    pub async fn run(&self, command: &str, limit: Duration) -> Result<Ran, RuntimeError> {
        match self.send(command, limit).await {
            Ok(seen) => Ok(Ran::Ended { output: seen.output, status: seen.exit_code }),
            Err(RuntimeError::CommandTimeout { output, .. }) => {
                let replaced = self.stop().await?;
                Ok(Ran::TooLong { output, replaced })
            }
            Err(RuntimeError::ShellExited { output, status, .. }) => Ok(Ran::ShellEnded { output, status }),
            Err(RuntimeError::BashIncorrectSyntax { stderr, .. }) => Ok(Ran::Refused { reason: stderr }),
            Err(RuntimeError::InvalidCommand { reason }) => Ok(Ran::Refused { reason }),
            Err(RuntimeError::TooLarge { what, limit }) => {
                Ok(Ran::Refused { reason: format!("{what} is larger than {limit} bytes") })
            }
            Err(broken) => Err(broken),
        }
    }

    /// Sends the command to a shell that is idle.
    async fn send(&self, command: &str, limit: Duration) -> Result<Observation, RuntimeError> {
        let bash =
            BashAction { session: SESSION.to_owned(), timeout: Some(limit), ..BashAction::new(command) };
        match self.send_or_start(&bash).await {
            // Left behind by a round that was cancelled in the middle of a command.
            Err(RuntimeError::SessionBusy { .. }) => {
                self.stop().await?;
                self.send_or_start(&bash).await
            }
            answer => answer,
        }
    }

    /// Sends the command, after starting the shell if there is none.
    async fn send_or_start(&self, bash: &BashAction) -> Result<Observation, RuntimeError> {
        match self.runtime.run_in_session(Action::Bash(bash.clone())).await {
            Err(RuntimeError::SessionDoesNotExist { .. }) => {
                let session = CreateSession { session: SESSION.to_owned(), ..CreateSession::default() };
                self.runtime.create_session(session).await?;
                self.runtime.run_in_session(Action::Bash(bash.clone())).await
            }
            answer => answer,
        }
    }

    /// Stops what is running, with the whole shell if nothing less helps. True when the shell is gone.
    async fn stop(&self) -> Result<bool, RuntimeError> {
        let interrupt = BashInterruptAction { session: SESSION.to_owned(), ..BashInterruptAction::default() };
        match self.runtime.run_in_session(Action::Interrupt(interrupt)).await {
            Ok(_) => Ok(false),
            Err(RuntimeError::ShellExited { .. } | RuntimeError::SessionDoesNotExist { .. }) => Ok(true),
            Err(RuntimeError::Closed) => Err(RuntimeError::Closed),
            Err(_) => {
                self.runtime.close_session(SESSION).await?;
                Ok(true)
            }
        }
    }
}

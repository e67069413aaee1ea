//! The validator over a warm test server; what the server cannot answer, the plain command does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use smallhands_checks::{Outcome, TestId, TestReport, TestResult};
use smallhands_shell_runtime::Runtime;
use tokio::time::Instant;

use super::command::PlainRuns;
use super::error::ValidationError;
use super::hook::Hook;
use super::message::{self, Answer, End, Greeting};
use super::placed::Originals;
use super::request::{CheckSpec, Ended, RunOutcome, RunRequest, Validator};
use super::server::{Refusal, WarmServer};

/// See the module.
pub(super) struct WarmValidator {
    // Dropped before `originals`: the files are put back when nobody writes them any more.
    server: Option<WarmServer>,
    originals: Originals,
    runtime: Arc<dyn Runtime>,
    hook: Hook,
    plain: PlainRuns,
    command: String,
    patience: Duration,
    only: Vec<TestId>,
    kind: &'static str,
    tests: Vec<TestId>,
    collection_errors: TestReport,
}

impl WarmValidator {
    /// Starts `command`, which is the check's own or stands in for it, and waits until its tests are collected.
    pub(super) async fn open(
        runtime: Arc<dyn Runtime>,
        check: &CheckSpec,
        command: &str,
        only: &[TestId],
    ) -> Result<Result<Self, Refusal>, ValidationError> {
        let hook = Hook::install(Arc::clone(&runtime)).await?;
        let (server, greeting) =
            match WarmServer::start(&runtime, &hook, command, only, check.timeout).await? {
                Ok(started) => started,
                Err(refusal) => {
                    hook.remove().await;
                    return Ok(Err(refusal));
                }
            };
        tracing::debug!(python = %greeting.python, tests = greeting.tests.len(), "a warm test server is ready");
        let Greeting { kind, tests, collection_errors, elsewhere, .. } = greeting;
        Ok(Ok(Self {
            server: Some(server),
            originals: Originals::new(Arc::clone(&runtime)),
            plain: PlainRuns::new(Arc::clone(&runtime), check.clone()),
            runtime,
            hook,
            command: command.to_owned(),
            patience: check.timeout,
            only: only.to_vec(),
            kind: if kind == "warm-pytest" { "warm-pytest" } else { "warm-unittest" },
            tests,
            collection_errors: errors(collection_errors, elsewhere),
        }))
    }

    /// The server, started again if it was lost.
    async fn server(&mut self) -> Result<&mut WarmServer, ValidationError> {
        if self.server.is_none() {
            self.originals.restore().await?;
            let started =
                WarmServer::start(&self.runtime, &self.hook, &self.command, &self.only, self.patience)
                    .await?;
            let (server, _) = started.map_err(|Refusal(reason)| ValidationError::ServerLost { reason })?;
            self.server = Some(server);
        }
        self.server.as_mut().ok_or_else(|| ValidationError::ServerLost { reason: "it did not start".into() })
    }

    /// Asks the server. Nothing when it was lost over the question; it is gone then, and the files are restored.
    async fn ask(&mut self, request: &RunRequest<'_>) -> Result<Option<Answer>, ValidationError> {
        self.originals.remember(request.edits).await?;
        self.server().await?;
        self.originals.mark(request.edits);
        let Some(server) = self.server.as_mut() else { return Ok(None) };
        match server.ask(request).await {
            Ok(answer) => {
                self.originals.unmark();
                Ok(Some(answer))
            }
            Err(error) => {
                tracing::debug!(%error, "starting another test server");
                if let Some(server) = self.server.take() {
                    server.close().await;
                }
                self.originals.restore().await?;
                Ok(None)
            }
        }
    }
}

#[async_trait]
impl Validator for WarmValidator {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn tests(&self) -> &[TestId] {
        &self.tests
    }

    fn collection_errors(&self) -> &TestReport {
        &self.collection_errors
    }

    async fn run(&mut self, request: RunRequest<'_>) -> Result<RunOutcome, ValidationError> {
        let began = Instant::now();
        let Some(answer) = self.ask(&request).await? else {
            return Ok(killed_server(&request, began.elapsed()));
        };
        let ended = match answer.ended {
            End::Completed => Ended::Completed,
            End::TimedOut => Ended::TimedOut,
            End::Crashed => Ended::Crashed,
            End::Invalid => Ended::Invalid,
            End::Duplicate => Ended::Duplicate,
            End::Unsupported => {
                tracing::debug!(reason = answer.reason, "the plain command answers instead");
                return self.plain.run(&request, &mut self.originals).await;
            }
        };
        tracing::trace!(level = answer.level, reason = answer.reason, served_ms = answer.spent, "answered");
        let mut report = message::report(answer.results);
        if let Some(reason) = answer.reason.filter(|_| !request.edits.is_empty()) {
            report.notes.push(format!("imported afresh: {reason}"));
        }
        Ok(RunOutcome { ended, report, coverage: message::coverage(answer.lines), spent: began.elapsed() })
    }

    async fn close(mut self: Box<Self>) {
        let Self { server, mut originals, hook, plain, .. } = *self;
        if let Some(server) = server {
            server.close().await;
        }
        if let Err(error) = originals.restore().await {
            tracing::warn!(%error, "an edited file could not be put back");
        }
        plain.close().await;
        hook.remove().await;
    }
}

fn errors(sent: BTreeMap<TestId, message::Account>, elsewhere: Vec<(String, String)>) -> TestReport {
    let notes = elsewhere
        .into_iter()
        .map(|(name, path)| {
            format!("`{name}` is imported from {path}, not from this copy; edits have no effect on it")
        })
        .collect();
    let mut report = TestReport { notes, ..TestReport::default() };
    for (id, account) in sent {
        report.record(id, account.into());
    }
    report
}

/// The tested code managed to end the server itself.
fn killed_server(request: &RunRequest<'_>, spent: Duration) -> RunOutcome {
    let mut outcome = RunOutcome::without_run(Ended::Crashed, spent);
    if let Some(first) = request.tests.first() {
        let result = TestResult::new(Outcome::Crashed).with_message("the test server died with the tests");
        outcome.report.record(first.clone(), result);
    }
    outcome
}

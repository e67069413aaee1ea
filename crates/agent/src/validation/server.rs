//! The line to one warm test server: starts it, waits until its tests are collected, puts questions.

use std::sync::Arc;
use std::time::Duration;

use smallhands_checks::TestId;
use smallhands_repair::Edit;
use smallhands_shell_runtime::{PipedProcess, Runtime, RuntimeError, SpawnSpec};
use tokio::time::Instant;

use super::error::ValidationError;
use super::hook::Hook;
use super::message::{Answer, Event, Greeting, PROTOCOL, Run};
use super::request::{RunRequest, StopRule};

/// Granted for the server's own work, per request.
const OVERHEAD: Duration = Duration::from_secs(30);
/// How long a server may take to end when asked to.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a command cannot be served warm.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) String);

/// A running server.
pub(super) struct WarmServer {
    process: PipedProcess,
    next_id: u64,
    /// A message was begun and perhaps not finished: the line cannot be used any more.
    broken: bool,
    collected_in: Duration,
}

impl WarmServer {
    /// Starts `command` as a server; it has `patience` to collect its tests.
    pub(super) async fn start(
        runtime: &Arc<dyn Runtime>,
        hook: &Hook,
        command: &str,
        only: &[TestId],
        patience: Duration,
    ) -> Result<Result<(Self, Greeting), Refusal>, ValidationError> {
        hook.reset().await?;
        let mut spec = SpawnSpec::argv(hook.launch(command));
        if !only.is_empty() {
            let names = serde_json::to_vec(only).unwrap_or_default();
            spec = spec.with_env("SMALLHANDS_ONLY", hook.put("only.json", names).await?);
        }
        let process = runtime.spawn(spec).await.map_err(ValidationError::runtime("start the test server"))?;
        let mut server = Self { process, next_id: 1, broken: false, collected_in: Duration::ZERO };
        Ok(server.greeting(patience).await.map(|greeting| {
            server.collected_in = Duration::try_from_secs_f64(greeting.collected_in).unwrap_or_default();
            (server, greeting)
        }))
    }

    async fn greeting(&mut self, patience: Duration) -> Result<Greeting, Refusal> {
        let refusal = |what: String, tail: &str| Refusal(format!("{what}{}", last_words(tail)));
        let line = match self.process.read_line(patience).await {
            Ok(Some(line)) => line,
            Ok(None) => return Err(refusal("the command ended".into(), &self.process.stderr_tail())),
            Err(RuntimeError::CommandTimeout { .. }) => {
                let what = format!("the tests were not collected within {} s", patience.as_secs_f64());
                return Err(refusal(what, &self.process.stderr_tail()));
            }
            Err(error) => return Err(refusal(error.to_string(), "")),
        };
        match serde_json::from_str(&line) {
            Ok(Event::Ready(greeting)) if greeting.protocol == PROTOCOL => Ok(greeting),
            Ok(Event::Exit { code }) => {
                let what = format!("the command ended with status {code} before its tests were collected");
                Err(refusal(what, &self.process.stderr_tail()))
            }
            _ => Err(Refusal("the test server speaks another language than this program".into())),
        }
    }

    /// Puts one question. An error means that the server is of no use any more.
    pub(super) async fn ask(&mut self, request: &RunRequest<'_>) -> Result<Answer, ValidationError> {
        if self.broken {
            return Err(self.lost("an earlier request was interrupted"));
        }
        let id = self.next_id;
        self.next_id += 1;
        let line = encode(id, request.edits, request);
        self.broken = true;
        self.process.write_line(&line).await.map_err(|error| self.lost(&error.to_string()))?;
        self.broken = false;
        let until = Instant::now() + self.bound(request);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.process.read_line(left).await.map_err(|error| self.lost(&error.to_string()))?;
            match line.as_deref().map(serde_json::from_str) {
                Some(Ok(Event::Ran(answer))) if answer.id == id => return Ok(answer),
                // the answer to a question whose asker went away
                Some(Ok(Event::Ran(_))) => {}
                Some(Ok(Event::Exit { code })) => {
                    return Err(self.lost(&format!("it ended with status {code}")));
                }
                Some(Ok(Event::Ready(_)) | Err(_)) => return Err(self.lost("it does not make sense")),
                None => return Err(self.lost("it ended")),
            }
        }
    }

    /// The longest an honest server takes: it watches its tests itself.
    fn bound(&self, request: &RunRequest<'_>) -> Duration {
        let tests = u32::try_from(request.tests.len()).unwrap_or(u32::MAX).saturating_add(1);
        let restarts = if request.stop == StopRule::FirstFailure { 1 } else { tests };
        let prepare = (self.collected_in * 5 + Duration::from_secs(5)).saturating_mul(restarts);
        OVERHEAD.saturating_add(request.limits.wall.saturating_mul(tests)).saturating_add(prepare)
    }

    fn lost(&self, reason: &str) -> ValidationError {
        ValidationError::ServerLost { reason: reason.to_owned() }
    }

    /// Ends the server and everything it started.
    pub(super) async fn close(self) {
        if let Err(error) = self.process.finish(FAREWELL).await {
            tracing::debug!(%error, "the test server had to be killed");
        }
    }
}

fn encode(id: u64, edits: &[Edit], request: &RunRequest<'_>) -> String {
    let run = Run {
        id,
        edits,
        tests: request.tests,
        cpu: request.limits.cpu.as_secs_f64(),
        wall: request.limits.wall.as_secs_f64(),
        memory: request.limits.memory_bytes,
        stop_first: request.stop == StopRule::FirstFailure,
        trace: request.trace,
    };
    serde_json::to_string(&run).unwrap_or_default()
}

/// The last line of what the command printed, as the end of a sentence.
fn last_words(tail: &str) -> String {
    let line = tail.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map(|line| format!(": {}", line.chars().take(300).collect::<String>())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_says_something_is_kept() {
        for (tail, expected) in [("", ""), ("a\nb\n\n", ": b"), ("  x  ", ": x")] {
            assert_eq!(last_words(tail), expected);
        }
    }
}

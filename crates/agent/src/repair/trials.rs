//! A validator that can be relied on: every call has a deadline and can be cancelled, and a validator that dies or stops
//! answering is replaced by a fresh one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use smallhands_checks::TestId;
use smallhands_shell_runtime::Runtime;
use tokio::time::{Instant, timeout, timeout_at};

use super::{RepairError, SearchEnd};
use crate::cancel::CancelToken;
use crate::validation::{self, CheckRun, CheckSpec, RunOutcome, RunRequest, ValidationError, Validator};

/// How often a validator is replaced without asking how much work was done…
const REOPENS: u32 = 8;
/// …and how many calls earn one replacement more.
const CALLS_PER_REOPEN: u32 = 500;
/// What a call may take beyond the time its tests are allowed: starting, tracing, reporting.
const CALL_SLACK: Duration = Duration::from_secs(30);
/// The kind of the validator that runs the plain command.
const WHOLE: &str = "command";
/// How long a validator may take to go in peace.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where validators come from. The real ones start in a runtime; tests script theirs.
#[async_trait]
pub trait OpenValidator: Send + Sync {
    /// A fresh validator that knows the tests in `only`; all tests of the check when that is empty.
    ///
    /// # Errors
    /// When the tests of the check cannot be run at all.
    async fn open(&self, only: &[TestId]) -> Result<Box<dyn Validator>, ValidationError>;

    /// One run of the plain check on the code as it is, in a fresh process.
    ///
    /// # Errors
    /// When the check cannot be started.
    async fn run_check(&self) -> Result<CheckRun, ValidationError>;
}

/// Validators for one check in one runtime.
pub struct RuntimeValidators {
    /// Where the tests run.
    pub runtime: Arc<dyn Runtime>,
    /// The check they belong to.
    pub check: CheckSpec,
}

#[async_trait]
impl OpenValidator for RuntimeValidators {
    async fn open(&self, only: &[TestId]) -> Result<Box<dyn Validator>, ValidationError> {
        validation::open(self.runtime.clone(), &self.check, only).await
    }

    async fn run_check(&self) -> Result<CheckRun, ValidationError> {
        validation::run_check(self.runtime.clone(), &self.check).await
    }
}

/// Why work stops: an end that was foreseen, or an error.
#[derive(Debug)]
pub(super) enum Halt {
    /// Cancelled, or out of time.
    Ended(SearchEnd),
    /// It cannot go on.
    Failed(RepairError),
}

impl<E: Into<RepairError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The validator of one attempt.
pub(super) struct Trials {
    source: Arc<dyn OpenValidator>,
    only: Vec<TestId>,
    deadline: Option<Instant>,
    cancel: CancelToken,
    validator: Option<Box<dyn Validator>>,
    calls: u32,
    reopened: u32,
    last_death: String,
}

impl Trials {
    /// Nothing is started before the first call.
    pub(super) fn new(
        source: Arc<dyn OpenValidator>,
        only: Vec<TestId>,
        deadline: Option<Instant>,
        cancel: CancelToken,
    ) -> Self {
        Self {
            source,
            only,
            deadline,
            cancel,
            validator: None,
            calls: 0,
            reopened: 0,
            last_death: String::new(),
        }
    }

    /// The validator, started when there is none.
    pub(super) async fn validator(&mut self) -> Result<&mut dyn Validator, Halt> {
        if self.validator.is_none() {
            let opening = self.source.open(&self.only);
            let opened = interruptible(&self.cancel, self.deadline, opening).await??;
            self.validator = Some(opened);
        }
        match &mut self.validator {
            Some(validator) => Ok(validator.as_mut()),
            None => Err(Halt::Ended(SearchEnd::Cancelled)),
        }
    }

    /// One call. `None` when the validator died of it; the next call starts a fresh one.
    pub(super) async fn run(&mut self, request: RunRequest<'_>) -> Result<Option<RunOutcome>, Halt> {
        self.calls = self.calls.saturating_add(1);
        let (cancel, deadline) = (self.cancel.clone(), self.deadline);
        let patience = patience_for(&request);
        let validator = self.validator().await?;
        let call = timeout(patience, validator.run(request));
        match interruptible(&cancel, deadline, call).await? {
            Ok(Ok(outcome)) => Ok(Some(outcome)),
            Ok(Err(error)) => self.bury(error.to_string()).await,
            Err(_) => self.bury(format!("no answer within {} s", patience.as_secs())).await,
        }
    }

    /// Gives up on a validator that misbehaved. It is closed before another one is opened, so that the other one does not see
    /// the files as this one had edited them.
    async fn bury(&mut self, cause: String) -> Result<Option<RunOutcome>, Halt> {
        part(self.validator.take()).await;
        self.reopened += 1;
        self.last_death = cause;
        if self.reopened > REOPENS + self.calls / CALLS_PER_REOPEN {
            let (times, last) = (self.reopened, self.last_death.clone());
            return Err(RepairError::Unstable { times, last }.into());
        }
        Ok(None)
    }

    /// Whether the work was cancelled or its time is over, asked between two calls.
    pub(super) fn still_wanted(&self) -> Result<(), Halt> {
        if self.cancel.is_cancelled() {
            return Err(Halt::Ended(SearchEnd::Cancelled));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Halt::Ended(SearchEnd::TimeLimit)),
            _ => Ok(()),
        }
    }

    /// How often a validator had to be replaced, and what the last one died of.
    pub(super) fn deaths(&self) -> Option<(u32, &str)> {
        (self.reopened > 0).then_some((self.reopened, self.last_death.as_str()))
    }

    /// Ends the validator in peace, or by force when that takes too long.
    pub(super) async fn close(self) {
        part(self.validator).await;
    }
}

async fn part(validator: Option<Box<dyn Validator>>) {
    if let Some(validator) = validator {
        // Past its time it is dropped, which ends its processes by force.
        let _ = timeout(FAREWELL, validator.close()).await;
    }
}

/// Whether every call to this validator runs the whole check.
pub(super) fn runs_the_whole_check(validator: &dyn Validator) -> bool {
    validator.kind() == WHOLE
}

/// The longest a call may take before its validator counts as hung.
fn patience_for(request: &RunRequest<'_>) -> Duration {
    let tests = u32::try_from(request.tests.len().max(1)).unwrap_or(u32::MAX);
    request.limits.wall.saturating_mul(tests).saturating_add(CALL_SLACK)
}

/// Waits for `work`, unless it is cancelled or out of time first.
pub(super) async fn interruptible<T>(
    cancel: &CancelToken,
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, Halt> {
    let timed = async {
        match deadline {
            Some(deadline) => timeout_at(deadline, work).await.ok(),
            None => Some(work.await),
        }
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Halt::Ended(SearchEnd::Cancelled)),
        result = timed => result.ok_or(Halt::Ended(SearchEnd::TimeLimit)),
    }
}

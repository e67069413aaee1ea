//! `run` and `resume`: hands the request to the orchestrator, shows what happens, and turns the end into an exit code.
//!
//! The glue to the orchestrator is here and in `history`, and nowhere else.

mod explain;
mod request;

use std::future::Future;
use std::time::{Duration, Instant};

use smallhands_agent::cancel::CancelToken;
use smallhands_orchestrator::progress::{Progress, RunSummary, Verdict};
use smallhands_orchestrator::request::RunError;
use smallhands_orchestrator::run as orchestrate;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::arguments::RunArguments;
use crate::configuration::Configuration;
use crate::exit_code;
use crate::failure::Failure;
use crate::interrupt;
use crate::render::{self, Renderer};
use crate::state;
pub use explain::explain;

/// How often the view may change although nothing happened.
const TICK: Duration = Duration::from_millis(100);

/// Starts a run and follows it to its end.
///
/// # Errors
/// When the run cannot be carried out; a task that merely fails is an exit code.
pub async fn run(arguments: RunArguments, configuration: &Configuration) -> Result<u8, Failure> {
    let json = arguments.output.json;
    let request = request::resolve(arguments, configuration)?;
    let state = state::open(configuration)?;
    let used = state.clone();
    let summary = follow(json, configuration, |progress, cancel| async move {
        orchestrate::run(&used, request, progress, cancel).await
    })
    .await;
    state::tell_cuts(&state);
    Ok(exit_code_of(&summary?))
}

/// Continues a run and follows it to its end.
///
/// # Errors
/// When there is no such run or it cannot be continued.
pub async fn resume(run: &str, json: bool, configuration: &Configuration) -> Result<u8, Failure> {
    let state = state::open(configuration)?;
    let (used, run) = (state.clone(), run.to_owned());
    let context = request::resume_context(configuration);
    let summary = follow(json, configuration, |progress, cancel| async move {
        orchestrate::resume(&used, &run, context, progress, cancel).await
    })
    .await;
    state::tell_cuts(&state);
    Ok(exit_code_of(&summary?))
}

/// Lets the work go on in its own task, shows its progress, and passes on the first interrupt.
async fn follow<Start, Work>(
    json: bool,
    configuration: &Configuration,
    start: Start,
) -> Result<RunSummary, Failure>
where
    Start: FnOnce(UnboundedSender<Progress>, CancelToken) -> Work,
    Work: Future<Output = Result<RunSummary, RunError>> + Send + 'static,
{
    let interrupted = interrupt::watch().map_err(|error| {
        Failure::infrastructure(
            format!("signals cannot be watched: {error}"),
            "this process",
            "report this as a bug",
        )
    })?;
    let (sender, events) = mpsc::unbounded_channel();
    let cancel = CancelToken::new();
    let mut renderer = render::for_stdout(json, configuration.terminal, Instant::now());
    let work = tokio::spawn(start(sender, cancel.clone()));
    let said_finished = show(renderer.as_mut(), events, interrupted, &cancel).await;
    let outcome = work.await;
    if let (Ok(Ok(summary)), false) = (&outcome, said_finished) {
        let _ = renderer.event(&Progress::RunFinished(summary.clone()), Instant::now());
    }
    let _ = renderer.close();
    match outcome {
        Ok(result) => result.map_err(|error| explain(&error)),
        Err(error) => Err(Failure::infrastructure(
            format!("the run ended unexpectedly: {error}"),
            configuration.state_dir.display().to_string(),
            "nothing finished is lost: continue with `smallhands resume RUN` (see `smallhands runs`), and report this as a bug",
        )),
    }
}

/// Shows events until the work has dropped its sender; says whether the last event of a run was among them.
///
/// A reader that went away does not stop the run: whoever pipes the output into `head` still gets the patch.
async fn show(
    renderer: &mut dyn Renderer,
    mut events: UnboundedReceiver<Progress>,
    mut interrupted: oneshot::Receiver<()>,
    cancel: &CancelToken,
) -> bool {
    let mut ticks = tokio::time::interval(TICK);
    let mut said_finished = false;
    loop {
        let _ = tokio::select! {
            event = events.recv() => match event {
                None => return said_finished,
                Some(event) => {
                    said_finished |= matches!(event, Progress::RunFinished(_));
                    renderer.event(&event, Instant::now())
                }
            },
            Ok(()) = &mut interrupted, if !cancel.is_cancelled() => {
                cancel.cancel();
                let message = "stopping in good order; press Ctrl-C again to end everything at once".to_owned();
                renderer.event(&Progress::Warning { message }, Instant::now())
            }
            _ = ticks.tick() => renderer.tick(Instant::now()),
        };
    }
}

fn exit_code_of(summary: &RunSummary) -> u8 {
    match (summary.verdict, &summary.limit) {
        (Verdict::Verified, _) => exit_code::VERIFIED,
        (_, Some(_)) => exit_code::LIMIT,
        (_, None) => exit_code::NOT_VERIFIED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_orchestrator::progress::TestsBeforeAfter;

    fn summary(verdict: Verdict, limit: Option<&str>) -> RunSummary {
        RunSummary {
            run: "r".into(),
            verdict,
            reason: String::new(),
            patch: None,
            report: None,
            tests: TestsBeforeAfter::default(),
            validations: 0,
            cost_usd: 0.0,
            wall_ms: 0,
            limit: limit.map(str::to_owned),
            changes: vec![],
            alternatives: vec![],
        }
    }

    #[test]
    fn exit_codes_follow_the_verdict_and_then_the_limit() {
        for (verdict, limit, expected) in [
            (Verdict::Verified, None, 0),
            (Verdict::Verified, Some("timeout"), 0),
            (Verdict::Unverified, None, 1),
            (Verdict::Failed, None, 1),
            (Verdict::Unverified, Some("timeout"), 3),
            (Verdict::Failed, Some("budget"), 3),
        ] {
            assert_eq!(exit_code_of(&summary(verdict, limit)), expected, "{verdict:?} {limit:?}");
        }
    }

    /// Remembers what it was shown.
    #[derive(Default)]
    struct Memory(Vec<Progress>);

    impl Renderer for Memory {
        fn event(&mut self, event: &Progress, _now: Instant) -> std::io::Result<()> {
            self.0.push(event.clone());
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn tick(&mut self, _now: Instant) -> std::io::Result<()> {
            Ok(())
        }
        fn close(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn all_events_are_shown_although_the_reader_is_gone() {
        let (sender, events) = mpsc::unbounded_channel();
        let (_keep, interrupted) = oneshot::channel();
        sender.send(Progress::Warning { message: "a".into() }).unwrap();
        sender.send(Progress::RunFinished(summary(Verdict::Verified, None))).unwrap();
        drop(sender);
        let mut memory = Memory::default();
        assert!(show(&mut memory, events, interrupted, &CancelToken::new()).await);
        assert_eq!(memory.0.len(), 2);
    }

    #[tokio::test]
    async fn an_interrupt_cancels_once_and_what_follows_is_still_shown() {
        let (sender, events) = mpsc::unbounded_channel();
        let (interrupt, interrupted) = oneshot::channel();
        let cancel = CancelToken::new();
        interrupt.send(()).unwrap();
        let work = tokio::spawn({
            let cancel = cancel.clone();
            async move {
                cancel.cancelled().await;
                sender.send(Progress::Warning { message: "stopped".into() }).unwrap();
            }
        });
        let mut memory = Memory::default();
        assert!(!show(&mut memory, events, interrupted, &cancel).await);
        work.await.unwrap();
        let messages: Vec<_> = memory
            .0
            .iter()
            .map(|event| match event {
                Progress::Warning { message } => message.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(messages.len(), 2);
        assert!(messages[0].contains("Ctrl-C again") && messages[1] == "stopped", "{messages:?}");
    }

    #[tokio::test]
    async fn a_watcher_that_is_gone_is_no_interrupt() {
        let (sender, events) = mpsc::unbounded_channel();
        let (interrupt, interrupted) = oneshot::channel::<()>();
        drop(interrupt);
        drop(sender);
        let cancel = CancelToken::new();
        assert!(!show(&mut Memory::default(), events, interrupted, &cancel).await);
        assert!(!cancel.is_cancelled());
    }
}

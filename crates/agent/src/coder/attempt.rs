//! The loop: ask the model, do what it asks, show it what came of that, until it submits or something ends it.
//!
//! The record of the attempt is the conversation, and it only grows. A step enters it whole, every call with its result, so
//! that a round can be continued wherever the last one stopped. Dropping the future stops the attempt: nothing runs outside
//! of it but the shell, which belongs to the runtime's owner.

use std::sync::Arc;

use smallhands_model_gateway::{ChatModel, ChatRequest, ChatResponse, Finish, ModelError};
use smallhands_shell_runtime::{Runtime, RuntimeError};
use smallhands_trajectory::{Observation, RequestHash, Step, ToolCall, ToolSpec, Trajectory};

use super::budget::{Allowance, Budget};
use super::context;
use super::repetition::{Habit, Repetition};
use super::risk;
use super::task::{CoderError, CoderObserver, CoderOutcome, CoderTask, Ended, Limit, SoFar};
use super::tools::{self, Reply, Tool, ToolContext};
use crate::cancel::CancelToken;

/// Answers without a tool call in a row that end an attempt.
const MOST_SILENT: u32 = 3;

/// Works on `task` from its beginning.
///
/// # Errors
/// When the model or the sandbox fails; see [`CoderError`].
pub async fn run(
    model: Arc<dyn ChatModel>,
    runtime: Arc<dyn Runtime>,
    task: &CoderTask,
    observer: &dyn CoderObserver,
    cancel: &CancelToken,
) -> Result<CoderOutcome, CoderError> {
    let mut trajectory = Trajectory::default();
    for message in context::opening(task) {
        observer.told(&message);
        trajectory.tell(message);
    }
    Attempt::new(model, runtime, task, observer, cancel, trajectory).work().await
}

/// Takes up the work again where `previous` ended, in the same sandbox, with the task's feedback.
///
/// # Errors
/// When the model or the sandbox fails; see [`CoderError`].
pub async fn run_continued(
    model: Arc<dyn ChatModel>,
    runtime: Arc<dyn Runtime>,
    previous: Trajectory,
    task: &CoderTask,
    observer: &dyn CoderObserver,
    cancel: &CancelToken,
) -> Result<CoderOutcome, CoderError> {
    let mut trajectory = previous;
    let feedback = context::feedback(task);
    observer.told(&feedback);
    trajectory.tell(feedback);
    Attempt::new(model, runtime, task, observer, cancel, trajectory).work().await
}

/// Why the loop stops without the model having asked for it.
enum Stop {
    Ended(Ended),
    Model(ModelError),
    Runtime(RuntimeError),
    PriceUnknown,
}

struct Attempt<'a> {
    model: Arc<dyn ChatModel>,
    tools: Vec<Box<dyn Tool>>,
    specs: Vec<ToolSpec>,
    tool_context: ToolContext,
    task: &'a CoderTask,
    observer: &'a dyn CoderObserver,
    cancel: &'a CancelToken,
    budget: Budget,
    repetition: Repetition,
    silent: u32,
    trajectory: Trajectory,
}

impl<'a> Attempt<'a> {
    fn new(
        model: Arc<dyn ChatModel>,
        runtime: Arc<dyn Runtime>,
        task: &'a CoderTask,
        observer: &'a dyn CoderObserver,
        cancel: &'a CancelToken,
        trajectory: Trajectory,
    ) -> Self {
        let tools = tools::all();
        Self {
            specs: tools.iter().map(|tool| tool.spec()).collect(),
            tools,
            tool_context: ToolContext::new(runtime, task.limits.command),
            budget: Budget::new(task.limits),
            repetition: Repetition::default(),
            silent: 0,
            model,
            task,
            observer,
            cancel,
            trajectory,
        }
    }

    async fn work(mut self) -> Result<CoderOutcome, CoderError> {
        loop {
            if let Err(stop) = self.turn().await {
                return self.finish(stop);
            }
        }
    }

    /// One step: the model's answer and what comes of it.
    async fn turn(&mut self) -> Result<(), Stop> {
        self.listen();
        let (request_hash, answer) = self.ask().await?;
        self.budget.book(&answer);
        let mut observations = Vec::new();
        let mut outcome = self.act(&answer.message.tool_calls, &mut observations).await;
        if answer.finish == Finish::Length {
            remark(&mut observations, context::cut(self.task.limits.output_tokens_per_call));
        }
        if outcome.is_ok() {
            outcome = self.mind_silence(&answer, &mut observations);
        }
        if let (Ok(()), Some(countdown)) = (&outcome, context::last_steps(self.budget.steps_left())) {
            remark(&mut observations, countdown);
        }
        let step = Step { request_hash, message: answer.message, observations, usage: answer.usage };
        self.observer.step(&step);
        self.trajectory.push(step);
        outcome
    }

    /// The user's words come before the next answer.
    fn listen(&mut self) {
        for words in self.observer.heard() {
            let message = context::told(&words);
            self.observer.told(&message);
            self.trajectory.tell(message);
        }
    }

    async fn ask(&mut self) -> Result<(RequestHash, ChatResponse), Stop> {
        let messages = self.trajectory.messages();
        let request = ChatRequest {
            messages: &messages,
            tools: &self.specs,
            max_output_tokens: Some(self.task.limits.output_tokens_per_call),
            temperature: None,
        };
        match self.budget.allows(&*self.model, &request) {
            Allowance::Granted => {}
            Allowance::Refused(which) => return Err(Stop::Ended(Ended::LimitReached { which })),
            Allowance::PriceUnknown => return Err(Stop::PriceUnknown),
        }
        let step = self.budget.steps + 1;
        self.observer.activity(&format!(
            "asking {} (step {step} of {})",
            self.model.name(),
            self.task.limits.steps
        ));
        match self.in_time(self.model.complete(request)).await? {
            Ok(answer) => Ok((RequestHash::of(&messages, &self.specs), answer)),
            Err(ModelError::ContextOverflow { .. }) => {
                Err(Stop::Ended(Ended::LimitReached { which: Limit::Context }))
            }
            Err(error) => Err(Stop::Model(error)),
        }
    }

    /// Makes the calls in order. Each gets an observation, also those that are no longer made.
    async fn act(&mut self, calls: &[ToolCall], observations: &mut Vec<Observation>) -> Result<(), Stop> {
        let mut outcome = Ok(());
        for call in calls {
            let reply = match &outcome {
                Ok(()) => self.call(call).await,
                Err(_) => Ok(Reply::Refused("not done: the attempt had ended before this call".to_owned())),
            };
            let reply = reply.unwrap_or_else(|stop| {
                outcome = Err(stop);
                Reply::Refused("stopped before it was finished".to_owned())
            });
            let (text, is_error) = match &reply {
                Reply::Seen(text) | Reply::Changed(text) => (text.as_str(), false),
                Reply::Submitted(_) => ("submitted", false),
                Reply::Refused(text) => (text.as_str(), true),
            };
            let mut content = context::observation(text);
            if outcome.is_ok() {
                outcome = self.judge(call, &reply, &mut content);
            }
            observations.push(Observation { tool_call_id: Some(call.id.clone()), content, is_error });
        }
        outcome
    }

    async fn call(&self, call: &ToolCall) -> Result<Reply, Stop> {
        if let Some(raw) = call.unparsed_arguments() {
            let problem = serde_json::from_str::<serde_json::Map<_, _>>(raw).err();
            let problem = problem.map(|error| error.to_string()).unwrap_or_default();
            return Ok(Reply::Refused(format!(
                "the arguments are not a JSON object ({problem}); send the call again"
            )));
        }
        let Some(place) = self.specs.iter().position(|spec| spec.name == call.name) else {
            let known: Vec<&str> = self.specs.iter().map(|spec| spec.name.as_str()).collect();
            return Ok(Reply::Refused(format!(
                "there is no tool {:?}; the tools are: {}",
                call.name,
                known.join(", ")
            )));
        };
        if let Some(reason) = risk::of(call) {
            let question = context::question(call, reason);
            self.observer.activity(&format!("waiting for an answer: {question}"));
            if !self.in_time(self.observer.permit(question)).await? {
                return Ok(Reply::Refused(context::not_permitted(reason)));
            }
        }
        self.observer.activity(&context::activity(call));
        let reply = self.in_time(self.tools[place].call(&self.tool_context, &call.arguments)).await?;
        reply.map_err(Stop::Runtime)
    }

    /// What a reply means for the attempt; adds to `content` when the model repeats itself.
    fn judge(&mut self, call: &ToolCall, reply: &Reply, content: &mut String) -> Result<(), Stop> {
        if let Reply::Submitted(message) = reply {
            return Err(Stop::Ended(Ended::Submitted { message: message.clone() }));
        }
        match self.repetition.notice(call, content, matches!(reply, Reply::Changed(_))) {
            Habit::New => Ok(()),
            Habit::Repeated(times) => {
                content.push_str(&format!("\n\n{}", context::stuck(times)));
                Ok(())
            }
            Habit::Stuck => {
                let reason =
                    format!("it made the same call of {} again and again with the same result", call.name);
                Err(Stop::Ended(Ended::GaveUp { reason }))
            }
        }
    }

    fn mind_silence(
        &mut self,
        answer: &ChatResponse,
        observations: &mut Vec<Observation>,
    ) -> Result<(), Stop> {
        if !answer.message.tool_calls.is_empty() {
            self.silent = 0;
            return Ok(());
        }
        self.silent += 1;
        if self.silent >= MOST_SILENT {
            let reason = format!("{MOST_SILENT} answers in a row contained no tool call");
            return Err(Stop::Ended(Ended::GaveUp { reason }));
        }
        remark(observations, context::reminder());
        Ok(())
    }

    /// Waits for `work`, but not beyond the deadline or a cancellation.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::Ended(Ended::Cancelled)),
            done = work => Ok(done),
            () = tokio::time::sleep_until(self.budget.deadline()) => {
                Err(Stop::Ended(Ended::LimitReached { which: Limit::Wall }))
            }
        }
    }

    fn finish(self, stop: Stop) -> Result<CoderOutcome, CoderError> {
        let Budget { steps, usage, cost_usd_micros, .. } = self.budget;
        let trajectory = self.trajectory;
        match stop {
            Stop::Ended(ended) => Ok(CoderOutcome { ended, steps, usage, cost_usd_micros, trajectory }),
            Stop::PriceUnknown => Err(CoderError::PriceUnknown { model: self.model.name().to_owned() }),
            Stop::Model(error) => {
                let so_far = Box::new(SoFar { steps, usage, cost_usd_micros, trajectory });
                Err(CoderError::Model { error, so_far })
            }
            Stop::Runtime(error) => {
                let so_far = Box::new(SoFar { steps, usage, cost_usd_micros, trajectory });
                Err(CoderError::Runtime { error, so_far })
            }
        }
    }
}

/// Says something beside the results: at the end of the last one, because some endpoints accept no user message right behind
/// a tool's; as a message of its own where there is none.
fn remark(observations: &mut Vec<Observation>, text: String) {
    match observations.last_mut() {
        Some(last) => last.content = format!("{}\n\n{text}", last.content),
        None => observations.push(Observation::note(text)),
    }
}

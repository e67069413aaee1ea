//! A bench for the coder: a project in a temporary directory, a runtime on it, and a scripted model under observation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use smallhands_agent::cancel::CancelToken;
use smallhands_agent::coder::{CoderError, CoderLimits, CoderObserver, CoderOutcome, CoderTask, run};
use smallhands_model_gateway::{ChatModel, ChatRequest, ChatResponse, ModelError, ScriptedModel};
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime};
use smallhands_trajectory::{Message, Role, Step};
use tempfile::TempDir;

/// A tool call in a script.
pub fn call(name: &str, arguments: Value) -> Value {
    json!({"name": name, "arguments": arguments})
}

/// The call that ends an attempt.
pub fn submit(message: &str) -> Value {
    call("submit", json!({"message": message}))
}

/// A turn of calls.
pub fn answer(calls: &[Value]) -> Value {
    json!({"tool_calls": calls})
}

/// A scripted model that keeps every request and checks what must hold for all of them.
pub struct Witness {
    script: ScriptedModel,
    requests: Mutex<Vec<Vec<Message>>>,
    price_hidden: AtomicBool,
    mute: AtomicBool,
}

impl Witness {
    /// The messages of all requests, oldest first.
    pub fn requests(&self) -> Vec<Vec<Message>> {
        self.requests.lock().unwrap().clone()
    }

    /// The newest message the model was shown.
    pub fn last_message(&self) -> Message {
        self.requests().last().unwrap().last().unwrap().clone()
    }

    /// Turns the script still has.
    pub fn turns_left(&self) -> usize {
        self.script.turns_left()
    }

    /// From now on the model's price is not known.
    pub fn hide_price(&self) {
        self.price_hidden.store(true, SeqCst);
    }

    /// From now on no request is answered.
    pub fn never_answer(&self) {
        self.mute.store(true, SeqCst);
    }

    fn check(&self, messages: &[Message]) {
        let mut requests = self.requests.lock().unwrap();
        if let Some(before) = requests.last().filter(|before| before.len() <= messages.len()) {
            let bytes = |messages: &[Message]| serde_json::to_string(messages).unwrap();
            let (before, now) = (bytes(before), bytes(messages));
            assert!(now.starts_with(&before[..before.len() - 1]), "the prefix changed:\n{before}\n{now}");
        }
        check_pairs(messages);
        requests.push(messages.to_vec());
    }
}

/// Right behind each message with calls come their results, in the order of the calls.
fn check_pairs(messages: &[Message]) {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if message.role == Role::Tool {
            assert_eq!(message.tool_call_id.as_deref(), Some(open.remove(0)));
        } else {
            assert!(open.is_empty(), "calls without a result: {open:?}");
        }
        open.extend(message.tool_calls.iter().map(|call| call.id.as_str()));
    }
    assert!(open.is_empty(), "calls without a result: {open:?}");
}

#[async_trait]
impl ChatModel for Witness {
    fn name(&self) -> &str {
        self.script.name()
    }

    async fn complete(&self, request: ChatRequest<'_>) -> Result<ChatResponse, ModelError> {
        self.check(request.messages);
        if self.mute.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        self.script.complete(request).await
    }

    fn cost_ceiling(&self, request: &ChatRequest<'_>) -> Option<u64> {
        if self.price_hidden.load(SeqCst) { None } else { self.script.cost_ceiling(request) }
    }
}

/// Keeps what an attempt says it is doing.
#[derive(Default)]
pub struct Notes {
    doings: Mutex<Vec<String>>,
    /// What the user says, and what the model was told beside its results.
    pub words: Mutex<Vec<String>>,
    pub told: Mutex<Vec<Message>>,
    /// What the user was asked; everything is refused.
    pub questions: Mutex<Vec<String>>,
    trigger: Mutex<Option<(String, CancelToken)>>,
}

impl Notes {
    /// Cancels as soon as `doing` is done.
    pub fn cancel_when(&self, doing: &str, cancel: &CancelToken) {
        *self.trigger.lock().unwrap() = Some((doing.to_owned(), cancel.clone()));
    }
}

impl CoderObserver for Notes {
    fn activity(&self, doing: &str) {
        self.doings.lock().unwrap().push(doing.to_owned());
        if let Some((awaited, cancel)) = &*self.trigger.lock().unwrap()
            && awaited == doing
        {
            cancel.cancel();
        }
    }

    fn step(&self, _step: &Step) {
        self.doings.lock().unwrap().push("step".to_owned());
    }

    fn told(&self, message: &Message) {
        self.told.lock().unwrap().push(message.clone());
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.words.lock().unwrap())
    }

    fn permit(&self, question: String) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        self.questions.lock().unwrap().push(question);
        Box::pin(std::future::ready(false))
    }
}

/// Everything an attempt needs.
pub struct Bench {
    directory: TempDir,
    pub runtime: Arc<LocalRuntime>,
    pub witness: Arc<Witness>,
    pub notes: Arc<Notes>,
    pub cancel: CancelToken,
}

impl Bench {
    /// A project of `files` and a model that plays `script`.
    pub fn new(script: Value, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        let options = LocalOptions {
            root: directory.path().to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), path)]),
            limits: Limits::default(),
            ..LocalOptions::default()
        };
        let witness = Witness {
            script: ScriptedModel::from_json(&script.to_string()).unwrap(),
            requests: Mutex::default(),
            price_hidden: AtomicBool::new(false),
            mute: AtomicBool::new(false),
        };
        Self {
            directory,
            runtime: Arc::new(LocalRuntime::new(options).unwrap()),
            witness: Arc::new(witness),
            notes: Arc::default(),
            cancel: CancelToken::new(),
        }
    }

    /// A task with ten steps.
    pub fn task(&self) -> CoderTask {
        CoderTask {
            goal: "make check.sh pass".into(),
            limits: CoderLimits { steps: 10, ..CoderLimits::default() },
            ..CoderTask::default()
        }
    }

    /// Runs an attempt at `task`.
    pub async fn run(&self, task: CoderTask) -> Result<CoderOutcome, CoderError> {
        run(self.witness.clone(), self.runtime.clone(), &task, &*self.notes, &self.cancel).await
    }

    /// What the attempt said it was doing.
    pub fn doings(&self) -> Vec<String> {
        self.notes.doings.lock().unwrap().clone()
    }

    /// A path in the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of the project.
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns once the file exists.
    pub async fn appears(&self, name: &str) {
        let waiting = async {
            while !self.path(name).exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the file never appeared");
    }
}

//! One request from its head to its answer: key, route, body, call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{HeaderMap, Request, StatusCode};
use serde_json::json;
use smallhands_shell_runtime::files::Files;
use smallhands_shell_runtime::{LocalRuntime, Runtime};

use crate::calls::{Abandoned, Calls};
use crate::commands::{self, VERSION};
use crate::incoming::{self, Room};
use crate::kept_replies::{KeptReplies, Key};
use crate::key::ApiKey;
use crate::options::ServerOptions;
use crate::query;
use crate::reply::{Answer, Refusal, Reply};
use crate::routes::{self, Found, Operation};
use crate::schema::{self, Fields};
use crate::{extensions, pages, reading, upload};

/// What all requests share.
#[derive(Debug)]
pub struct App {
    /// The engine.
    pub runtime: Arc<LocalRuntime>,
    /// The files that requests can name.
    pub files: Files,
    /// How the server works.
    pub options: ServerOptions,
    /// Since when.
    pub started: Instant,
    /// Requests so far.
    pub requests: AtomicU64,
    /// Connections now.
    pub connections: AtomicU64,
    /// What was answered to requests with ids.
    pub kept: Arc<KeptReplies>,
    key: ApiKey,
    room: Room,
    calls: Calls,
}

/// A request whose line was understood.
#[derive(Debug)]
pub struct Call {
    /// What is wanted.
    pub operation: Operation,
    /// What `{name}` of the path stands for, still percent-encoded.
    pub name: String,
    /// The query.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Incoming,
}

impl App {
    /// A server's state in front of `runtime`.
    pub fn new(runtime: LocalRuntime, options: ServerOptions) -> Self {
        let kept = Arc::new(KeptReplies::new(options.keep));
        Self {
            files: Files::new(runtime.root().to_owned(), options.file_access),
            runtime: Arc::new(runtime),
            started: Instant::now(),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            key: ApiKey::new(&options.auth_token),
            room: Room::new(options.body_bytes, options.stall_timeout),
            calls: Calls::new(Arc::clone(&kept), options.grace),
            kept,
            options,
        }
    }

    /// Answers a request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answer = match self.route(request) {
            Ok(call) => self.perform(call).await,
            Err(refusal) => Err(refusal),
        };
        let answer = answer.unwrap_or_else(Refusal::into_answer);
        tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
        answer
    }

    fn route(&self, request: Request<Incoming>) -> Result<Call, Refusal> {
        self.key.check(request.headers())?;
        let (head, body) = request.into_parts();
        let (operation, name) = match routes::find(&head.method, head.uri.path()) {
            Found::Route(operation, name) => (operation, name.to_owned()),
            Found::OtherMethod(allowed) => return Err(Refusal::MethodNotAllowed(allowed)),
            Found::WithoutSlash => return Err(Refusal::Moved(without_slash(&head))),
            Found::Nothing => return Err(Refusal::NotFound),
        };
        let query = head.uri.query().unwrap_or_default().to_owned();
        Ok(Call { operation, name, query, headers: head.headers, body })
    }

    async fn perform(self: Arc<Self>, call: Call) -> Result<Answer, Refusal> {
        match call.operation {
            Operation::Hello => Ok(Reply::ok(&json!({"message": "hello world"})).into_answer()),
            Operation::IsAlive => Ok(commands::is_alive().into_answer()),
            Operation::OpenApi => Ok(Reply::ok(&schema::document(VERSION)).into_answer()),
            Operation::Docs => Ok(pages::endpoints()),
            Operation::Upload => upload::upload(&self, call).await.map(Reply::into_answer),
            Operation::ReadFile => {
                let fields = self.body(call).await?.0;
                reading::read_file(&self, fields).await
            }
            Operation::CreateSession
            | Operation::RunInSession
            | Operation::CloseSession
            | Operation::Execute
            | Operation::WriteFile
            | Operation::Close => self.call(call).await.map(Reply::into_answer),
            Operation::StreamRun => {
                let fields = self.body(call).await?.0;
                extensions::streams::run(&self, fields)
            }
            _ => extensions::perform(&self, call).await,
        }
    }

    /// Runs what has effects: at most once for each request id.
    async fn call(self: Arc<Self>, call: Call) -> Result<Reply, Refusal> {
        let operation = call.operation;
        let id = call.headers.get("x-request-id").and_then(|id| id.to_str().ok());
        let key: Option<Key> = id.filter(|id| !id.is_empty()).map(|id| (operation, id.to_owned()));
        let abandoned = match operation {
            Operation::RunInSession | Operation::Execute => Abandoned::Ends,
            _ => Abandoned::GoesOn,
        };
        if operation == Operation::Close {
            // Whatever the body says is of no interest, but it has to be out of the way.
            self.room.collect(call.body).await?;
            let work = commands::close(Arc::clone(&self.runtime));
            return Ok(self.calls.answer(key, abandoned, work).await);
        }
        let (fields, held) = self.body(call).await?;
        let app = Arc::clone(&self);
        let work = async move {
            let reply = commands::perform(&app, operation, fields).await;
            drop(held);
            reply.unwrap_or_else(Refusal::into_reply)
        };
        Ok(self.calls.answer(key, abandoned, work).await)
    }

    /// The checked fields of a request's body, and the room that they take up.
    async fn body(&self, call: Call) -> Result<(Fields, Option<tokio::sync::OwnedSemaphorePermit>), Refusal> {
        let held = self.room.collect(call.body).await?;
        let value = incoming::json(&call.headers, &held.bytes)?;
        drop(held.bytes);
        let Some(body) = routes::route(call.operation).and_then(|route| route.body) else {
            return Err(Refusal::NotFound);
        };
        let fields = schema::check(body, value).map_err(Refusal::Unprocessable)?;
        Ok((fields, held.permit))
    }

    /// The checked parameters of a request's query.
    ///
    /// # Errors
    /// 422.
    pub fn query(&self, call: &Call) -> Result<Fields, Refusal> {
        let fields = routes::route(call.operation).map_or(&[][..], |route| route.query);
        query::check(fields, &call.query).map_err(Refusal::Unprocessable)
    }

    /// Ends everything that was started.
    pub async fn stop(&self) {
        if let Err(error) = self.runtime.close().await {
            tracing::warn!(%error, "not everything could be ended");
        }
    }
}

/// Where a path with a slash too many leads to.
fn without_slash(head: &hyper::http::request::Parts) -> String {
    let path = head.uri.path().trim_end_matches('/');
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    match head.headers.get(hyper::header::HOST).and_then(|host| host.to_str().ok()) {
        Some(host) => format!("http://{host}{path}{query}"),
        None => format!("{path}{query}"),
    }
}

/// Runs blocking work on files.
///
/// # Errors
/// Those of the work; 500 when its thread died.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let died = |_| {
        Refusal::Status(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the work on the file ended without a result".into(),
        )
    };
    tokio::task::spawn_blocking(work).await.map_err(died)?
}

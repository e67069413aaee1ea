//! One call to a runtime server: address, key, request id, retries and time.
//!
//! A call that got no answer is made again with the same request id. Our server answers it from its table, or joins it to
//! the one that still runs, so nothing runs twice. The original forgets ids: there, only what was never sent is sent again.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONNECTION;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use rustls_platform_verifier::BuilderVerifierExt;
use serde_json::Value;
use smallhands_shell_runtime::RuntimeError;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::failures;

/// Time for anything that runs nothing: files, closing, asking for signs of life.
pub(crate) const BRIEF: Duration = Duration::from_secs(300);

/// What a call may take beyond the time its command has.
const MARGIN: Duration = Duration::from_secs(30);

/// First pause before a call is made again; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where a runtime server is and how patient to be with it.
#[derive(Clone)]
pub struct RemoteOptions {
    /// Its address, such as `http://127.0.0.1:8000`.
    pub url: String,
    /// Its key; empty when it asks for none.
    pub token: String,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// For how long a call that lost its connection is made again.
    pub reconnect_for: Duration,
}

impl RemoteOptions {
    /// The server at `url` with the key `token`, with 5 s to connect and 30 s to come back.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            connect_timeout: Duration::from_secs(5),
            reconnect_for: Duration::from_secs(30),
        }
    }
}

impl std::fmt::Debug for RemoteOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("RemoteOptions").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What kind of server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Ours: remembers request ids and speaks the extensions.
    Smallhands,
    /// The original, or another server of the protocol.
    Original,
}

/// The way to one server.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    url: Url,
    options: RemoteOptions,
    server: OnceCell<Server>,
}

impl Connection {
    pub(crate) fn new(options: RemoteOptions) -> Result<Self, RuntimeError> {
        let wrong = |reason: String| RuntimeError::Unreachable { url: options.url.clone(), reason };
        let url = Url::parse(&options.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url
            .ok_or_else(|| wrong("it is not an address; one looks like http://127.0.0.1:8000".to_owned()))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls(&url).map_err(|error| wrong(error.to_string()))?)
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(options.connect_timeout)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, url, options, server: OnceCell::new() })
    }

    /// The address, for messages.
    pub(crate) fn shown(&self) -> &str {
        &self.options.url
    }

    /// Which server answers at the address; asked once.
    pub(crate) async fn server(&self) -> Result<Server, RuntimeError> {
        self.server.get_or_try_init(|| self.identify()).await.copied()
    }

    async fn identify(&self) -> Result<Server, RuntimeError> {
        let alive = self
            .repeat(BRIEF, true, || self.request(Method::GET, "is_alive").header(CONNECTION, "close"))
            .await?;
        let alive: Value = alive.json().await.map_err(|error| self.unusable(&error))?;
        let ours = alive["server"].as_str().is_some_and(|name| name.starts_with("smallhands"));
        Ok(if ours { Server::Smallhands } else { Server::Original })
    }

    /// One call of the protocol. `patience` is the time that what it runs has.
    pub(crate) async fn call(
        &self,
        endpoint: &str,
        body: &Value,
        patience: Duration,
    ) -> Result<Value, RuntimeError> {
        let id = uuid::Uuid::new_v4().to_string();
        let ours = self.server().await? == Server::Smallhands;
        // The original may cut a connection between two calls; without request ids that could not be mended.
        let keep = if ours { "keep-alive" } else { "close" };
        let make = || {
            let request = self.request(Method::POST, endpoint).header("X-Request-ID", &id);
            request.header(CONNECTION, keep).json(body)
        };
        let answer = self.repeat(patience.saturating_add(MARGIN), ours, make).await?;
        answer.json().await.map_err(|error| self.unusable(&error))
    }

    /// A call whose body or answer is bytes, and which may be made again.
    pub(crate) async fn transfer(&self, make: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, RuntimeError> {
        let answer = self.repeat(BRIEF, true, make).await?;
        Ok(answer.bytes().await.map_err(|error| self.unusable(&error))?.to_vec())
    }

    /// A request with the server's key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_about(method, path, &[])
    }

    /// A request with the server's key and a query.
    pub(crate) fn request_about(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(method, url);
        if self.options.token.is_empty() { request } else { request.header("X-API-Key", &self.options.token) }
    }

    /// Makes a request until it is answered, time is up, or it may not be made again.
    async fn repeat(
        &self,
        patience: Duration,
        may_repeat: bool,
        make: impl Fn() -> RequestBuilder,
    ) -> Result<Response, RuntimeError> {
        let end = Instant::now() + patience;
        let (mut pause, mut lost_at) = (FIRST_PAUSE, None);
        loop {
            let error = match tokio::time::timeout_at(end, make().send()).await {
                Ok(Ok(answer)) => return self.accepted(answer).await,
                Ok(Err(error)) => error,
                Err(_) => return Err(self.silent(patience)),
            };
            let give_up = *lost_at.get_or_insert_with(Instant::now) + self.options.reconnect_for;
            if !(may_repeat || error.is_connect()) || Instant::now() + pause > give_up.min(end) {
                return Err(self.unusable(&error));
            }
            tracing::debug!(%error, "the runtime server was not reached; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn accepted(&self, answer: Response) -> Result<Response, RuntimeError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body: Value = answer.json().await.unwrap_or(Value::Null);
        if status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED && body["swerexception"].is_object() {
            return Err(failures::error(&body["swerexception"]));
        }
        let reason = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "it refuses the key".to_owned(),
            _ => format!("it answered {status}: {}", body["detail"]),
        };
        Err(RuntimeError::Unreachable { url: self.options.url.clone(), reason })
    }

    fn silent(&self, patience: Duration) -> RuntimeError {
        let reason = format!("no answer after {} s", patience.as_secs());
        RuntimeError::Unreachable { url: self.options.url.clone(), reason }
    }

    fn unusable(&self, error: &reqwest::Error) -> RuntimeError {
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(deeper) = cause {
            reason = format!("{reason}: {deeper}");
            cause = deeper.source();
        }
        RuntimeError::Unreachable { url: self.options.url.clone(), reason }
    }
}

/// A plain-http server gets settings that trust nobody, so that a machine without certificates can use it.
fn tls(url: &Url) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(if url.scheme() == "https" {
        builder.with_platform_verifier()?.with_no_client_auth()
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_to_be_one() {
        for (url, usable) in [
            ("http://127.0.0.1:8000", true),
            ("https://host/base/", true),
            ("127.0.0.1:8000", false),
            ("ftp://x", false),
            ("", false),
        ] {
            assert_eq!(Connection::new(RemoteOptions::new(url, "")).is_ok(), usable, "{url}");
        }
    }

    #[test]
    fn the_key_is_not_shown() {
        let shown = format!("{:?}", RemoteOptions::new("http://h", "secret"));
        assert!(shown.contains("http://h") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_base_path_is_kept() {
        let connection = Connection::new(RemoteOptions::new("http://h:1/base/", "k")).unwrap();
        let request = connection.request(Method::POST, "execute").build().unwrap();
        assert_eq!(request.url().as_str(), "http://h:1/base/execute");
        assert_eq!(request.headers()["X-API-Key"], "k");
    }
}

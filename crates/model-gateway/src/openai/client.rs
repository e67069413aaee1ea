//! Sends one request and reads what comes back; no second tries here.
//!
//! TLS is rustls with the ring provider and the system's trusted certificates, put together for this client alone: nothing
//! is installed for the whole process. Redirects are not followed: they would turn the POST into a GET, or carry the key
//! to another host.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url};
use rustls_platform_verifier::BuilderVerifierExt;
use serde_json::Value;

use super::answer::Answer;
use super::events;
use super::options::{OpenAiOptions, Timeouts};
use super::refusal::{self, Refusal};
use super::secret::Secret;
use crate::error::{ModelError, TimeoutKind};

/// How much of a refusal is read.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// A connection pool to one endpoint.
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    model: String,
    secrets: Vec<Secret>,
    timeouts: Timeouts,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

impl Client {
    /// Checks the options and prepares the connection pool.
    pub fn new(options: &OpenAiOptions) -> Result<Self, ModelError> {
        let url = completions_url(&options.base_url)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(&url)?)
            .default_headers(headers(options)?)
            .user_agent(concat!("smallhands/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(options.timeouts.connect)
            .read_timeout(options.timeouts.idle)
            .no_proxy();
        if let Some(proxy) = &options.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| {
                misconfigured("the proxy is not an address such as http://proxy.example:3128")
            })?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|error| misconfigured(causes(&error.without_url())))?;
        let mut secrets: Vec<Secret> = options.extra_headers.iter().map(|(_, value)| value.clone()).collect();
        secrets.extend(options.api_key.clone());
        secrets.extend(url.password().map(Secret::new));
        Ok(Self { http, url, model: options.model.clone(), secrets, timeouts: options.timeouts })
    }

    /// Sends `body` and reads the answer to its end.
    pub async fn ask(&self, body: &Value) -> Result<Answer, ModelError> {
        self.exchange(body).await.map_err(|error| refusal::redacted(error, |text| self.redact(text)))
    }

    async fn exchange(&self, body: &Value) -> Result<Answer, ModelError> {
        let sent = self.http.post(self.url.clone()).json(body).send().await;
        let response = sent.map_err(|error| self.failure(error))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let is_html = header(&response, "content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"));
        if is_html {
            return Err(self.not_a_model("a web page"));
        }
        events::read(response, self).await
    }

    /// Names a failure of the connection while waiting for the answer to begin.
    fn failure(&self, error: reqwest::Error) -> ModelError {
        let timeout = |kind, after| ModelError::Timeout { kind, after, last: None };
        if error.is_timeout() && error.is_connect() {
            timeout(TimeoutKind::Connect, self.timeouts.connect)
        } else if error.is_timeout() {
            timeout(TimeoutKind::Idle, self.timeouts.idle)
        } else {
            ModelError::Transport { endpoint: self.endpoint(), message: causes(&error.without_url()) }
        }
    }

    /// Names a failure in the middle of the answer.
    pub fn cut(&self, error: reqwest::Error, received: String) -> ModelError {
        if error.is_timeout() { self.failure(error) } else { ModelError::StreamCut { received } }
    }

    /// What answered is no model.
    pub fn not_a_model(&self, found: impl Into<String>) -> ModelError {
        ModelError::NotAModelEndpoint { endpoint: self.endpoint(), found: found.into() }
    }

    async fn refusal(&self, mut response: Response) -> ModelError {
        let status = response.status().as_u16();
        if response.status().is_redirection() {
            let target = header(&response, "location")
                .map_or_else(String::new, |to| format!(" to {}", shown_address(&to)));
            return self.not_a_model(format!("a redirect{target} (status {status})"));
        }
        let retry_after = asked_pause(&response);
        let mut body = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST_REFUSAL {
                break;
            }
        }
        refusal::classify(&Refusal {
            status,
            retry_after,
            body: &String::from_utf8_lossy(&body),
            endpoint: &self.endpoint(),
            model: &self.model,
        })
    }

    fn endpoint(&self) -> String {
        shown_address(self.url.as_str())
    }

    fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
    }
}

/// `base_url` with `/chat/completions` behind its path, unless it is there already.
fn completions_url(base_url: &str) -> Result<Url, ModelError> {
    let wrong =
        || misconfigured("the base URL must be an http or https address such as https://models.example/v1");
    let mut url = Url::parse(base_url.trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/chat/completions") {
        url.set_path(&format!("{path}/chat/completions"));
    }
    Ok(url)
}

/// The TLS settings. A plain-http endpoint gets ones that trust nobody, so that a machine without certificates can use it.
fn tls(url: &Url) -> Result<rustls::ClientConfig, ModelError> {
    let failed = |error: rustls::Error| misconfigured(format!("TLS cannot be set up: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let mut config = if url.scheme() == "https" {
        builder.with_platform_verifier().map_err(failed)?.with_no_client_auth()
    } else {
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn headers(options: &OpenAiOptions) -> Result<HeaderMap, ModelError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
    if let Some(key) = &options.api_key {
        headers.insert(AUTHORIZATION, hidden(&format!("Bearer {}", key.reveal().trim()), "the API key")?);
    }
    for (name, value) in &options.extra_headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| misconfigured(format!("{name:?} is not a header name")))?;
        headers.insert(header, hidden(value.reveal(), &format!("the value of header {name:?}"))?);
    }
    Ok(headers)
}

fn hidden(text: &str, what: &str) -> Result<HeaderValue, ModelError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        misconfigured(format!("{what} has characters that no header may have, such as a line break"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The pause the endpoint asks for: `retry-after-ms`, or `retry-after` in seconds. A date is ignored in favour of the
/// computed pause, which needs no agreement between two clocks.
fn asked_pause(response: &Response) -> Option<Duration> {
    let number = |name| header(response, name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn header(response: &Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

/// An address without its user, password, query and fragment: what may be shown.
pub(crate) fn shown_address(address: &str) -> String {
    match Url::parse(address.trim()) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        Err(_) => "(not an address)".to_owned(),
    }
}

fn misconfigured(message: impl Into<String>) -> ModelError {
    ModelError::Misconfigured { message: message.into() }
}

/// An error and what caused it, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_once() {
        let check = |base: &str, expected: &str| {
            assert_eq!(completions_url(base).unwrap().as_str(), expected, "{base}");
        };
        check("http://localhost:8080", "http://localhost:8080/chat/completions");
        check("http://localhost:8080/v1", "http://localhost:8080/v1/chat/completions");
        check("http://localhost:8080/v1/", "http://localhost:8080/v1/chat/completions");
        check(" https://a.example/v1/chat/completions ", "https://a.example/v1/chat/completions");
        check("https://a.example/v1?api-version=1", "https://a.example/v1/chat/completions?api-version=1");
    }

    #[test]
    fn options_that_cannot_work_are_refused_before_anything_is_sent() {
        let check = |change: &dyn Fn(&mut OpenAiOptions), expected: &str| {
            let mut options = OpenAiOptions::new("http://localhost/v1", "m");
            change(&mut options);
            let message = Client::new(&options).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains("hunter"), "{message}");
        };
        check(&|o| o.base_url = "localhost".into(), "base URL");
        check(&|o| o.base_url = "ftp://localhost".into(), "base URL");
        check(&|o| o.api_key = Some(Secret::new("hunter\n1")), "API key");
        check(&|o| o.extra_headers = vec![("a b".into(), Secret::new("1"))], "header name");
        check(&|o| o.extra_headers = vec![("x-a".into(), Secret::new("hunter\n"))], "x-a");
        check(&|o| o.proxy = Some("http://hunter:hunter@".into()), "proxy");
    }

    #[test]
    fn shown_addresses_carry_no_secret() {
        let check = |address: &str, expected: &str| assert_eq!(shown_address(address), expected);
        check("https://u:p@a.example:8443/v1?key=1#x", "https://a.example:8443/v1");
        check("http://[::1]:80/v1", "http://[::1]/v1");
        check("nonsense", "(not an address)");
    }
}

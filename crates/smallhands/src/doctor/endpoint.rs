//! Whether a model is configured and its endpoint answers at all. No request is made and no key is shown.

use std::time::Duration;

use tokio::net::TcpStream;

use super::report::{Area, Finding, Status};
use crate::configuration::ModelConfiguration;

const PATIENCE: Duration = Duration::from_secs(2);

const HOW_TO: &str = "set SMALLHANDS_BASE_URL (an OpenAI-compatible endpoint), SMALLHANDS_API_KEY and SMALLHANDS_MODEL; runs work offline without";

/// Looks at the configured endpoint.
pub async fn probe(model: &ModelConfiguration) -> Finding {
    let Some(address) = model.address() else {
        return finding(Status::Warning, "none configured".to_owned(), Some(HOW_TO.to_owned()));
    };
    let name = model.name.as_deref().unwrap_or("no default name, give one with --model");
    let key = if model.api_key.is_some() { "key set" } else { "no key" };
    let detail = format!("{} ({name}; {key})", without_user_info(address));
    match reach(address).await {
        Ok(()) => finding(Status::Ok, detail, None),
        Err(reason) => finding(
            Status::Warning,
            detail,
            Some(format!("{reason}; correct SMALLHANDS_BASE_URL or start the endpoint")),
        ),
    }
}

async fn reach(address: &str) -> Result<(), String> {
    let target = host_and_port(address).ok_or_else(|| "this is not an http(s) address".to_owned())?;
    match tokio::time::timeout(PATIENCE, TcpStream::connect(&target)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(format!("{target} cannot be reached: {error}")),
        Err(_) => Err(format!("{target} does not answer within {} s", PATIENCE.as_secs())),
    }
}

/// `host:port` of an address such as `https://user@host:8443/v1`.
fn host_and_port(address: &str) -> Option<String> {
    let (rest, port) = match address.split_once("://")? {
        ("http", rest) => (rest, 80),
        ("https", rest) => (rest, 443),
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    match host {
        "" => None,
        host if has_port => Some(host.to_owned()),
        host => Some(format!("{}:{port}", host.trim_end_matches(':'))),
    }
}

/// The address without a user name and password, which some put there.
fn without_user_info(address: &str) -> String {
    match address.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => address.to_owned(),
    }
}

fn finding(status: Status, detail: String, remedy: Option<String>) -> Finding {
    Finding { area: Area::Model, name: "endpoint".to_owned(), status, detail, remedy, essential: false }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::configuration::Secret;

    #[test]
    fn hosts_and_ports_are_taken_from_addresses() {
        for (address, expected) in [
            ("http://localhost:8080/v1", Some("localhost:8080")),
            ("https://api.example.com/v1", Some("api.example.com:443")),
            ("http://u:p@10.0.0.1", Some("10.0.0.1:80")),
            ("http://[::1]:8080/v1", Some("[::1]:8080")),
            ("ftp://x", None),
            ("localhost:8080", None),
            ("http:///v1", None),
        ] {
            assert_eq!(host_and_port(address).as_deref(), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_answers_is_ok_and_keys_stay_hidden() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = Some(format!("http://me:hush@{}/v1", listener.local_addr().unwrap()));
        let model = ModelConfiguration {
            base_url,
            api_key: Some(Secret("hush".into())),
            ..ModelConfiguration::default()
        };
        let found = probe(&model).await;
        assert_eq!(found.status, Status::Ok);
        assert!(found.detail.contains("key set") && !found.detail.contains("hush"), "{found:?}");
    }

    #[tokio::test]
    async fn what_is_missing_comes_with_a_remedy() {
        assert_eq!(probe(&ModelConfiguration::default()).await.remedy.as_deref(), Some(HOW_TO));
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let model = ModelConfiguration {
            base_url: Some(format!("http://{closed}")),
            ..ModelConfiguration::default()
        };
        let found = probe(&model).await;
        assert!(found.remedy.is_some_and(|remedy| remedy.contains("cannot be reached")));
    }
}

//! The thread that owns the connection: does one job after the other, appends together, and connects anew when needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use postgres::config::Host;
use postgres::{Client, Config};
use rustls_platform_verifier::BuilderVerifierExt;
use smallhands_event_log::{EncodedAppend, LogError};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::failure::Failure;
use crate::{PostgresOptions, schema, statements};

/// The results of appends, in order.
pub(crate) type Results = Vec<Result<u64, LogError>>;

/// Work with the connection, or with why there is none; answers whether the connection is still of use.
type Work = Box<dyn FnOnce(Result<&mut Client, LogError>) -> bool + Send>;

/// Whether the connection may be at fault. A broken one does not know it at once, and the next job needs another.
pub(crate) fn suspects_connection<T>(result: &Result<T, LogError>) -> bool {
    matches!(result, Err(LogError::Io { .. }))
}

/// What the thread is asked to do.
pub(crate) enum Job {
    Append(Vec<EncodedAppend>, Sender<Results>),
    Other(Work),
}

/// The most appends of one transaction, unless one caller brings more.
const GROUP: usize = 512;

/// The server and how to speak with it.
pub(crate) struct Server {
    config: Config,
    options: PostgresOptions,
    place: PathBuf,
    client: Option<Client>,
}

impl Server {
    pub fn new(url: &str, options: PostgresOptions) -> Result<Self, LogError> {
        let mut config: Config = url.parse().map_err(|error: postgres::Error| LogError::Io {
            path: PathBuf::from("postgresql"),
            detail: format!("the address cannot be understood: {error}"),
        })?;
        config.connect_timeout(options.timeout).application_name("smallhands");
        config.tcp_user_timeout(options.timeout * 3);
        let place = place(&config, &options.schema);
        schema::require_plain_name(&options.schema, &place)?;
        Ok(Self { config, options, place, client: None })
    }

    /// Where the log is, without the password.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Connects, tells `opened` how that went, and works until nobody can send jobs any more.
    pub fn serve(mut self, queue: &Receiver<Job>, opened: &Sender<Result<(), LogError>>) {
        let connected = self.client().map(|_| ());
        let has_failed = connected.is_err();
        let _ = opened.send(connected);
        if has_failed {
            return;
        }
        let mut next = None;
        while let Some(job) = next.take().or_else(|| queue.recv().ok()) {
            match job {
                Job::Other(work) => {
                    if !work(self.client()) {
                        self.client = None;
                    }
                }
                Job::Append(work, sender) => {
                    let mut group = vec![(work, sender)];
                    next = gather(queue, &mut group);
                    self.append(group);
                }
            }
        }
    }

    fn append(&mut self, group: Vec<(Vec<EncodedAppend>, Sender<Results>)>) {
        let (work, senders): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let sizes: Vec<usize> = work.iter().map(Vec::len).collect();
        let work: Vec<EncodedAppend> = work.into_iter().flatten().collect();
        let place = self.place.clone();
        let written = self
            .client()
            .and_then(|client| statements::append(client, &work).map_err(|failure| failure.at(&place)));
        if suspects_connection(&written) {
            self.client = None;
        }
        let mut results = written.unwrap_or_else(|error| vec![Err(error); work.len()]).into_iter();
        for (size, sender) in sizes.into_iter().zip(senders) {
            let _ = sender.send(results.by_ref().take(size).collect());
        }
    }

    fn client(&mut self) -> Result<&mut Client, LogError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = Some(self.connect()?);
        }
        self.client.as_mut().ok_or(LogError::Abandoned)
    }

    fn connect(&self) -> Result<Client, LogError> {
        let tls = tls().map_err(|error| LogError::Io {
            path: self.place.clone(),
            detail: format!("TLS cannot be set up: {error}"),
        })?;
        let open = || -> Result<Client, Failure> {
            let mut client = self.config.connect(MakeRustlsConnect::new(tls))?;
            schema::prepare(&mut client, &self.options)?;
            Ok(client)
        };
        open().map_err(|failure| failure.at(&self.place))
    }
}

/// Takes what else is waiting to be appended; returns the first job that is something else.
fn gather(queue: &Receiver<Job>, group: &mut Vec<(Vec<EncodedAppend>, Sender<Results>)>) -> Option<Job> {
    let mut count = group.iter().map(|(work, _)| work.len()).sum::<usize>();
    while count < GROUP {
        match queue.try_recv() {
            Ok(Job::Append(work, sender)) => {
                count += work.len();
                group.push((work, sender));
            }
            Ok(other) => return Some(other),
            Err(_) => return None,
        }
    }
    None
}

fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

fn place(config: &Config, schema: &str) -> PathBuf {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".into(),
    };
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    PathBuf::from(format!("postgresql://{host}/{database}#{schema}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_has_no_password() {
        let url = "postgresql://user:secret@db.example/runs?sslmode=require";
        let server = Server::new(url, PostgresOptions::default()).unwrap();
        assert_eq!(server.place(), Path::new("postgresql://db.example/runs#smallhands"));
    }

    #[test]
    fn what_cannot_be_an_address_or_a_schema_is_refused() {
        assert!(Server::new("postgresql://user@host:port/x", PostgresOptions::default()).is_err());
        for schema in ["", "Upper", "a b", "x\"; DROP SCHEMA public; --", "1a", &"x".repeat(41)] {
            let options = PostgresOptions { schema: schema.into(), ..PostgresOptions::default() };
            assert!(Server::new("postgresql://localhost/x", options).is_err(), "{schema:?}");
        }
    }
}

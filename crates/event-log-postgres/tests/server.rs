//! The suite of the port, and what is special about this adapter, against a real server.
//!
//! The server is the one that `SMALLHANDS_TEST_POSTGRES` names by its address, or one that `support/postgres.py` starts
//! with the Python that `SMALLHANDS_TEST_PYTHON` names (`python3`). Without either the tests are skipped, and say so.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../../event-log/tests/support/ports.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use postgres::{Client, NoTls};
use smallhands_event_log::{Append, Durability, EventLog, LogError, MemoryLog};
use smallhands_event_log_postgres::{FORMAT_VERSION, PostgresLog, PostgresOptions};
use support::suite::run_suite;
use support::{events, stream};

/// A server; one that was started for the test ends with this value.
struct Server {
    url: String,
    started: Option<Child>,
}

impl Server {
    fn find() -> Option<Self> {
        if let Ok(url) = std::env::var("SMALLHANDS_TEST_POSTGRES") {
            return Some(Self { url, started: None });
        }
        let python = std::env::var("SMALLHANDS_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.py");
        let started = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let url = started.ok().and_then(|mut child| {
            let mut url = String::new();
            BufReader::new(child.stdout.take()?).read_line(&mut url).ok()?;
            let started = Some(child);
            (!url.is_empty()).then(|| Self { url: url.trim().to_owned(), started })
        });
        if url.is_none() {
            eprintln!(
                "\n*** SKIPPED: no PostgreSQL. Set SMALLHANDS_TEST_POSTGRES to the address of a server, or SMALLHANDS_TEST_PYTHON \
                 to a Python that has `pgserver` (see docs/durability.md). ***\n"
            );
        }
        url
    }

    fn open(&self, schema: &str) -> Result<PostgresLog, LogError> {
        let options = PostgresOptions { schema: schema.into(), ..PostgresOptions::default() };
        PostgresLog::open(&self.url, options)
    }

    fn client(&self) -> Client {
        Client::connect(&self.url, NoTls).unwrap()
    }

    fn run(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.started {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

/// A schema of its own for a test, gone afterwards.
struct Schema<'a>(&'a Server, String);

impl<'a> Schema<'a> {
    fn new(server: &'a Server, name: &str) -> Self {
        Self(server, format!("test_{}_{name}", std::process::id()))
    }

    fn open(&self) -> PostgresLog {
        self.0.open(&self.1).unwrap()
    }
}

impl Drop for Schema<'_> {
    fn drop(&mut self) {
        self.0.run(&format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE", self.1));
    }
}

#[test]
fn a_real_server() {
    let Some(server) = Server::find() else { return };
    suite(&server, Durability::Full);
    suite(&server, Durability::Relaxed);
    tampering(&server);
    foreign_and_newer_schemas(&server);
    lost_connections(&server);
    locks_held_too_long(&server);
    crossing_groups(&server);
}

fn suite(server: &Server, durability: Durability) {
    let prefix = format!("test_{}_{durability:?}", std::process::id()).to_lowercase();
    let schemas = std::sync::Mutex::new(Vec::new());
    run_suite(&format!("postgresql, {durability:?}"), |name| {
        let schema = format!("{prefix}_{name}");
        schemas.lock().unwrap().push(schema.clone());
        let (url, options) =
            (server.url.clone(), PostgresOptions { durability, schema, ..PostgresOptions::default() });
        Box::new(move || Arc::new(PostgresLog::open(&url, options.clone()).unwrap()))
    });
    for schema in schemas.into_inner().unwrap() {
        server.run(&format!("SET client_min_messages = warning; DROP SCHEMA {schema} CASCADE"));
    }
}

fn tampering(server: &Server) {
    let cases: &[(&str, u64)] = &[
        ("UPDATE event SET payload = '{}' WHERE seq = 4", 4),
        ("UPDATE event SET kind = 'other' WHERE seq = 1", 1),
        ("UPDATE event SET version = 70000 WHERE seq = 3", 3),
        ("DELETE FROM event WHERE seq = 6", 6),
        ("DELETE FROM event WHERE seq > 7", 8),
        ("UPDATE stream SET last_seal = decode(repeat('00', 32), 'hex')", 10),
        ("UPDATE stream SET last_seq = 12", 11),
    ];
    for (sql, first) in cases {
        let schema = Schema::new(server, "tampering");
        let (log, run) = (schema.open(), stream("run/1"));
        log.append(&run, 0, 1, &events(10)).unwrap();
        let published = log.verify(&run).unwrap();
        server.run(&format!("SET search_path = {}; {sql}", schema.1));
        match log.verify_against(&published) {
            Err(LogError::Corrupt { seq, .. }) => assert_eq!(seq, *first, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
}

fn foreign_and_newer_schemas(server: &Server) {
    let schema = Schema::new(server, "foreign");
    server.run(&format!("CREATE SCHEMA {0}; CREATE TABLE {0}.theirs (x int)", schema.1));
    let error = server.open(&schema.1).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    let newer = Schema::new(server, "newer");
    drop(newer.open());
    server.run(&format!("UPDATE {}.log_format SET version = version + 1", newer.1));
    match server.open(&newer.1).unwrap_err() {
        LogError::NewerFormat { found, supported, .. } => {
            assert_eq!((found, supported), (FORMAT_VERSION + 1, FORMAT_VERSION));
        }
        other => panic!("{other}"),
    }
}

fn lost_connections(server: &Server) {
    let schema = Schema::new(server, "lost");
    let (log, run) = (schema.open(), stream("run/1"));
    log.append(&run, 0, 1, &events(2)).unwrap();
    let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = 'smallhands' AND pid <> pg_backend_pid()";
    server.client().query(query, &[]).unwrap();
    // What was under way may fail; then it says that the outcome is open, and the next call has a new connection.
    let after = log.append(&run, 2, 1, &events(1)).or_else(|error| {
        assert!(matches!(error, LogError::Io { .. }), "{error}");
        let seq = log.read(&run, 0)?.len() as u64;
        log.append(&run, seq, 1, &events(1))
    });
    assert!(after.is_ok(), "{after:?}");
    assert!(PostgresLog::open("postgresql://postgres@127.0.0.1:1/x", PostgresOptions::default()).is_err());
}

fn locks_held_too_long(server: &Server) {
    let schema = Schema::new(server, "locked");
    let run = stream("run/1");
    let options = PostgresOptions {
        schema: schema.1.clone(),
        timeout: std::time::Duration::from_millis(200),
        ..PostgresOptions::default()
    };
    let log = PostgresLog::open(&server.url, options).unwrap();
    log.append(&run, 0, 1, &events(1)).unwrap();
    let mut neighbour = server.client();
    let mut holding = neighbour.transaction().unwrap();
    holding.batch_execute(&format!("SELECT * FROM {}.stream FOR UPDATE", schema.1)).unwrap();
    assert!(matches!(log.append(&run, 1, 1, &events(1)), Err(LogError::Busy { .. })));
    assert_eq!(log.read(&run, 0).unwrap().len(), 1, "readers do not wait for writers");
    holding.rollback().unwrap();
    assert_eq!(log.append(&run, 1, 1, &events(1)).unwrap(), 2);
}

/// Groups that touch the same streams in opposite order, from several connections.
fn crossing_groups(server: &Server) {
    const ROUNDS: usize = 25;
    let schema = Schema::new(server, "crossing");
    let names: Vec<_> = (0..6).map(|n| stream(&format!("run/{n}"))).collect();
    thread::scope(|scope| {
        for writer in 0..4 {
            let (log, mut order) = (schema.open(), names.clone());
            if writer % 2 == 1 {
                order.reverse();
            }
            scope.spawn(move || {
                let new = events(1);
                for _ in 0..ROUNDS {
                    let mut left = order.clone();
                    while !left.is_empty() {
                        let seqs: Vec<u64> = left.iter().map(|s| log.verify(s).unwrap().seq).collect();
                        let appends: Vec<Append<'_>> = left
                            .iter()
                            .zip(seqs)
                            .map(|(stream, expected_seq)| Append {
                                stream,
                                expected_seq,
                                at_ms: 1,
                                events: &new,
                            })
                            .collect();
                        let results = log.append_many(&appends);
                        let refused = left.iter().zip(results).filter_map(|(stream, result)| match result {
                            Ok(_) => None,
                            Err(LogError::Conflict { .. }) => Some(stream.clone()),
                            Err(other) => panic!("{other}"),
                        });
                        left = refused.collect();
                    }
                }
            });
        }
    });
    let log = schema.open();
    for name in &names {
        assert_eq!(log.verify(name).unwrap().seq, 4 * ROUNDS as u64);
    }
    let copy = MemoryLog::new();
    for event in log.read(&names[0], 0).unwrap() {
        let new = smallhands_event_log::NewEvent {
            kind: event.kind,
            version: event.version,
            payload: event.payload,
        };
        copy.append(&names[0], event.seq - 1, event.at_ms, &[new]).unwrap();
    }
    assert_eq!(copy.verify(&names[0]).unwrap(), log.verify(&names[0]).unwrap());
}

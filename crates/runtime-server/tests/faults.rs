//! The fault suite: everything that users of SWE-ReX run into, and everything else that a shell server can get
//! wrong, as data (`faults/*.json`; the form is described in `faults/README.md`). Each test performs all cases
//! against the built `swerex-remote` in one configuration. `FAULTS=word,word` keeps the cases whose name has a word.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "faults/runner/mod.rs"]
mod runner;

use runner::{Configuration, suite};

/// What `TERM` is where a person started the server.
const TERMINAL: Option<&str> = Some("xterm-256color");

#[test]
fn without_term() {
    suite(Configuration { term: None, drops_root: false });
}

#[test]
fn with_term() {
    suite(Configuration { term: TERMINAL, drops_root: false });
}

#[test]
fn without_term_as_an_ordinary_user() {
    suite_as_ordinary_user(None);
}

#[test]
fn with_term_as_an_ordinary_user() {
    suite_as_ordinary_user(TERMINAL);
}

/// Only root can become somebody else; for everybody else the other tests are these.
fn suite_as_ordinary_user(term: Option<&'static str>) {
    if runner::runs_as_root() {
        suite(Configuration { term, drops_root: true });
    } else {
        runner::say("faults: SKIPPED as root: these tests run as an ordinary user, and so did their servers");
    }
}

//! One suite over every adapter of the `Runtime` port: in this process, over HTTP to our server, and over HTTP to the
//! original SWE-ReX server (when `SWEREX_REMOTE` names its program), where that does not differ by a known fault.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed case")]

mod cases;
mod subjects;

use std::time::Duration;

use cases::{CASES, Case};
use subjects::Subject;

/// No case may take longer; a hang is a failure with a name.
const PATIENCE: Duration = Duration::from_secs(60);

async fn check(subject: &Subject, case: &Case) -> Result<(), String> {
    let started = tokio::time::timeout(PATIENCE, subject.start()).await;
    let runtime = started.map_err(|_| "the runtime did not start".to_owned())?;
    let run = tokio::spawn((case.run)(runtime.port()));
    let outcome = tokio::time::timeout(PATIENCE, run).await;
    runtime.stop().await;
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(panic)) => Err(subjects::words_of(panic)),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn check_all(subject: Subject) {
    let mut failed = Vec::new();
    for case in CASES.iter().filter(|case| subject.is_held_to(case)) {
        if let Err(reason) = check(&subject, case).await {
            failed.push(format!("{}: {reason}", case.name));
        }
    }
    assert!(failed.is_empty(), "{} of {} cases fail:\n{}", failed.len(), CASES.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_process() {
    check_all(Subject::Local).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_to_our_server() {
    check_all(Subject::Ours).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_to_the_original_server() {
    match std::env::var("SWEREX_REMOTE") {
        Ok(program) => check_all(Subject::Original(program)).await,
        Err(_) => eprintln!("SKIPPED: set SWEREX_REMOTE to the original swerex-remote to compare with it"),
    }
}

//! Measures sessions without a server around them: medians of starting one, of a small command, of large output,
//! beside what bash alone takes over two pipes. `cargo run --release -p smallhands-shell-runtime --example session_speed`

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use smallhands_shell_runtime::{
    Action, BashAction, CreateSession, LocalOptions, LocalRuntime, Observation, Runtime, RuntimeError,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The median, and the tenth of the times that was least disturbed.
fn report(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |index: usize| times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    println!("{name:32} {:>9.3} ms (a tenth below {:.3})", at(times.len() / 2), at(times.len() / 10));
}

async fn run(runtime: &LocalRuntime, session: &str, command: &str) -> Result<Observation, RuntimeError> {
    let action = BashAction { session: session.to_owned(), ..BashAction::new(command) };
    runtime.run_in_session(Action::Bash(action)).await
}

/// The floor: a bash that reads a line, evaluates it and reports, with nothing else to do.
fn bare_bash(rounds: usize) -> Outcome<()> {
    let script = "while read -r line; do eval \"$line\"; done";
    let mut child = Process::new("bash")
        .args(["--norc", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("bash has no pipes".into());
    };
    let mut answers = BufReader::new(answers);
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        orders.write_all(b"echo hi\n")?;
        answers.read_line(&mut String::new())?;
        times.push(begun.elapsed());
    }
    drop(orders);
    child.wait()?;
    report("floor: bash over two pipes", times);
    Ok(())
}

async fn measure(name: &str, rounds: usize, runtime: &LocalRuntime, command: &str) -> Outcome<()> {
    let mut times = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        run(runtime, "default", command).await?;
        times.push(begun.elapsed());
    }
    report(name, times);
    Ok(())
}

async fn starts(runtime: &LocalRuntime, rounds: usize) -> Outcome<()> {
    let mut times = Vec::new();
    for number in 0..rounds {
        let begun = Instant::now();
        let request = CreateSession { session: format!("s{number}"), ..CreateSession::default() };
        runtime.create_session(request).await?;
        times.push(begun.elapsed());
    }
    report("create_session", times);
    Ok(())
}

async fn measure_all() -> Outcome<()> {
    bare_bash(2000)?;
    let env = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/tmp")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options =
        LocalOptions { root: "/tmp".into(), env, output_limit: 256 << 20, ..LocalOptions::default() };
    let runtime = LocalRuntime::new(options)?;
    runtime.create_session(CreateSession::default()).await?;
    measure("echo hi", 2000, &runtime, "echo hi").await?;
    measure(":", 2000, &runtime, ":").await?;
    measure("echo hi; false", 500, &runtime, "echo hi; false").await?;
    measure("two lines", 500, &runtime, "echo hi\necho ho").await?;
    measure("/bin/true", 500, &runtime, "/bin/true").await?;
    measure("seq 1 1000000", 20, &runtime, "seq 1 1000000").await?;
    measure("head -c 200M /dev/zero", 3, &runtime, "head -c 200M /dev/zero | tr '\\0' x").await?;
    starts(&runtime, 40).await?;
    runtime.close().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    // Where a server's requests run, too: on a worker, not on the thread that started the runtime.
    tokio::spawn(async { measure_all().await.map_err(|error| error.to_string()) }).await??;
    Ok(())
}

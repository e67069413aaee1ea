//! Runs the binary in surroundings of its own: a home, a state directory, and nothing inherited but the search path.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A command that takes longer hangs; a bound against hanging tests, not a measure.
const PATIENCE: Duration = Duration::from_secs(300);

/// A user's account: home and state directory.
pub struct Account {
    folder: TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Finished {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A command under way, its standard output read line by line.
pub struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    errors: Option<JoinHandle<String>>,
    pub seen: Vec<Value>,
}

impl Account {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("smallhands-test-").tempdir().unwrap() }
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    /// The command with the given arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smallhands"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.surroundings())
            .stdin(Stdio::null())
            .current_dir(self.home());
        command
    }

    /// What a test inherits: where programs and Python's packages are found, nothing else.
    fn surroundings(&self) -> Vec<(String, String)> {
        const INHERITED: [&str; 6] =
            ["PATH", "PYTHONPATH", "VIRTUAL_ENV", "PYENV_ROOT", "PYENV_VERSION", "LD_LIBRARY_PATH"];
        let inherited =
            INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let home = self.home().display().to_string();
        let state = self.state().display().to_string();
        inherited.chain([("HOME".to_owned(), home), ("SMALLHANDS_STATE_DIR".to_owned(), state)]).collect()
    }

    /// Runs the command to its end.
    pub fn smallhands(&self, arguments: &[&str]) -> Finished {
        finish(self.command(arguments))
    }

    /// Starts the command, which has to print JSON lines.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let errors = child.stderr.take().map(read_aside);
        Running { child, lines, errors, seen: Vec::new() }
    }
}

/// Runs a command to its end, but not for ever.
pub fn finish(mut command: Command) -> Finished {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = read_aside(child.stdout.take().unwrap());
    let stderr = read_aside(child.stderr.take().unwrap());
    let status = wait(&mut child);
    Finished { exit: code(status), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn read_aside(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the command did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The exit code; a signal counts as 128 and its number, as in a shell.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}

impl Finished {
    /// Standard output as JSON lines.
    pub fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")))
            .collect()
    }

    /// The last event, which has to be the result.
    pub fn result(&self) -> Value {
        let last = self.events().pop().unwrap_or_else(|| panic!("no events: {self:?}"));
        assert_eq!(last["type"], "run.finished", "{self:?}");
        last
    }

    /// The same, after checking the exit code.
    #[track_caller]
    pub fn expect_exit(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// An error for people: one `error:`, and what to do next.
    #[track_caller]
    pub fn expect_error(self, exit: i32, mentions: &[&str]) {
        let this = self.expect_exit(exit);
        assert!(this.stderr.starts_with("error: ") && this.stderr.contains("\n  next: "), "{}", this.stderr);
        for mention in mentions {
            assert!(this.stderr.contains(mention), "`{mention}` is missing in: {}", this.stderr);
        }
    }
}

impl Running {
    /// Reads events until one fits; false when the output ended before.
    pub fn read_until(&mut self, mut fits: impl FnMut(&Value) -> bool) -> bool {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line}"));
            let found = fits(&event);
            self.seen.push(event);
            if found {
                return true;
            }
            line.clear();
        }
        false
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads the rest and waits for the end.
    pub fn finish(mut self) -> (Vec<Value>, i32, String) {
        self.read_until(|_| false);
        let exit = code(wait(&mut self.child));
        (std::mem::take(&mut self.seen), exit, self.errors.take().unwrap().join().unwrap())
    }

    /// The id of the run, as its first event tells it.
    pub fn run_id(&self) -> String {
        self.seen.iter().find_map(|event| event["run"].as_str()).unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

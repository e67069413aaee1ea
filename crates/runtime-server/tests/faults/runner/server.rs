//! A server under test: the built binary, started in a configuration, with pipes that nobody reads.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::http::Request;

/// The unprivileged user and group that a server started by root can run as.
const NOBODY: u32 = 65_534;

/// How the server is started.
#[derive(Debug, Clone, Copy)]
pub struct Configuration {
    /// `TERM` in its environment.
    pub term: Option<&'static str>,
    /// It gives up root's rights.
    pub drops_root: bool,
}

impl Configuration {
    pub fn is_root(&self) -> bool {
        runs_as_root() && !self.drops_root
    }

    pub fn show(&self) -> String {
        let user = if self.is_root() { "root" } else { "an ordinary user" };
        format!("TERM {}, {user}", self.term.unwrap_or("unset"))
    }
}

/// Whether these tests run as root.
pub fn runs_as_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|of_this_process| of_this_process.uid() == 0)
}

/// A place that the server's user owns, with the binary in it: the build folder may be closed to that user.
pub struct Home {
    folder: TempDir,
    configuration: Configuration,
}

impl Home {
    pub fn new(configuration: Configuration) -> Self {
        let folder = tempfile::Builder::new().prefix("faults").tempdir().unwrap();
        let home = Self { folder, configuration };
        home.give(home.folder.path());
        // By a process of its own: a file that this one has open for writing could be inherited by a server that
        // another thread starts, and could not be run then.
        let source = env!("CARGO_BIN_EXE_swerex-remote");
        let copied = Command::new("install").args(["-m", "755", source]).arg(home.binary()).status();
        assert!(copied.is_ok_and(|status| status.success()), "{source} cannot be copied");
        home
    }

    fn binary(&self) -> PathBuf {
        self.folder.path().join("swerex-remote")
    }

    /// A new folder for a case, under a short name.
    pub fn case_folder(&self, number: usize) -> PathBuf {
        let folder = self.folder.path().join(format!("c{number}"));
        std::fs::create_dir(&folder).unwrap();
        self.give(&folder);
        folder
    }

    /// Makes the server's user the owner.
    pub fn give(&self, path: &Path) {
        if self.configuration.drops_root {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn command(&self) -> Command {
        let mut command = if self.configuration.drops_root {
            let mut command = Command::new("/usr/bin/setpriv");
            let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
            command.args(ids).arg("--clear-groups").arg(self.binary());
            command
        } else {
            Command::new(self.binary())
        };
        command.env_clear().envs([
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LANG", "C.UTF-8"),
            ("FAULTS_PROBE", "a probe é"),
        ]);
        command.env("HOME", self.folder.path()).current_dir(self.folder.path());
        self.configuration.term.map(|term| command.env("TERM", term));
        command
    }

    /// Starts a server, with some variables changed, and waits until it takes connections.
    pub fn start(&self, token: &str, env: &serde_json::Map<String, Value>) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = self.command();
        command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--auth-token", token]);
        for (name, value) in env {
            match value.as_str() {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let server = Server {
            pid: child.id(),
            child: Mutex::new(child),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            token: token.to_owned(),
        };
        server.wait_until_up();
        server
    }
}

/// A running server; it is killed when dropped.
pub struct Server {
    child: Mutex<Child>,
    pid: u32,
    pub address: SocketAddr,
    pub token: String,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it still answers what costs nothing.
    pub fn is_alive(&self) -> bool {
        let headers = vec![("x-api-key".to_owned(), self.token.clone())];
        let request = Request { method: "GET".into(), path: "/is_alive".into(), headers, body: None };
        (0..3).any(|_| {
            request.send(self.address, Duration::from_secs(10)).is_ok_and(|answer| answer.status == 200)
        })
    }

    /// What became of it, for a report.
    pub fn fate(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        match child.try_wait() {
            Ok(Some(status)) => format!("THE SERVER (pid {}) ENDED ({status})", self.pid),
            _ => format!("THE SERVER (pid {}) IS STUCK", self.pid),
        }
    }

    /// Ends it at once.
    pub fn kill(&self) {
        drop(self.child.lock().unwrap_or_else(PoisonError::into_inner).kill());
    }

    fn wait_until_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "the server does not come up at {}", self.address);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(child.kill());
        drop(child.wait());
    }
}

//! A server under test: the built binary, started in a configuration, with pipes that nobody reads.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

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
        std::fs::copy(env!("CARGO_BIN_EXE_swerex-remote"), home.binary()).unwrap();
        std::fs::set_permissions(home.binary(), PermissionsExt::from_mode(0o755)).unwrap();
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
            let mut command = Command::new("setpriv");
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

    /// Starts a server and waits until it takes connections.
    pub fn start(&self, token: &str) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = self.command();
        command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--auth-token", token]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let server =
            Server { child, address: SocketAddr::from(([127, 0, 0, 1], port)), token: token.to_owned() };
        server.wait_until_up();
        server
    }
}

/// A running server; it is killed when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub token: String,
}

impl Server {
    pub fn pid(&self) -> u32 {
        self.child.id()
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
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

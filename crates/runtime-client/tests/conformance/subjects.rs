//! The runtimes under test, each started anew for every case.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use smallhands_runtime_client::{RemoteOptions, RemoteRuntime};
use smallhands_shell_runtime::{LocalOptions, LocalRuntime, Runtime};
use tempfile::TempDir;
use tokio::task::JoinError;

use crate::cases::{Case, Port};

/// The key of the servers.
const KEY: &str = "a-key";

/// Which runtime is held to the suite.
pub enum Subject {
    /// In this process.
    Local,
    /// Our server, in a process of its own.
    Ours,
    /// The original server: its program.
    Original(String),
}

impl Subject {
    pub fn is_held_to(&self, case: &Case) -> bool {
        !matches!(self, Self::Original(_)) || case.original_differs.is_empty()
    }

    pub async fn start(&self) -> Running {
        let folder = tempfile::tempdir().unwrap();
        match self {
            Self::Local => {
                let env = std::env::vars().collect();
                let options = LocalOptions { root: folder.path().to_owned(), env, ..LocalOptions::default() };
                Running { port: Arc::new(LocalRuntime::new(options).unwrap()), server: None, _folder: folder }
            }
            Self::Ours => remote(&our_server(), folder).await,
            Self::Original(program) => remote(program, folder).await,
        }
    }
}

/// The binary lies where the tests' own build put it.
fn our_server() -> String {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("swerex-remote");
    if !program.is_file() {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let target = program.parent().and_then(Path::parent).unwrap();
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "smallhands-runtime-server", "--target-dir"])
            .arg(target)
            .status();
        assert!(built.unwrap().success(), "swerex-remote could not be built");
    }
    program.display().to_string()
}

async fn remote(program: &str, folder: TempDir) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--auth-token", KEY])
        .current_dir(folder.path())
        .env("SWE_REX_LOG_STREAM_LEVEL", "60")
        // Start-up files of the machine's user may take locks that a killed server leaves behind.
        .env("HOME", folder.path())
        // With a real terminal's name the original wraps every output in line ends.
        .env_remove("TERM")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let options = RemoteOptions { connect_timeout: Duration::from_secs(1), ..at(port) };
    let runtime = RemoteRuntime::new(options).unwrap();
    // Waits for the server: a connection that is refused is tried again.
    runtime.server().await.unwrap();
    Running { port: Arc::new(runtime), server: Some(server), _folder: folder }
}

fn at(port: u16) -> RemoteOptions {
    RemoteOptions::new(format!("http://127.0.0.1:{port}"), KEY)
}

/// A started runtime; its server dies with it.
pub struct Running {
    port: Port,
    server: Option<Child>,
    _folder: TempDir,
}

impl Running {
    pub fn port(&self) -> Port {
        Arc::clone(&self.port)
    }

    pub async fn stop(mut self) {
        // A case may have closed it already.
        let _ = tokio::time::timeout(Duration::from_secs(10), Runtime::close(self.port.as_ref())).await;
        self.kill();
    }

    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a failed case said.
pub fn words_of(error: JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else { return "it was cancelled".to_owned() };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

//! The command line of `swerex-remote` and of `smallhands runtime serve`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use smallhands_shell_runtime::files::unpacking::UnpackLimits;
use smallhands_shell_runtime::{FileAccess, Limits};

use crate::options::ServerOptions;
use crate::server::Server;
use crate::{log, precedence, signals};

/// What clients parse as the version: that of the protocol's original.
pub const PROTOCOL_VERSION: &str = "1.4.0";

/// Where the token may come from besides the command line.
pub const TOKEN_VARIABLE: &str = "SWEREX_AUTH_TOKEN";

/// Arguments of the server.
#[derive(Args)]
pub struct ServeArguments {
    /// Address to listen on; 0.0.0.0 opens the server to other machines [default: 127.0.0.1; 0.0.0.0 where this is the
    /// program that a container was started for, because a published port does not reach 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", env = "SWEREX_HOST")]
    pub host: Option<String>,
    /// Port to listen on; 0 takes a free one and prints it
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    /// Token that requests must show in X-API-Key; empty lets everybody in. It is visible in the process list: prefer
    /// --auth-token-file or the variable
    #[arg(long, value_name = "TOKEN", env = TOKEN_VARIABLE, hide_env_values = true, required_unless_present = "auth_token_file")]
    pub auth_token: Option<String>,
    /// File whose first line is the token
    #[arg(long, value_name = "FILE", conflicts_with = "auth_token")]
    pub auth_token_file: Option<PathBuf>,
    /// Serve other machines without any token
    #[arg(long)]
    pub allow_unauthenticated: bool,
    /// Where commands start and relative paths begin
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
    /// Refuse file requests outside of the root; commands are not bound by it
    #[arg(long)]
    pub confine_files: bool,
    /// How much is logged on standard error
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Warn)]
    pub log_level: LogLevel,
    /// Bounds.
    #[command(flatten)]
    pub bounds: BoundArguments,
}

impl std::fmt::Debug for ServeArguments {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the token.
        let (host, port) = (&self.host, &self.port);
        formatter
            .debug_struct("ServeArguments")
            .field("host", host)
            .field("port", port)
            .finish_non_exhaustive()
    }
}

/// Bounds on what is taken in and what is started.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct BoundArguments {
    /// Most bytes of request bodies held in memory, all together; uploads are not held
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub max_body_bytes: u64,
    /// Most bytes of output that a session keeps between two answers and gives in one; beyond it the middle is left
    /// out, and the answer says how much
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    pub max_session_output: usize,
    /// Most connections at a time
    #[arg(long, value_name = "N", default_value_t = 16_384)]
    pub max_connections: usize,
    /// Seconds that a call with an X-Request-ID goes on after its client went away
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub grace: u64,
    /// Most bytes that one archive may unpack to
    #[arg(long, value_name = "BYTES", default_value_t = UnpackLimits::default().bytes)]
    pub max_unpacked_bytes: u64,
    /// Most entries of one archive
    #[arg(long, value_name = "N", default_value_t = UnpackLimits::default().entries)]
    pub max_unpacked_entries: u64,
    /// Most bytes that each byte of an archive may unpack to
    #[arg(long, value_name = "N", default_value_t = UnpackLimits::default().ratio)]
    pub max_unpack_ratio: u64,
    /// Memory of each process, in bytes
    #[arg(long, value_name = "BYTES")]
    pub process_memory: Option<u64>,
    /// Processor time of each process, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub process_cpu: Option<u64>,
    /// Size of each file that a process writes, in bytes
    #[arg(long, value_name = "BYTES")]
    pub process_file_size: Option<u64>,
    /// Processes besides those that the user runs already
    #[arg(long, value_name = "N")]
    pub processes: Option<u64>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogLevel {
    /// Failures of the server.
    Error,
    /// Also what is odd.
    Warn,
    /// Also what is usual.
    Info,
    /// Also each request.
    Debug,
    /// Everything.
    Trace,
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl ServeArguments {
    /// The options that these arguments mean for a process with the environment `env`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn resolve(
        self,
        mut env: BTreeMap<String, String>,
        in_container: bool,
    ) -> Result<ServerOptions, String> {
        // Commands have no business with the server's own settings.
        env.remove(TOKEN_VARIABLE);
        env.remove("SWEREX_HOST");
        let auth_token = match (&self.auth_token, &self.auth_token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(path)) => token_in(path)?,
            (None, None) => String::new(),
        };
        let home = if in_container { "0.0.0.0" } else { "127.0.0.1" };
        let host = self.host.clone().unwrap_or_else(|| home.to_owned());
        if auth_token.is_empty() && !self.allow_unauthenticated && !is_loopback(&host) {
            return Err(format!(
                "without a token the server would let everybody run commands who reaches {host}; give --auth-token, \
                 listen with --host 127.0.0.1, or insist with --allow-unauthenticated"
            ));
        }
        let spool =
            env.get("TMPDIR").filter(|dir| !dir.is_empty()).map_or_else(|| "/tmp".into(), PathBuf::from);
        let bounds = self.bounds;
        Ok(ServerOptions {
            host,
            port: self.port,
            auth_token,
            root: self.root,
            env,
            limits: bounds.limits(),
            file_access: if self.confine_files { FileAccess::Confined } else { FileAccess::Anywhere },
            session_output: bounds.max_session_output,
            body_bytes: bounds.max_body_bytes,
            connections: bounds.max_connections,
            grace: Duration::from_secs(bounds.grace),
            unpack: bounds.unpack(),
            spool,
            ..ServerOptions::default()
        })
    }
}

impl BoundArguments {
    fn limits(&self) -> Limits {
        Limits {
            memory_bytes: self.process_memory,
            processes: self.processes,
            cpu_seconds: self.process_cpu,
            file_bytes: self.process_file_size,
            open_files: None,
        }
    }

    fn unpack(&self) -> UnpackLimits {
        UnpackLimits {
            bytes: self.max_unpacked_bytes,
            entries: self.max_unpacked_entries,
            ratio: self.max_unpack_ratio,
        }
    }
}

fn token_in(path: &Path) -> Result<String, String> {
    let failed = |error| format!("the token cannot be read from {}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(failed)?;
    match text.lines().next().map(str::trim) {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(format!("{} holds no token in its first line", path.display())),
    }
}

/// Whether only this machine reaches `host`.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether this is what a container was started for, as deployments do: process 1 is this program or a shell that was
/// told to run it. A shell that somebody opened in a container does not count.
pub fn is_a_containers_program(env: &BTreeMap<String, String>) -> bool {
    let own = std::env::current_exe().unwrap_or_default();
    let first = std::fs::read("/proc/1/cmdline").unwrap_or_default();
    env.contains_key("MODAL_TASK_ID") || names(&first, own.file_name().unwrap_or_default().as_encoded_bytes())
}

/// Whether a command line names a program.
fn names(command_line: &[u8], program: &[u8]) -> bool {
    !program.is_empty() && command_line.windows(program.len()).any(|part| part == program)
}

/// Exit code for a command line that cannot be used.
const USAGE: u8 = 2;

/// Serves until a signal asks to stop, and says how the process is to end.
pub fn serve(arguments: ServeArguments, env: BTreeMap<String, String>) -> ExitCode {
    log::start(arguments.log_level.into());
    let in_container = is_a_containers_program(&env);
    let host_is_chosen = arguments.host.is_some();
    let mut options = match arguments.resolve(env, in_container) {
        Ok(options) => options,
        Err(words) => {
            eprintln!("error: {words}");
            return ExitCode::from(USAGE);
        }
    };
    options.limits.open_files = raise_open_files();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.clamp(2, 8))
        .max_blocking_threads(64)
        .enable_all()
        .build();
    let served = match runtime {
        Ok(runtime) => {
            let served = runtime.block_on(listen(options, host_is_chosen));
            // A thread that reads from a client must not keep the process alive.
            runtime.shutdown_timeout(Duration::from_millis(200));
            served
        }
        Err(error) => Err(format!("threads cannot be started: {error}; check the limits on processes")),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}

/// Lets this process have as many connections as the system allows, and answers with the limit that it had, which is
/// what commands shall have.
fn raise_open_files() -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok()?;
    Some(soft)
}

async fn listen(options: ServerOptions, host_is_chosen: bool) -> Result<(), String> {
    use std::io::Write;
    let stop = signals::stop().map_err(|error| format!("signals cannot be watched: {error}"))?;
    let server = Server::bind(options).await.map_err(|error| error.to_string())?;
    precedence::take();
    let address = server.address().map_err(|error| error.to_string())?;
    let reach = match (address.ip().is_loopback(), host_is_chosen) {
        (true, _) => " (reachable from this machine only; --host 0.0.0.0 opens it to others)",
        (false, false) => {
            " (reachable from outside, because this container was started for it; --host 127.0.0.1 closes it)"
        }
        (false, true) => "",
    };
    // Nobody need read it.
    let _ = writeln!(std::io::stdout(), "listening on http://{address}{reach}");
    server.run(stop).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        serve: ServeArguments,
    }

    fn resolve(words: &[&str], in_container: bool) -> Result<ServerOptions, String> {
        let words = ["server"].iter().chain(words);
        let parsed = Whole::try_parse_from(words).map_err(|error| error.to_string())?;
        parsed.serve.resolve(BTreeMap::from([(TOKEN_VARIABLE.into(), "secret".into())]), in_container)
    }

    #[test]
    fn the_definition_is_consistent() {
        Whole::command().debug_assert();
    }

    #[test]
    fn the_host_is_this_machine_except_in_containers() {
        let host = |words: &[&str], in_container| resolve(words, in_container).map(|options| options.host);
        assert_eq!(host(&["--auth-token", "t"], false).unwrap(), "127.0.0.1");
        assert_eq!(host(&["--auth-token", "t"], true).unwrap(), "0.0.0.0");
        assert_eq!(host(&["--auth-token", "t", "--host", "::1"], true).unwrap(), "::1");
        assert_eq!(host(&["--auth-token", "", "--host", "localhost"], true).unwrap(), "localhost");
    }

    #[test]
    fn a_containers_program_is_recognised_by_process_one() {
        let deployed = b"/bin/sh\0-c\0swerex-remote --auth-token x || pipx run swe-rex\0";
        assert!(names(deployed, b"swerex-remote"));
        assert!(!names(b"/sbin/init\0splash\0", b"swerex-remote") && !names(deployed, b""));
    }

    #[test]
    fn without_a_token_only_this_machine_is_served() {
        for words in
            [&["--auth-token", "", "--host", "0.0.0.0"][..], &["--auth-token", "", "--host", "example.org"]]
        {
            let refusal = resolve(words, false).unwrap_err();
            assert!(refusal.contains("--allow-unauthenticated"), "{refusal}");
            let insisting: Vec<_> = words.iter().copied().chain(["--allow-unauthenticated"]).collect();
            assert!(resolve(&insisting, false).is_ok());
        }
        assert!(resolve(&["--auth-token", ""], true).is_err());
    }

    #[test]
    fn the_token_comes_from_one_place_and_stays_with_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let path = file.to_str().unwrap();
        std::fs::write(&file, "from-file\nrest").unwrap();
        let options = resolve(&["--auth-token-file", path], false).unwrap();
        assert_eq!(options.auth_token, "from-file");
        assert!(!options.env.contains_key(TOKEN_VARIABLE));
        assert!(!format!("{options:?}").contains("from-file"));
        assert!(resolve(&[], false).is_err_and(|words| words.contains("--auth-token")));
        assert!(resolve(&["--auth-token", "a", "--auth-token-file", path], false).is_err());
        std::fs::write(&file, "\n").unwrap();
        assert!(resolve(&["--auth-token-file", path], false).is_err_and(|words| words.contains("no token")));
        assert!(resolve(&["--auth-token-file", "/none"], false).is_err_and(|words| words.contains("/none")));
    }

    #[test]
    fn bounds_are_handed_on() {
        let words = [
            "--auth-token",
            "t",
            "--max-body-bytes",
            "7",
            "--processes",
            "9",
            "--grace",
            "3",
            "--confine-files",
        ];
        let options = resolve(&words, false).unwrap();
        assert_eq!((options.body_bytes, options.limits.processes, options.grace.as_secs()), (7, Some(9), 3));
        assert_eq!(options.file_access, FileAccess::Confined);
    }
}

//! The Python files of the test server and the recorder, put into a temporary folder beside the copy of the repository.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use smallhands_shell_runtime::{Command, Runtime};

use super::error::ValidationError;

const PATIENCE: Duration = Duration::from_secs(60);

macro_rules! bundled {
    ($($path:literal),* $(,)?) => {
        /// Every file, by its path inside the folder.
        const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../../python/", $path)))),*];
    };
}

bundled![
    "launch.sh",
    "let_in.sh",
    "record.sh",
    "smallhands_hook/__init__.py",
    "smallhands_hook/channel.py",
    "smallhands_hook/child.py",
    "smallhands_hook/codekey.py",
    "smallhands_hook/disk.py",
    "smallhands_hook/environment.py",
    "smallhands_hook/failure.py",
    "smallhands_hook/hotswap.py",
    "smallhands_hook/imported.py",
    "smallhands_hook/lines.py",
    "smallhands_hook/processes.py",
    "smallhands_hook/pytest_files.py",
    "smallhands_hook/pytest_plain.py",
    "smallhands_hook/pytest_plugin.py",
    "smallhands_hook/pytest_recorder.py",
    "smallhands_hook/pytest_suite.py",
    "smallhands_hook/recording.py",
    "smallhands_hook/scratch.py",
    "smallhands_hook/server.py",
    "smallhands_hook/sources.py",
    "smallhands_hook/suite.py",
    "smallhands_hook/supervisor.py",
    "smallhands_hook/unittest_listener.py",
    "smallhands_hook/unittest_main.py",
    "smallhands_hook/unittest_recorder.py",
    "smallhands_hook/unittest_suite.py",
    "smallhands_hook/zygote.py",
];

/// Ends each file inside the script that writes them all; no file contains it.
const FENCE: &str = "END_OF_SMALLHANDS_FILE";

/// A folder outside the repository's copy that holds the files.
pub(super) struct Hook {
    runtime: Arc<dyn Runtime>,
    folder: String,
    /// The absolute path of the copy, without links.
    root: String,
    records: AtomicU32,
}

impl Hook {
    /// Writes the files with a single command, because a sandbox may be far away.
    pub(super) async fn install(runtime: Arc<dyn Runtime>) -> Result<Self, ValidationError> {
        let command = Command { stdin: Some(script().into_bytes()), ..Command::argv(["/bin/sh", "-s"]) };
        let done = runtime.execute(command.with_timeout(PATIENCE)).await;
        let done = done.map_err(ValidationError::runtime("write the test server"))?;
        let output = done.stdout_text();
        let mut lines = output.lines();
        match (done.exit_code, lines.next(), lines.next()) {
            (Some(0), Some(folder), Some(root)) => Ok(Self {
                runtime,
                folder: folder.to_owned(),
                root: root.to_owned(),
                records: AtomicU32::new(0),
            }),
            _ => Err(ValidationError::NoHook { output: format!("{output}{}", done.stderr_text()) }),
        }
    }

    /// The absolute path of the copy of the repository.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    /// The absolute path of a file in the folder.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// The words that run `command` as a warm server.
    pub(super) fn launch(&self, command: &str) -> [String; 4] {
        ["/bin/sh".to_owned(), self.path("launch.sh"), self.folder.clone(), command.to_owned()]
    }

    /// The words that run `command` with a recorder, and the file in which it records.
    pub(super) fn record(&self, command: &str) -> ([String; 5], String) {
        let file = self.path(&format!("record-{}", self.records.fetch_add(1, Ordering::Relaxed)));
        let words = [
            "/bin/sh".to_owned(),
            self.path("record.sh"),
            self.folder.clone(),
            file.clone(),
            command.to_owned(),
        ];
        (words, file)
    }

    /// Writes one more file into the folder.
    pub(super) async fn put(&self, name: &str, content: Vec<u8>) -> Result<String, ValidationError> {
        let path = self.path(name);
        let command = Command {
            stdin: Some(content),
            ..Command::argv(["/bin/sh", "-c", "cat >\"$1\"", "sh", &path]).with_timeout(PATIENCE)
        };
        self.runtime.execute(command).await.map_err(ValidationError::runtime("write for the test server"))?;
        Ok(path)
    }

    /// Reads a file of the folder and removes it; empty where there is none.
    pub(super) async fn take(&self, path: &str) -> Result<String, ValidationError> {
        let command = Command {
            output_limit: 256 << 20,
            ..Command::argv(["/bin/sh", "-c", "cat \"$1\" 2>/dev/null; rm -f \"$1\"", "sh", path])
        };
        let read = self.runtime.execute(command.with_timeout(PATIENCE)).await;
        Ok(read.map_err(ValidationError::runtime("read what the tests recorded"))?.stdout_text())
    }

    /// Makes room for another server in the same folder.
    pub(super) async fn reset(&self) -> Result<(), ValidationError> {
        let names = ["claimed", "requests", "replies"].map(|name| self.path(name));
        let words = ["rm", "-f"].into_iter().map(str::to_owned).chain(names);
        let removed = self.runtime.execute(Command::argv(words).with_timeout(PATIENCE)).await;
        removed.map_err(ValidationError::runtime("clean up after the test server"))?;
        Ok(())
    }

    /// Removes the folder. Failing to is harmless: the sandbox goes as a whole.
    pub(super) async fn remove(self) {
        let removed =
            self.runtime.execute(Command::argv(["rm", "-rf", &self.folder]).with_timeout(PATIENCE)).await;
        if let Err(error) = removed {
            tracing::debug!(%error, folder = %self.folder, "the test server's folder stays");
        }
    }
}

/// A shell script that creates the folder, writes the files, and prints the folder and the working directory.
fn script() -> String {
    let mut script = "set -e; umask 077; folder=$(mktemp -d \"${TMPDIR:-/tmp}/smallhands-XXXXXX\")\n\
                      mkdir \"$folder/smallhands_hook\"\n"
        .to_owned();
    for (path, content) in FILES {
        script.push_str(&format!("cat >\"$folder/{path}\" <<'{FENCE}'\n{content}{FENCE}\n"));
    }
    script.push_str("printf '%s\\n' \"$folder\"; pwd -P\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_is_complete_and_can_be_written_by_a_shell() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/python/smallhands_hook");
        let there = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let modules = there.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".py"));
        for module in modules {
            let path = format!("smallhands_hook/{module}");
            assert!(FILES.iter().any(|(bundled, _)| *bundled == path), "{path} is not bundled");
        }
        for (path, content) in FILES {
            assert!(!content.contains(FENCE) && content.ends_with('\n'), "{path}");
        }
    }
}

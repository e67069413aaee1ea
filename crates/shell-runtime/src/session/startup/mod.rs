//! What the start-up files of interactive shells do, remembered. Such files may take a tenth of a second (version
//! managers, completions) and do the same each time; so they are read once and their effect on the shell is replayed.
//!
//! Nothing is believed: the files are read in two shells that must come out alike, and the replay in a third one must
//! come out like them, or else every session reads the files. What was remembered is forgotten when a file that took
//! part changes, when the home directory does, and after [`VALIDITY`].

mod record;
mod stamp;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Surroundings;
use crate::launch::Launcher;
use record::Recording;
use stamp::Stamp;

/// The files that an interactive shell reads.
const FILES: [&str; 2] = ["/etc/bash.bashrc", "~/.bashrc"];

/// How long an effect is remembered: what programs answer that the files run is not watched.
const VALIDITY: Duration = Duration::from_secs(300);

/// How a new shell comes to what its start-up files do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Steps {
    /// What to run in the shell.
    pub(super) commands: String,
    /// What the files printed when they were read; nothing when they will be.
    pub(super) output: String,
}

impl Steps {
    /// The files are read.
    pub(super) fn reading() -> Self {
        let read = |file| format!("[[ ! -r {file} ]] || source {file}\n");
        Self { commands: FILES.iter().map(read).collect(), output: String::new() }
    }
}

/// The start-up of the sessions of one runtime.
#[derive(Debug)]
pub(crate) struct Startup {
    memory: Mutex<Option<Memory>>,
    recording: AtomicBool,
}

#[derive(Debug)]
struct Memory {
    steps: Steps,
    stamps: Vec<Stamp>,
    made: Instant,
}

impl Startup {
    pub(crate) fn new() -> Self {
        Self { memory: Mutex::new(None), recording: AtomicBool::new(false) }
    }

    /// What a new shell has to run; `None` when its files have to be read, see [`Steps::reading`].
    pub(super) fn remembered(&self) -> Option<Steps> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let holds =
            |memory: &Memory| memory.made.elapsed() < VALIDITY && memory.stamps.iter().all(Stamp::holds);
        if !memory.as_ref().is_some_and(holds) {
            *memory = None;
        }
        memory.as_ref().map(|memory| memory.steps.clone())
    }

    /// Learns what the files do, in the background, unless that is known or being learnt.
    pub(crate) fn learn(self: &Arc<Self>, around: Surroundings) {
        if !around.settings.startup_files || self.recording.swap(true, Ordering::SeqCst) {
            return;
        }
        if self.remembered().is_some() {
            self.recording.store(false, Ordering::SeqCst);
            return;
        }
        let startup = Arc::clone(self);
        tokio::spawn(async move {
            let learnt = Recording::verified(&around).await;
            match learnt {
                Ok(recording) => startup.keep(recording, &around.launcher),
                Err(why) => {
                    tracing::info!(%why, "start-up files are read anew by every session");
                }
            }
            startup.recording.store(false, Ordering::SeqCst);
        });
    }

    fn keep(&self, recording: Recording, launcher: &Launcher) {
        let home = launcher.home();
        let named = FILES.iter().filter_map(|file| match file.strip_prefix("~/") {
            Some(below) => home.as_ref().map(|home| home.join(below)),
            None => Some(PathBuf::from(file)),
        });
        let watched = named.chain(recording.files.iter().map(PathBuf::from)).chain(home.clone());
        let memory = Memory {
            stamps: watched.map(|path| Stamp::of(&path, recording.began)).collect(),
            steps: Steps { commands: recording.commands, output: recording.output },
            made: Instant::now(),
        };
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(memory);
    }
}

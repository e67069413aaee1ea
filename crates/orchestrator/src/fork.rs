//! Forking a run: another run with the same beginning, which goes its own way from there.
//!
//! The events up to the chosen one are copied into the new run's stream, together with an event that says where they come
//! from, in one append: a fork is there whole or not at all. The private copy of the repository is copied as well, so that
//! either run may be deleted without the other.

use std::fs;
use std::path::Path;

use smallhands_event_log::{EventLog, LogError, NewEvent, StoredEvent, StreamId};
use smallhands_task_graph::{Command, RunEvent, RunState, decide, replay};

use crate::journal::{now_ms, stream_of};
use crate::replay::{self as replaying, Recorded};
use crate::request::RunError;
use crate::state_dir::StateDir;

/// A new run that begins like another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Forked {
    /// Its id.
    pub run: String,
    /// The run it comes from.
    pub parent: String,
    /// How many events they share: the last place at or before the one that was asked for where no decision is half done.
    pub at: u64,
}

/// Makes a run that shares the first `at` events of `parent` and can be resumed.
///
/// # Errors
/// [`RunError::UnknownRun`]; [`RunError::BadInput`] for a place that is not in the run or after its end; whatever the disk
/// and the log fail with.
pub fn fork(state: &StateDir, parent: &str, at: u64) -> Result<Forked, RunError> {
    let log = state.log();
    let stored = log.read(&stream_of(parent)?, 0)?;
    if stored.is_empty() {
        return Err(RunError::UnknownRun { run: parent.to_owned(), state: state.root().to_path_buf() });
    }
    let events = replaying::decode(parent, &stored)?;
    let at = place(parent, &events, at)?;
    let shared = usize::try_from(at).unwrap_or(usize::MAX).min(stored.len());
    let run = crate::run::new_run_id();
    let folder = state.run_folder(&run);
    let copied = copy_tree(&state.base(parent), &state.base(&run))
        .and_then(|()| copy_conversations(log.as_ref(), parent, &run, &events[..shared]))
        .and_then(|()| append(log.as_ref(), parent, &run, &stored[..shared], &events[..shared]));
    if let Err(error) = copied {
        // Nothing was promised about this run yet; leave no trace of it.
        let _ = fs::remove_dir_all(&folder);
        return Err(error);
    }
    Ok(Forked { run, parent: parent.to_owned(), at })
}

/// The last place at or before `wanted` where the log may be cut, and which leaves something to go on with.
fn place(run: &str, events: &[Recorded], wanted: u64) -> Result<u64, RunError> {
    let stored = |reason: String| RunError::StoredState { run: run.to_owned(), reason };
    let found =
        replaying::boundaries(&format!("run/{run}"), events).map_err(|error| stored(error.to_string()))?;
    let last = match events.last().map(|recorded| &recorded.event) {
        Some(RunEvent::RunFinished { .. }) => events.len() as u64 - 1,
        _ => events.len() as u64,
    };
    if wanted == 0 || wanted > last {
        return Err(RunError::BadInput(format!(
            "run {run} can be forked after its events 1 to {last}, not after {wanted}; name one with --at N"
        )));
    }
    let place = found.into_iter().rfind(|boundary| *boundary <= wanted);
    place.ok_or_else(|| stored(format!("no decision is complete at event {wanted}")))
}

fn append(
    log: &dyn EventLog,
    parent: &str,
    run: &str,
    stored: &[StoredEvent],
    events: &[Recorded],
) -> Result<(), RunError> {
    let broken = |reason: String| RunError::StoredState { run: parent.to_owned(), reason };
    let state: RunState =
        replay(events.iter().map(|recorded| &recorded.event)).map_err(|error| broken(error.to_string()))?;
    let command = Command::Fork { parent: parent.to_owned(), at: state.events };
    let own = decide(&state, &command).map_err(|rejection| broken(rejection.to_string()))?;
    let copy = |event: &StoredEvent| NewEvent {
        kind: event.kind.clone(),
        version: event.version,
        payload: event.payload.clone(),
    };
    let own = own.iter().map(RunEvent::encode).map(|event| NewEvent {
        kind: event.kind.to_owned(),
        version: event.version,
        payload: event.payload,
    });
    let all: Vec<NewEvent> = stored.iter().map(copy).chain(own).collect();
    log.append(&stream_of(run)?, 0, now_ms(), &all)?;
    Ok(())
}

/// Copies what models said in the attempts that the fork shares.
fn copy_conversations(
    log: &dyn EventLog,
    parent: &str,
    run: &str,
    events: &[Recorded],
) -> Result<(), RunError> {
    for recorded in events {
        let RunEvent::AttemptFinished { attempt, .. } = &recorded.event else { continue };
        let name = |of: &str| StreamId::new(format!("attempt/{of}/{}/{}", attempt.task, attempt.number));
        let (Ok(from), Ok(to)) = (name(parent), name(run)) else { continue };
        let stored = log.read(&from, 0)?;
        let copied: Vec<NewEvent> = stored
            .into_iter()
            .map(|event| NewEvent { kind: event.kind, version: event.version, payload: event.payload })
            .collect();
        if copied.is_empty() {
            continue;
        }
        match log.append(&to, 0, now_ms(), &copied) {
            Ok(_) | Err(LogError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Copies a folder with everything in it, links as links.
fn copy_tree(from: &Path, to: &Path) -> Result<(), RunError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| RunError::Io { what: "copy", path, source }
    };
    fs::create_dir_all(to).map_err(failed(to))?;
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(failed(&path))?;
        if kind.is_dir() {
            copy_tree(&path, &target)?;
        } else if kind.is_symlink() {
            let link = fs::read_link(&path).map_err(failed(&path))?;
            std::os::unix::fs::symlink(link, &target).map_err(failed(&target))?;
        } else {
            match fs::copy(&path, &target) {
                // Git removes its temporary files while they are looked at.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.map_err(failed(&path))?),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_copied_with_their_links() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/file"), "text").unwrap();
        std::os::unix::fs::symlink("b/file", from.join("a/link")).unwrap();
        let to = folder.path().join("to");
        copy_tree(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/link")).unwrap(), "text");
        assert!(fs::symlink_metadata(to.join("a/link")).unwrap().is_symlink());
        assert!(copy_tree(&from.join("nowhere"), &to).is_err());
    }
}

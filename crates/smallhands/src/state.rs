//! The state directory as the commands use it: opened once per process, with the durability that the user wants.

use smallhands_orchestrator::state_dir::StateDir;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::run::explain;

/// Opens the state for a command that tells what it finds by itself.
///
/// # Errors
/// When the directory or the log in it cannot be used.
pub fn open(configuration: &Configuration) -> Result<StateDir, Failure> {
    let state = StateDir::open(&configuration.state_dir, configuration.durability)
        .map_err(|error| explain(&error))?;
    #[cfg(feature = "failpoints")]
    let state = state.failing_at(configuration.failpoint);
    Ok(state)
}

/// Opens the state and says on standard error what is wrong with it.
///
/// # Errors
/// As [`open`].
pub fn open_and_tell(configuration: &Configuration) -> Result<StateDir, Failure> {
    let state = open(configuration)?;
    tell_cuts(&state);
    Ok(state)
}

/// Warns of ends of the log that a crash had torn, unless that has been done.
pub fn tell_cuts(state: &StateDir) {
    for cut in state.new_cuts() {
        eprintln!("warning: {cut}");
    }
}

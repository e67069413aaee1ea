//! The request to stop: SIGINT or SIGTERM.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at the first request to stop. Watching begins at once.
///
/// # Errors
/// When the signals cannot be watched.
pub fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

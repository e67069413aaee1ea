//! Ctrl-C and `kill`: the first asks the run to stop in good order, the second ends everything at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::{descendants, exit_code};

/// Watches for SIGINT and SIGTERM from now on. The receiver hears of the first; the second kills every process below this
/// one and ends this one, whatever the rest of the program is doing.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn watch() -> io::Result<oneshot::Receiver<()>> {
    let mut signals =
        Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? };
    let (first, heard) = oneshot::channel();
    tokio::spawn(async move {
        signals.next().await;
        // Nobody listens any more when the run has just come to its end.
        let _ = first.send(());
        signals.next().await;
        descendants::kill_all();
        std::process::exit(i32::from(exit_code::INTERRUPTED));
    });
    Ok(heard)
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

//! How a run is shown: live on a terminal, as plain lines in a pipe, as JSON for scripts. All three consume the same events.

mod board;
mod fit;
mod json;
mod plain;
mod terminal;
mod wording;

use std::io::{self, IsTerminal, Stdout};
use std::time::Instant;

use smallhands_orchestrator::progress::Progress;

use crate::configuration::TerminalWish;
pub use fit::printable;
pub use wording::lines as describe;

/// Shows the events of one run. Losing the reader is no reason to lose the run: callers may ignore errors.
pub trait Renderer: Send {
    /// Something happened at `now`.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn event(&mut self, event: &Progress, now: Instant) -> io::Result<()>;

    /// Time passed; called about ten times a second.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn tick(&mut self, now: Instant) -> io::Result<()>;

    /// The last call: leaves the output in a clean state.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn close(&mut self) -> io::Result<()>;
}

/// The renderer for standard output as it is: JSON when asked for, live on a terminal that can be redrawn, else plain.
pub fn for_stdout(json: bool, wish: TerminalWish, now: Instant) -> Box<dyn Renderer> {
    let out: Stdout = io::stdout();
    if json {
        Box::new(json::JsonLines::new(out))
    } else if wish.redraw && out.is_terminal() {
        Box::new(terminal::Live::new(out, terminal::size_of_stdout, wish.colour, now))
    } else {
        Box::new(plain::PlainLines::new(out))
    }
}

#[cfg(test)]
mod samples;

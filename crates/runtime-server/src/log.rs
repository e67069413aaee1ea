//! What the server says about itself, on standard error, without ever waiting for a reader.
//!
//! Lines go through a bounded queue to a thread of their own. When nobody reads the other end of the pipe, that
//! thread waits and lines are dropped; requests do not notice.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::mpsc::{SyncSender, sync_channel};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Lines that may wait.
const WAITING: usize = 256;

/// Longest line, in bytes.
const LONGEST: usize = 2000;

/// Takes events at or above a level and hands them to the writer.
struct Log {
    level: Level,
    lines: SyncSender<String>,
}

/// Starts to log what is at least as severe as `level`. The first call in a process decides.
pub fn start(level: Level) {
    let (lines, receiver) = sync_channel::<String>(WAITING);
    let writer = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
        for line in receiver {
            // Standard error may be closed; then there is nobody to tell.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    });
    if writer.is_ok() {
        // Somebody else logs already: their way is as good.
        let _ = tracing::subscriber::set_global_default(Log { level, lines });
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().level()));
        event.record(&mut line);
        let mut text = line.0;
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('\n');
        // A full queue means that nobody reads.
        let _ = self.lines.try_send(text);
    }

    // Spans are not shown.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// A line that fields are written into, without line ends of their own.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={}", format!("{value:?}").replace('\n', "\\n")),
        };
    }
}

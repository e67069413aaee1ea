//! Plain lines for pipes and files: everything that happened, and now and then what an agent is at.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use smallhands_orchestrator::progress::Progress;

use super::{Renderer, wording};

/// How often a line about a current activity is written at most.
const ACTIVITY_EVERY: Duration = Duration::from_secs(5);

/// Writes events as lines of text.
pub struct PlainLines<W> {
    out: W,
    last_line: Option<Instant>,
}

impl<W: Write> PlainLines<W> {
    /// Lines go to `out`.
    pub fn new(out: W) -> Self {
        Self { out, last_line: None }
    }

    /// A sign of life is due only when nothing else was written for a while.
    fn lines(&self, event: &Progress, now: Instant) -> Vec<String> {
        match event {
            Progress::AttemptActivity { attempt, doing, validations } => {
                let due =
                    self.last_line.is_none_or(|last| now.saturating_duration_since(last) >= ACTIVITY_EVERY);
                if due { vec![wording::activity(attempt, doing, *validations)] } else { vec![] }
            }
            event => wording::lines(event),
        }
    }
}

impl<W: Write + Send> Renderer for PlainLines<W> {
    fn event(&mut self, event: &Progress, now: Instant) -> io::Result<()> {
        let lines = self.lines(event, now);
        if lines.is_empty() {
            return Ok(());
        }
        self.last_line = Some(now);
        writeln!(self.out, "{}", lines.join("\n"))?;
        self.out.flush()
    }

    fn tick(&mut self, _now: Instant) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_run_reads_like_a_log() {
        let mut out = Vec::new();
        let mut renderer = PlainLines::new(&mut out);
        for event in samples::one_of_each() {
            renderer.event(&event, Instant::now()).unwrap();
        }
        renderer.close().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("run r1: make the failing checks pass\n  repository /home/u/shop\n"),
            "{text}"
        );
        assert!(text.contains("\n  + t1 [repair-python] make test_limit pass\n"), "{text}");
        assert!(text.contains("\nverdict: verified"), "{text}");
        assert!(!text.contains('\x1b'), "no terminal control in a pipe");
    }

    #[test]
    fn activities_are_written_only_after_silence() {
        let start = Instant::now();
        let mut out = Vec::new();
        {
            let mut renderer = PlainLines::new(&mut out);
            for second in 0..=11 {
                let event = samples::doing("t1#1", &format!("second {second}"), second);
                renderer.event(&event, start + Duration::from_secs(second)).unwrap();
            }
        }
        let expected = "t1#1 second 0\nt1#1 second 5 (5 validated)\nt1#1 second 10 (10 validated)\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

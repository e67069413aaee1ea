//! One JSON object per line, exactly the events, for scripts. Documented in `docs/json-output.md`.

use std::io::{self, Write};
use std::time::Instant;

use smallhands_orchestrator::progress::Progress;

use super::Renderer;

/// Writes each event as one line.
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    /// Lines go to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Renderer for JsonLines<W> {
    fn event(&mut self, event: &Progress, _now: Instant) -> io::Result<()> {
        let line = serde_json::to_string(event)?;
        writeln!(self.out, "{line}")?;
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

    fn written(events: &[Progress]) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        let mut renderer = JsonLines::new(&mut out);
        for event in events {
            renderer.event(event, Instant::now()).unwrap();
        }
        renderer.close().unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_event_is_one_line_that_can_be_read_back() {
        let events = samples::one_of_each();
        let lines = written(&events);
        assert_eq!(lines.len(), events.len());
        for (line, event) in lines.into_iter().zip(events) {
            assert_eq!(serde_json::from_value::<Progress>(line).unwrap(), event);
        }
    }

    #[test]
    fn the_last_line_keeps_the_contract() {
        let line = written(&[Progress::RunFinished(samples::summary())]).remove(0);
        assert_eq!(line["type"], "run.finished");
        assert_eq!(line["verdict"], "verified");
        assert_eq!(line["tests"]["before"]["failed"], 2);
        assert_eq!(line["tests"]["after"]["passed"], 13);
        for field in ["run", "patch", "validations", "cost_usd"] {
            assert!(line.get(field).is_some(), "{field}");
        }
    }
}

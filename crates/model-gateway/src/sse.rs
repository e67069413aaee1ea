//! Server-sent events: bytes in, events out, in linear time however the bytes are cut.
//!
//! Follows the WHATWG text/event-stream grammar, with three tolerances met in the wild: an event at the end of the stream
//! without its blank line counts, an `error:` field is an event named `error`, and invalid UTF-8 is replaced. Only what
//! chat endpoints use is kept: the event's name and its data.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// The `event:` field; empty when there is none.
    pub name: String,
    /// The `data:` lines joined by newlines.
    pub data: String,
}

/// The parser's state between two pieces of the stream. Every byte is looked at once.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    after_carriage_return: bool,
    started: bool,
    event: Event,
    has_data: bool,
}

impl Parser {
    /// Takes the next piece and adds the events it completes to `events`.
    pub fn feed(&mut self, piece: &[u8], events: &mut Vec<Event>) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|&b| b == b'\n' || b == b'\r') {
            let (before, ending) = (&rest[..end], rest[end]);
            let second_half_of_crlf = ending == b'\n' && end == 0 && self.after_carriage_return;
            if !second_half_of_crlf {
                self.line.extend_from_slice(before);
                self.end_line(events);
            }
            self.after_carriage_return = ending == b'\r';
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.after_carriage_return = false;
            self.line.extend_from_slice(rest);
        }
    }

    /// The stream is over: gives the event that lacks its blank line, if there is one.
    pub fn finish(mut self) -> Option<Event> {
        if !self.line.is_empty() {
            self.end_line(&mut Vec::new());
        }
        self.has_data.then_some(self.event)
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let text = if self.started { &*text } else { text.trim_start_matches('\u{feff}') };
        self.started = true;
        if text.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                events.push(event);
            }
        } else {
            self.field(text);
        }
        // Keep the allocation for the next line.
        self.line = bytes;
        self.line.clear();
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event.name = value.to_owned(),
            "data" => self.data(value),
            "error" => {
                self.event.name = "error".to_owned();
                self.data(value);
            }
            // Comments (an empty name), ids, retry hints, and anything unknown.
            _ => {}
        }
    }

    fn data(&mut self, value: &str) {
        if self.has_data {
            self.event.data.push('\n');
        }
        self.event.data.push_str(value);
        self.has_data = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stream: &[u8], piece: usize) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for chunk in stream.chunks(piece) {
            parser.feed(chunk, &mut events);
        }
        events.extend(parser.finish());
        events
    }

    /// The same events must come out however the stream is cut.
    fn check(stream: &str, expected: &[(&str, &str)]) {
        let expected: Vec<Event> =
            expected.iter().map(|(n, d)| Event { name: (*n).into(), data: (*d).into() }).collect();
        for piece in 1..=stream.len().max(1) {
            assert_eq!(parse(stream.as_bytes(), piece), expected, "{stream:?} in pieces of {piece}");
        }
    }

    #[test]
    fn events_are_the_same_at_every_cut() {
        check("", &[]);
        check("data: a\n\n", &[("", "a")]);
        check("data:a\n\ndata:  b\n\n", &[("", "a"), ("", " b")]);
        check("data: a\ndata: b\n\n", &[("", "a\nb")]);
        check("data\n\n", &[("", "")]);
        check("event: error\ndata: x\n\n", &[("error", "x")]);
        check("error: {\"m\":1}\n\n", &[("error", "{\"m\":1}")]);
        check(": keep-alive\n\n: again\n\ndata: a\n\n", &[("", "a")]);
        check("id: 7\nretry: 10\nunknown: y\ndata: a\n\n", &[("", "a")]);
        check("\n\n\ndata: a\n\n\n", &[("", "a")]);
        check("event: ping\n\ndata: a\n\n", &[("", "a")]);
    }

    #[test]
    fn every_line_ending_is_understood() {
        check("data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", &[("", "a\nb"), ("", "c")]);
        check("data: a\rdata: b\r\rdata: c\r\r", &[("", "a\nb"), ("", "c")]);
        check("data: a\n\r\ndata: b\r\n\n", &[("", "a"), ("", "b")]);
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        check("data: a\n\ndata: [DONE]", &[("", "a"), ("", "[DONE]")]);
        check("data: a\n\ndata: [DONE]\n", &[("", "a"), ("", "[DONE]")]);
        check("data: a\n\nevent: x\n", &[("", "a")]);
    }

    #[test]
    fn characters_survive_being_cut_and_a_byte_order_mark_is_dropped() {
        check("\u{feff}data: zażółć 🦀 漢字\n\n", &[("", "zażółć 🦀 漢字")]);
        check("data: \u{feff}x\n\n", &[("", "\u{feff}x")]);
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        let events = parse(b"data: a\xff\xfeb\n\n", 3);
        assert_eq!(events[0].data, "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_long_event_in_single_bytes_stays_linear() {
        // Quadratic parsers need minutes for this; a linear one some milliseconds.
        let stream = format!("data: {}\n\n", "x".repeat(4_000_000));
        assert_eq!(parse(stream.as_bytes(), 1)[0].data.len(), 4_000_000);
    }
}

//! What a frame holds: events of a stream, a blob, or the word that the segment is full.
//!
//! ```text
//! any      tag u8 · length of what follows u32
//! events   stream text · first number u64 · time i64 · seal before 32 · count u32 · events
//! event    kind text · version u16 · payload text · seal 32
//! blob     hash 32 · bytes
//! full     nothing
//! text     length u32 · UTF-8
//! ```

use std::str;

use crate::chain::{EncodedEvent, Seal, Sealed};
use crate::{StoredEvent, StreamId};

const PADDING: u8 = 0;
const EVENTS: u8 = 1;
const BLOB: u8 = 2;
const FULL: u8 = 3;
const PREFIX: usize = 5;

/// One record, still lying in the frame's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Events(Events<'a>),
    Blob { hash: [u8; 32], bytes: &'a [u8] },
    Full,
}

/// Events that were appended together to one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Events<'a> {
    pub stream: &'a str,
    pub first_seq: u64,
    pub at_ms: i64,
    /// The seal before the first of them.
    pub previous: Seal,
    pub count: u32,
    rest: &'a [u8],
}

/// Puts the events down as one record, sealing them, and returns the last seal.
pub(super) fn put_events(
    out: &mut Vec<u8>,
    stream: &StreamId,
    (last_seq, last_seal): (u64, Seal),
    at_ms: i64,
    events: &[EncodedEvent],
) -> Seal {
    let begin = begin(out, EVENTS);
    put_text(out, stream.as_str());
    out.extend_from_slice(&(last_seq + 1).to_le_bytes());
    out.extend_from_slice(&at_ms.to_le_bytes());
    out.extend_from_slice(&last_seal);
    out.extend_from_slice(&(events.len() as u32).to_le_bytes());
    let (mut seq, mut seal) = (last_seq, last_seal);
    for EncodedEvent { kind, version, payload } in events {
        seq += 1;
        seal = Sealed { stream: stream.as_str(), seq, at_ms, kind, version: *version, payload }.seal(&seal);
        put_text(out, kind);
        out.extend_from_slice(&version.to_le_bytes());
        put_text(out, payload);
        out.extend_from_slice(&seal);
    }
    end(out, begin);
    seal
}

pub(super) fn put_blob(out: &mut Vec<u8>, hash: &[u8; 32], bytes: &[u8]) {
    let begin = begin(out, BLOB);
    out.extend_from_slice(hash);
    out.extend_from_slice(bytes);
    end(out, begin);
}

pub(super) fn put_full(out: &mut Vec<u8>) {
    let begin = begin(out, FULL);
    end(out, begin);
}

fn begin(out: &mut Vec<u8>, tag: u8) -> usize {
    out.push(tag);
    out.extend_from_slice(&[0; 4]);
    out.len()
}

fn end(out: &mut [u8], begin: usize) {
    let length = (out.len() - begin) as u32;
    out[begin - 4..begin].copy_from_slice(&length.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The records of a body with their places in it; `None` for one that cannot be understood, which is also the last.
pub(super) fn records(body: &[u8]) -> impl Iterator<Item = (usize, usize, Option<Record<'_>>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = body.get(at..)?;
        if rest.first().is_none_or(|tag| *tag == PADDING) {
            return None;
        }
        let begin = at;
        match take_record(rest) {
            Some((length, record)) => {
                at += length;
                Some((begin, length, Some(record)))
            }
            None => {
                at = body.len();
                Some((begin, body.len() - begin, None))
            }
        }
    })
}

/// The record at the beginning of `bytes`, and its length.
pub(super) fn take_record(bytes: &[u8]) -> Option<(usize, Record<'_>)> {
    let mut rest = bytes;
    let tag = *take(&mut rest, 1)?.first()?;
    let length = take_u32(&mut rest)? as usize;
    let content = take(&mut rest, length)?;
    let record = match tag {
        EVENTS => Record::Events(take_events(content)?),
        BLOB => {
            let (hash, bytes) = content.split_first_chunk::<32>()?;
            Record::Blob { hash: *hash, bytes }
        }
        FULL => Record::Full,
        _ => return None,
    };
    Some((PREFIX + length, record))
}

/// The beginning of a record of events, of which the end may be missing: for the report on a cut tail.
pub(super) fn take_beginning(bytes: &[u8]) -> Option<Events<'_>> {
    let mut rest = bytes;
    if *take(&mut rest, 1)?.first()? != EVENTS {
        return None;
    }
    take_u32(&mut rest)?;
    take_events(rest)
}

fn take_events(mut rest: &[u8]) -> Option<Events<'_>> {
    Some(Events {
        stream: take_text(&mut rest)?,
        first_seq: u64::from_le_bytes(take_array(&mut rest)?),
        at_ms: i64::from_le_bytes(take_array(&mut rest)?),
        previous: take_array(&mut rest)?,
        count: take_u32(&mut rest)?,
        rest,
    })
}

impl Events<'_> {
    /// The seal of the last event, unchecked.
    pub fn last_seal(&self) -> Option<Seal> {
        self.rest.last_chunk::<32>().copied()
    }

    /// Hands each event to `each` with its seal, checked; an error is the number of the first bad event and what is wrong.
    pub fn open(&self, mut each: impl FnMut(StoredEvent, Seal)) -> Result<(), (u64, String)> {
        let (mut rest, mut previous) = (self.rest, self.previous);
        for seq in self.first_seq..self.first_seq + u64::from(self.count) {
            let Some((kind, version, payload, seal)) = take_event(&mut rest) else {
                return Err((seq, "its fields are not readable".into()));
            };
            let sealed = Sealed { stream: self.stream, seq, at_ms: self.at_ms, kind, version, payload };
            each(sealed.open(&previous, &seal).map_err(|detail| (seq, detail))?, seal);
            previous = seal;
        }
        Ok(())
    }
}

fn take_event<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, u16, &'a str, Seal)> {
    let kind = take_text(rest)?;
    let version = u16::from_le_bytes(take_array(rest)?);
    Some((kind, version, take_text(rest)?, take_array(rest)?))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    take(rest, N)?.try_into().ok()
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    take_array(rest).map(u32::from_le_bytes)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = take_u32(rest)? as usize;
    str::from_utf8(take(rest, length)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::NO_SEAL;

    fn body() -> (Vec<u8>, Seal) {
        let events: Vec<EncodedEvent> = (0..3)
            .map(|n| EncodedEvent { kind: "k".into(), version: n, payload: format!("[{n}]") })
            .collect();
        let mut out = Vec::new();
        let stream = StreamId::new("run/1").unwrap();
        let seal = put_events(&mut out, &stream, (4, NO_SEAL), 9, &events);
        put_blob(&mut out, &[7; 32], b"bytes");
        put_full(&mut out);
        out.resize(out.len().next_multiple_of(8), 0);
        (out, seal)
    }

    #[test]
    fn records_come_back_as_they_were_put_down() {
        let (body, seal) = body();
        let found: Vec<Record<'_>> = records(&body).map(|(_, _, record)| record.unwrap()).collect();
        let [Record::Events(events), Record::Blob { hash, bytes }, Record::Full] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((events.stream, events.first_seq, events.count), ("run/1", 5, 3));
        assert_eq!(events.last_seal(), Some(seal));
        let mut opened = Vec::new();
        events.open(|event, _| opened.push((event.seq, event.version, event.at_ms))).unwrap();
        assert_eq!(opened, [(5, 0, 9), (6, 1, 9), (7, 2, 9)]);
        assert_eq!((*hash, *bytes), ([7; 32], &b"bytes"[..]));
    }

    #[test]
    fn any_beginning_is_understood_or_refused() {
        let (body, _) = body();
        for length in 0..body.len() {
            let whole = records(&body[..length]).filter(|(_, _, record)| record.is_some()).count();
            assert!(whole <= 3);
        }
        assert_eq!(take_beginning(&body[..100]).unwrap().first_seq, 5);
    }

    #[test]
    fn a_changed_event_is_named() {
        let (mut body, _) = body();
        let at = body.windows(3).position(|bytes| bytes == b"[1]").unwrap();
        body[at + 1] = b'2';
        let (_, record) = take_record(&body).unwrap();
        let Record::Events(events) = record else { panic!("{record:?}") };
        assert_eq!(events.open(|_, _| ()), Err((6, "its content does not match its seal".into())));
    }
}

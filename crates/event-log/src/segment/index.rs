//! Where everything lies: kept in memory, made anew from the segments when the log is opened.

use std::collections::BTreeMap;

use super::record::{Record, records};
use crate::chain::{NO_SEAL, Seal};
use crate::{BlobId, StreamId};

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub offset: u64,
    pub segment: u32,
    pub length: u32,
}

/// Events that were appended together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub first_seq: u64,
    pub place: Place,
}

/// A stream: where it ends and where its parts are.
#[derive(Debug, Clone)]
pub(super) struct StreamIndex {
    pub last_seq: u64,
    pub last_seal: Seal,
    pub parts: Vec<Part>,
}

/// Everything that lies in the segments.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub streams: BTreeMap<StreamId, StreamIndex>,
    pub blobs: BTreeMap<BlobId, Place>,
}

/// What a body says beyond its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continues {
    InThisSegment,
    InTheNextSegment,
}

impl Index {
    /// Where `stream` ends.
    pub fn head(&self, stream: &StreamId) -> (u64, Seal) {
        self.streams.get(stream).map_or((0, NO_SEAL), |index| (index.last_seq, index.last_seal))
    }

    /// Takes up the records of a body that begins at `offset`. What does not continue what is known is named.
    pub fn take_up(&mut self, segment: u32, offset: u64, body: &[u8]) -> Result<Continues, String> {
        let mut continues = Continues::InThisSegment;
        for (begin, length, record) in records(body) {
            let place = Place { offset: offset + begin as u64, segment, length: length as u32 };
            match record.ok_or("a record cannot be understood")? {
                Record::Events(events) => {
                    let stream = StreamId::new(events.stream).map_err(|bad| bad.to_string())?;
                    let seal = events.last_seal().ok_or("events without a seal")?;
                    let before = events.first_seq.checked_sub(1).ok_or("an event without a number")?;
                    let last_seq = before.checked_add(u64::from(events.count));
                    let last_seq = last_seq.ok_or("an event's number is too large")?;
                    self.add_part(stream, events.first_seq, &events.previous, place, (last_seq, seal))?;
                }
                Record::Blob { hash, .. } => {
                    self.blobs.entry(BlobId::from_hash(hash.into())).or_insert(place);
                }
                Record::Full => continues = Continues::InTheNextSegment,
            }
        }
        Ok(continues)
    }

    fn add_part(
        &mut self,
        stream: StreamId,
        first_seq: u64,
        previous: &Seal,
        place: Place,
        (last_seq, last_seal): (u64, Seal),
    ) -> Result<(), String> {
        let (known, seal) = self.head(&stream);
        if first_seq != known + 1 || seal != *previous {
            return Err(format!("event {first_seq} of stream `{stream}` follows event {known}"));
        }
        let index = self.streams.entry(stream).or_insert(StreamIndex {
            last_seq: 0,
            last_seal: NO_SEAL,
            parts: Vec::new(),
        });
        index.parts.push(Part { first_seq, place });
        (index.last_seq, index.last_seal) = (last_seq, last_seal);
        Ok(())
    }

    /// The parts of `stream` that hold events after `after`.
    pub fn parts(&self, stream: &StreamId, after: u64) -> &[Part] {
        match self.streams.get(stream) {
            Some(index) if index.last_seq > after => {
                let first = index.parts.partition_point(|part| part.first_seq <= after + 1);
                index.parts.get(first.saturating_sub(1)..).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::EncodedEvent;
    use crate::segment::record::put_events;

    fn stream() -> StreamId {
        StreamId::new("run/1").unwrap()
    }

    fn body(head: (u64, Seal), count: u16) -> Vec<u8> {
        let event = |version| EncodedEvent { kind: "k".into(), version, payload: "1".into() };
        let events: Vec<EncodedEvent> = (0..count).map(event).collect();
        let mut out = Vec::new();
        put_events(&mut out, &stream(), head, 0, &events);
        out
    }

    #[test]
    fn parts_are_found_by_number() {
        let mut index = Index::default();
        for count in [3, 1, 4] {
            let body = body(index.head(&stream()), count);
            index.take_up(1, 100, &body).unwrap();
        }
        assert_eq!(index.head(&stream()).0, 8);
        let cases: [(u64, &[u64]); 7] =
            [(0, &[1, 4, 5]), (2, &[1, 4, 5]), (3, &[4, 5]), (4, &[5]), (7, &[5]), (8, &[]), (u64::MAX, &[])];
        for (after, expected) in cases {
            let found: Vec<u64> = index.parts(&stream(), after).iter().map(|part| part.first_seq).collect();
            assert_eq!(found, expected, "after {after}");
        }
    }

    #[test]
    fn what_does_not_continue_is_refused() {
        let mut index = Index::default();
        index.take_up(1, 0, &body((0, NO_SEAL), 2)).unwrap();
        let head = index.head(&stream());
        for wrong in [(0, NO_SEAL), (1, head.1), (3, head.1), (2, [9; 32])] {
            let refused = index.take_up(1, 0, &body(wrong, 1)).unwrap_err();
            assert!(refused.contains("follows event 2"), "{refused}");
        }
    }
}

//! The recent past of a terminal, for those who watch it: a bounded end of everything it showed, by offset.

use std::collections::VecDeque;

use crate::protocol::OutputChunk;

/// Most bytes kept.
const LIMIT: usize = 1 << 20;

/// Everything shown so far, of which the last [`LIMIT`] bytes are still there.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: VecDeque<u8>,
    end: u64,
}

impl History {
    /// How many bytes were shown altogether.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    fn start(&self) -> u64 {
        self.end - self.kept.len() as u64
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(LIMIT)..];
        let excess = (self.kept.len() + bytes.len()).saturating_sub(LIMIT);
        self.kept.drain(..excess);
        self.kept.extend(bytes);
    }

    /// At most `most` bytes from the offset `from` on, or from the earliest that is kept; `None` when there are none.
    pub(super) fn read(&self, from: u64, most: usize) -> Option<OutputChunk> {
        let offset = from.max(self.start());
        let skipped = usize::try_from(offset - self.start()).ok()?;
        let count = self.kept.len().checked_sub(skipped).filter(|&count| count > 0)?.min(most);
        let bytes = self.kept.range(skipped..skipped + count).copied().collect();
        Some(OutputChunk { offset, missed: offset - from, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(offset: u64, missed: u64, bytes: &[u8]) -> Option<OutputChunk> {
        Some(OutputChunk { offset, missed, bytes: bytes.to_vec() })
    }

    #[test]
    fn offsets_count_from_the_very_beginning() {
        let mut history = History::default();
        assert_eq!(history.read(0, 10), None);
        history.push(b"hello ");
        history.push(b"world");
        assert_eq!(history.read(0, 100), chunk(0, 0, b"hello world"));
        assert_eq!(history.read(4, 3), chunk(4, 0, b"o w"));
        assert_eq!((history.read(11, 3), history.read(12, 3), history.end()), (None, None, 11));
    }

    #[test]
    fn what_is_no_longer_kept_is_counted() {
        let mut history = History::default();
        history.push(b"first");
        history.push(&vec![b'x'; LIMIT]);
        assert_eq!(history.read(2, 2), chunk(5, 3, b"xx"));
        history.push(&[b'y'; 10]);
        assert_eq!(history.read(0, 1), chunk(15, 15, b"x"));
        assert_eq!(history.read(history.end() - 1, 9), chunk(5 + LIMIT as u64 + 9, 0, b"y"));
        history.push(&vec![b'z'; 3 * LIMIT]);
        assert_eq!(history.read(history.end() - LIMIT as u64, 1).unwrap().bytes, b"z");
        assert!(history.kept.len() == LIMIT);
    }
}

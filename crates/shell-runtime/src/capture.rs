//! Output within bounds: the beginning and the end are kept, what was between them is counted.

use std::collections::VecDeque;

/// Collects bytes and keeps at most `limit` of them: the first half and the last half.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
}

impl Capture {
    /// An empty capture that keeps `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds bytes, dropping from the middle when full.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = (self.limit / 2).saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        self.push_tail(rest);
    }

    fn push_tail(&mut self, bytes: &[u8]) {
        let most = self.limit - self.limit / 2;
        let skipped = bytes.len().saturating_sub(most);
        let excess = (self.tail.len() + bytes.len() - skipped).saturating_sub(most);
        self.tail.drain(..excess);
        self.tail.extend(&bytes[skipped..]);
        self.omitted += (skipped + excess) as u64;
    }

    /// Whether something was dropped.
    pub(crate) fn truncated(&self) -> bool {
        self.omitted > 0
    }

    /// What was kept, with a line that says how much is missing where it is missing. Leaves the capture empty.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.head);
        if self.omitted > 0 {
            all.extend_from_slice(format!("\n[... {} bytes left out ...]\n", self.omitted).as_bytes());
        }
        all.extend(std::mem::take(&mut self.tail));
        self.omitted = 0;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, pieces: &[&str]) -> (String, bool) {
        let mut capture = Capture::new(limit);
        pieces.iter().for_each(|piece| capture.push(piece.as_bytes()));
        let truncated = capture.truncated();
        (String::from_utf8(capture.take()).unwrap(), truncated)
    }

    #[test]
    fn keeps_the_beginning_and_the_end() {
        let cases: &[(usize, &[&str], &str, bool)] = &[
            (8, &[], "", false),
            (8, &["abcd", "efgh"], "abcdefgh", false),
            (8, &["abcdefgh"], "abcdefgh", false),
            (8, &["abcdefghi"], "abcd\n[... 1 bytes left out ...]\nfghi", true),
            (8, &["ab", "cdef", "ghij", "klmnopqr"], "abcd\n[... 10 bytes left out ...]\nopqr", true),
            (0, &["abc"], "\n[... 3 bytes left out ...]\n", true),
            (1, &["abc"], "\n[... 2 bytes left out ...]\nc", true),
        ];
        for (limit, pieces, expected, truncated) in cases {
            assert_eq!(kept(*limit, pieces), ((*expected).to_owned(), *truncated), "{limit} {pieces:?}");
        }
    }

    #[test]
    fn taking_empties_and_counting_starts_again() {
        let mut capture = Capture::new(4);
        capture.push(b"abcdefg");
        capture.take();
        assert!(!capture.truncated());
        capture.push(b"xy");
        assert_eq!(capture.take(), b"xy");
    }

    /// A slow and obvious version.
    fn expected(limit: usize, all: &[u8]) -> Vec<u8> {
        if all.len() <= limit {
            return all.to_vec();
        }
        let (head, tail) = (limit / 2, limit - limit / 2);
        let note = format!("\n[... {} bytes left out ...]\n", all.len() - limit);
        [&all[..head], note.as_bytes(), &all[all.len() - tail..]].concat()
    }

    #[test]
    fn how_output_is_cut_into_pieces_does_not_matter() {
        let all: Vec<u8> = (0..200).collect();
        for limit in [0, 1, 2, 3, 7, 50, 199, 200, 201] {
            for piece in [1, 2, 3, 13, 64, 200] {
                let mut capture = Capture::new(limit);
                all.chunks(piece).for_each(|chunk| capture.push(chunk));
                assert_eq!(capture.truncated(), limit < all.len());
                assert_eq!(capture.take(), expected(limit, &all), "limit {limit}, pieces of {piece}");
            }
        }
    }
}

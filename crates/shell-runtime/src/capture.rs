//! Output within bounds: the beginning and the end are kept, what was between them is counted.

/// Collects bytes and keeps at most `limit` of them: the first half and the last half. Memory grows with what is kept,
/// and each byte is written once, however large the limit is.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    limit: usize,
    /// While nothing was left out: everything. After that: the first half, and the last half as a ring.
    kept: Vec<u8>,
    /// Where in the ring its oldest byte is.
    oldest: usize,
    omitted: u64,
}

impl Capture {
    /// An empty capture that keeps `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds bytes, dropping from the middle when full.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.limit - self.kept.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.kept.extend_from_slice(first);
        if !rest.is_empty() {
            self.replace_oldest(rest);
        }
    }

    /// Writes over the ring, where every byte written is one left out.
    fn replace_oldest(&mut self, bytes: &[u8]) {
        self.omitted += bytes.len() as u64;
        let oldest = self.oldest;
        let ring = self.ring_mut();
        if ring.is_empty() {
            return;
        }
        let last = &bytes[bytes.len().saturating_sub(ring.len())..];
        let start = (oldest + bytes.len() - last.len()) % ring.len();
        let (to_end, wrapped) = last.split_at(last.len().min(ring.len() - start));
        ring[start..start + to_end.len()].copy_from_slice(to_end);
        ring[..wrapped.len()].copy_from_slice(wrapped);
        self.oldest = (start + last.len()) % ring.len();
    }

    fn ring_mut(&mut self) -> &mut [u8] {
        &mut self.kept[self.limit / 2..]
    }

    /// How many bytes were dropped.
    pub(crate) fn omitted(&self) -> u64 {
        self.omitted
    }

    /// What was kept, with a line that says how much is missing where it is missing. Leaves the capture empty.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let (oldest, omitted) = (self.oldest, self.omitted);
        if omitted > 0 {
            self.ring_mut().rotate_left(oldest);
            let note = format!("\n[... {omitted} bytes left out ...]\n");
            let middle = self.limit / 2;
            self.kept.splice(middle..middle, note.into_bytes());
        }
        (self.oldest, self.omitted) = (0, 0);
        std::mem::take(&mut self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, pieces: &[&str]) -> (String, bool) {
        let mut capture = Capture::new(limit);
        pieces.iter().for_each(|piece| capture.push(piece.as_bytes()));
        let truncated = capture.omitted() > 0;
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
        assert_eq!(capture.omitted(), 0);
        capture.push(b"xy");
        assert_eq!(capture.take(), b"xy");
    }

    #[test]
    fn memory_grows_with_what_is_kept_and_not_with_the_limit() {
        let mut capture = Capture::new(usize::MAX);
        capture.push(&[7; 1000]);
        assert!(capture.kept.capacity() < 10_000);
        let bytes = capture.take();
        assert_eq!((bytes.len(), capture.kept.capacity()), (1000, 0));
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
                assert_eq!(capture.omitted(), (all.len() - limit.min(all.len())) as u64);
                assert_eq!(capture.take(), expected(limit, &all), "limit {limit}, pieces of {piece}");
            }
        }
    }
}

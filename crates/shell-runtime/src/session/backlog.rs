//! Output that was not answered yet, within bounds: the beginning and the end are kept, the middle is counted.

use std::collections::VecDeque;

/// How much of the end is looked at for expected patterns.
const WINDOW: usize = 1 << 20;

/// What was printed since the last answer: all of it while it fits, else its first and its last half.
#[derive(Debug)]
pub(super) struct Backlog {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
}

/// Output for an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// What was kept, with a line that says how much is missing where it is missing.
    pub(super) bytes: Vec<u8>,
    /// How many bytes are missing.
    pub(super) omitted: u64,
}

impl Backlog {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, head: Vec::new(), tail: VecDeque::new(), omitted: 0 }
    }

    /// Adds bytes. Everything stands in `head` until the limit is passed for the first time.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.tail.is_empty() && self.omitted == 0 {
            if self.head.len() + bytes.len() <= self.limit {
                self.head.extend_from_slice(bytes);
                return;
            }
            let rest = self.head.split_off(self.head.len().min(self.limit / 2));
            self.tail = rest.into();
            let room = self.limit / 2 - self.head.len();
            let (first, rest) = bytes.split_at(room.min(bytes.len()));
            self.head.extend_from_slice(first);
            self.push_tail(rest);
        } else {
            self.push_tail(bytes);
        }
    }

    fn push_tail(&mut self, bytes: &[u8]) {
        let most = self.limit - self.limit / 2;
        let skipped = bytes.len().saturating_sub(most);
        let excess = (self.tail.len() + bytes.len() - skipped).saturating_sub(most);
        self.tail.drain(..excess);
        self.tail.extend(&bytes[skipped..]);
        self.omitted += (skipped + excess) as u64;
    }

    /// Bytes that are kept.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Takes everything, at most `limit` bytes of it.
    pub(super) fn take(&mut self, limit: usize) -> Taken {
        let (mut head, tail) = (std::mem::take(&mut self.head), std::mem::take(&mut self.tail));
        let mut omitted = std::mem::take(&mut self.omitted);
        if omitted == 0 && head.len() + tail.len() <= limit {
            head.extend(tail);
            return Taken { bytes: head, omitted };
        }
        let kept = head.len() + tail.len();
        let first = whole_characters(&head, (limit / 2).min(head.len()));
        let last = (limit - limit / 2).min(kept - first);
        let from_head = last.saturating_sub(tail.len());
        let mut end = head.split_off(head.len() - from_head);
        end.extend(tail.iter().skip(tail.len().saturating_sub(last)));
        let torn = torn_start(&end);
        head.truncate(first);
        omitted += (kept - first - last + torn) as u64;
        if omitted > 0 {
            head.extend_from_slice(format!("\n[... {omitted} bytes left out ...]\n").as_bytes());
        }
        head.extend_from_slice(&end[torn..]);
        Taken { bytes: head, omitted }
    }

    /// The end of what was kept without a gap, as far as patterns are searched in it.
    pub(super) fn recent(&mut self) -> &[u8] {
        let end = if self.omitted == 0 && self.tail.is_empty() {
            &self.head
        } else {
            &*self.tail.make_contiguous()
        };
        &end[end.len().saturating_sub(WINDOW)..]
    }

    /// Takes what stands before a match in [`Backlog::recent`]; the match goes, what follows it stays.
    pub(super) fn take_match(&mut self, matched: std::ops::Range<usize>, limit: usize) -> Taken {
        let recent = self.recent();
        let (before, after) = (recent.len() - matched.start, recent[matched.end..].to_vec());
        if self.tail.is_empty() {
            self.head.truncate(self.head.len() - before);
        } else {
            self.tail.truncate(self.tail.len() - before);
        }
        let taken = self.take(limit);
        self.push(&after);
        taken
    }
}

/// The largest length up to `most` that does not end inside a character.
fn whole_characters(bytes: &[u8], most: usize) -> usize {
    let begins = |&at: &usize| bytes[at] >= 0xc0;
    let Some(start) = (most.saturating_sub(3)..most).rev().find(begins) else { return most };
    let needed = match bytes[start] {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    };
    if start + needed > most { start } else { most }
}

/// How many bytes at the start belong to a character whose beginning is missing.
fn torn_start(bytes: &[u8]) -> usize {
    let continued = bytes.iter().take(4).take_while(|&&byte| byte & 0xc0 == 0x80).count();
    if continued < 4 { continued } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(limit: usize, pieces: &[&str]) -> Backlog {
        let mut backlog = Backlog::new(limit);
        pieces.iter().for_each(|piece| backlog.push(piece.as_bytes()));
        backlog
    }

    fn text(taken: Taken) -> (String, u64) {
        (String::from_utf8(taken.bytes).unwrap(), taken.omitted)
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let cases: &[(usize, usize, &[&str], &str, u64)] = &[
            (8, 8, &[], "", 0),
            (8, 8, &["abcd", "efgh"], "abcdefgh", 0),
            (8, 8, &["abcdefghi"], "abcd\n[... 1 bytes left out ...]\nfghi", 1),
            (8, 8, &["ab", "cdef", "ghij", "klmnopqr"], "abcd\n[... 10 bytes left out ...]\nopqr", 10),
            (8, 4, &["abcdefgh"], "ab\n[... 4 bytes left out ...]\ngh", 4),
            (8, 4, &["abcdefghij"], "ab\n[... 6 bytes left out ...]\nij", 6),
            (8, 100, &["abcdefghij"], "abcd\n[... 2 bytes left out ...]\nghij", 2),
            (0, 0, &["abc"], "\n[... 3 bytes left out ...]\n", 3),
            (1, 1, &["abc"], "\n[... 2 bytes left out ...]\nc", 2),
            (100, 0, &["abc"], "\n[... 3 bytes left out ...]\n", 3),
            (9, 9, &["abc\u{e9}\u{e9}\u{e9}\u{e9}"], "abc\n[... 4 bytes left out ...]\n\u{e9}\u{e9}", 4),
        ];
        for (kept, asked, pieces, expected, omitted) in cases {
            let mut backlog = filled(*kept, pieces);
            assert_eq!(
                text(backlog.take(*asked)),
                ((*expected).to_owned(), *omitted),
                "{kept} {asked} {pieces:?}"
            );
            assert_eq!(backlog.len(), 0);
        }
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
        let all: Vec<u8> = (0..200).map(|number| number % 128).collect();
        for kept in [0, 1, 2, 3, 7, 50, 199, 200, 201] {
            for asked in [0, 1, 5, 49, 200, 300] {
                for piece in [1, 2, 3, 13, 64, 200] {
                    let mut backlog = Backlog::new(kept);
                    all.chunks(piece).for_each(|chunk| backlog.push(chunk));
                    let limit = kept.min(asked);
                    assert_eq!(backlog.take(asked).bytes, expected(limit, &all), "{kept} {asked} {piece}");
                }
            }
        }
    }

    #[test]
    fn a_match_is_taken_with_what_is_before_it() {
        let mut backlog = filled(100, &["one two three"]);
        assert_eq!(backlog.recent(), b"one two three");
        assert_eq!(backlog.take_match(4..7, 100).bytes, b"one ");
        assert_eq!(backlog.take(100).bytes, b" three");
        let mut backlog = filled(8, &["abcdefghijkl"]);
        assert_eq!(backlog.recent(), b"ijkl");
        assert_eq!(text(backlog.take_match(1..2, 8)), ("abcd\n[... 4 bytes left out ...]\ni".to_owned(), 4));
        assert_eq!(backlog.take(8).bytes, b"kl");
    }
}

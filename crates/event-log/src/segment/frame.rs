//! The format of a segment: a header, then frames. A frame is what one write put down: whole or not there.
//!
//! ```text
//! header   64 bytes   magic 8 · format u32 · number u32 · salt 16 · zero 16 · checksum of these 16
//! frame    32 bytes   magic 4 · length of the body u32 · confirmed u64 · checksum 16
//!          body       records (record.rs), padded with zeros to a multiple of 8
//! rest                zeros: room that was reserved
//! ```
//!
//! Numbers are little-endian. A frame's checksum is BLAKE3 keyed by the segment's salt over the frame's place, its header
//! and its body, so neither a frame at another place nor bytes that an event happens to contain pass for one. `confirmed`
//! is the place up to which the disk had confirmed this segment when the frame was written: a bad frame before it was once
//! whole and is damage; a bad frame behind it may be a write that a crash has torn.

use crate::LogError;
use std::path::Path;

/// The format that this program writes, and the newest it reads.
pub const SEGMENT_FORMAT: u32 = 1;
pub(super) const FILE_HEADER: usize = 64;
pub(super) const FRAME_HEADER: usize = 32;
/// The largest body. More does not fit into one append.
pub(super) const LARGEST_BODY: usize = 1 << 30;

const FILE_MAGIC: &[u8; 8] = b"SHELSEG\n";
const FRAME_MAGIC: &[u8; 4] = b"SHf\xb1";
const CHECKSUM: usize = 16;
pub(super) type Salt = [u8; 16];

/// Makes and checks the checksums of one segment.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    key: [u8; 32],
}

/// What is at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing was written here yet.
    Nothing,
    /// A whole frame, its header included, of this length; the disk had confirmed everything before `confirmed`.
    Frame { length: usize, confirmed: u64 },
    /// A header that asks for this many bytes, more than were given.
    More(usize),
    /// Something else, and why.
    Broken(&'static str),
}

pub(super) fn file_header(number: u32, salt: &Salt) -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[..8].copy_from_slice(FILE_MAGIC);
    header[8..12].copy_from_slice(&SEGMENT_FORMAT.to_le_bytes());
    header[12..16].copy_from_slice(&number.to_le_bytes());
    header[16..32].copy_from_slice(salt);
    let checksum = *blake3::hash(&header[..48]).as_bytes();
    header[48..].copy_from_slice(&checksum[..CHECKSUM]);
    header
}

/// Reads the header of segment `number`.
pub(super) fn open_header(header: &[u8], number: u32, path: &Path) -> Result<Frames, LogError> {
    let corrupt =
        |detail: &str| LogError::CorruptFile { path: path.to_owned(), detail: format!("header: {detail}") };
    if header.len() < FILE_HEADER || &header[..8] != FILE_MAGIC {
        return Err(corrupt("this is no segment of an event log"));
    }
    // The format first: a later one may have another header.
    let found = u32_at(header, 8);
    if found > SEGMENT_FORMAT {
        return Err(LogError::NewerFormat { path: path.to_owned(), found, supported: SEGMENT_FORMAT });
    }
    if header[48..64] != blake3::hash(&header[..48]).as_bytes()[..CHECKSUM] {
        return Err(corrupt("it does not match its checksum"));
    }
    if u32_at(header, 12) != number {
        return Err(corrupt("it belongs to a segment of another number"));
    }
    let mut salt = Salt::default();
    salt.copy_from_slice(&header[16..32]);
    Ok(Frames::new(&salt))
}

impl Frames {
    pub fn new(salt: &Salt) -> Self {
        Self { key: blake3::derive_key("smallhands event log, frames of a segment, format 1", salt) }
    }

    /// Completes a frame whose first bytes are left free for the header.
    pub fn close(&self, frame: &mut Vec<u8>, offset: u64, confirmed: u64) {
        frame.resize(frame.len().next_multiple_of(8), 0);
        let length = (frame.len() - FRAME_HEADER) as u32;
        frame[..4].copy_from_slice(FRAME_MAGIC);
        frame[4..8].copy_from_slice(&length.to_le_bytes());
        frame[8..16].copy_from_slice(&confirmed.to_le_bytes());
        let checksum = self.checksum(offset, frame);
        frame[16..FRAME_HEADER].copy_from_slice(&checksum);
    }

    /// What begins at `offset`; `bytes` is what follows it, as far as it was read, and `room` how far the file goes.
    pub fn look(&self, bytes: &[u8], offset: u64, room: u64) -> Found {
        let room = usize::try_from(room.saturating_sub(offset)).unwrap_or(usize::MAX);
        if bytes.len() < FRAME_HEADER.min(room) {
            return Found::More(FRAME_HEADER);
        }
        let header = &bytes[..FRAME_HEADER.min(room)];
        if header.iter().all(|byte| *byte == 0) {
            return Found::Nothing;
        }
        if header.len() < FRAME_HEADER {
            return Found::Broken("the file ends within the header of a frame");
        }
        if &header[..4] != FRAME_MAGIC {
            return Found::Broken("no frame begins here");
        }
        let (body, confirmed) = (u32_at(header, 4) as usize, u64_at(header, 8));
        let length = FRAME_HEADER + body;
        if length > room {
            return Found::Broken("the frame is longer than the file");
        }
        if bytes.len() < length {
            return Found::More(length);
        }
        if bytes[16..FRAME_HEADER] != self.checksum(offset, &bytes[..length]) {
            return Found::Broken("the frame does not match its checksum");
        }
        Found::Frame { length, confirmed }
    }

    fn checksum(&self, offset: u64, frame: &[u8]) -> [u8; CHECKSUM] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&offset.to_le_bytes());
        hasher.update(&frame[..16]);
        hasher.update(&frame[FRAME_HEADER..]);
        let mut checksum = [0; CHECKSUM];
        checksum.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
        checksum
    }
}

/// Whether a frame may begin with these bytes.
pub(super) fn begins_like_a_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(FRAME_MAGIC)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &[u8], offset: u64) -> Vec<u8> {
        let mut bytes = vec![0; FRAME_HEADER];
        bytes.extend_from_slice(body);
        Frames::new(&[1; 16]).close(&mut bytes, offset, 64);
        bytes
    }

    #[test]
    fn a_frame_is_found_where_it_was_put_and_nowhere_else() {
        let (frames, bytes) = (Frames::new(&[1; 16]), frame(b"five!", 64));
        assert_eq!(bytes.len(), 40, "padded to a multiple of eight");
        assert_eq!(frames.look(&bytes, 64, 1000), Found::Frame { length: 40, confirmed: 64 });
        assert_eq!(frames.look(&bytes[..35], 64, 1000), Found::More(40));
        assert_eq!(frames.look(&bytes[..35], 64, 99), Found::Broken("the frame is longer than the file"));
        assert!(matches!(frames.look(&bytes, 72, 1000), Found::Broken(_)), "another place");
        assert!(matches!(Frames::new(&[2; 16]).look(&bytes, 64, 1000), Found::Broken(_)), "another salt");
    }

    #[test]
    fn any_flipped_bit_breaks_a_frame() {
        let (frames, good) = (Frames::new(&[1; 16]), frame(b"some content", 64));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let found = frames.look(&bad, 64, 64 + bad.len() as u64);
            assert!(matches!(found, Found::Broken(_) | Found::More(_)), "bit {bit}: {found:?}");
        }
    }

    #[test]
    fn room_that_was_reserved_is_nothing() {
        let frames = Frames::new(&[1; 16]);
        assert_eq!(frames.look(&[0; 100], 64, 1000), Found::Nothing);
        assert_eq!(frames.look(&[], 64, 64), Found::Nothing);
        assert_eq!(frames.look(&[0; 5], 64, 69), Found::Nothing);
        assert!(matches!(frames.look(&[1; 5], 64, 69), Found::Broken(_)));
    }

    #[test]
    fn headers_name_what_is_wrong_with_them() {
        let path = Path::new("1.seg");
        let good = file_header(1, &[3; 16]);
        assert!(open_header(&good, 1, path).is_ok());
        let mut newer = good;
        newer[8] = 2;
        let error = open_header(&newer, 1, path).unwrap_err();
        assert_eq!(error, LogError::NewerFormat { path: path.to_owned(), found: 2, supported: 1 });
        for (bytes, number) in [(&good[..63], 1), (&good[..], 2), (&[0; 64][..], 1)] {
            assert!(matches!(open_header(bytes, number, path), Err(LogError::CorruptFile { .. })));
        }
        let mut salted = good;
        salted[20] ^= 1;
        assert!(matches!(open_header(&salted, 1, path), Err(LogError::CorruptFile { .. })));
    }
}

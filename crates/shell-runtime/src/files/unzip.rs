//! Unpacking a zip file: modes and links are restored, limits are checked before anything is written.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::files::error::FileError;
use crate::files::unpacking::{UnpackLimits, Unpacking};

/// Longest comment at the end of a zip file, and the record before it.
const LONGEST_END: u64 = 65_535 + 22;

/// More than any system's longest path.
const LONGEST_LINK: u64 = 8192;

/// Bytes of the list of entries that are read into memory for each entry allowed.
const LIST_BYTES_PER_ENTRY: u64 = 512;

/// Unpacks the zip `file` into `target`.
///
/// # Errors
/// [`FileError::BadArchive`], [`FileError::Encrypted`], [`FileError::TooMuch`], [`FileError::Escapes`] and
/// [`FileError::System`]; what was not there before is removed again.
pub fn unzip(file: &mut File, target: &Path, limits: UnpackLimits) -> Result<(), FileError> {
    let packed = file.metadata().map_err(FileError::about(target))?.len();
    let end = EndRecord::find(file, packed).ok_or_else(|| bad("File is not a zip file".to_owned()))?;
    limits.check(0, end.entries.max(end.list_bytes / LIST_BYTES_PER_ENTRY), packed)?;
    let mut archive = ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    let declared = archive.decompressed_size().unwrap_or(0);
    limits.check(u64::try_from(declared).unwrap_or(u64::MAX), archive.len() as u64, packed)?;
    let mut unpacking = Unpacking::into(target, limits, packed)?;
    for index in 0..archive.len() {
        entry(&mut archive, index, &mut unpacking)?;
    }
    unpacking.finish()
}

fn entry(archive: &mut ZipArchive<&mut File>, index: usize, to: &mut Unpacking) -> Result<(), FileError> {
    let name = archive.name_for_index(index).and_then(Result::ok).unwrap_or_default().into_owned();
    let mut entry = archive.by_index(index).map_err(|error| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => FileError::Encrypted { entry: name },
        other => bad(other.to_string()),
    })?;
    let name = entry.name_raw().to_vec();
    let mode = entry.unix_mode().filter(|mode| mode & 0o777 != 0);
    if entry.is_dir() {
        return to.directory(&name, mode);
    }
    let shown = String::from_utf8_lossy(&name).into_owned();
    let broken = |error: std::io::Error| bad(format!("Bad data for file '{shown}': {error}"));
    if entry.is_symlink() {
        let mut leads_to = Vec::new();
        (&mut entry).take(LONGEST_LINK).read_to_end(&mut leads_to).map_err(broken)?;
        return to.link(&name, PathBuf::from(OsString::from_vec(leads_to)));
    }
    to.file(&name, mode, &mut entry, &broken)
}

fn bad(reason: String) -> FileError {
    FileError::BadArchive { reason, zip: true }
}

/// What the end of a zip file says about the list of its entries. It is read before the list is, because the list
/// of a hostile archive need not fit into memory.
#[derive(Debug, PartialEq, Eq)]
struct EndRecord {
    entries: u64,
    list_bytes: u64,
}

impl EndRecord {
    fn find(file: &mut File, length: u64) -> Option<Self> {
        let tail_at = length.saturating_sub(LONGEST_END);
        file.seek(SeekFrom::Start(tail_at)).ok()?;
        let mut tail = Vec::new();
        Read::take(&mut *file, LONGEST_END).read_to_end(&mut tail).ok()?;
        let at = tail.windows(4).rposition(|four| four == b"PK\x05\x06")?;
        let record = tail.get(at..at + 22)?;
        let short = Self { entries: number(record, 10, 2), list_bytes: number(record, 12, 4) };
        if short.entries != 0xffff && short.list_bytes != 0xffff_ffff {
            return Some(short);
        }
        let locator = at.checked_sub(20).and_then(|start| tail.get(start..at));
        let Some(locator) = locator.filter(|locator| locator.starts_with(b"PK\x06\x07")) else {
            return Some(short);
        };
        let mut long = [0; 56];
        file.seek(SeekFrom::Start(number(locator, 8, 8))).ok()?;
        file.read_exact(&mut long).ok()?;
        long.starts_with(b"PK\x06\x06")
            .then(|| Self { entries: number(&long, 32, 8), list_bytes: number(&long, 40, 8) })
    }
}

/// A little-endian number of `size` bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

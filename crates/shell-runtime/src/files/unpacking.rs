//! Putting the entries of an archive below a target, whatever the archive says.
//!
//! Names lose their `..` and leading `/`, as Python's zipfile does it. Directories that are links are followed
//! only when they lead to a place inside the target. Links of the archive are made last, so that no entry can be
//! written through one. A file is written beside its place and renamed; when something fails, everything that was
//! not there before is removed again.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::files::error::FileError;
use crate::files::landing::{Landing, parent_of};

/// Bytes that are copied at a time.
const CHUNK: usize = 128 << 10;

/// A ratio is no sign of bad intent below this many bytes: a small file of zeros compresses just as well.
const RATIO_MATTERS_FROM: u64 = 256 << 20;

/// How much may come out of one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files, directories and links together.
    pub entries: u64,
    /// Bytes of all files together, for each byte of the archive.
    pub ratio: u64,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self { bytes: 32 << 30, entries: 2_000_000, ratio: 200 }
    }
}

impl UnpackLimits {
    /// Refuses what would be too much: `bytes` and `entries` out of an archive of `packed` bytes.
    pub(crate) fn check(&self, bytes: u64, entries: u64, packed: u64) -> Result<(), FileError> {
        let too_much = |what: String, limit: String| Err(FileError::TooMuch { what, limit });
        if entries > self.entries {
            return too_much(format!("has {entries} entries"), format!("{} entries", self.entries));
        }
        if bytes > self.bytes {
            return too_much(format!("unpacks to {bytes} bytes or more"), format!("{} bytes", self.bytes));
        }
        if bytes > RATIO_MATTERS_FROM && bytes / packed.max(1) > self.ratio {
            let what = format!("of {packed} bytes unpacks to {bytes} bytes or more");
            return too_much(what, format!("{} bytes for each", self.ratio));
        }
        Ok(())
    }
}

/// An archive on its way to the disk. Dropping it before [`Unpacking::finish`] removes what it made.
#[derive(Debug)]
pub(crate) struct Unpacking {
    target: PathBuf,
    limits: UnpackLimits,
    /// Size of the archive; what is not known yet counts as received so far.
    pub(crate) packed: u64,
    bytes: u64,
    entries: u64,
    /// Directories known to be inside the target.
    safe: HashSet<PathBuf>,
    /// What was not there before, in the order of making.
    made: Vec<PathBuf>,
    modes: Vec<(PathBuf, u32)>,
    links: Vec<(String, PathBuf, PathBuf)>,
    buffer: Vec<u8>,
}

impl Unpacking {
    /// Starts unpacking into `target`, which is made when it is missing.
    pub(crate) fn into(target: &Path, limits: UnpackLimits, packed: u64) -> Result<Self, FileError> {
        let mut this = Self {
            target: target.to_owned(),
            limits,
            packed,
            bytes: 0,
            entries: 0,
            safe: HashSet::new(),
            made: Vec::new(),
            modes: Vec::new(),
            links: Vec::new(),
            buffer: vec![0; CHUNK],
        };
        let missing: Vec<_> =
            target.ancestors().take_while(|path| path.symlink_metadata().is_err()).collect();
        parent_of(&target.join("x"))?;
        this.made.extend(missing.into_iter().rev().map(Path::to_owned));
        this.target = target.canonicalize().map_err(FileError::about(target))?;
        this.safe.insert(this.target.clone());
        Ok(this)
    }

    /// Where the entry `name` belongs; `None` for the target itself.
    fn place(&self, name: &[u8]) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        let inside = name.components().filter(|part| matches!(part, Component::Normal(_)));
        let place = inside.fold(self.target.clone(), |place, part| place.join(part));
        (place != self.target).then_some(place)
    }

    fn count(&mut self) -> Result<(), FileError> {
        self.entries += 1;
        self.limits.check(self.bytes, self.entries, self.packed)
    }

    /// Makes a directory.
    pub(crate) fn directory(&mut self, name: &[u8], mode: Option<u32>) -> Result<(), FileError> {
        self.count()?;
        let Some(place) = self.place(name) else { return Ok(()) };
        if self.ensure(&place, name)?
            && let Some(mode) = mode
        {
            self.modes.push((place, mode & 0o777 | 0o700));
        }
        Ok(())
    }

    /// Makes `directory` and those above it, and answers whether it is new. Each is looked at once.
    fn ensure(&mut self, directory: &Path, entry: &[u8]) -> Result<bool, FileError> {
        if self.safe.contains(directory) {
            return Ok(false);
        }
        if let Some(parent) = directory.parent() {
            self.ensure(parent, entry)?;
        }
        let made = match std::fs::create_dir(directory) {
            Ok(()) => {
                self.made.push(directory.to_owned());
                true
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let real = directory.canonicalize().map_err(FileError::about(directory))?;
                if !real.starts_with(&self.target) {
                    return Err(self.escape(entry));
                }
                if !real.is_dir() {
                    return Err(FileError::about(directory)(error));
                }
                false
            }
            Err(error) => return Err(FileError::about(directory)(error)),
        };
        self.safe.insert(directory.to_owned());
        Ok(made)
    }

    fn escape(&self, entry: &[u8]) -> FileError {
        let entry = String::from_utf8_lossy(entry).into_owned();
        FileError::Escapes { entry, target: self.target.clone() }
    }

    /// Writes a file. A failure of `content` is a failure of the archive, told by `broken`.
    pub(crate) fn file(
        &mut self,
        name: &[u8],
        mode: Option<u32>,
        content: &mut dyn Read,
        broken: &dyn Fn(io::Error) -> FileError,
    ) -> Result<(), FileError> {
        self.count()?;
        let Some(place) = self.place(name) else { return Ok(()) };
        self.ensure(place.parent().unwrap_or(&self.target).to_owned().as_path(), name)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode.map_or(0o666, |mode| mode & 0o777 | 0o600));
        match options.open(&place) {
            Ok(mut file) => {
                self.made.push(place.clone());
                self.copy(content, &mut file, &place, broken)?;
                self.set_mode(&place, mode)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mut landing = Landing::beside(&place)?;
                self.copy(content, landing.file()?, &place, broken)?;
                let kept =
                    || place.symlink_metadata().ok().filter(|m| m.is_file()).map(|m| m.permissions().mode());
                landing.settle(&place, mode.map(|mode| mode & 0o777).or_else(kept))
            }
            Err(error) => Err(FileError::about(&place)(error)),
        }
    }

    fn set_mode(&self, place: &Path, mode: Option<u32>) -> Result<(), FileError> {
        let Some(mode) = mode else { return Ok(()) };
        std::fs::set_permissions(place, Permissions::from_mode(mode & 0o777)).map_err(FileError::about(place))
    }

    fn copy(
        &mut self,
        content: &mut dyn Read,
        file: &mut File,
        place: &Path,
        broken: &dyn Fn(io::Error) -> FileError,
    ) -> Result<(), FileError> {
        loop {
            let count = match content.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(error)),
            };
            self.bytes += count as u64;
            self.limits.check(self.bytes, self.entries, self.packed)?;
            file.write_all(&self.buffer[..count]).map_err(FileError::about(place))?;
        }
    }

    /// Makes a symbolic link when everything else is in place. It may lead anywhere; nothing is written through it.
    pub(crate) fn link(&mut self, name: &[u8], leads_to: PathBuf) -> Result<(), FileError> {
        self.count()?;
        if let Some(place) = self.place(name) {
            self.links.push((String::from_utf8_lossy(name).into_owned(), place, leads_to));
        }
        Ok(())
    }

    /// Gives a file that was unpacked before a second name.
    pub(crate) fn hard_link(&mut self, name: &[u8], first: &[u8]) -> Result<(), FileError> {
        self.count()?;
        let (Some(place), Some(first)) = (self.place(name), self.place(first)) else { return Ok(()) };
        self.ensure(place.parent().unwrap_or(&self.target).to_owned().as_path(), name)?;
        let real = first.canonicalize().map_err(FileError::about(&first))?;
        if !real.starts_with(&self.target) {
            return Err(self.escape(name));
        }
        self.make_way(&place)?;
        std::fs::hard_link(&first, &place).map_err(FileError::about(&place))?;
        self.made.push(place);
        Ok(())
    }

    fn make_way(&self, place: &Path) -> Result<(), FileError> {
        match std::fs::remove_file(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::about(place)(error)),
            _ => Ok(()),
        }
    }

    /// Makes the links, sets the directories' modes, and keeps everything.
    pub(crate) fn finish(mut self) -> Result<(), FileError> {
        for (entry, place, leads_to) in std::mem::take(&mut self.links) {
            self.ensure(place.parent().unwrap_or(&self.target).to_owned().as_path(), entry.as_bytes())?;
            self.make_way(&place)?;
            std::os::unix::fs::symlink(&leads_to, &place).map_err(FileError::about(&place))?;
            // What was found to be safe may lead through the new link.
            self.safe.retain(|path| !path.starts_with(&place));
            self.made.push(place);
        }
        for (place, mode) in std::mem::take(&mut self.modes) {
            self.set_mode(&place, Some(mode))?;
        }
        self.made.clear();
        Ok(())
    }
}

impl Drop for Unpacking {
    fn drop(&mut self) {
        for place in self.made.iter().rev() {
            // What somebody else put into a directory meanwhile stays; the error that led here is told already.
            let _ = std::fs::remove_file(place).or_else(|_| std::fs::remove_dir(place));
        }
    }
}

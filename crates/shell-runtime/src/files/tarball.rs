//! A folder as a tar stream, and back. Neither direction holds more than one buffer.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

use crate::files::error::FileError;
use crate::files::unpacking::{UnpackLimits, Unpacking};

/// Writes what is below `source`, or `source` itself when it is a file, as a tar. Pipes, sockets and devices are
/// left out; a file that changes its length meanwhile keeps the length it had at first.
///
/// # Errors
/// [`FileError::System`], also when `to` takes no more.
pub fn pack(source: &Path, to: &mut dyn Write) -> Result<(), FileError> {
    let failed = FileError::about(source);
    let metadata = source.metadata().map_err(&failed)?;
    let mut tar = Builder::new(to);
    if metadata.is_dir() {
        pack_directory(&mut tar, source)?;
    } else {
        let name = source.file_name().map(PathBuf::from).unwrap_or_default();
        pack_entry(&mut tar, source, &name, &metadata)?;
    }
    tar.finish().map_err(failed)
}

fn pack_directory(tar: &mut Builder<&mut dyn Write>, source: &Path) -> Result<(), FileError> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(name) = waiting.pop() {
        let directory = source.join(&name);
        let entries = std::fs::read_dir(&directory).map_err(FileError::about(&directory))?;
        let mut names: Vec<_> =
            entries.filter_map(Result::ok).map(|entry| name.join(entry.file_name())).collect();
        names.sort();
        for name in names {
            let path = source.join(&name);
            // What vanishes while the folder is read is as if it had never been there.
            let Ok(metadata) = path.symlink_metadata() else { continue };
            pack_entry(tar, &path, &name, &metadata)?;
            if metadata.is_dir() {
                waiting.push(name);
            }
        }
    }
    Ok(())
}

fn pack_entry(
    tar: &mut Builder<&mut dyn Write>,
    path: &Path,
    name: &Path,
    metadata: &Metadata,
) -> Result<(), FileError> {
    let failed = FileError::about(path);
    let mut header = Header::new_gnu();
    header.set_mode(metadata.permissions().mode() & 0o7777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_uid(u64::from(metadata.uid()));
    header.set_gid(u64::from(metadata.gid()));
    header.set_size(0);
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        let leads_to = std::fs::read_link(path).map_err(&failed)?;
        return tar.append_link(&mut header, name, leads_to).map_err(failed);
    }
    if metadata.is_dir() {
        header.set_entry_type(EntryType::Directory);
        return tar.append_data(&mut header, name, io::empty()).map_err(failed);
    }
    if !metadata.is_file() {
        return Ok(());
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(&failed)?,
    };
    header.set_entry_type(EntryType::Regular);
    header.set_size(metadata.len());
    tar.append_data(&mut header, name, file.chain(io::repeat(0)).take(metadata.len())).map_err(failed)
}

/// Unpacks a tar stream into `target`.
///
/// # Errors
/// As [`crate::files::unzip::unzip`].
pub fn unpack(from: &mut dyn Read, target: &Path, limits: UnpackLimits) -> Result<(), FileError> {
    // A tar is not compressed: its own size bounds what comes out, so that there is no ratio to check.
    let limits = UnpackLimits { ratio: u64::MAX, ..limits };
    let mut archive = Archive::new(from);
    let mut unpacking = Unpacking::into(target, limits, 0)?;
    for entry in archive.entries().map_err(bad)? {
        let mut entry = entry.map_err(bad)?;
        let name = entry.path_bytes().into_owned();
        let mode = entry.header().mode().ok();
        match entry.header().entry_type() {
            EntryType::Directory => unpacking.directory(&name, mode)?,
            EntryType::Symlink => unpacking.link(&name, link_of(&mut entry)?)?,
            EntryType::Link => {
                let first = entry.link_name_bytes().map(|first| first.into_owned()).unwrap_or_default();
                unpacking.hard_link(&name, &first)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                unpacking.file(&name, mode, &mut entry, &bad)?;
            }
            // Devices and pipes are nobody's source code.
            _ => {}
        }
    }
    unpacking.finish()
}

fn link_of(entry: &mut tar::Entry<'_, &mut dyn Read>) -> Result<PathBuf, FileError> {
    let link = entry.link_name().map_err(bad)?;
    link.map(|link| link.into_owned()).ok_or_else(|| bad(io::ErrorKind::InvalidData.into()))
}

fn bad(error: io::Error) -> FileError {
    FileError::BadArchive { reason: format!("the tar stream cannot be read: {error}"), zip: false }
}

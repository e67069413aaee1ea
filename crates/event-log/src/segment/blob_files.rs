//! Large blobs: a file each, named by its content, written as it streams in.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{BlobId, LogError};

/// The folder of the large blobs: `ab/b3-ab…`, by the first two digits of the hash.
#[derive(Debug)]
pub(super) struct BlobFiles {
    folder: PathBuf,
    next: AtomicU64,
}

const CHUNK: usize = 256 * 1024;

impl BlobFiles {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, next: AtomicU64::new(0) }
    }

    /// Stores what `source` yields. Durable when it returns, however the log was opened: an event that names the blob must
    /// not survive without it. A file is there whole or not at all.
    pub fn put(&self, source: &mut dyn Read) -> Result<BlobId, LogError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!("unfinished-{}-{number}", std::process::id()));
        let stored = self.write(&unfinished, source);
        if stored.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        stored
    }

    fn write(&self, unfinished: &Path, source: &mut dyn Read) -> Result<BlobId, LogError> {
        let failed = |error: io::Error| LogError::from_io(&error, unfinished);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut file = super::owners_only().create(true).truncate(true).open(unfinished).map_err(failed)?;
        let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
        loop {
            match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&chunk[..count]);
                    file.write_all(&chunk[..count]).map_err(failed)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LogError::BlobSource { detail: error.to_string() }),
            }
        }
        let id = BlobId::from_hash(hasher.finalize());
        let path = self.path(&id);
        let place = || {
            file.sync_all()?;
            let folder = path.parent().unwrap_or(&self.folder);
            fs::create_dir_all(folder)?;
            fs::rename(unfinished, &path)?;
            File::open(folder)?.sync_all()?;
            File::open(&self.folder)?.sync_all()
        };
        place().map_err(failed)?;
        Ok(id)
    }

    /// The bytes of `id`, compared with their name at the end; `None` if there is no such file.
    pub fn open(&self, id: &BlobId) -> Result<Option<VerifyingReader>, LogError> {
        let path = self.path(id);
        match File::open(&path) {
            Ok(file) => Ok(Some(VerifyingReader { file, id: id.clone(), hasher: blake3::Hasher::new() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LogError::from_io(&error, &path)),
        }
    }

    pub fn ids(&self) -> Result<Vec<BlobId>, LogError> {
        let mut ids = Vec::new();
        for folder in entries(&self.folder)?.iter().filter(|path| path.is_dir()) {
            let names = entries(folder)?;
            ids.extend(names.iter().filter_map(|path| path.file_name()?.to_str()?.parse::<BlobId>().ok()));
        }
        Ok(ids)
    }

    fn path(&self, id: &BlobId) -> PathBuf {
        let digits = id.as_str().get(3..5).unwrap_or("xx");
        self.folder.join(digits).join(id.as_str())
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, LogError> {
    let failed = |error: io::Error| LogError::from_io(&error, folder);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}

/// Reads a blob and fails at its end if the bytes were not those of its name.
pub(super) struct VerifyingReader {
    file: File,
    id: BlobId,
    hasher: blake3::Hasher,
}

impl Read for VerifyingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            let actual = BlobId::from_hash(self.hasher.finalize());
            if actual != self.id {
                let detail = format!("blob {} is damaged: its content hashes to {actual}", self.id);
                return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
            }
        }
        Ok(count)
    }
}

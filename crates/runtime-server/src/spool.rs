//! Bytes on their way from the network to a file: the network waits while the disk is busy, and no thread waits for
//! the network.

use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use smallhands_shell_runtime::files::FileError;
use smallhands_shell_runtime::files::landing::Landing;

use crate::app::blocking;
use crate::reply::Refusal;

/// Bytes that are gathered before they are written.
const GATHERED: usize = 512 << 10;

/// A file that is being received.
#[derive(Debug)]
pub struct Spool {
    landing: Option<Landing>,
    path: PathBuf,
    gathered: Vec<Bytes>,
    size: usize,
}

impl Spool {
    /// Opens a file in the first of `folders` that takes one.
    ///
    /// # Errors
    /// What the last one said.
    pub async fn open(folders: Vec<PathBuf>) -> Result<Self, Refusal> {
        blocking(move || {
            let mut last = None;
            for folder in folders {
                match Landing::inside(&folder) {
                    Ok(landing) => {
                        return Ok(Self {
                            landing: Some(landing),
                            path: folder,
                            gathered: Vec::new(),
                            size: 0,
                        });
                    }
                    Err(error) => last = Some(error),
                }
            }
            Err(last.map_or(Refusal::NotFound, Refusal::from))
        })
        .await
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// A full disk, for example; the file is removed when it is dropped.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), Refusal> {
        self.size += piece.len();
        self.gathered.push(piece);
        if self.size < GATHERED { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> Result<(), Refusal> {
        let Some(mut landing) = self.landing.take() else { return Ok(()) };
        let (pieces, path) = (std::mem::take(&mut self.gathered), self.path.clone());
        self.size = 0;
        let landing = blocking(move || {
            let file = landing.file()?;
            pieces.iter().try_for_each(|piece| file.write_all(piece)).map_err(FileError::about(&path))?;
            Ok(landing)
        })
        .await?;
        self.landing = Some(landing);
        Ok(())
    }

    /// The complete file, still without its name.
    ///
    /// # Errors
    /// As [`Spool::write`].
    pub async fn finish(mut self) -> Result<Landing, Refusal> {
        self.flush().await?;
        self.landing.ok_or(Refusal::NotFound)
    }
}

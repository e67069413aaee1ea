//! What a segment is kept on: a file, or in tests a file that fails when told to.

use std::fmt::{self, Debug};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that are read and written at any place.
pub(super) trait Medium: Debug + Send + Sync {
    /// Fills `buffer` from `offset` on; less at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when what was written would survive a power failure.
    fn sync(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn set_len(&self, length: u64) -> io::Result<()>;
}

/// Makes a medium of an open file.
#[derive(Clone)]
pub(super) struct Mount(Arc<dyn Fn(File) -> Arc<dyn Medium> + Send + Sync>);

impl Mount {
    pub fn new(make: impl Fn(File) -> Arc<dyn Medium> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub fn medium(&self, file: File) -> Arc<dyn Medium> {
        (self.0)(file)
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mount")
    }
}

impl Medium for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match FileExt::read_at(self, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        File::set_len(self, length)
    }
}

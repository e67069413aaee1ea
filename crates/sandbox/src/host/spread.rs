//! A hint to ext4: folders below this one have nothing to do with each other.
//!
//! Without it the files of all sandboxes land in one block group, and there each new file searches past every inode
//! that was freed within the last minutes (`recently_deleted` in the kernel's ext4/ialloc.c). Sandboxes come and go all
//! the time, so creating one became six times slower after a few dozen had been removed. With the hint, the one that
//! `chattr +T` sets, ext4 gives each sandbox a block group of its own. Other file systems refuse it, harmlessly.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

/// `FS_TOPDIR_FL` of linux/fs.h.
const TOP_OF_HIERARCHIES: libc::c_int = 0x0002_0000;

/// Sets the hint on `folder` where the file system knows it.
pub(super) fn spread_subfolders(folder: &Path) {
    if let Err(error) = set_flag(folder) {
        tracing::debug!(%error, folder = %folder.display(), "sandboxes are not spread over the disk");
    }
}

fn set_flag(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    let mut flags: libc::c_int = 0;
    // SAFETY: the request fills one int, which `flags` is, although the kernel's header says long.
    check(unsafe { libc::ioctl(folder.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut flags) })?;
    if flags & TOP_OF_HIERARCHIES != 0 {
        return Ok(());
    }
    flags |= TOP_OF_HIERARCHIES;
    // SAFETY: the request reads one int, which `flags` is.
    check(unsafe { libc::ioctl(folder.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const flags) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_set_or_refused_and_never_harms() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            spread_subfolders(dir.path());
        }
        spread_subfolders(Path::new("/no/such/folder"));
        spread_subfolders(Path::new("/proc"));
        std::fs::create_dir(dir.path().join("still-works")).unwrap();
    }
}

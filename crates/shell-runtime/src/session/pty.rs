//! The terminal of a session. It passes bytes through as they are: no echo, no output processing.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use tokio::io::unix::AsyncFd;

/// Columns and rows that programs see.
const SIZE: (u16, u16) = (80, 24);

/// Bytes passed on at a time. The kernel hands out at most one page per read.
const CHUNK: usize = 16 << 10;

/// Least room worth another read.
const PAGE: usize = 4 << 10;

/// The controlling side of a pseudo terminal, read without blocking.
#[derive(Debug)]
pub(super) struct Pty {
    master: AsyncFd<OwnedFd>,
    /// Held from reading until what was read has been handed on.
    handing_on: Mutex<()>,
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// As much was read as was asked for; there may be more.
    Enough,
    /// There is nothing more now.
    Nothing,
    /// No process has the terminal any more.
    Closed,
}

impl Pty {
    /// A new terminal: this side, and the side for the shell.
    pub(super) fn open() -> io::Result<(Self, OwnedFd)> {
        // SAFETY: posix_openpt has no memory preconditions.
        let master = owned(unsafe {
            libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC | libc::O_NONBLOCK)
        })?;
        // SAFETY: `master` is an open descriptor of a pseudo terminal.
        check(unsafe { libc::unlockpt(master.as_raw_fd()) })?;
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        // SAFETY: TIOCGPTPEER takes open flags by value and returns a new descriptor.
        let slave = owned(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags) })?;
        // SAFETY: the descriptor is owned by the `AsyncFd`, so it stays open and the same for as long as that lives.
        let master = unsafe { AsyncFd::register(master) }.map_err(io::Error::from)?;
        let pty = Self { master, handing_on: Mutex::new(()) };
        pty.resize()?;
        pty.make_transparent()?;
        Ok((pty, slave))
    }

    fn fd(&self) -> i32 {
        self.master.get_ref().as_raw_fd()
    }

    fn resize(&self) -> io::Result<()> {
        let size = libc::winsize { ws_col: SIZE.0, ws_row: SIZE.1, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCSWINSZ reads a winsize, which `size` is.
        check(unsafe { libc::ioctl(self.fd(), libc::TIOCSWINSZ, &raw const size) })
    }

    /// Sets the terminal to ordinary line input without echo and to unprocessed output, undoing what a program may
    /// have left behind.
    pub(super) fn make_transparent(&self) -> io::Result<()> {
        // SAFETY: termios is plain data; all zeroes is a valid value of it.
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is a terminal and `modes` is a valid termios to fill.
        check(unsafe { libc::tcgetattr(self.fd(), &raw mut modes) })?;
        modes.c_iflag = libc::ICRNL | libc::IXON;
        modes.c_oflag = 0;
        modes.c_lflag = libc::ISIG | libc::ICANON | libc::IEXTEN;
        modes.c_cflag |= libc::CREAD | libc::CS8;
        // SAFETY: the descriptor is a terminal and `modes` was filled above.
        check(unsafe { libc::tcsetattr(self.fd(), libc::TCSANOW, &raw const modes) })
    }

    /// The process group that has the terminal.
    pub(super) fn foreground(&self) -> Option<i32> {
        // SAFETY: tcgetpgrp has no memory preconditions.
        Some(unsafe { libc::tcgetpgrp(self.fd()) }).filter(|&group| group > 1)
    }

    /// The number in the terminal's name, `/dev/pts/N`.
    pub(super) fn number(&self) -> Option<u32> {
        let mut number: libc::c_uint = 0;
        // SAFETY: TIOCGPTN writes one unsigned integer, which `number` is.
        check(unsafe { libc::ioctl(self.fd(), libc::TIOCGPTN, &raw mut number) }).ok()?;
        Some(number)
    }

    /// Waits for output and hands it on, about `most` bytes of it.
    pub(super) async fn read(&self, most: usize, sink: impl FnMut(&[u8])) -> Pause {
        let Ok(mut ready) = self.master.readable().await else { return Pause::Closed };
        let pause = self.read_now(most, sink);
        if pause == Pause::Nothing {
            ready.clear_ready();
        }
        pause
    }

    /// Hands on output that has been written already. On Linux (4.5 and later) a read that would block has first waited
    /// for everything that was written before it, so `Nothing` means that nothing is under way.
    pub(super) fn read_now(&self, most: usize, mut sink: impl FnMut(&[u8])) -> Pause {
        let (mut chunk, mut passed) = ([const { MaybeUninit::<u8>::uninit() }; CHUNK], 0);
        while passed < most {
            let _handing_on = self.handing_on.lock().unwrap_or_else(PoisonError::into_inner);
            let (bytes, pause) = self.fill(&mut chunk);
            if !bytes.is_empty() {
                sink(bytes);
            }
            passed += bytes.len();
            if pause != Pause::Enough {
                return pause;
            }
        }
        Pause::Enough
    }

    /// Whether all that was written until now has been handed on. Polling, too, first waits for what is under way.
    pub(super) fn is_drained(&self) -> bool {
        let _handing_on = self.handing_on.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = libc::pollfd { fd: self.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the pointer is to one valid pollfd; a timeout of zero does not wait.
        unsafe { libc::poll(&raw mut asked, 1, 0) == 0 }
    }

    /// Reads until the buffer is nearly full or there is nothing more.
    fn fill<'a>(&self, buffer: &'a mut [MaybeUninit<u8>]) -> (&'a [u8], Pause) {
        let mut filled = 0;
        let mut pause = Pause::Enough;
        while pause == Pause::Enough && filled + PAGE <= buffer.len() {
            let room = &mut buffer[filled..];
            // SAFETY: the pointer and length describe `room`, which the call fills at most.
            let count = unsafe { libc::read(self.fd(), room.as_mut_ptr().cast(), room.len()) };
            match usize::try_from(count) {
                Ok(count @ 1..) => filled += count,
                Ok(0) => pause = Pause::Closed,
                Err(_) => match io::Error::last_os_error().kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => pause = Pause::Nothing,
                    _ => pause = Pause::Closed,
                },
            }
        }
        // SAFETY: the reads above have written the first `filled` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), filled) };
        (bytes, pause)
    }

    /// Types `text` into what is running.
    pub(super) async fn write(&self, text: &[u8]) -> io::Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            let mut ready = self.master.writable().await?;
            // SAFETY: the pointer and length describe `rest`.
            let count = unsafe { libc::write(self.fd(), rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(count) {
                Ok(count) => rest = &rest[count..],
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
            }
        }
        Ok(())
    }
}

fn owned(fd: i32) -> io::Result<OwnedFd> {
    check(fd)?;
    // SAFETY: the call that made `fd` succeeded and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    fn all_now(pty: &Pty) -> Vec<u8> {
        let mut all = Vec::new();
        pty.read_now(usize::MAX, |bytes| all.extend_from_slice(bytes));
        all
    }

    #[tokio::test]
    async fn what_was_written_before_a_look_is_seen_by_it() {
        let (pty, slave) = Pty::open().unwrap();
        let mut slave = File::from(slave);
        for round in 0..2000_usize {
            let text = format!("{round}:{}", "x".repeat(round * 31 % 3000));
            slave.write_all(text.as_bytes()).unwrap();
            assert_eq!(pty.is_drained(), text.is_empty(), "{round}");
            assert_eq!(all_now(&pty), text.as_bytes(), "{round}");
            assert!(pty.is_drained(), "{round}");
        }
    }

    #[tokio::test]
    async fn bytes_pass_both_ways_unchanged_and_unechoed() {
        let (pty, slave) = Pty::open().unwrap();
        let mut slave = File::from(slave);
        slave.write_all(b"a\nb\r\n\tc\x1b[0m\xff").unwrap();
        assert_eq!(all_now(&pty), b"a\nb\r\n\tc\x1b[0m\xff");
        pty.write(b"typed\n").await.unwrap();
        let mut line = [0; 6];
        slave.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"typed\n");
        assert!(all_now(&pty).is_empty());
    }

    #[tokio::test]
    async fn what_a_program_did_to_the_terminal_is_undone() {
        let (pty, slave) = Pty::open().unwrap();
        // SAFETY: termios is plain data; all zeroes is a valid value of it, here one with output processing.
        let mut modes: libc::termios = unsafe { std::mem::zeroed() };
        modes.c_oflag = libc::OPOST | libc::ONLCR | libc::OLCUC;
        // SAFETY: the descriptor is a terminal and `modes` is a valid termios.
        check(unsafe { libc::tcsetattr(slave.as_raw_fd(), libc::TCSANOW, &raw const modes) }).unwrap();
        let mut slave = File::from(slave);
        slave.write_all(b"a\n").unwrap();
        assert_eq!(all_now(&pty), b"A\r\n");
        pty.make_transparent().unwrap();
        slave.write_all(b"a\n").unwrap();
        assert_eq!(all_now(&pty), b"a\n");
    }

    #[tokio::test]
    async fn the_end_of_the_other_side_is_seen() {
        let (pty, slave) = Pty::open().unwrap();
        assert_eq!(pty.foreground(), None);
        File::from(slave).write_all(b"last").unwrap();
        let mut seen = Vec::new();
        while pty.read(100, |bytes| seen.extend_from_slice(bytes)).await != Pause::Closed {}
        assert_eq!(seen, b"last");
    }
}

//! Giving back the memory that a forked process inherits and never looks at.

use std::ffi::c_int;
use std::ops::Range;

/// Unmaps private writable memory that belongs to no file, except what this thread and the libraries stand on: its
/// stack, its thread-local data, and what continues a file's own data. What fails to be unmapped just stays.
pub(super) fn shed_memory() {
    let here = 0_u8;
    // SAFETY: the location is valid for the life of the thread.
    let thread_local = unsafe { libc::__errno_location() }.addr();
    let mut keeper = Keeper { needed: [(&raw const here).addr(), thread_local], file_end: 0 };
    // SAFETY: the path is a C string.
    let maps = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if maps >= 0 {
        each_line(maps, |line| {
            if let Some(range) = keeper.dispensable(line) {
                // SAFETY: nothing in this process looks at the range any more.
                unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(range.start), range.len()) };
            }
        });
        // SAFETY: the descriptor was just opened.
        unsafe { libc::close(maps) };
    }
}

/// Lines longer than the buffer come in pieces; the pieces after the first parse as nothing.
fn each_line(file: c_int, mut take: impl FnMut(&[u8])) {
    let mut buffer = [0_u8; 4096];
    let mut held = 0;
    loop {
        let room = &mut buffer[held..];
        // SAFETY: the buffer is valid for its length.
        let count = unsafe { libc::read(file, room.as_mut_ptr().cast(), room.len()) };
        let Ok(count) = usize::try_from(count) else { return };
        if count == 0 {
            return;
        }
        held += count;
        let mut start = 0;
        while let Some(length) = buffer[start..held].iter().position(|&byte| byte == b'\n') {
            take(&buffer[start..start + length]);
            start += length + 1;
        }
        buffer.copy_within(start..held, 0);
        held -= start;
        if held == buffer.len() {
            held = 0;
        }
    }
}

struct Keeper {
    needed: [usize; 2],
    /// Where the last mapping of a file ended: a program's zeroed data follows there, without a name.
    file_end: usize,
}

impl Keeper {
    /// The range of a line of `maps` (proc(5)) if it can go.
    fn dispensable(&mut self, line: &[u8]) -> Option<Range<usize>> {
        let mut fields = line.split(|&byte| byte == b' ').filter(|field| !field.is_empty());
        let range = parse_range(fields.next()?)?;
        let access = fields.next()?;
        let name = fields.nth(3).unwrap_or(b"");
        if name.first() == Some(&b'/') {
            self.file_end = range.end;
            return None;
        }
        let anonymous = name.is_empty() || name.starts_with(b"[heap") || name.starts_with(b"[anon");
        let continues_file = name.is_empty() && range.start == self.file_end;
        let needed = self.needed.iter().any(|address| range.contains(address));
        (access == b"rw-p" && anonymous && !continues_file && !needed).then_some(range)
    }
}

fn parse_range(field: &[u8]) -> Option<Range<usize>> {
    let dash = field.iter().position(|&byte| byte == b'-')?;
    Some(parse_hex(&field[..dash])?..parse_hex(&field[dash + 1..])?)
}

fn parse_hex(digits: &[u8]) -> Option<usize> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    digits.iter().try_fold(0_usize, |number, byte| Some((number << 4) | digit(byte)? as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_memory_that_nothing_stands_on_goes() {
        let cases = [
            ("1000-2000 r-xp 00000000 fe:00 123                      /usr/bin/x", false),
            ("2000-3000 rw-p 00001000 fe:00 123                      /usr/bin/x", false),
            ("3000-4000 rw-p 00000000 00:00 0 ", false),
            ("4000-5000 rw-p 00000000 00:00 0 ", true),
            ("5000-6000 rw-p 00000000 00:00 0                        [heap]", true),
            ("6000-7000 ---p 00000000 00:00 0 ", false),
            ("7000-8000 rw-p 00000000 00:00 0 ", false),
            ("8000-9000 rw-s 00000000 00:01 5                        /memfd:x (deleted)", false),
            ("a000-b000 rw-p 00000000 00:00 0                        [anon: malloc]", true),
            ("b000-c000 rw-p 00000000 00:00 0                        [stack]", false),
            ("nonsense", false),
        ];
        let mut keeper = Keeper { needed: [0x7800, 0], file_end: 0 };
        for (line, expected) in cases {
            assert_eq!(keeper.dispensable(line.as_bytes()).is_some(), expected, "{line}");
        }
        assert_eq!(parse_range(b"7f00-7fff"), Some(0x7f00..0x7fff));
    }
}

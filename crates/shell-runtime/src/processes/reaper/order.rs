//! What to start, as one block of memory: strings, and tables of where they are, that the command's process turns
//! into the pointers exec wants by adding the block's address. All deciding is done here, where it is easy.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Most descriptors that an order can place.
pub(super) const MOST_PLACED: usize = 12;

/// Words at the beginning of a block.
pub(super) const HEADER: usize = 6;

/// In the header: no descriptor becomes the controlling terminal.
pub(super) const NO_TERMINAL: u64 = u64::MAX;

/// A command that is to be started.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The program's name first.
    pub(crate) arguments: Vec<OsString>,
    /// The complete environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Where it starts.
    pub(crate) cwd: OsString,
    /// Its descriptors, with the numbers it has them under.
    pub(crate) placed: Vec<(OwnedFd, RawFd)>,
    /// The number of the one that becomes its controlling terminal.
    pub(crate) terminal: Option<RawFd>,
}

impl Order {
    /// The order as a block in a file that can be handed to the nursery.
    pub(super) fn write(&self) -> io::Result<OwnedFd> {
        // SAFETY: the name is a valid C string.
        let fd = unsafe { libc::memfd_create(c"order".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded and nothing else owns the descriptor.
        let mut file = unsafe { <std::fs::File as std::os::fd::FromRawFd>::from_raw_fd(fd) };
        io::Write::write_all(&mut file, &self.block())?;
        Ok(file.into())
    }

    /// Whether a string in it would end early.
    pub(crate) fn has_null(&self) -> bool {
        let env = self.env.iter().flat_map(|(name, value)| [name, value]);
        self.arguments.iter().chain(env).chain([&self.cwd]).any(|text| text.as_bytes().contains(&0))
    }

    /// The descriptors to hand over, in the order of their numbers in the block.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.placed.iter().map(|(fd, _)| fd.as_raw_fd())
    }

    /// Header (how many candidates, arguments, variables, descriptors; terminal; directory), the descriptors'
    /// numbers, then offsets: candidates, an empty place, arguments, 0, variables, 0. Then the strings.
    fn block(&self) -> Vec<u8> {
        let candidates = self.candidates();
        let words =
            HEADER + self.placed.len() + candidates.len() + 1 + self.arguments.len() + 1 + self.env.len() + 1;
        let mut block = Block { words: Vec::with_capacity(words), strings: Vec::new(), start: words * 8 };
        let terminal = self.terminal.map_or(NO_TERMINAL, |number| u64::from(number.unsigned_abs()));
        let counts = [candidates.len(), self.arguments.len(), self.env.len(), self.placed.len()];
        block.words.extend(counts.map(|count| count as u64));
        block.words.push(terminal);
        block.string(&[self.cwd.as_bytes()]);
        block.words.extend(self.placed.iter().map(|&(_, number)| u64::from(number.unsigned_abs())));
        candidates.iter().for_each(|candidate| block.string(&[candidate]));
        block.words.push(0);
        self.arguments.iter().for_each(|argument| block.string(&[argument.as_bytes()]));
        block.words.push(0);
        self.env.iter().for_each(|(name, value)| block.string(&[name.as_bytes(), b"=", value.as_bytes()]));
        block.words.push(0);
        block.finish()
    }

    /// The files that the program's name may mean, as execvp(3) finds them.
    fn candidates(&self) -> Vec<Vec<u8>> {
        let Some(program) = self.arguments.first() else { return Vec::new() };
        if program.as_bytes().contains(&b'/') {
            return vec![program.as_bytes().to_vec()];
        }
        let path = self.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        let folders = path.unwrap_or(OsStr::new("/bin:/usr/bin")).as_bytes().split(|&byte| byte == b':');
        let inside = |folder: &[u8]| {
            let folder = if folder.is_empty() { b"." } else { folder };
            Path::new(OsStr::from_bytes(folder)).join(program).into_os_string().into_encoded_bytes()
        };
        folders.map(inside).collect()
    }
}

struct Block {
    words: Vec<u64>,
    strings: Vec<u8>,
    start: usize,
}

impl Block {
    fn string(&mut self, parts: &[&[u8]]) {
        self.words.push((self.start + self.strings.len()) as u64);
        parts.iter().for_each(|part| self.strings.extend_from_slice(part));
        self.strings.push(0);
    }

    fn finish(self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend(self.strings);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(program: &str, path: Option<&str>) -> Order {
        let env = path.map(|path| ("PATH".into(), path.into()));
        Order { arguments: vec![program.into()], env: env.into_iter().collect(), ..Order::default() }
    }

    #[test]
    fn programs_are_looked_for_where_the_environment_says() {
        let cases: &[(&str, Option<&str>, &[&str])] = &[
            ("/bin/ls", Some("/x"), &["/bin/ls"]),
            ("./ls", Some("/x"), &["./ls"]),
            ("ls", Some("/a:/b"), &["/a/ls", "/b/ls"]),
            ("ls", Some("/a::/b/"), &["/a/ls", "./ls", "/b/ls"]),
            ("ls", None, &["/bin/ls", "/usr/bin/ls"]),
        ];
        for (program, path, expected) in cases {
            let seen = order(program, *path).candidates();
            let expected: Vec<Vec<u8>> = expected.iter().map(|path| path.as_bytes().to_vec()).collect();
            assert_eq!(seen, expected, "{program} {path:?}");
        }
    }

    #[test]
    fn offsets_lead_to_strings() {
        let mut order = order("sh", Some("/bin"));
        order.arguments.push("-c".into());
        order.cwd = "/tmp".into();
        let block = order.block();
        let word = |index: usize| u64::from_ne_bytes(block[index * 8..index * 8 + 8].try_into().unwrap());
        let string = |index: usize| {
            let start = usize::try_from(word(index)).unwrap();
            let length = block[start..].iter().position(|&byte| byte == 0).unwrap();
            std::str::from_utf8(&block[start..start + length]).unwrap()
        };
        let header: Vec<u64> = (0..5).map(word).collect();
        assert_eq!(header, [1, 2, 1, 0, NO_TERMINAL]);
        assert_eq!((string(5), string(6), word(7)), ("/tmp", "/bin/sh", 0));
        assert_eq!((string(8), string(9), word(10)), ("sh", "-c", 0));
        assert_eq!((string(11), word(12)), ("PATH=/bin", 0));
    }
}

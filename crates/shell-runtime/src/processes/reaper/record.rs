//! What a reaper tells: records of fixed size over a stream socket.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::leash::Exit;
use crate::protocol::Usage;

/// Numbers in a record; the first says what kind it is.
const FIELDS: usize = 6;

/// Bytes of a record.
pub(super) const SIZE: usize = FIELDS * 8;

const BORN: i64 = 0;
const STARTED: i64 = 1;
const REFUSED: i64 = 2;
const ENDED: i64 = 3;
const EMPTY: i64 = 4;

/// The kernel counts storage in blocks of this many bytes (getrusage(2)).
const BLOCK: u64 = 512;

/// What was being done when a command could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Anything about the process itself.
    Process,
    /// Entering the working directory.
    Directory,
    /// Running the program.
    Program,
}

/// One report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Record {
    /// This process is about to become the command.
    Born(i32),
    /// The command runs under this process id.
    Started(i32),
    /// It could not be started.
    Refused(Step, i32),
    /// It ended; others of its tree may go on.
    Ended(Exit),
    /// No process of the tree is left.
    Empty,
}

impl Record {
    pub(super) fn parse(bytes: &[u8; SIZE]) -> Option<Self> {
        let mut fields = [0i64; FIELDS];
        for (field, bytes) in fields.iter_mut().zip(bytes.chunks_exact(8)) {
            *field = i64::from_ne_bytes(bytes.try_into().ok()?);
        }
        let [kind, first, second, third, fourth, fifth] = fields;
        match kind {
            BORN => Some(Self::Born(i32::try_from(first).ok()?)),
            STARTED => Some(Self::Started(i32::try_from(first).ok()?)),
            REFUSED => Some(Self::Refused(step(first), i32::try_from(second).ok()?)),
            ENDED => {
                let amount = |field: i64| u64::try_from(field).unwrap_or(0);
                let usage = Usage {
                    cpu_seconds: amount(second) as f64 / 1e6,
                    peak_memory_bytes: amount(third) * 1024,
                    read_bytes: amount(fourth) * BLOCK,
                    written_bytes: amount(fifth) * BLOCK,
                };
                Some(Self::Ended(Exit {
                    status: ExitStatus::from_raw(i32::try_from(first).ok()?),
                    usage: Some(usage),
                }))
            }
            EMPTY => Some(Self::Empty),
            _ => None,
        }
    }
}

fn step(number: i64) -> Step {
    match number {
        1 => Step::Directory,
        2 => Step::Program,
        _ => Step::Process,
    }
}

/// The form of [`Record::Born`].
pub(super) fn born(pid: i32) -> [u8; SIZE] {
    bytes([BORN, i64::from(pid), 0, 0, 0, 0])
}

/// The form of [`Record::Started`].
pub(super) fn started(command: i32) -> [u8; SIZE] {
    bytes([STARTED, i64::from(command), 0, 0, 0, 0])
}

/// The form of [`Record::Refused`].
pub(super) fn refused(step: Step, errno: i32) -> [u8; SIZE] {
    let number = match step {
        Step::Process => 0,
        Step::Directory => 1,
        Step::Program => 2,
    };
    bytes([REFUSED, number, i64::from(errno), 0, 0, 0])
}

/// The form of [`Record::Ended`] from what wait(2) and getrusage(2) give.
pub(super) fn ended(status: i32, usage: &libc::rusage) -> [u8; SIZE] {
    let micros = |time: &libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    let cpu = micros(&usage.ru_utime) + micros(&usage.ru_stime);
    bytes([ENDED, i64::from(status), cpu, usage.ru_maxrss, usage.ru_inblock, usage.ru_oublock])
}

/// The form of [`Record::Empty`].
pub(super) fn empty() -> [u8; SIZE] {
    bytes([EMPTY, 0, 0, 0, 0, 0])
}

fn bytes(fields: [i64; FIELDS]) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
        place.copy_from_slice(&field.to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_through() {
        assert_eq!(Record::parse(&started(4711)), Some(Record::Started(4711)));
        assert_eq!(Record::parse(&born(4711)), Some(Record::Born(4711)));
        assert_eq!(Record::parse(&empty()), Some(Record::Empty));
        for step in [Step::Process, Step::Directory, Step::Program] {
            assert_eq!(Record::parse(&refused(step, 2)), Some(Record::Refused(step, 2)));
        }
        assert_eq!(Record::parse(&[0xff; SIZE]), None);
    }

    #[test]
    fn an_end_has_its_status_and_what_was_used() {
        // SAFETY: all-zero bytes are a valid rusage.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        usage.ru_utime = libc::timeval { tv_sec: 1, tv_usec: 250_000 };
        usage.ru_stime = libc::timeval { tv_sec: 0, tv_usec: 250_000 };
        (usage.ru_maxrss, usage.ru_inblock, usage.ru_oublock) = (2048, 3, 4);
        let Some(Record::Ended(exit)) = Record::parse(&ended(9, &usage)) else { panic!("no end") };
        assert_eq!(exit.status.signal(), Some(9));
        let expected =
            Usage { cpu_seconds: 1.5, peak_memory_bytes: 2 << 20, read_bytes: 1536, written_bytes: 2048 };
        assert_eq!(exit.usage, Some(expected));
    }
}

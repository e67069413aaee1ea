//! The hash chain of a stream: seals, and heads that can be published and compared later.
//!
//! A seal is a checksum over an event and the seal before it, so no event can change, vanish or move without changing
//! every later seal. Alone this guards against broken disks and stray hands: who can write the log can seal it anew. A
//! [`ChainHead`] that was put out of their reach (printed, mailed, committed, or authenticated with a key they do not
//! have) makes that evident too: [`crate::EventLog::verify_against`] finds that the stream no longer passes through it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{LogError, NewEvent, StoredEvent, StreamId};

/// The checksum of an event and of all before it in its stream.
pub type Seal = [u8; 32];

/// The seal before the first event of any stream.
pub const NO_SEAL: Seal = [0; 32];

/// What a seal covers, as stored. Every adapter seals the same bytes, so a stream has the same chain wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'a> {
    /// The name of the stream.
    pub stream: &'a str,
    /// The event's place in the stream.
    pub seq: u64,
    /// When it was appended, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What happened.
    pub kind: &'a str,
    /// Version of the payload's meaning.
    pub version: u16,
    /// The details as JSON text, byte for byte as stored.
    pub payload: &'a str,
}

impl Sealed<'_> {
    /// The seal after `previous`. Texts are preceded by their length, so no two events feed the hash the same bytes.
    pub fn seal(&self, previous: &Seal) -> Seal {
        let mut hasher = blake3::Hasher::new();
        hasher.update(previous);
        for text in [self.stream, self.kind, self.payload] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&self.seq.to_le_bytes());
        hasher.update(&self.at_ms.to_le_bytes());
        hasher.update(&self.version.to_le_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Checks the event against the seal it was stored with and the seal before it, and hands it out.
    ///
    /// # Errors
    /// What is wrong with the event, for [`LogError::Corrupt`].
    pub fn open(&self, previous: &Seal, stored: &Seal) -> Result<StoredEvent, String> {
        if self.seal(previous) != *stored {
            return Err("its content does not match its seal".into());
        }
        Ok(StoredEvent {
            seq: self.seq,
            at_ms: self.at_ms,
            kind: self.kind.to_owned(),
            version: self.version,
            payload: serde_json::from_str(self.payload).map_err(|error| error.to_string())?,
        })
    }
}

/// Where a stream ends, or ended when this was taken: enough to notice later that its past was changed.
///
/// As text: `smallhands-chain-1 STREAM SEQ SEAL`, the seal in 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHead {
    /// The stream.
    pub stream: StreamId,
    /// Its last event; 0 if it has none.
    pub seq: u64,
    /// The seal of that event.
    pub seal: Seal,
}

/// Text that is no chain head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a chain head; it should read `smallhands-chain-1 STREAM SEQ SEAL`")]
pub struct BadChainHead(pub String);

const FORMAT: &str = "smallhands-chain-1";

impl ChainHead {
    /// The head of a stream without events.
    pub fn empty(stream: &StreamId) -> Self {
        Self { stream: stream.clone(), seq: 0, seal: NO_SEAL }
    }

    /// A code over this head that only who has `key` can make: 64 hexadecimal digits (keyed BLAKE3 of the text).
    pub fn authenticate(&self, key: &[u8; 32]) -> String {
        blake3::keyed_hash(key, self.to_string().as_bytes()).to_hex().to_string()
    }

    /// Whether `code` was made with `key` over this head.
    pub fn is_authentic(&self, key: &[u8; 32], code: &str) -> bool {
        let made = blake3::keyed_hash(key, self.to_string().as_bytes());
        blake3::Hash::from_hex(code).is_ok_and(|given| given == made)
    }

    /// The error that the stream no longer passes through this head.
    pub(crate) fn broken(&self, detail: String) -> LogError {
        LogError::Tampered { stream: self.stream.clone(), seq: self.seq, detail }
    }
}

/// Continues a chain over events that were read without their seals.
pub(crate) fn seal_all(stream: &StreamId, events: &[StoredEvent]) -> Seal {
    events.iter().fold(NO_SEAL, |previous, StoredEvent { seq, at_ms, kind, version, payload }| {
        let payload = payload.to_string();
        let sealed = Sealed {
            stream: stream.as_str(),
            seq: *seq,
            at_ms: *at_ms,
            kind,
            version: *version,
            payload: &payload,
        };
        sealed.seal(&previous)
    })
}

/// An event whose payload is already text, ready to be sealed and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent {
    /// What happened.
    pub kind: String,
    /// Version of the payload's meaning.
    pub version: u16,
    /// The details as JSON text.
    pub payload: String,
}

impl From<&NewEvent> for EncodedEvent {
    fn from(event: &NewEvent) -> Self {
        Self { kind: event.kind.clone(), version: event.version, payload: event.payload.to_string() }
    }
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT} {} {} {}", self.stream, self.seq, blake3::Hash::from(self.seal).to_hex())
    }
}

impl FromStr for ChainHead {
    type Err = BadChainHead;

    fn from_str(text: &str) -> Result<Self, BadChainHead> {
        let bad = || BadChainHead(text.to_owned());
        let words: Vec<&str> = text.split(' ').collect();
        let &[FORMAT, stream, seq, seal] = words.as_slice() else { return Err(bad()) };
        let head = Self {
            stream: stream.parse().map_err(|_| bad())?,
            seq: seq.parse().map_err(|_| bad())?,
            seal: *blake3::Hash::from_hex(seal).map_err(|_| bad())?.as_bytes(),
        };
        // One head, one text: no leading zeros, no upper case.
        if head.to_string() == text { Ok(head) } else { Err(bad()) }
    }
}

impl TryFrom<String> for ChainHead {
    type Error = BadChainHead;

    fn try_from(text: String) -> Result<Self, BadChainHead> {
        text.parse()
    }
}

impl From<ChainHead> for String {
    fn from(head: ChainHead) -> Self {
        head.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Sealed<'static> {
        Sealed { stream: "run/1", seq: 1, at_ms: 5, kind: "a", version: 1, payload: "{}" }
    }

    fn head() -> ChainHead {
        ChainHead { stream: StreamId::new("run/1").unwrap(), seq: 7, seal: base().seal(&NO_SEAL) }
    }

    #[test]
    fn every_field_and_the_past_matter() {
        let seal = base().seal(&NO_SEAL);
        let changed = [
            Sealed { stream: "run/2", ..base() },
            Sealed { seq: 2, ..base() },
            Sealed { at_ms: 6, ..base() },
            Sealed { kind: "b", ..base() },
            Sealed { version: 2, ..base() },
            Sealed { payload: "[]", ..base() },
            Sealed { kind: "a{", payload: "}", ..base() },
        ];
        for (index, other) in changed.iter().enumerate() {
            assert_ne!(other.seal(&NO_SEAL), seal, "change {index} goes unnoticed");
        }
        assert_ne!(base().seal(&seal), seal);
        assert_eq!(base().seal(&NO_SEAL), seal);
    }

    #[test]
    fn a_head_survives_as_text_and_only_as_its_own_text() {
        let text = head().to_string();
        assert!(text.starts_with("smallhands-chain-1 run/1 7 "), "{text}");
        assert_eq!(text.parse(), Ok(head()));
        assert_eq!(
            serde_json::from_str::<ChainHead>(&serde_json::to_string(&head()).unwrap()).unwrap(),
            head()
        );
        let upper = text.replace(" 7 ", " 07 ");
        for bad in
            ["", "smallhands-chain-2 run/1 7 00", &text[..text.len() - 1], &upper, &format!("{text} x")]
        {
            assert_eq!(bad.parse::<ChainHead>(), Err(BadChainHead(bad.to_owned())));
        }
    }

    #[test]
    fn only_the_key_makes_the_code() {
        let code = head().authenticate(&[1; 32]);
        assert!(head().is_authentic(&[1; 32], &code));
        assert!(!head().is_authentic(&[2; 32], &code));
        assert!(!ChainHead { seq: 8, ..head() }.is_authentic(&[1; 32], &code));
        assert!(!head().is_authentic(&[1; 32], "no code"));
    }
}

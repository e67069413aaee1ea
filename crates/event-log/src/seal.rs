//! Seals: a checksum over an event and the seal before it, so that no event can change, vanish or move unnoticed.
//!
//! This guards against broken disks and stray hands, not against an adversary, who could seal anew.

/// The checksum of an event and of all before it in its stream.
pub(crate) type Seal = [u8; 32];

/// The seal before the first event of any stream.
pub(crate) const NO_SEAL: Seal = [0; 32];

/// What a seal covers, as stored.
pub(crate) struct Sealed<'a> {
    pub stream: &'a str,
    pub seq: u64,
    pub at_ms: i64,
    pub kind: &'a str,
    pub version: u16,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Sealed<'static> {
        Sealed { stream: "run/1", seq: 1, at_ms: 5, kind: "a", version: 1, payload: "{}" }
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
}

//! A fence around something that holders of leases write to: who comes with a lower token than somebody before is turned away.
//! Time cannot do this: a process may sleep between looking at its clock and writing. (M. Burrows, *The Chubby lock service*,
//! 2006, section 2.4, "sequencers".)

use serde::{Deserialize, Serialize};

use crate::Token;

/// The highest token seen so far. Lies where the writes lie, and is checked together with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fence {
    highest: Option<Token>,
}

/// A token that is lower than one seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("token {token} is older than {highest}; the lease is somebody else's: stop")]
pub struct Fenced {
    /// The token shown.
    pub token: Token,
    /// The highest one.
    pub highest: Token,
}

impl Fence {
    /// Whether the holder of `token` may write; if so, no holder of a lower one may any more.
    ///
    /// # Errors
    /// A later holder was here.
    pub fn admit(&mut self, token: Token) -> Result<(), Fenced> {
        match self.highest {
            Some(highest) if token < highest => Err(Fenced { token, highest }),
            _ => {
                self.highest = Some(token);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_only_rise() {
        let token = |epoch, serial| Token { epoch, serial };
        let mut fence = Fence::default();
        for (shown, admitted) in [
            (token(1, 5), true),
            (token(1, 5), true),
            (token(1, 4), false),
            (token(1, 9), true),
            (token(2, 1), true),
            (token(1, 99), false),
        ] {
            assert_eq!(fence.admit(shown).is_ok(), admitted, "{shown}");
        }
        let error = fence.admit(token(1, 99)).unwrap_err();
        assert_eq!(error.to_string(), "token 1.99 is older than 2.1; the lease is somebody else's: stop");
    }
}

//! Who owns a run: one process at a time, by a lease in the run's own log.
//!
//! Taking a run appends [`OwnerEvent::RunOwnerTaken`] at the place in the log that the claimant has read to. The log refuses an
//! append at any other place, so of two claimants one wins, and the one who owned the run before hits the same wall with the
//! next thing it wants to record: it reads on, finds a higher epoch, and stops ([`Ownership::admits`]). This is the fence; the
//! times only say when it is polite to take over. (Optimistic concurrency as in the DynamoDB lock client and the leader
//! election of Kubernetes, which also watch by their own clock instead of believing others'; fencing as in Chubby.)

mod event;

pub use event::{DecodeError, EncodedEvent, Grounds, OWNER_EVENT_VERSION, OwnerEvent};

use serde::{Deserialize, Serialize};

use crate::OwnerId;

/// How long a run is owned, and how far clocks may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerPolicy {
    /// How long without renewal, in milliseconds.
    pub lease_ms: u64,
    /// The most by which wall clocks of any two processes differ, in milliseconds. A larger difference costs the owner its run
    /// too early; it never makes two owners, because of the fence.
    pub skew_ms: u64,
    /// How much earlier the owner itself takes its lease for over, in milliseconds: for the drift of monotone clocks.
    pub margin_ms: u64,
}

impl Default for OwnerPolicy {
    fn default() -> Self {
        Self { lease_ms: 15_000, skew_ms: 2_000, margin_ms: 500 }
    }
}

impl OwnerPolicy {
    /// How often to renew, in milliseconds: two renewals may fail.
    pub fn renew_every_ms(&self) -> u64 {
        (self.lease_ms / 3).max(1)
    }

    /// Until when an owner may act that took or renewed its lease, by its own monotone clock, which it looked at before it
    /// looked at the wall clock and wrote.
    pub fn own_until_ms(&self, before_ms: u64) -> u64 {
        before_ms.saturating_add(self.lease_ms.saturating_sub(self.margin_ms))
    }
}

/// Who owns a run, as its log tells. Made by folding events; one that is repeated changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ownership {
    holder: Option<Holder>,
    epoch: u64,
    /// Counts what was heard of owners.
    signs: u64,
}

/// The owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub owner: OwnerId,
    /// Until when, by its own wall clock.
    pub until_wall_ms: i64,
    /// How often it has renewed.
    pub renewals: u64,
}

/// Why a run cannot be taken, renewed or written to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnerRefusal {
    /// Somebody owns it.
    #[error("the run is owned by `{owner}` until {until_wall_ms} ms by its clock; wait, or end that process")]
    Owned {
        /// The process.
        owner: OwnerId,
        /// Until when.
        until_wall_ms: i64,
    },
    /// An epoch that is over.
    #[error("epoch {epoch} does not own the run, which is at epoch {current}; stop and write nothing more")]
    Deposed {
        /// The epoch shown.
        epoch: u64,
        /// The latest one.
        current: u64,
    },
}

impl Ownership {
    /// After one more event.
    pub fn evolve(mut self, event: &OwnerEvent) -> Self {
        match event {
            OwnerEvent::RunOwnerTaken { owner, epoch, until_wall_ms, .. } if *epoch > self.epoch => {
                self.epoch = *epoch;
                self.holder =
                    Some(Holder { owner: owner.clone(), until_wall_ms: *until_wall_ms, renewals: 0 });
                self.signs += 1;
            }
            OwnerEvent::RunOwnerRenewed { epoch, number, until_wall_ms } if *epoch == self.epoch => {
                if let Some(holder) = self.holder.as_mut().filter(|holder| *number > holder.renewals) {
                    (holder.renewals, holder.until_wall_ms) = (*number, *until_wall_ms);
                    self.signs += 1;
                }
            }
            OwnerEvent::RunOwnerLeft { epoch } if *epoch == self.epoch => self.holder = None,
            _ => {}
        }
        self
    }

    /// The owner, if there is one.
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// The latest epoch; 0 before the first.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Takes the run. The event must be appended at the place in the log up to which this state was made.
    ///
    /// # Errors
    /// The grounds do not hold.
    pub fn claim(
        &self,
        policy: &OwnerPolicy,
        owner: &OwnerId,
        wall_ms: i64,
        grounds: Grounds,
    ) -> Result<OwnerEvent, OwnerRefusal> {
        if let Some(holder) = self.holder().filter(|holder| !holder.yields(policy, wall_ms, &grounds)) {
            let (owner, until_wall_ms) = (holder.owner.clone(), holder.until_wall_ms);
            return Err(OwnerRefusal::Owned { owner, until_wall_ms });
        }
        let grounds = if self.holder.is_none() { Grounds::Vacant } else { grounds };
        let until_wall_ms = wall_ms.saturating_add_unsigned(policy.lease_ms);
        Ok(OwnerEvent::RunOwnerTaken { owner: owner.clone(), epoch: self.epoch + 1, until_wall_ms, grounds })
    }

    /// Renews the lease of an owner, also one that has run out, as long as nobody else has taken the run.
    ///
    /// # Errors
    /// Somebody has, or the owner has left.
    pub fn renew(&self, policy: &OwnerPolicy, epoch: u64, wall_ms: i64) -> Result<OwnerEvent, OwnerRefusal> {
        self.admits(epoch)?;
        let number = self.holder().map_or(0, |holder| holder.renewals) + 1;
        let until_wall_ms = wall_ms.saturating_add_unsigned(policy.lease_ms);
        Ok(OwnerEvent::RunOwnerRenewed { epoch, number, until_wall_ms })
    }

    /// Leaves the run to whoever comes.
    ///
    /// # Errors
    /// It belongs to somebody else.
    pub fn leave(&self, epoch: u64) -> Result<OwnerEvent, OwnerRefusal> {
        self.admits(epoch)?;
        Ok(OwnerEvent::RunOwnerLeft { epoch })
    }

    /// The fence: whether the owner of this epoch may write. To be asked with the state up to the place of the append.
    ///
    /// # Errors
    /// It must stop.
    pub fn admits(&self, epoch: u64) -> Result<(), OwnerRefusal> {
        if self.holder.is_some() && epoch == self.epoch {
            Ok(())
        } else {
            Err(OwnerRefusal::Deposed { epoch, current: self.epoch })
        }
    }
}

impl Holder {
    fn yields(&self, policy: &OwnerPolicy, wall_ms: i64, grounds: &Grounds) -> bool {
        match grounds {
            Grounds::Vacant => false,
            Grounds::Expired => wall_ms > self.until_wall_ms.saturating_add_unsigned(policy.skew_ms),
            Grounds::Silent { silent_ms } => *silent_ms >= policy.lease_ms.saturating_add(policy.margin_ms),
            Grounds::Dead { .. } => true,
        }
    }
}

/// Somebody who waits for a run and looks at its log from time to time, by a monotone clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    signs: u64,
    since_ms: u64,
}

impl Watch {
    /// Begins to watch.
    pub fn new(state: &Ownership, now_ms: u64) -> Self {
        Self { signs: state.signs, since_ms: now_ms }
    }

    /// How long the owner has given no sign of life, as far as was watched.
    pub fn look(&mut self, state: &Ownership, now_ms: u64) -> Grounds {
        if state.signs != self.signs {
            *self = Self::new(state, now_ms);
        }
        Grounds::Silent { silent_ms: now_ms.saturating_sub(self.since_ms) }
    }
}

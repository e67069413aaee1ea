//! What may be asked of a budget.

use serde::{Deserialize, Serialize};

use crate::{Amounts, Ask, HolderId, LevelId, Limits, ReservationId, Resource};

/// A request to change a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Opens a level. Its limits may be higher than those above: what counts is that every grant fits everywhere.
    OpenLevel {
        /// Its name.
        level: LevelId,
        /// The level above; absent for a root.
        parent: Option<LevelId>,
        /// Its limits.
        limits: Limits,
    },
    /// Raises a limit, or lowers it to what is spent and reserved at the lowest. Works at any time.
    ChangeLimit {
        /// The level.
        level: LevelId,
        /// The resource.
        resource: Resource,
        /// From now on; absent for as much as one likes.
        limit: Option<u64>,
    },
    /// Reserves before a call.
    Reserve(Ask),
    /// The call of a reservation that was [`Ask::not_begun`] follows now.
    Begin {
        /// The reservation.
        reservation: ReservationId,
    },
    /// The receipt: what the call really cost. The first receipt counts.
    Settle {
        /// The reservation.
        reservation: ReservationId,
        /// What it cost, also when that is more than was granted.
        actual: Amounts,
    },
    /// The call was not made, or cost nothing.
    Release {
        /// The reservation.
        reservation: ReservationId,
    },
    /// A holder has crashed. What it has begun counts as spent in full until a receipt says otherwise; what it has not begun is
    /// released; it is granted nothing any more.
    Reclaim {
        /// The holder.
        holder: HolderId,
    },
    /// Nothing more will be reserved at a level. Its settled reservations are forgotten, all but their names.
    CloseLevel {
        /// The level.
        level: LevelId,
    },
}

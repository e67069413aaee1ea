//! Who is alive, who holds what, and who owns a run: found out in seconds, without ever believing a clock that one does not
//! have. Pure: no clock, no files, no threads; time is an argument.
//!
//! * [`Roster`]: the workers as the one who hands out work sees them. Heartbeats in, leases and deaths out.
//! * [`Tenure`]: the same as a worker sees it: what it holds and until when it may act.
//! * [`Fence`]: what turns late writers away where they write.
//! * [`Ownership`]: which process owns a run, so that two never do.
//!
//! **Leases.** A lease gives the right to work on one attempt until it expires; each heartbeat that names it renews it (C. Gray
//! and D. Cheriton, *Leases*, 1989). A worker takes its lease for over before the roster does, because it counts from when it
//! sent what the roster counts from when it arrived. So an attempt that was declared lost is acted on by nobody.
//!
//! **Tokens.** Every lease has a higher token than all before; what is shown with an old one is refused ([`Roster::check`],
//! [`Fence`]). Leases keep two workers from acting by accident; tokens keep a worker harmless that slept through its
//! lease. (M. Burrows, *The Chubby lock service*, 2006; M. Kleppmann, *How to do distributed locking*, 2016.)
//!
//! **Suspicion before death.** A worker that is silent is first suspected: it gets nothing new, and loses nothing. Only longer
//! silence is death, and that is for good: it comes back in a higher incarnation or not at all (A. Das et al., *SWIM*, 2002).
//! Silence is counted in missed heartbeats, with fixed bounds. An accrual detector (N. Hayashibara et al., *The φ accrual
//! failure detector*, 2004) adapts to the network instead; but then nobody can say in advance when a lease ends, which
//! the worker must know to the millisecond, nor promise how soon a dead worker is found. Our workers are few hops away and
//! stop for seconds rather than jitter: a distribution of past intervals says nothing about that.
//!
//! **Sleeping oneself.** A roster that is woken much later than it asked for was itself stopped, and what workers said meanwhile
//! lies in its queue. It then excuses every silence once, for the time of a suspicion (compare A. Dadgar et al.,
//! *Lifeguard*, 2018: a detector must doubt itself first).
//!
//! **Clocks.** Within a process all times are of its monotone clock and never leave it. Between processes only numbers travel:
//! which heartbeat, which token, which epoch. Wall clocks are used in one place, to take over the run of a process that
//! nobody has watched ([`Grounds::Expired`]), with a stated bound on their skew.

mod fence;
mod id;
mod message;
mod owner;
mod policy;
mod refusal;
mod roster;
mod tenure;

pub use fence::{Fence, Fenced};
pub use id::{AttemptId, Incarnation, OwnerId, Token, WorkerId};
pub use message::{Acknowledgement, Effect, Heartbeat, Lease, LossCause, Message};
pub use owner::{
    DecodeError, EncodedEvent, Grounds, Holder, OWNER_EVENT_VERSION, OwnerEvent, OwnerPolicy, OwnerRefusal,
    Ownership, Watch,
};
pub use policy::{BadPolicy, LeasePolicy};
pub use refusal::Refusal;
pub use roster::{Roster, Standing};
pub use tenure::Tenure;

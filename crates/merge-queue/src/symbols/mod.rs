//! Merging two changes of one file symbol by symbol, for when merging them line by line does not work.
//!
//! Each of the three texts is cut into segments, the functions, classes, constants, imports and runs of loose code at its top
//! level, and where a segment is a class, into its members. Segments are matched by name. What only one side changed, added or
//! removed is taken from that side; what both changed is merged line by line inside that one symbol, and is a
//! [`Conflict`] that names it if that fails. The result parses, and each line of it is a line of one of the sides.
//!
//! Two patches that add functions at one place, or change neighbouring functions, conflict as text and go together here. Whether
//! they go together in meaning is for the checks to say.

mod arrangement;
mod conflict;
mod files;
mod imports;
mod language;
mod merge;
mod outline;
mod segment;

pub use conflict::{Conflict, Side};
pub use files::{Versions, merge_file, patch_between};
pub use language::knows;
pub use merge::{Merged, Resolution, merge};

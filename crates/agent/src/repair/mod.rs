//! The offline repair specialist.

mod roles;

pub use roles::role_for;

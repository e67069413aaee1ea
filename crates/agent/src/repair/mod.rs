//! The offline repair specialist.

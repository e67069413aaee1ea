//! The specialists. Each works on one attempt in one sandbox and reaches the outside only through the runtime it was given.
//!
//! - [`validation`]: tells whether the tests pass with an edit applied; warm interpreter where possible, plain command elsewhere.
//! - [`repair`]: the offline specialist: observe, localise, enumerate, rank, validate.
//! - [`coder`]: the model-driven loop with its tools.

pub mod cancel;
pub mod coder;
pub mod repair;
pub mod validation;

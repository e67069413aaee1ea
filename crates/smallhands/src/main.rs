//! The smallhands command.
fn main() {}

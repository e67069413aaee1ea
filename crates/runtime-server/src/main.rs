//! `swerex-remote`: the runtime server as one small binary.

fn main() {}

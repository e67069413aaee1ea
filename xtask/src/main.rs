//! Repository chores, run with `cargo run -p xtask -- CHORE`. `tidy`: the repository's rules as checks; `dist`: the static binary.

mod dist;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- CHORE\n\n  tidy   check the repository's own rules (see CONTRIBUTING.md)\n  dist   build swerex-remote as a static binary";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy::run(),
        Some("dist") => dist::run(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

//! Repository chores, run with `cargo run -p xtask -- CHORE`. The only chore so far is `tidy`: the repository's rules as checks.

mod tidy;

use std::process::ExitCode;

const USAGE: &str =
    "usage: cargo run -p xtask -- tidy\n\n  tidy   check the repository's own rules (see CONTRIBUTING.md)";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy::run(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

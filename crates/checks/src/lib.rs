//! What a repository checks, and what those checks said.
//!
//! Three questions, each answered without touching the outside world:
//!
//! * *Which commands check this repository?* [`detect`] reads the evidence (manifests, configuration, test files)
//!   through [`RepoFiles`] and proposes commands, each with its reason. [`classify`] recognises a command a user gave,
//!   [`itemised`] asks it to name every test it runs.
//! * *Which tests passed and failed?* [`parse()`] turns the output of a check (console text, JUnit XML) into a
//!   [`TestReport`]: one [`TestResult`] per test, with stack [`Frame`]s relative to the repository.
//! * *What changed?* [`compare`] sets two reports side by side, [`flaky`] finds tests that cannot decide.
//!
//! One file per test output format lies in `formats/`, one per stack trace dialect in `frames/`, one per toolchain in
//! `toolchains/`.

mod command;
mod comparison;
mod detection;
mod formats;
mod frames;
mod parse;
mod report;
mod terminal;
mod test_paths;
mod toolchains;

pub use command::{Framework, classify, itemised};
pub use comparison::{Comparison, compare, flaky};
pub use detection::{DetectedCheck, RepoFiles, Toolchain, detect};
pub use frames::Frame;
pub use parse::{CheckOutput, parse};
pub use report::{MESSAGE_LIMIT, Outcome, TestCounts, TestId, TestReport, TestResult};
pub use test_paths::is_test_path;

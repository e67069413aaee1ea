//! The formats of test output, one per module, all listed in [`FORMATS`].
//!
//! A reader takes a transcript and returns what it recognises; output in another format yields an empty report. The
//! framework that the command starts decides which readers are asked first, because tests of a test tool print other
//! formats on purpose.

mod cargo_test;
mod ctest;
mod dotted;
mod failure;
mod go_json;
mod go_text;
mod gradle;
mod gtest;
mod jest;
mod junit;
mod mocha;
mod nextest;
mod node_spec;
mod outline;
mod pytest;
mod rust_build;
mod surefire;
mod tap;
mod unittest;
mod vitest;

use std::borrow::Cow;

use crate::command::Framework;
use crate::frames::Place;
use crate::report::{Outcome, TestReport};

pub(crate) use junit::read as read_junit;

/// The plain text of a check's output, with what is needed to understand it.
pub(crate) struct Transcript<'a> {
    pub(crate) framework: Framework,
    pub(crate) stdout: Cow<'a, str>,
    pub(crate) stderr: Cow<'a, str>,
    pub(crate) place: Place<'a>,
    /// Set when the check did not end by itself.
    pub(crate) interruption: Option<Outcome>,
}

impl Transcript<'_> {
    /// Reads each stream on its own and adds up what is found.
    fn each_stream(&self, read: impl Fn(&str) -> TestReport) -> TestReport {
        let mut report = read(&self.stdout);
        report.merge(read(&self.stderr));
        report
    }

    /// How a test that started and never reported back ended.
    fn unfinished(&self) -> Outcome {
        self.interruption.unwrap_or(Outcome::Crashed)
    }
}

/// One format: whose output it is, and its reader.
struct Format {
    frameworks: &'static [Framework],
    read: fn(&Transcript<'_>) -> TestReport,
}

const FORMATS: [Format; 15] = [
    Format { frameworks: &[Framework::Pytest], read: pytest::read },
    Format { frameworks: &[Framework::Unittest], read: unittest::read },
    Format { frameworks: &[Framework::Nextest], read: nextest::read },
    Format { frameworks: &[Framework::CargoTest], read: cargo_test::read },
    Format { frameworks: &[Framework::NodeTest], read: tap::read },
    Format { frameworks: &[Framework::NodeTest], read: node_spec::read },
    Format { frameworks: &[Framework::GoTest], read: go_json::read },
    Format { frameworks: &[Framework::GoTest], read: go_text::read },
    Format { frameworks: &[], read: jest::read },
    Format { frameworks: &[], read: vitest::read },
    Format { frameworks: &[], read: mocha::read },
    Format { frameworks: &[Framework::Maven], read: surefire::read },
    Format { frameworks: &[Framework::Gradle], read: gradle::read },
    Format { frameworks: &[Framework::Ctest], read: ctest::read },
    Format { frameworks: &[], read: gtest::read },
];

/// Everything the console output says about tests: the framework's own formats, or else all of them.
pub(crate) fn read_console(transcript: &Transcript<'_>) -> TestReport {
    let expected = |format: &&Format| format.frameworks.contains(&transcript.framework);
    let report = merged(FORMATS.iter().filter(expected), transcript);
    if report == TestReport::default() { merged(FORMATS.iter(), transcript) } else { report }
}

fn merged<'f>(formats: impl Iterator<Item = &'f Format>, transcript: &Transcript<'_>) -> TestReport {
    let mut report = TestReport::default();
    for format in formats {
        report.merge((format.read)(transcript));
    }
    report
}

/// Phrases with which runners say that they found nothing to run.
const NOTHING_RAN: [&str; 14] = [
    "no tests ran",
    "Ran 0 tests",
    "NO TESTS RAN",
    "collected 0 items",
    "running 0 tests",
    "0 tests run",
    "[no test files]",
    "No tests found",
    "No test files found",
    "# tests 0",
    "0 passing",
    "No tests were found",
    "1..0 # SKIP",
    "1..0 # skip",
];

/// Whether the output says that no test was there to run.
pub(crate) fn ran_no_test(transcript: &Transcript<'_>) -> bool {
    let says = |text: &str| NOTHING_RAN.iter().any(|phrase| text.contains(phrase));
    says(&transcript.stdout) || says(&transcript.stderr)
}

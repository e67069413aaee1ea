//! Compiler errors that keep Rust tests from running at all.

use crate::frames::{Dialect, Place};
use crate::report::{Outcome, TestReport, TestResult};

/// One errored test for each crate that `text` says could not be compiled; `name` turns a package into its id.
///
/// The id is that of the container: `could not compile shop (test "buying")` is about the test binary `buying`, all
/// other targets carry the package's name.
pub(super) fn build_failures(text: &str, place: &Place<'_>, name: impl Fn(&str) -> String) -> TestReport {
    let mut report = TestReport::default();
    let mut errors = Errors::default();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("error: could not compile `") {
            let Some((package, rest)) = rest.split_once('`') else { continue };
            let id = match rest.split_once("(test \"").and_then(|(_, rest)| rest.split_once('"')) {
                Some((binary, _)) => name(binary),
                None => name(package),
            };
            let found = errors.text.join("\n");
            let frames = Dialect::Rust.frames(&found, place);
            let result = TestResult::new(Outcome::Errored).with_message(&found).with_frames(frames);
            report.record(id, result);
        } else {
            errors.line(line);
        }
    }
    report
}

/// The error diagnostics seen so far; warnings are left out, since they break nothing.
#[derive(Default)]
struct Errors<'t> {
    text: Vec<&'t str>,
    inside: bool,
}

impl<'t> Errors<'t> {
    fn line(&mut self, line: &'t str) {
        if line.starts_with("error[") || line.starts_with("error: ") {
            self.inside = true;
        } else if line.is_empty() || line.starts_with(|c: char| c.is_alphabetic()) {
            self.inside = false;
        }
        if self.inside {
            self.text.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_does_not_compile_is_one_errored_container() {
        let text = "warning: unused\n --> src/a.rs:1:1\n\nerror[E0308]: mismatched types\n  --> src/lib.rs:54:19\n   |\n54 | x\n\nFor more information\nerror: could not compile `demo-shop` (lib test) due to 1 previous error\nerror: could not compile `demo-shop` (test \"buying\") due to 1 previous error\n";
        let report = build_failures(text, &Place::default(), |package| package.replace('-', "_"));
        let ids: Vec<String> = report.failing().into_iter().map(|id| id.0).collect();
        assert_eq!(ids, ["buying", "demo_shop"]);
        let result = &report.tests[&"demo_shop".into()];
        assert_eq!(result.frames.iter().map(|frame| frame.line).collect::<Vec<_>>(), [54]);
        assert!(result.message.as_deref().unwrap().starts_with("error[E0308]: mismatched types"));
    }
}

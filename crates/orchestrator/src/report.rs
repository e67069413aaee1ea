//! The report of a run: what was done, what was checked and what was not, for a person to read in a minute.

use std::fmt::Write;

use crate::progress::{PatchView, RunSummary, TestCounts, Verdict};

/// What the report tells beyond the summary.
#[derive(Debug, Clone, Default)]
pub struct ReportDetails {
    /// What was to be achieved.
    pub task: String,
    /// The user's repository.
    pub repo: String,
    /// Check commands.
    pub checks: Vec<String>,
    /// Tests that still fail at the end.
    pub failing: Vec<String>,
    /// Tests that passed before and fail now.
    pub broken: Vec<String>,
    /// Tests that pass and fail without any change.
    pub flaky: Vec<String>,
    /// Things the user should know.
    pub warnings: Vec<String>,
    /// What the verification ran and what it said.
    pub evidence: Option<String>,
    /// The plan at the end, drawn as text.
    pub plan: String,
}

/// Most test names listed under one heading.
const LISTED: usize = 50;

/// Writes the report as Markdown.
#[must_use]
pub fn markdown(summary: &RunSummary, details: &ReportDetails) -> String {
    let mut out = String::new();
    headline(&mut out, summary, details);
    changes(&mut out, summary);
    names(&mut out, "Tests that still fail", &details.failing);
    names(&mut out, "Tests that passed before and fail now", &details.broken);
    names(&mut out, "Flaky tests (pass and fail without any change; left alone)", &details.flaky);
    names(&mut out, "Warnings", &details.warnings);
    if let Some(evidence) = &details.evidence {
        let _ = write!(out, "## Evidence\n\n```text\n{}\n```\n\n", evidence.replace("```", "'''").trim_end());
    }
    if !details.plan.is_empty() {
        let _ = write!(out, "## Plan\n\n```text\n{}\n```\n", details.plan.trim_end());
    }
    out
}

fn headline(out: &mut String, summary: &RunSummary, details: &ReportDetails) {
    let verdict = match summary.verdict {
        Verdict::Verified => "verified",
        Verdict::Unverified => "unverified",
        Verdict::Failed => "failed",
    };
    let _ = write!(out, "# Run {}: {verdict}\n\n{}.\n\n", summary.run, summary.reason);
    let _ = writeln!(out, "| | |\n|---|---|");
    let _ = writeln!(out, "| task | {} |", cell(&details.task));
    let _ = writeln!(out, "| repository | {} |", cell(&details.repo));
    for check in &details.checks {
        let _ = writeln!(out, "| check | `{}` |", cell(check));
    }
    let _ = writeln!(out, "| tests before | {} |", counts(&summary.tests.before));
    if let Some(after) = &summary.tests.after {
        let _ = writeln!(out, "| tests after | {} |", counts(after));
    }
    let _ = writeln!(out, "| candidates validated | {} |", summary.validations);
    let _ = writeln!(out, "| cost | ${:.4} |", summary.cost_usd);
    let _ = writeln!(out, "| time | {:.1} s |\n", summary.wall_ms as f64 / 1000.0);
}

fn changes(out: &mut String, summary: &RunSummary) {
    if summary.changes.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Changes\n");
    for change in &summary.changes {
        let _ = writeln!(out, "- {}", line(change));
    }
    let _ = write!(
        out,
        "\nWhat was checked is that the tests pass in a fresh copy with the patch applied. Passing tests do not prove a change \
         right: read it before you keep it.\n\n"
    );
    if !summary.alternatives.is_empty() {
        let _ = writeln!(out, "### Other patches that passed the same tests\n");
        for change in &summary.alternatives {
            let _ = writeln!(out, "- {}", line(change));
        }
        out.push('\n');
    }
}

fn line(change: &PatchView) -> String {
    format!("`{}:{}` ({}): `{}`", change.file, change.line, change.kind, change.summary.replace('`', "'"))
}

fn names(out: &mut String, heading: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let _ = writeln!(out, "## {heading}\n");
    for name in names.iter().take(LISTED) {
        let _ = writeln!(out, "- {name}");
    }
    if names.len() > LISTED {
        let _ = writeln!(out, "- … and {} more", names.len() - LISTED);
    }
    out.push('\n');
}

fn counts(counts: &TestCounts) -> String {
    format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::TestsBeforeAfter;

    fn summary(verdict: Verdict) -> RunSummary {
        let change = PatchView {
            file: "a.py".into(),
            line: 3,
            kind: "compare-operator".into(),
            summary: "< → <=".into(),
        };
        RunSummary {
            run: "r1".into(),
            verdict,
            reason: "all 3 tests pass".into(),
            patch: None,
            report: None,
            tests: TestsBeforeAfter { before: TestCounts { passed: 2, failed: 1, skipped: 0 }, after: None },
            validations: 7,
            cost_usd: 0.0,
            wall_ms: 1500,
            limit: None,
            changes: vec![change.clone()],
            alternatives: vec![change],
        }
    }

    #[test]
    fn tells_what_was_and_was_not_checked() {
        let text = markdown(
            &summary(Verdict::Verified),
            &ReportDetails { task: "a|b".into(), ..ReportDetails::default() },
        );
        for expected in
            ["# Run r1: verified", "`a.py:3`", "do not prove", "Other patches", "a\\|b", "2 passed, 1 failed"]
        {
            assert!(text.contains(expected), "{expected} is missing from:\n{text}");
        }
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let failing = (0..60).map(|i| format!("t{i}")).collect();
        let text =
            markdown(&summary(Verdict::Unverified), &ReportDetails { failing, ..ReportDetails::default() });
        assert!(text.contains("… and 10 more"));
    }

    #[test]
    fn evidence_cannot_break_out_of_its_block() {
        let details = ReportDetails { evidence: Some("x\n```\n# no".into()), ..ReportDetails::default() };
        assert!(markdown(&summary(Verdict::Failed), &details).contains("'''"));
    }

    #[test]
    fn sections_without_content_are_left_out() {
        let mut summary = summary(Verdict::Failed);
        summary.changes.clear();
        let text = markdown(&summary, &ReportDetails::default());
        let absent =
            ["## Changes", "## Evidence", "## Plan", "## Warnings", "## Tests that", "Flaky", "tests after"];
        for heading in absent {
            assert!(!text.contains(heading), "{heading} is in:\n{text}");
        }
        assert!(text.starts_with("# Run r1: failed"), "{text}");
    }

    #[test]
    fn everything_that_is_known_has_its_place() {
        let names = |name: &str| vec![name.to_owned()];
        let details = ReportDetails {
            task: "make it pass".into(),
            repo: "/r".into(),
            checks: vec!["pytest -q".into(), "make lint".into()],
            failing: names("t_failing"),
            broken: names("t_broken"),
            flaky: names("t_flaky"),
            warnings: names("careful"),
            evidence: Some("$ pytest -q\nexit code 0\n".into()),
            plan: "observe-1.0  done".into(),
        };
        let mut summary = summary(Verdict::Unverified);
        summary.tests.after = Some(TestCounts { passed: 3, failed: 0, skipped: 1 });
        let text = markdown(&summary, &details);
        let in_order = [
            "| task | make it pass |",
            "| repository | /r |",
            "| check | `pytest -q` |",
            "| check | `make lint` |",
            "| tests after | 3 passed, 0 failed, 1 skipped |",
            "| time | 1.5 s |",
            "- t_failing",
            "- t_broken",
            "- t_flaky",
            "- careful",
            "exit code 0",
            "observe-1.0  done",
        ];
        let mut rest = text.as_str();
        for expected in in_order {
            let at = rest.find(expected).unwrap_or_else(|| panic!("{expected} is not in its place:\n{text}"));
            rest = &rest[at + expected.len()..];
        }
    }
}

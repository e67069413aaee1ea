//! The words for each event, the same on a terminal and in a pipe.

use std::time::Duration;

use smallhands_orchestrator::progress::{
    PatchView, Progress, RunSummary, TaskPhase, TestCounts, TestsBeforeAfter, Verdict,
};

use super::fit::printable;
use crate::arguments::span;

/// How many names of a list are written out.
const NAMES_SHOWN: usize = 10;

/// The lines that tell an event to a person; none for what an agent does at the moment and for what others tell better.
pub fn lines(event: &Progress) -> Vec<String> {
    let lines = match event {
        Progress::RunStarted { .. } => run_started(event),
        Progress::CheckSelected { command, reason } => vec![format!("check: {command}  ({reason})")],
        Progress::TestsObserved { counts, failing } => {
            let mut lines = vec![format!("tests: {}", show_counts(*counts))];
            lines.extend(listed("  failing: ", failing));
            lines
        }
        Progress::PlanChanged { reason, added, dropped } => {
            let mut lines = vec![format!("plan: {reason}")];
            lines.extend(added.iter().map(|task| format!("  + {} [{}] {}", task.id, task.role, task.goal)));
            lines.extend(listed("  - ", dropped));
            lines
        }
        Progress::TaskChanged { task, phase, note } => match phase {
            // The task's attempts tell these, in more words.
            TaskPhase::Waiting | TaskPhase::Running | TaskPhase::Done => vec![],
            TaskPhase::Failed => vec![with_note(format!("task {task} failed"), note)],
            TaskPhase::Dropped => vec![with_note(format!("task {task} is no longer needed"), note)],
        },
        Progress::AttemptStarted { attempt, role, goal } => vec![format!("{attempt} began [{role}] {goal}")],
        Progress::AttemptActivity { .. } => vec![],
        Progress::AttemptFinished { attempt, outcome, note } => {
            vec![with_note(format!("{attempt} {}", outcome.replace('_', " ")), note)]
        }
        Progress::PatchFound { attempt, patch } => vec![format!("{attempt} found {}", show_patch(patch))],
        Progress::PatchMerged { task, patch, fixed } => {
            let mut lines = vec![format!("merged from {task}: {}", show_patch(patch))];
            lines.extend(listed("  now passing: ", fixed));
            lines
        }
        Progress::ControlTaken { words, .. } => vec![format!("control: {words}")],
        Progress::ApprovalAsked { approval, attempt, question, default, .. } => {
            let default = if *default { "yes" } else { "no" };
            vec![format!(
                "{approval}: {attempt} asks: {question} (answer with `smallhands approve RUN {approval} yes|no`; \
                 no answer means {default})"
            )]
        }
        Progress::ApprovalSettled { approval, yes, by } => {
            vec![format!("{approval}: {} ({by})", if *yes { "yes" } else { "no" })]
        }
        Progress::Warning { message } => vec![format!("warning: {message}")],
        Progress::RunFinished(summary) => run_finished(summary),
    };
    lines.iter().map(|line| printable(line)).collect()
}

/// What an agent does at the moment, with its count.
pub fn activity(attempt: &str, doing: &str, validations: u64) -> String {
    let counted = if validations > 0 { format!(" ({validations} validated)") } else { String::new() };
    printable(&format!("{attempt} {doing}{counted}"))
}

/// A patch in one line.
pub fn show_patch(patch: &PatchView) -> String {
    format!("{}:{} [{}] {}", patch.file, patch.line, patch.kind, patch.summary)
}

/// The word for a verdict.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Verified => "verified",
        Verdict::Unverified => "unverified",
        Verdict::Failed => "failed",
    }
}

/// Counts in words: `11 passed, 2 failed, 1 skipped`.
pub fn show_counts(counts: TestCounts) -> String {
    let mut parts = vec![format!("{} passed", counts.passed), format!("{} failed", counts.failed)];
    if counts.skipped > 0 {
        parts.push(format!("{} skipped", counts.skipped));
    }
    parts.join(", ")
}

fn run_started(event: &Progress) -> Vec<String> {
    let Progress::RunStarted { run, repo, task, agents, sandbox, folder, resumed } = event else {
        return vec![];
    };
    let verb = if *resumed { "resuming run" } else { "run" };
    vec![
        format!("{verb} {run}: {task}"),
        format!("  repository {repo}"),
        format!("  up to {agents} agents, sandbox {sandbox}, results in {folder}"),
    ]
}

fn run_finished(summary: &RunSummary) -> Vec<String> {
    let mut lines = vec![format!("verdict: {} — {}", verdict_word(summary.verdict), summary.reason)];
    lines.push(format!("tests:   {}", show_tests(summary.tests)));
    let paths = [("patch:  ", &summary.patch), ("report: ", &summary.report)];
    lines
        .extend(paths.iter().filter_map(|(label, path)| path.as_ref().map(|path| format!("{label} {path}"))));
    lines.extend(heading("changes:", &summary.changes));
    lines.extend(heading("these passed as well and were not chosen:", &summary.alternatives));
    lines.push(figures(summary));
    if !summary.changes.is_empty() {
        lines.push(
            "Passing the checks is what was verified, nothing more: read the patch before you rely on it."
                .to_owned(),
        );
    }
    lines
}

fn show_tests(tests: TestsBeforeAfter) -> String {
    let before = show_counts(tests.before);
    tests.after.map_or_else(|| before.clone(), |after| format!("{before} → {}", show_counts(after)))
}

fn heading(title: &str, patches: &[PatchView]) -> Vec<String> {
    if patches.is_empty() {
        return vec![];
    }
    let shown = patches.iter().take(NAMES_SHOWN).map(|patch| format!("  {}", show_patch(patch)));
    let more = more_line("  ", patches.len());
    [title.to_owned()].into_iter().chain(shown).chain(more).collect()
}

fn figures(summary: &RunSummary) -> String {
    let time = span::show(Duration::from_millis(summary.wall_ms));
    let cost =
        if summary.cost_usd > 0.0 { format!(", models ${:.4}", summary.cost_usd) } else { String::new() };
    let limit =
        summary.limit.as_ref().map_or_else(String::new, |limit| format!(", stopped by the limit: {limit}"));
    format!("{} validations in {time}{cost}{limit}", summary.validations)
}

fn with_note(line: String, note: &str) -> String {
    if note.is_empty() { line } else { format!("{line}: {note}") }
}

/// One line per name, the first ones only.
fn listed(label: &str, names: &[String]) -> Vec<String> {
    names
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| format!("{label}{name}"))
        .chain(more_line(label, names.len()))
        .collect()
}

fn more_line(label: &str, total: usize) -> Option<String> {
    let blanks = label.len() - label.trim_start().len();
    (total > NAMES_SHOWN).then(|| format!("{}… and {} more", " ".repeat(blanks), total - NAMES_SHOWN))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn every_event_has_words_unless_others_tell_it_better() {
        for event in samples::one_of_each() {
            let expected = !matches!(event, Progress::AttemptActivity { .. } | Progress::TaskChanged { .. });
            assert_eq!(!lines(&event).is_empty(), expected, "{event:?}");
        }
    }

    #[test]
    fn the_result_names_everything_the_user_needs() {
        let lines = lines(&Progress::RunFinished(samples::summary()));
        assert_eq!(
            lines,
            [
                "verdict: verified — all checks hold in a fresh copy",
                "tests:   11 passed, 2 failed, 1 skipped → 13 passed, 0 failed, 1 skipped",
                "patch:   /state/runs/r1/result.patch",
                "report:  /state/runs/r1/report.md",
                "changes:",
                "  shop/pricing.py:41 [compare-operator] total > limit → total >= limit",
                "these passed as well and were not chosen:",
                "  shop/pricing.py:41 [compare-operator] total > limit → not total < limit",
                "312 validations in 14.2s",
                "Passing the checks is what was verified, nothing more: read the patch before you rely on it.",
            ]
        );
    }

    #[test]
    fn a_result_without_a_patch_promises_nothing() {
        let summary = RunSummary {
            verdict: Verdict::Failed,
            reason: "no patch was found".into(),
            patch: None,
            tests: TestsBeforeAfter { after: None, ..samples::summary().tests },
            changes: vec![],
            alternatives: vec![],
            limit: Some("timeout".into()),
            cost_usd: 0.01234,
            ..samples::summary()
        };
        let text = lines(&Progress::RunFinished(summary)).join("\n");
        assert!(!text.contains("patch:") && !text.contains("Passing the checks"), "{text}");
        assert!(text.contains("$0.0123") && text.contains("limit: timeout"), "{text}");
    }

    #[test]
    fn long_lists_are_cut_and_the_rest_is_counted() {
        let failing: Vec<_> = (0..13).map(|n| format!("test_{n}")).collect();
        let lines = lines(&Progress::TestsObserved {
            counts: TestCounts { passed: 0, failed: 13, skipped: 0 },
            failing,
        });
        assert_eq!(lines.len(), 1 + NAMES_SHOWN + 1);
        assert_eq!(lines.last().unwrap(), "  … and 3 more");
    }

    #[test]
    fn tasks_speak_up_when_they_fail() {
        assert_eq!(lines(&samples::phase("t1", TaskPhase::Done)), [""; 0]);
        assert_eq!(lines(&samples::phase("t1", TaskPhase::Failed)), ["task t1 failed: because"]);
        assert_eq!(
            lines(&samples::phase("t1", TaskPhase::Dropped)),
            ["task t1 is no longer needed: because"]
        );
    }

    #[test]
    fn other_peoples_words_cannot_steer_the_terminal() {
        let lines = lines(&Progress::Warning { message: "a\x1b[2Jb".into() });
        assert_eq!(lines, ["warning: a [2Jb"]);
    }
}

//! Every text the model is shown, bounded. The words are files under `prompts/coder`; what is filled in is cut to size here.
//!
//! Nothing here depends on the time or on chance, and nothing that was said is ever changed: each request extends the one
//! before it, which is what lets endpoints reuse their work on the common prefix.

use smallhands_trajectory::{Message, ToolCall};

use super::task::CoderTask;

const SYSTEM: &str = include_str!("../../../../prompts/coder/system.md");
const TASK: &str = include_str!("../../../../prompts/coder/task.md");
const FEEDBACK: &str = include_str!("../../../../prompts/coder/feedback.md");
const REMINDER: &str = include_str!("../../../../prompts/coder/reminder.md");
const CUT: &str = include_str!("../../../../prompts/coder/cut.md");
const STUCK: &str = include_str!("../../../../prompts/coder/stuck.md");
const TOLD: &str = include_str!("../../../../prompts/coder/told.md");
const LAST_STEPS: &str = include_str!("../../../../prompts/coder/last-steps.md");

/// Most bytes of one tool result.
const OBSERVATION: usize = 12_000;
/// Most bytes of the user's words.
const GOAL: usize = 16_000;
/// Most entries of a list, and most bytes of one.
const ENTRIES: usize = 30;
const ENTRY: usize = 1_500;
/// Most bytes of what verification says.
const VERIFICATION: usize = 12_000;
/// The countdown is shown from this many steps on.
const COUNTDOWN: u32 = 3;

/// The messages that begin an attempt.
pub(super) fn opening(task: &CoderTask) -> Vec<Message> {
    let text = fill(
        TASK,
        &[
            ("goal", &bounded(task.goal.trim(), GOAL)),
            ("checks", &list(&task.checks, "(none were given; find out how this repository is tested)")),
            ("failing", &list(&task.failing, "(not known yet: run the checks)")),
            ("hints", &list(&task.hints, "(nothing is known)")),
            ("steps", &task.limits.steps.to_string()),
        ],
    );
    let mut messages = vec![Message::system(SYSTEM.trim_end()), Message::user(text)];
    messages.extend(task.feedback.is_some().then(|| feedback(task)));
    messages
}

/// The message that begins a further round.
pub(super) fn feedback(task: &CoderTask) -> Message {
    let said = task.feedback.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let said = bounded(said.unwrap_or("The checks still fail."), VERIFICATION);
    Message::user(fill(FEEDBACK, &[("feedback", &said), ("steps", &task.limits.steps.to_string())]))
}

/// What the user says while the model works.
pub(super) fn told(words: &str) -> Message {
    Message::user(fill(TOLD, &[("message", &bounded(words.trim(), GOAL))]).trim_end())
}

/// To a model whose call nobody agreed to.
pub(super) fn not_permitted(reason: &str) -> String {
    format!(
        "not done: this {reason}, and the user did not agree; do without it, or submit and say what is left to the user"
    )
}

/// What the user is asked before a call that reaches outside.
pub(super) fn question(call: &ToolCall, reason: &str) -> String {
    format!("may it do this? It {reason}. {}", activity(call))
}

/// A tool result as it is shown.
pub(super) fn observation(text: &str) -> String {
    if text.trim().is_empty() { "(no output)".to_owned() } else { bounded(text, OBSERVATION) }
}

/// What a call does, in one short line for people who watch.
pub(super) fn activity(call: &ToolCall) -> String {
    const SHOWN: usize = 100;
    let subject = ["command", "path", "message"].iter().find_map(|key| call.arguments[*key].as_str());
    let line = subject.unwrap_or_default().lines().next().unwrap_or_default();
    let end = line.char_indices().nth(SHOWN).map_or(line.len(), |(end, _)| end);
    format!("{}: {}", call.name, &line[..end])
}

/// To a model that called no tool.
pub(super) fn reminder() -> String {
    REMINDER.trim_end().to_owned()
}

/// To a model whose answer was cut at the output limit.
pub(super) fn cut(tokens: u32) -> String {
    fill(CUT, &[("tokens", &tokens.to_string())])
}

/// To a model that repeats itself.
pub(super) fn stuck(times: u32) -> String {
    fill(STUCK, &[("times", &times.to_string())])
}

/// The countdown, when there is little left.
pub(super) fn last_steps(left: u32) -> Option<String> {
    (1..=COUNTDOWN).contains(&left).then(|| fill(LAST_STEPS, &[("steps", &left.to_string())]))
}

/// `template` with each `{{name}}` replaced. What is filled in is not looked at again, so it may contain braces.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template.trim_end();
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let named = after.split_once("}}");
        let known = named.and_then(|(name, tail)| Some((values.iter().find(|(n, _)| *n == name)?.1, tail)));
        rest = match known {
            Some((value, tail)) => {
                filled.push_str(value);
                tail
            }
            None => {
                filled.push_str("{{");
                after
            }
        };
    }
    filled.push_str(rest);
    filled
}

fn list(entries: &[String], none: &str) -> String {
    if entries.is_empty() {
        return none.to_owned();
    }
    let shown = entries.iter().take(ENTRIES);
    let mut lines: Vec<String> =
        shown.map(|entry| format!("- {}", bounded(entry.trim(), ENTRY).replace('\n', "\n  "))).collect();
    if entries.len() > ENTRIES {
        lines.push(format!("- … and {} more", entries.len() - ENTRIES));
    }
    lines.join("\n")
}

/// The first and the last part of `text` with a note of what was left out between them, in at most about `limit` bytes.
/// Both ends matter: a log's beginning says what was run, its end says how it went.
pub(super) fn bounded(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = &text[..text.floor_char_boundary(limit / 2)];
    let tail = &text[text.ceil_char_boundary(text.len() - limit / 2)..];
    // Whole lines where a line ends near the cut.
    let head = head.rfind('\n').filter(|end| end * 2 > head.len()).map_or(head, |end| &head[..=end]);
    let tail =
        tail.find('\n').filter(|start| start * 2 < tail.len()).map_or(tail, |start| &tail[start + 1..]);
    let left_out = &text[head.len()..text.len() - tail.len()];
    let gap = if head.ends_with('\n') { "" } else { "\n" };
    format!(
        "{head}{gap}[… {} bytes, {} lines left out; look at less at once, for example with grep or sed -n …]\n{tail}",
        left_out.len(),
        left_out.lines().count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> CoderTask {
        CoderTask {
            goal: " Make it work ".into(),
            checks: vec!["pytest -q".into()],
            failing: vec!["test_a: {{steps}}\nAssertionError".into()],
            ..CoderTask::default()
        }
    }

    #[test]
    fn the_opening_names_everything_once() {
        let messages = opening(&task());
        assert_eq!(messages.len(), 2);
        let text = &messages[1].content;
        for expected in [
            "# Task\n\nMake it work\n",
            "- pytest -q\n",
            "- test_a: {{steps}}\n  AssertionError\n",
            "(nothing is known)",
            "You have 40 turns.",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
        assert!(!messages[0].content.contains("{{"), "the system prompt has nothing to fill in");
    }

    #[test]
    fn feedback_comes_last_and_is_never_empty() {
        let check = |said: &str, expected: &str| {
            let messages = opening(&CoderTask { feedback: Some(said.into()), ..task() });
            assert!(messages[2].content.contains(expected), "{}", messages[2].content);
        };
        check("test_b broke", "test_b broke");
        check(" ", "The checks still fail.");
    }

    #[test]
    fn no_placeholder_is_left_in_any_text() {
        let texts = [reminder(), cut(10), stuck(3), last_steps(2).unwrap(), feedback(&task()).content];
        for text in texts {
            assert!(!text.contains("{{") && !text.is_empty() && text.trim() == text, "{text}");
        }
    }

    #[test]
    fn filled_in_text_is_not_filled_again() {
        let check = |template: &str, expected: &str| {
            assert_eq!(fill(template, &[("a", "{{b}}"), ("b", "2")]), expected, "{template}");
        };
        check("{{a}}-{{b}}", "{{b}}-2");
        check("{{c}} {{", "{{c}} {{");
        check("{{ {{b}}", "{{ 2");
        check("plain\n", "plain");
    }

    #[test]
    fn an_activity_is_one_short_line() {
        let check = |arguments: &str, expected: &str| {
            assert_eq!(activity(&ToolCall::from_text("c", "bash", arguments)), expected, "{arguments}");
        };
        check(r#"{"command":"ls -l\nrm x"}"#, "bash: ls -l");
        check(r#"{"path":"a.py","old":"x"}"#, "bash: a.py");
        check("{}", "bash: ");
        check(&format!(r#"{{"command":"{}"}}"#, "é".repeat(500)), &format!("bash: {}", "é".repeat(100)));
    }

    #[test]
    fn the_countdown_is_shown_near_the_end_only() {
        let shown: Vec<u32> = (0..10).filter(|left| last_steps(*left).is_some()).collect();
        assert_eq!(shown, [1, 2, 3]);
    }

    #[test]
    fn long_text_keeps_both_ends_and_counts_the_rest() {
        let text: String = (0..1000).map(|n| format!("line {n}\n")).collect();
        let cut = bounded(&text, 200);
        assert!(cut.starts_with("line 0\n") && cut.ends_with("line 999\n"), "{cut}");
        assert!(cut.len() < 320, "{}", cut.len());
        let kept = cut.lines().filter(|line| line.starts_with("line ")).count();
        assert!(cut.contains(&format!(" {} lines left out", 1000 - kept)), "{cut}");
        assert_eq!(bounded("short", 5), "short");
    }

    #[test]
    fn characters_are_never_cut() {
        let text = "🦀".repeat(100);
        for limit in 0..100 {
            let cut = bounded(&text, limit);
            assert!(cut.chars().all(|c| c == '🦀' || c.is_ascii() || c == '…'), "{limit}: {cut}");
        }
    }

    #[test]
    fn long_lists_and_empty_results_are_said_to_be_so() {
        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert!(list(&many, "").ends_with("- 29\n- … and 70 more"));
        assert_eq!(observation(" \n"), "(no output)");
    }
}

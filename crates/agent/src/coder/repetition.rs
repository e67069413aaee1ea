//! Notices a model that goes round in circles: the same call with the same result, again and again, and nothing changed in
//! between.

use std::collections::HashMap;

use smallhands_trajectory::ToolCall;

/// From this many on, the model is told.
const TELL: u32 = 3;
/// At this many, the attempt ends.
const GIVE_UP: u32 = 5;

/// What a call means for the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Nothing special.
    New,
    /// The model should be told that it repeats itself, for the given number of times.
    Repeated(u32),
    /// There is no hope that it stops.
    Stuck,
}

/// The calls made since a file was last changed.
#[derive(Debug, Clone, Default)]
pub struct Repetition {
    seen: HashMap<(String, String, String), u32>,
}

impl Repetition {
    /// Takes a call and its result; `changed` when it changed a file.
    pub fn notice(&mut self, call: &ToolCall, result: &str, changed: bool) -> Habit {
        if changed {
            self.seen.clear();
            return Habit::New;
        }
        let key = (call.name.clone(), call.arguments.to_string(), without_timings(result));
        let times = self.seen.entry(key).or_insert(0);
        *times += 1;
        match *times {
            times if times >= GIVE_UP => Habit::Stuck,
            times if times >= TELL => Habit::Repeated(times),
            _ => Habit::New,
        }
    }
}

/// `text` without the digits of decimal fractions and hexadecimal numbers: durations and addresses differ between two runs
/// that say the same. Whole numbers stay, because `2 failed` is not `1 failed`.
fn without_timings(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        kept.push_str(&rest[..start]);
        let number_and_more = &rest[start..];
        let length = number_and_more
            .find(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != 'x')
            .unwrap_or(number_and_more.len());
        let number = &number_and_more[..length];
        let varies = number.starts_with("0x") || number.trim_end_matches('.').contains('.');
        kept.push_str(if varies { "#" } else { number });
        rest = &number_and_more[length..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(command: &str) -> ToolCall {
        ToolCall::from_text("c", "bash", &format!(r#"{{"command":"{command}"}}"#))
    }

    #[test]
    fn the_third_time_is_told_and_the_fifth_is_the_last() {
        let mut repetition = Repetition::default();
        let habits: Vec<Habit> =
            (1..=5).map(|n| repetition.notice(&bash("t"), &format!("1 failed in 0.{n}s"), false)).collect();
        assert_eq!(habits, [Habit::New, Habit::New, Habit::Repeated(3), Habit::Repeated(4), Habit::Stuck]);
    }

    #[test]
    fn circles_of_several_calls_are_noticed() {
        let mut repetition = Repetition::default();
        for _ in 0..4 {
            repetition.notice(&bash("a"), "x", false);
            repetition.notice(&bash("b"), "y", false);
        }
        assert_eq!(repetition.notice(&bash("a"), "x", false), Habit::Stuck);
    }

    #[test]
    fn another_result_or_a_change_in_between_is_progress() {
        let mut repetition = Repetition::default();
        for failing in (1..=9).rev() {
            assert_eq!(repetition.notice(&bash("t"), &format!("{failing} failed"), false), Habit::New);
        }
        for _ in 0..9 {
            assert_eq!(repetition.notice(&bash("t"), "1 failed", false), Habit::New);
            assert_eq!(repetition.notice(&bash("edit"), "edited", true), Habit::New);
        }
    }

    #[test]
    fn only_what_varies_by_itself_is_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(without_timings(text), expected);
        check("2 failed, 1 passed in 0.13s", "2 failed, 1 passed in #s");
        check("<A object at 0x7f3a9c>", "<A object at #>");
        check("line 12. Then 13", "line 12. Then 13");
        check("v1.2.3 é 4", "v# é 4");
        check("", "");
    }
}

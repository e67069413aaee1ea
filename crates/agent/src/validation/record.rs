//! Reads what the recorder wrote during a plain run (`python/smallhands_hook/recording.py`).

use std::collections::BTreeSet;

use serde::Deserialize;
use smallhands_checks::{Outcome, TestId, TestReport, TestResult};

use super::message::{SentFrame, result};

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Finished(Finished, TestId, Outcome, Option<f64>, Option<String>, Vec<SentFrame>),
    Started(Started, TestId),
}

#[derive(Deserialize)]
enum Started {
    #[serde(rename = "started")]
    It,
}

#[derive(Deserialize)]
enum Finished {
    #[serde(rename = "finished")]
    It,
}

/// The results in a record; a test that was started and not finished has the outcome `unfinished`. Lines that a dying
/// process left incomplete are passed over.
pub(super) fn read(record: &str, unfinished: Outcome) -> TestReport {
    let mut report = TestReport::default();
    let mut open = BTreeSet::new();
    for line in record.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::Started(Started::It, id) => {
                open.insert(id);
            }
            Line::Finished(Finished::It, id, outcome, duration, message, frames) => {
                open.remove(&id);
                report.record(id, result(outcome, duration, message.as_deref(), frames));
            }
        }
    }
    for id in open {
        report
            .record(id, TestResult::new(unfinished).with_message("it was running when the check was ended"));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_was_running_at_the_end_is_found() {
        let record =
            "[\"started\",\"a\"]\n[\"finished\",\"a\",\"passed\",1.5,null,[]]\n[\"started\",\"b\"]\n[\"fini";
        let report = read(record, Outcome::TimedOut);
        assert_eq!(report.tests[&TestId::new("a")].duration_ms, Some(1.5));
        assert_eq!(report.tests[&TestId::new("b")].outcome, Outcome::TimedOut);
        assert_eq!(report.tests.len(), 2);
    }

    #[test]
    fn the_worse_of_two_accounts_counts() {
        let record = "[\"finished\",\"a\",\"passed\",1,null,[]]\n\
                      [\"finished\",\"a\",\"errored\",null,\"tear-down\",[[\"t.py\",4,\"f\"]]]\n";
        let report = read(record, Outcome::Crashed);
        let result = &report.tests[&TestId::new("a")];
        assert_eq!((result.outcome, result.frames[0].line), (Outcome::Errored, 4));
    }
}

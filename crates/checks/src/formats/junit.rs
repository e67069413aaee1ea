//! JUnit XML, in the flavours of pytest, surefire, Gradle, jest-junit, vitest, Node, nextest, CTest and GoogleTest.
//!
//! There is no standard; the format is described by what its writers have in common:
//! <https://github.com/testmoapp/junitxml>. Broken or cut files give the tests up to the break.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::command::Framework;
use crate::frames::any_dialect;
use crate::report::{Outcome, TestReport, TestResult};
use crate::terminal::plain;

use super::dotted::NodeIds;
use super::failure::{rust_panic, says_timeout};
use super::outline::NESTING;
use super::{Transcript, pytest};

/// Reads all files of a run; `console` is what its console output named, by which ids are recognised.
pub(crate) fn read(files: &[String], transcript: &Transcript<'_>, console: &TestReport) -> TestReport {
    let node_ids = NodeIds::new(&pytest::node_ids(console));
    let mut report = TestReport::default();
    for file in files {
        let mut reading = Reading::new(transcript, &node_ids);
        if reading.read(file).is_none() {
            reading.report.note("a JUnit file is broken or cut; its tests were read up to there");
        }
        report.merge(reading.report);
    }
    report
}

/// Elements that say how a test ended.
const VERDICTS: [(&str, Outcome); 3] =
    [("failure", Outcome::Failed), ("error", Outcome::Errored), ("skipped", Outcome::Skipped)];

/// A `testcase` element as far as read.
#[derive(Default)]
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    seconds: Option<f64>,
    /// Verdicts: outcome, message and type, text.
    verdicts: Vec<Verdict>,
}

#[derive(Clone)]
struct Verdict {
    outcome: Outcome,
    message: String,
    kind: String,
    text: String,
}

struct Reading<'t> {
    transcript: &'t Transcript<'t>,
    node_ids: &'t NodeIds<'t>,
    report: TestReport,
    /// The names of the suites around the current element.
    suites: Vec<String>,
    case: Option<Case>,
    /// Whether text belongs to the case's last verdict.
    in_verdict: bool,
}

impl<'t> Reading<'t> {
    fn new(transcript: &'t Transcript<'t>, node_ids: &'t NodeIds<'t>) -> Self {
        Self {
            transcript,
            node_ids,
            report: TestReport::default(),
            suites: Vec::new(),
            case: None,
            in_verdict: false,
        }
    }

    /// Reads to the end, or returns nothing at a break.
    fn read(&mut self, xml: &str) -> Option<()> {
        let mut reader = quick_xml::Reader::from_str(xml);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        loop {
            match reader.read_event().ok()? {
                Event::Start(element) => self.start(&element, false),
                Event::Empty(element) => self.start(&element, true),
                Event::End(element) => self.end(element.local_name().as_ref()),
                Event::Text(text) => self.text(&text.xml10_content()),
                Event::CData(text) => self.text(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let named = quick_xml::escape::resolve_predefined_entity(&reference.xml10_content());
                    let numbered = reference.resolve_char_ref().ok().flatten();
                    match (named, numbered) {
                        (Some(text), _) => self.text(text),
                        (None, Some(c)) => self.text(c.encode_utf8(&mut [0; 4])),
                        (None, None) => {}
                    }
                }
                Event::Eof => return (self.suites.is_empty() && self.case.is_none()).then_some(()),
                _ => {}
            }
        }
    }

    fn start(&mut self, element: &BytesStart<'_>, is_empty: bool) {
        let name = element.local_name();
        match name.as_ref() {
            "testsuites" | "testsuite" if !is_empty => {
                self.suites.push(attribute(element, "name").unwrap_or_default());
            }
            "testcase" => {
                self.case = Some(case(element));
                if is_empty {
                    self.record();
                }
            }
            tag => {
                let verdict = VERDICTS.iter().find(|(verdict, _)| *verdict == tag);
                self.in_verdict = false;
                if let (Some((_, outcome)), Some(case)) = (verdict, &mut self.case) {
                    let message = attribute(element, "message").unwrap_or_default();
                    let kind = attribute(element, "type").unwrap_or_default();
                    case.verdicts.push(Verdict { outcome: *outcome, message, kind, text: String::new() });
                    self.in_verdict = !is_empty;
                }
            }
        }
    }

    fn end(&mut self, tag: &str) {
        match tag {
            "testsuites" | "testsuite" => {
                self.suites.pop();
            }
            "testcase" => self.record(),
            _ => self.in_verdict = false,
        }
    }

    fn text(&mut self, text: &str) {
        let verdict =
            self.case.as_mut().filter(|_| self.in_verdict).and_then(|case| case.verdicts.last_mut());
        if let Some(verdict) = verdict {
            verdict.text.push_str(text);
        }
    }

    fn record(&mut self) {
        let Some(case) = self.case.take() else { return };
        let id = self.id(&case);
        let result = self.result(&case).with_duration(case.seconds.map(|seconds| seconds * 1000.0));
        self.report.record(id, result);
    }

    /// What is marked as skipped counts as skipped, even where Node says that it failed as expected.
    fn result(&self, case: &Case) -> TestResult {
        let skipped = case.verdicts.iter().find(|verdict| verdict.outcome == Outcome::Skipped);
        let Some(verdict) = skipped.or_else(|| case.verdicts.iter().max_by_key(|verdict| verdict.outcome))
        else {
            return TestResult::new(Outcome::Passed);
        };
        let text = plain(&verdict.text);
        let message = match (text.contains(" panicked at "), verdict.message.trim()) {
            (true, _) => rust_panic(&text).to_owned(),
            (false, "") if text.trim().is_empty() => verdict.kind.clone(),
            (false, "") => before_stack(&text),
            (false, message) => plain(message).into_owned(),
        };
        let outcome = verdict.actual_outcome(&message);
        let result = TestResult::new(outcome).with_message(&message);
        match outcome {
            Outcome::Skipped => result,
            _ => result.with_frames(any_dialect(&text, &self.transcript.place)),
        }
    }

    /// The framework's own id for a test; its writers disagree on what a class and a name are.
    fn id(&self, case: &Case) -> String {
        let Case { class, name, .. } = case;
        let suite_is = |wanted: &str| self.suites.iter().any(|suite| suite == wanted);
        let is_script = |path: &str| path.rsplit_once('.').is_some_and(|(_, end)| SCRIPTS.contains(&end));
        if suite_is("nextest-run") {
            return format!("{class}::{name}");
        }
        if suite_is("pytest") || self.transcript.framework == Framework::Pytest {
            return self.node_ids.node_id(class, name, case.file.as_deref());
        }
        if matches!(class.as_str(), "test" | "suite") {
            return self.nested_id(name);
        }
        if class.is_empty() || name == class || name.starts_with(&format!("{class} ")) {
            return name.clone();
        }
        if is_script(class) {
            return format!("{class}{NESTING}{name}");
        }
        format!("{class}.{}", name.strip_suffix("()").unwrap_or(name))
    }

    /// Node nests suites and says nothing in `classname`; a file that could not be run is named by its path.
    fn nested_id(&self, name: &str) -> String {
        let shown = self.transcript.place.relative(name).filter(|_| name.starts_with('/'));
        let groups = self.suites.iter().filter(|suite| !suite.is_empty()).map(String::as_str);
        groups.chain([shown.as_deref().unwrap_or(name)]).collect::<Vec<_>>().join(NESTING)
    }
}

/// The head of a failure's text, where no attribute says what went wrong.
fn before_stack(text: &str) -> String {
    let is_stack = |line: &&str| !line.trim_start().starts_with("at ");
    text.trim().lines().take_while(is_stack).collect::<Vec<_>>().join("\n")
}

/// Extensions of script files, which vitest gives as classes.
const SCRIPTS: [&str; 8] = ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"];

impl Verdict {
    /// Writers know only failures and errors; timeouts and crashes show in their words.
    fn actual_outcome(&self, message: &str) -> Outcome {
        let kind = self.kind.to_ascii_lowercase();
        match self.outcome {
            Outcome::Skipped => Outcome::Skipped,
            _ if kind.contains("timeout") || says_timeout(message) => Outcome::TimedOut,
            _ if kind.contains("abort") || kind.contains("signal") => Outcome::Crashed,
            outcome => outcome,
        }
    }
}

fn case(element: &BytesStart<'_>) -> Case {
    let read = |name: &str| attribute(element, name).unwrap_or_default().trim().to_owned();
    let mut case = Case {
        class: read("classname"),
        name: read("name"),
        file: attribute(element, "file"),
        // Surefire groups thousands with commas.
        seconds: read("time").replace(',', "").parse().ok(),
        verdicts: Vec::new(),
    };
    let status = attribute(element, "status").or_else(|| attribute(element, "result")).unwrap_or_default();
    if matches!(status.as_str(), "notrun" | "disabled" | "skipped" | "suppressed") {
        case.verdicts.push(Verdict {
            outcome: Outcome::Skipped,
            message: status.clone(),
            kind: status,
            text: String::new(),
        });
    }
    case
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found =
        element.attributes().with_checks(false).flatten().find(|attribute| attribute.key.as_ref() == name)?;
    Some(
        found
            .normalized_value(XmlVersion::Implicit1_0)
            .map_or_else(|_| found.value.to_string(), |value| value.into_owned()),
    )
}

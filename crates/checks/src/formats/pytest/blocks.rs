//! The explanations in pytest's `ERRORS` and `FAILURES` sections.

use crate::formats::Transcript;
use crate::formats::failure::{explained, python_exception};
use crate::formats::outline::indent;
use crate::frames::Dialect;
use crate::report::{Outcome, TestId, TestResult};

/// One explanation: a title that names the test without its file, and the text under it.
pub(super) struct Block<'t> {
    pub(super) title: &'t str,
    pub(super) is_error: bool,
    pub(super) lines: Vec<&'t str>,
}

/// Titles of errors are introduced by where they happened.
const STAGES: [&str; 3] = ["ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "];

/// `____ TestAdd.test_adds ____`: the title. Rows of `_ _ _` only separate stack entries.
pub(super) fn title(line: &str) -> Option<&str> {
    let framed = line.starts_with('_') && line.ends_with('_') && line.contains(' ');
    let title = line.trim_matches(['_', ' ']);
    (framed && !title.is_empty()).then_some(title)
}

impl<'t> Block<'t> {
    pub(super) fn new(title: &'t str, is_error: bool) -> Self {
        let bare = STAGES.iter().find_map(|stage| title.strip_prefix(stage)).unwrap_or(title);
        Self { title: bare, is_error, lines: Vec::new() }
    }

    /// An id for a test that nothing else named: its title, in the first file of its stack.
    pub(super) fn own_id(&self, transcript: &Transcript<'_>) -> TestId {
        let frames = Dialect::Python.frames(&self.lines.join("\n"), &transcript.place);
        match frames.first() {
            Some(frame) if frame.file != self.title => {
                let (name, parameters) =
                    self.title.split_at(self.title.find('[').unwrap_or(self.title.len()));
                TestId::new(format!("{}::{}{parameters}", frame.file, name.replace('.', "::")))
            }
            _ => TestId::from(self.title),
        }
    }

    /// What the block says.
    pub(super) fn result(&self, outcome: Outcome, transcript: &Transcript<'_>) -> TestResult {
        let said = self.said();
        let text = said.join("\n");
        let marked = marked_lines(said);
        let message = if marked.is_empty() { python_exception(&text) } else { &marked };
        explained(outcome, message, &text, Dialect::Python, &transcript.place)
    }

    /// The explanation without the output that the test printed.
    fn said(&self) -> &[&'t str] {
        let is_output = |line: &&str| line.starts_with('-') && line.contains("- Captured ");
        &self.lines[..self.lines.iter().position(is_output).unwrap_or(self.lines.len())]
    }
}

/// The last run of lines marked `E`, which state the exception, without the indentation of the code around them.
fn marked_lines(lines: &[&str]) -> String {
    let is_marked = |line: &&&str| line.starts_with("E ") || **line == "E";
    let last_run = lines.iter().rev().skip_while(|line| !is_marked(line)).take_while(is_marked);
    let mut marked: Vec<&str> = last_run.map(|line| &line[1..]).collect();
    marked.reverse();
    let depth = marked.first().map_or(0, |line| indent(line));
    let cut: Vec<&str> = marked.iter().map(|line| line.get(depth..).unwrap_or_default()).collect();
    cut.join("\n")
}

/// The title under which the test `id` is explained: `a.py::TestAdd::test_adds[x::y]` as `TestAdd.test_adds[x::y]`.
pub(super) fn title_of(id: &str) -> String {
    let name = id.split_once("::").map_or(id, |(_, name)| name);
    let (name, parameters) = name.split_at(name.find('[').unwrap_or(name.len()));
    format!("{}{parameters}", name.replace("::", "."))
}

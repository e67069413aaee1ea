//! Writes edits as a git unified diff that `git apply` accepts.
//!
//! The changed lines are known from the edits, so no line matching is needed. Each edit is widened to whole lines, edits on
//! touching lines are joined, unchanged lines at both ends are trimmed, and changes with fewer than seven lines between them
//! share a hunk. Format: <https://git-scm.com/docs/diff-format>, "Generating patch text with -p".

use std::fmt::Write as _;
use std::ops::Range;

use smallhands_repair::Edit;

/// Unchanged lines shown before and after a change.
const CONTEXT: usize = 3;

/// The diff of `edits` (byte ranges into `source`, in any order, not overlapping) as a change to the file at `path`.
/// Empty when the edits change nothing.
#[must_use]
pub fn unified(path: &str, source: &str, edits: &[&Edit]) -> String {
    let mut sorted = edits.to_vec();
    sorted.sort_by_key(|edit| (edit.start, edit.end));
    let lines = Lines::of(source);
    let changes: Vec<Change<'_>> = widened(&lines, &sorted).into_iter().filter_map(Change::trimmed).collect();
    if changes.is_empty() {
        return String::new();
    }
    let mut out = header(path);
    let mut shift: isize = 0;
    for hunk in grouped(&changes) {
        shift = write_hunk(&mut out, &lines, hunk, shift);
    }
    out
}

/// A source with the byte offset of each of its lines.
struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(source: &'a str) -> Self {
        let after_newlines = source.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(after_newlines).filter(|&start| start < source.len()).collect();
        Self { source, starts }
    }

    fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line `offset` lies on; the number of lines when it lies behind the last one.
    fn containing(&self, offset: usize) -> usize {
        let behind_last_line =
            offset >= self.source.len() && (self.source.is_empty() || self.source.ends_with('\n'));
        if behind_last_line {
            self.count()
        } else {
            self.starts.partition_point(|&start| start <= offset) - 1
        }
    }

    /// Byte offset of the beginning of line `index`; the end of the source behind the last line.
    fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.source.len())
    }

    fn text(&self, lines: Range<usize>) -> &'a str {
        &self.source[self.start(lines.start)..self.start(lines.end)]
    }
}

/// Whole lines `first..` of the old text and what stands there afterwards.
struct Change<'a> {
    first: usize,
    old: Vec<&'a str>,
    new: Vec<String>,
}

impl Change<'_> {
    /// Without the unchanged lines at both ends; nothing when that was all of it.
    fn trimmed(mut self) -> Option<Self> {
        let same = |(old, new): &(&&str, &String)| **old == new.as_str();
        let head = self.old.iter().zip(&self.new).take_while(same).count();
        self.old.drain(..head);
        self.new.drain(..head);
        self.first += head;
        let tail = self.old.iter().rev().zip(self.new.iter().rev()).take_while(same).count();
        self.old.truncate(self.old.len() - tail);
        self.new.truncate(self.new.len() - tail);
        (!self.old.is_empty() || !self.new.is_empty()).then_some(self)
    }

    fn end(&self) -> usize {
        self.first + self.old.len()
    }
}

/// Edits widened to the lines they touch; those on the same or touching lines become one change.
fn widened<'a>(lines: &Lines<'a>, edits: &[&Edit]) -> Vec<Change<'a>> {
    let mut regions: Vec<(Range<usize>, Vec<&Edit>)> = Vec::new();
    for edit in edits {
        let touched = lines.containing(edit.start)..(lines.containing(edit.end) + 1).min(lines.count());
        match regions.last_mut() {
            Some((region, members)) if touched.start <= region.end => {
                region.end = region.end.max(touched.end);
                members.push(edit);
            }
            // An insertion behind a last line without newline rewrites that line.
            _ => regions.push((touched.start.min(lines.count())..touched.end, vec![edit])),
        }
    }
    regions.into_iter().map(|(region, members)| change_in(lines, region, &members)).collect()
}

fn change_in<'a>(lines: &Lines<'a>, region: Range<usize>, edits: &[&Edit]) -> Change<'a> {
    let mut text = String::new();
    let mut at = lines.start(region.start);
    for edit in edits {
        text.push_str(&lines.source[at..edit.start]);
        text.push_str(&edit.text);
        at = edit.end;
    }
    text.push_str(&lines.source[at..lines.start(region.end)]);
    Change {
        first: region.start,
        old: lines.text(region).split_inclusive('\n').collect(),
        new: text.split_inclusive('\n').map(str::to_owned).collect(),
    }
}

/// Neighbouring changes whose context would touch, together.
fn grouped<'c, 'a>(changes: &'c [Change<'a>]) -> impl Iterator<Item = &'c [Change<'a>]> {
    changes.chunk_by(|left, right| right.first - left.end() <= 2 * CONTEXT)
}

fn header(path: &str) -> String {
    let (old, new) = (quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
    // A tab ends a name with spaces in it, for readers that would stop at the space.
    let end = if path.contains(' ') { "\t" } else { "" };
    format!("diff --git {old} {new}\n--- {old}{end}\n+++ {new}{end}\n")
}

/// A file name as git writes it: C-style quotes where it has control characters, quotes or backslashes.
fn quoted(name: &str) -> String {
    if !name.chars().any(|c| c.is_ascii_control() || c == '"' || c == '\\') {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for c in name.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\{:03o}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Writes one hunk; `shift` is how many lines the hunks before it have added. Returns the shift behind it.
fn write_hunk(out: &mut String, lines: &Lines<'_>, changes: &[Change<'_>], shift: isize) -> isize {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return shift };
    let (start, end) = (first.first.saturating_sub(CONTEXT), (last.end() + CONTEXT).min(lines.count()));
    let grown: isize = changes.iter().map(|c| c.new.len().cast_signed() - c.old.len().cast_signed()).sum();
    let old_length = end - start;
    let new_length = old_length.saturating_add_signed(grown);
    let old_range = range(start, old_length);
    let new_range = range(start.saturating_add_signed(shift), new_length);
    let _ = writeln!(out, "@@ -{old_range} +{new_range} @@");
    let mut at = start;
    for change in changes {
        write_lines(out, ' ', lines.text(at..change.first).split_inclusive('\n'));
        write_lines(out, '-', change.old.iter().copied());
        write_lines(out, '+', change.new.iter().map(String::as_str));
        at = change.end();
    }
    write_lines(out, ' ', lines.text(at..end).split_inclusive('\n'));
    shift + grown
}

/// `start,length` as hunks count: from 1, and the line before where nothing is left.
fn range(start: usize, length: usize) -> String {
    match length {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{length}", start + 1),
    }
}

fn write_lines<'t>(out: &mut String, sign: char, lines: impl Iterator<Item = &'t str>) {
    for line in lines {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn edit(source: &str, old: &str, new: &str) -> Edit {
        let start = source.find(old).expect("the text to replace");
        Edit { file: "f".into(), start, end: start + old.len(), text: new.into() }
    }

    /// Applies the diff with git in a fresh folder and returns what the file says then.
    fn git_apply(path: &str, source: &str, diff: &str) -> String {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, source).unwrap();
        let mut git = Command::new("git")
            .args(["apply", "--whitespace=nowarn", "-"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        git.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
        let result = git.wait_with_output().unwrap();
        assert!(result.status.success(), "{}\n{diff}", String::from_utf8_lossy(&result.stderr));
        std::fs::read_to_string(file).unwrap()
    }

    fn applied_by_hand(source: &str, edits: &[&Edit]) -> String {
        let mut text = source.to_owned();
        let mut sorted = edits.to_vec();
        sorted.sort_by_key(|edit| std::cmp::Reverse(edit.start));
        for edit in sorted {
            text.replace_range(edit.start..edit.end, &edit.text);
        }
        text
    }

    fn check_at(path: &str, source: &str, edits: &[Edit]) -> String {
        let edits: Vec<&Edit> = edits.iter().collect();
        let diff = unified(path, source, &edits);
        assert_eq!(git_apply(path, source, &diff), applied_by_hand(source, &edits), "{diff}");
        diff
    }

    fn check(source: &str, old: &str, new: &str) -> String {
        check_at("src/a.py", source, &[edit(source, old, new)])
    }

    const TEN: &str = "l0\nl1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\n";

    #[test]
    fn a_change_shows_three_lines_around_it() {
        assert_eq!(
            check(TEN, "l5", "five"),
            "diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n@@ -3,7 +3,7 @@\n l2\n l3\n l4\n-l5\n+five\n l6\n l7\n l8\n"
        );
    }

    #[test]
    fn git_applies_changes_at_every_edge() {
        for (source, old, new) in [
            (TEN, "l0", "first"),
            (TEN, "l0\n", ""),
            (TEN, "l9\n", "l9\nl10\n"),
            (TEN, "l9\n", "l9"),
            (TEN, "l9\n", ""),
            (TEN, "\nl4", " l4"),
            (TEN, "l3\nl4\nl5\n", "x\n"),
            (TEN, "3\nl4\nl", "y"),
            ("a\nb", "b", "c"),
            ("a\nb", "b", "b\n"),
            ("a\nb", "a\n", ""),
            ("a\nb", "\nb", ""),
            ("only", "only", "other"),
            ("only", "only", ""),
            ("only\n", "only\n", ""),
            ("x = 1\r\ny = 2\r\nz = 3\r\n", "2", "4"),
            ("x = 1\r\ny = 2\r\nz = 3\r\n", "y = 2\r\n", ""),
            ("\n\n\n\n", "\n\n", "\nq\n"),
            ("é = 'ü'\n", "ü", "ö€"),
        ] {
            check(source, old, new);
        }
    }

    #[test]
    fn git_applies_insertions() {
        for (source, at, text) in [
            ("", 0, "new\n"),
            ("", 0, "new"),
            (TEN, 0, "zero\n"),
            (TEN, TEN.len(), "end\n"),
            (TEN, TEN.len(), "end"),
            ("a\nb", 3, "c"),
            ("a\nb", 3, "\nc\n"),
            (TEN, 6, "between\n"),
            (TEN, 5, "\nbetween"),
        ] {
            check_at("a", source, &[Edit { file: "f".into(), start: at, end: at, text: text.into() }]);
        }
    }

    #[test]
    fn several_edits_share_hunks_only_when_near() {
        let near = check_at("a", TEN, &[edit(TEN, "l7", "seven\nmore"), edit(TEN, "l1", "one")]);
        assert_eq!(near.matches("@@ -").count(), 1, "{near}");
        let long: String = (0..30).map(|n| format!("line {n};\n")).collect();
        let far = check_at("a", &long, &[edit(&long, "line 2;\n", ""), edit(&long, "line 25;", "x\ny\nz")]);
        assert_eq!(far.matches("@@ -").count(), 2, "{far}");
        check_at("a", TEN, &[edit(TEN, "l4", "four"), edit(TEN, "\nl5", " five")]);
    }

    #[test]
    fn unusual_file_names_survive() {
        for path in ["with space/a b.py", "quo\"te.py", "back\\slash.py", "tab\there.py", "ümlaut.py"] {
            check_at(path, TEN, &[edit(TEN, "l5", "five")]);
        }
    }

    #[test]
    fn an_edit_that_changes_nothing_has_no_diff() {
        assert_eq!(unified("a", TEN, &[&edit(TEN, "l5", "l5")]), "");
    }
}

//! Reading a git diff: which files, which lines. What cannot be read is passed over, never an error: a flag less is a flag
//! less, but the file is still named.

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Added,
    Deleted,
    Changed,
}

/// What a diff says about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileDiff {
    /// Where it is, or was if it is deleted.
    pub path: String,
    pub status: Status,
    /// Runs of lines, each with a little of what stands around it.
    pub hunks: Vec<Hunk>,
}

/// A run of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// What git shows of the place: the function or section that the run is in.
    pub heading: String,
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub sign: Sign,
    /// In the new file; for removed lines in the old one. From 1.
    pub number: u32,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Same,
    Added,
    Removed,
}

impl FileDiff {
    pub(super) fn lines(&self, sign: Sign) -> impl Iterator<Item = &Line> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(move |line| line.sign == sign)
    }

    pub(super) fn only_adds(&self) -> bool {
        !self.hunks.is_empty() && self.lines(Sign::Removed).next().is_none()
    }
}

impl Hunk {
    /// The runs of lines that were removed and added in one place.
    pub(super) fn blocks(&self) -> Vec<(Vec<&Line>, Vec<&Line>)> {
        let changed = |sign| sign != Sign::Same;
        let runs = self.lines.chunk_by(|one, next| changed(one.sign) == changed(next.sign));
        let runs = runs.filter(|run| changed(run[0].sign));
        runs.map(|run| run.iter().partition(|line| line.sign == Sign::Removed)).collect()
    }
}

/// Reads a diff as git writes it.
pub(super) fn parse(patch: &str) -> Vec<FileDiff> {
    let mut reader = Reader::default();
    patch.lines().for_each(|line| reader.read(line));
    reader.files
}

#[derive(Default)]
struct Reader {
    files: Vec<FileDiff>,
    /// Lines of the hunk that are still to come: old, new.
    left: (u32, u32),
    /// The next line's number: old, new.
    next: (u32, u32),
}

impl Reader {
    fn read(&mut self, line: &str) {
        if self.left != (0, 0) {
            return self.content(line);
        }
        if let Some(paths) = line.strip_prefix("diff --git ") {
            let file = FileDiff { path: new_path(paths), status: Status::Changed, hunks: Vec::new() };
            return self.files.push(file);
        }
        let Some(file) = self.files.last_mut() else { return };
        if let Some(path) = line.strip_prefix("+++ ").and_then(|path| side(path, "b/")) {
            file.path = path;
        } else if let Some(path) = line.strip_prefix("--- ").and_then(|path| side(path, "a/")) {
            file.path = path;
        } else if line.starts_with("new file mode") {
            file.status = Status::Added;
        } else if line.starts_with("deleted file mode") {
            file.status = Status::Deleted;
        } else if let Some((ranges, heading)) =
            line.strip_prefix("@@ -").and_then(|rest| rest.split_once(" @@"))
        {
            let (old, new) = ranges.split_once(" +").unwrap_or((ranges, ""));
            let ((old_start, old_count), (new_start, new_count)) = (range(old), range(new));
            (self.next, self.left) = ((old_start, new_start), (old_count, new_count));
            file.hunks.push(Hunk { heading: heading.trim().to_owned(), lines: Vec::new() });
        }
    }

    fn content(&mut self, line: &str) {
        let Some(hunk) = self.files.last_mut().and_then(|file| file.hunks.last_mut()) else { return };
        let (old, new) = self.next;
        let (sign, number) = match line.as_bytes().first() {
            Some(b'+') => (Sign::Added, new),
            Some(b'-') => (Sign::Removed, old),
            // "\ No newline at end of file"
            Some(b'\\') => return,
            _ => (Sign::Same, new),
        };
        if sign != Sign::Added {
            self.next.0 += 1;
            self.left.0 = self.left.0.saturating_sub(1);
        }
        if sign != Sign::Removed {
            self.next.1 += 1;
            self.left.1 = self.left.1.saturating_sub(1);
        }
        let text = line.get(1..).unwrap_or_default().to_owned();
        hunk.lines.push(Line { sign, number, text });
    }
}

/// `12,3` or `12`.
fn range(text: &str) -> (u32, u32) {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    (start.parse().unwrap_or(1), count.parse().unwrap_or(0))
}

/// A path of a `---` or `+++` line; none for `/dev/null`.
fn side(text: &str, prefix: &str) -> Option<String> {
    unquoted(text.trim_end_matches('\t')).strip_prefix(prefix).map(str::to_owned)
}

/// The new path of a `diff --git` line. The two paths are the same here, as renames are shown as a removal and an addition.
fn new_path(paths: &str) -> String {
    if paths.ends_with('"')
        && let Some((_, path)) = paths.rsplit_once(" \"")
    {
        return unquoted(&format!("\"{path}")).trim_start_matches("b/").to_owned();
    }
    paths.rsplit_once(" b/").map_or(paths, |(_, path)| path).to_owned()
}

/// Git quotes paths with strange bytes as C does.
fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.to_owned();
    };
    let (mut bytes, mut rest) = (Vec::new(), inner.bytes());
    while let Some(byte) = rest.next() {
        let escaped = if byte == b'\\' { rest.next() } else { None };
        bytes.push(match escaped {
            None => byte,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(digit @ b'0'..=b'3') => {
                let mut octal =
                    |value: u8| value.wrapping_mul(8).wrapping_add(rest.next().unwrap_or(b'0') - b'0');
                let value = octal(digit - b'0');
                octal(value)
            }
            Some(other) => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "\
diff --git a/a.py b/a.py
index 1..2 100644
--- a/a.py
+++ b/a.py
@@ -1,3 +1,3 @@ def f():
 one
-two
+zwei
 three
@@ -9 +9,2 @@
+--- a/not/a/header
 nine
\\ No newline at end of file
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/b.png b/b.png
new file mode 100644
GIT binary patch
literal 3
";

    #[test]
    fn files_lines_and_numbers_are_read() {
        let files = parse(PATCH);
        let seen: Vec<(&str, Status)> = files.iter().map(|file| (file.path.as_str(), file.status)).collect();
        assert_eq!(seen, [("a.py", Status::Changed), ("gone.py", Status::Deleted), ("b.png", Status::Added)]);
        let added: Vec<(u32, &str)> =
            files[0].lines(Sign::Added).map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(added, [(2, "zwei"), (9, "--- a/not/a/header")]);
        assert_eq!(files[0].lines(Sign::Removed).next().map(|line| line.number), Some(2));
        assert_eq!(files[0].hunks[0].heading, "def f():");
        assert_eq!(files[0].hunks[0].blocks().len(), 1);
        assert!(!files[0].only_adds() && !files[1].only_adds());
    }

    #[test]
    fn strange_names_are_read() {
        assert_eq!(unquoted(r#""b/\303\244 \"x\".py""#), "b/ä \"x\".py");
        let patch = "diff --git \"a/\\303\\244.py\" \"b/\\303\\244.py\"\nnew file mode 100644\n";
        assert_eq!(parse(patch)[0].path, "ä.py");
        assert_eq!(parse("garbage\n@@ -1 +1 @@\n+x\n"), []);
    }
}

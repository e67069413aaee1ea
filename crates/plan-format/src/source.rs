//! The text of plan files, and places in it.

/// A file, by its position in [`Sources`].
pub type FileIndex = u32;

/// A stretch of a file, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub file: FileIndex,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// A stretch of the first file; lengths above four gigabytes are cut.
    #[must_use]
    pub fn new(file: FileIndex, start: usize, end: usize) -> Self {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { file, start: small(start), end: small(end.max(start)) }
    }

    /// From the beginning of this to the end of `other`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }
}

/// A place as people count: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How it is called in messages.
    pub name: String,
    /// All of it, without a byte order mark.
    pub text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// Takes a file over.
    #[must_use]
    pub fn new(name: impl Into<String>, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Self { name: name.into(), line_starts, text }
    }

    /// Where a byte is.
    #[must_use]
    pub fn position(&self, byte: u32) -> Position {
        let byte = (byte as usize).min(self.text.len());
        let index = self.line_starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0);
        let column = self.text.get(start..byte).map_or(0, |before| before.chars().count());
        Position { line: index + 1, column: column + 1 }
    }

    /// A line by its number from 1, without its end.
    #[must_use]
    pub fn line(&self, number: usize) -> &str {
        let start = self.line_starts.get(number.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let end = self.line_starts.get(number).copied().unwrap_or(self.text.len());
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }
}

/// All files of a plan; the first is the one that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, source: Source) -> FileIndex {
        self.files.push(source);
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The file with this index.
    #[must_use]
    pub fn get(&self, file: FileIndex) -> Option<&Source> {
        self.files.get(file as usize)
    }

    /// All files, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The text of a stretch.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        let text = self.get(span.file).map_or("", |source| source.text.as_str());
        text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one_and_in_characters() {
        let source = Source::new("p", "\u{feff}ab\r\ncäd\n\nlast");
        let cases =
            [(0, (1, 1)), (2, (1, 3)), (4, (2, 1)), (7, (2, 3)), (9, (3, 1)), (10, (4, 1)), (99, (4, 5))];
        for (byte, (line, column)) in cases {
            assert_eq!(source.position(byte), Position { line, column }, "byte {byte}");
        }
        assert_eq!(
            [source.line(1), source.line(2), source.line(3), source.line(4), source.line(9)],
            ["ab", "cäd", "", "last", ""]
        );
    }

    #[test]
    fn spans_join_and_slice() {
        let mut sources = Sources::default();
        let file = sources.add(Source::new("p", "one two"));
        let (one, two) = (Span::new(file, 0, 3), Span::new(file, 4, 7));
        assert_eq!(sources.slice(two), "two");
        assert_eq!(sources.slice(one.to(two)), "one two");
        assert_eq!(sources.slice(Span::new(9, 0, 1)), "");
    }
}

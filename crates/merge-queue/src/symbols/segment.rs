//! Segments: the pieces that a file is cut into. Put together again they are the file, to the byte.

/// A piece of a file: whole lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Unique among its neighbours.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// The blank lines before it.
    pub gap: String,
    /// Its lines, with the comments that belong to it.
    pub body: String,
    /// What is in it, where that can be merged on its own.
    pub inside: Option<Inside>,
}

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A function, class, constant, …
    Definition,
    /// An import.
    Import,
    /// A run of statements or comments without a name.
    Loose,
}

/// The parts of a class and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inside {
    /// The lines before the members.
    pub header: String,
    /// The members.
    pub members: Vec<Segment>,
    /// The lines after them, blank ones included.
    pub footer: String,
}

/// Segments one after the other.
pub(super) fn text_of(segments: &[Segment]) -> String {
    segments.iter().flat_map(|segment| [segment.gap.as_str(), segment.body.as_str()]).collect()
}

/// Tells segments of one name apart: overloads, property getters and setters, several `impl`s of one type.
pub(super) fn number_duplicates(segments: &mut [Segment]) {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for segment in segments {
        let count = seen.entry(segment.key.clone()).or_default();
        *count += 1;
        if *count > 1 {
            segment.key = format!("{} #{count}", segment.key);
        }
    }
}

//! Cutting a file into segments, by whole lines.

use tree_sitter::Node;

use super::language::Language;
use super::segment::{Inside, Kind, Segment, number_duplicates, text_of};

/// Classes in classes in classes are followed so far.
const MAX_DEPTH: usize = 6;

/// The segments of a file and what follows the last one; `None` when it does not parse.
pub(super) fn outline(language: &Language, text: &str) -> Option<(Vec<Segment>, String)> {
    let tree = language.parse(text)?;
    let lines = Lines::of(text);
    let cutter = Cutter { language, lines: &lines };
    let segments = cutter.cut(tree.root_node(), 0..lines.count(), 0);
    let rest = text.strip_prefix(text_of(&segments).as_str())?.to_owned();
    rest.trim().is_empty().then_some((segments, rest))
}

/// A text by lines, each with its end.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { text, starts }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    fn get(&self, rows: std::ops::Range<usize>) -> &'t str {
        let last = self.count();
        &self.text[self.starts[rows.start.min(last)]..self.starts[rows.end.min(last)]]
    }

    fn is_blank(&self, row: usize) -> bool {
        self.get(row..row + 1).trim().is_empty()
    }
}

/// Rows that belong together.
struct Piece<'n> {
    rows: std::ops::Range<usize>,
    /// What they define; nothing for comments and for several statements on one line.
    node: Option<Node<'n>>,
    /// Whether it belongs to what follows at once.
    attaches: bool,
}

struct Cutter<'l, 't> {
    language: &'l Language,
    lines: &'l Lines<'t>,
}

impl Cutter<'_, '_> {
    fn cut(&self, parent: Node<'_>, rows: std::ops::Range<usize>, depth: usize) -> Vec<Segment> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut row = rows.start;
        for piece in self.pieces(parent, &rows) {
            let gap = self.lines.get(row..piece.rows.start).to_owned();
            row = piece.rows.end;
            let segment = self.segment(&piece, gap, depth);
            match segments.last_mut() {
                Some(last) if last.kind == Kind::Loose && segment.kind == Kind::Loose => {
                    last.body.push_str(&segment.gap);
                    last.body.push_str(&segment.body);
                }
                _ => segments.push(segment),
            }
        }
        name_loose(&mut segments);
        number_duplicates(&mut segments);
        segments
    }

    /// The children as pieces of whole rows, in order, covering every row that is not blank.
    fn pieces<'n>(&self, parent: Node<'n>, rows: &std::ops::Range<usize>) -> Vec<Piece<'n>> {
        let mut pieces: Vec<Piece<'n>> = Vec::new();
        let mut cursor = parent.walk();
        for node in parent.named_children(&mut cursor) {
            let (start, end) = (node.start_position().row.max(rows.start), end_row(node).min(rows.end));
            let attaches = self.language.attached.contains(&node.kind());
            match pieces.last_mut() {
                Some(last) if start < last.rows.end => {
                    last.rows.end = last.rows.end.max(end);
                    // A comment behind a statement, or a stray semicolon, leaves it what it is.
                    if !attaches && node.kind() != "empty_statement" {
                        last.node = last.attaches.then_some(node);
                        last.attaches = false;
                    }
                }
                Some(last) if last.attaches && start == last.rows.end => {
                    *last = Piece { rows: last.rows.start..end, node: (!attaches).then_some(node), attaches };
                }
                _ => pieces.push(Piece { rows: start..end, node: (!attaches).then_some(node), attaches }),
            }
        }
        self.covering(pieces, rows)
    }

    /// With pieces for rows that no child accounts for.
    fn covering<'n>(&self, pieces: Vec<Piece<'n>>, rows: &std::ops::Range<usize>) -> Vec<Piece<'n>> {
        let mut all = Vec::new();
        let mut row = rows.start;
        let end = Piece { rows: rows.end..rows.end, node: None, attaches: false };
        for piece in pieces.into_iter().chain([end]) {
            let strange = (row..piece.rows.start).filter(|row| !self.lines.is_blank(*row));
            all.extend(strange.map(|row| Piece { rows: row..row + 1, node: None, attaches: false }));
            row = row.max(piece.rows.end);
            all.push(piece);
        }
        all.pop();
        all
    }

    fn segment(&self, piece: &Piece<'_>, gap: String, depth: usize) -> Segment {
        let body = self.lines.get(piece.rows.clone()).to_owned();
        let loose = || (String::new(), Kind::Loose);
        let text = self.lines.text;
        let (key, kind) = piece.node.map_or_else(loose, |node| {
            let import = self.language.import(node, text).map(|key| (key, Kind::Import));
            let named =
                || self.language.definition(node, text).or_else(|| self.language.named_call(node, text));
            import.or_else(|| named().map(|key| (key, Kind::Definition))).unwrap_or_else(loose)
        });
        let inside = piece.node.filter(|_| kind == Kind::Definition && depth < MAX_DEPTH);
        let inside = inside.and_then(|node| self.inside(node, &piece.rows, depth));
        Segment { key, kind, gap, body, inside }
    }

    /// The parts of a class, if its members stand on lines of their own.
    fn inside(&self, node: Node<'_>, rows: &std::ops::Range<usize>, depth: usize) -> Option<Inside> {
        let body = self.language.body(node)?;
        let is_bracketed = self.lines.text[body.byte_range()].starts_with(['{', '(']);
        let members = if is_bracketed {
            body.start_position().row + 1..body.end_position().row
        } else {
            body.start_position().row..rows.end
        };
        let first = body.named_child(0).map_or(members.start, |child| child.start_position().row);
        let is_apart = rows.start < members.start && first >= members.start && members.start <= members.end;
        if !is_apart || members.end > rows.end {
            return None;
        }
        let segments = self.cut(body, members.clone(), depth + 1);
        let held = self.lines.get(members.start..rows.end);
        let footer = held.strip_prefix(text_of(&segments).as_str())?.to_owned();
        let header = self.lines.get(rows.start..members.start).to_owned();
        Some(Inside { header, members: segments, footer })
    }
}

/// The row after the last one that a node has text on.
fn end_row(node: Node<'_>) -> usize {
    let end = node.end_position();
    let ends_before = end.column == 0 && end.row > node.start_position().row;
    if ends_before { end.row } else { end.row + 1 }
}

/// Loose code goes by what it stands behind.
fn name_loose(segments: &mut [Segment]) {
    let mut before = None;
    for segment in segments {
        if segment.kind == Kind::Loose {
            segment.key = match &before {
                Some(before) => format!("code after {before}"),
                None => "code at the start".to_owned(),
            };
        }
        before = Some(segment.key.clone());
    }
}

//! From text to values with places. YAML and JSON lead to the same tree; both readers are bounded in size and depth.

mod json;
mod yaml;

use crate::diagnostic::Diagnostics;
use crate::node::{Entry, Node};
use crate::source::{FileIndex, Source, Span};

/// Largest plan file, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// Deepest nesting of lists and mappings.
const DEEPEST: usize = 64;
/// Most values of a file, those that aliases repeat included.
const MOST_NODES: usize = 100_000;

/// Reads a file: JSON if its name ends so, YAML otherwise.
///
/// Problems are noted in `found`; a syntax error hides what comes after it.
pub fn parse(source: &Source, file: FileIndex, found: &mut Diagnostics) -> Option<Node> {
    if source.text.len() > MOST_BYTES {
        let message = format!("the file has {} bytes; at most {MOST_BYTES} are read", source.text.len());
        found.error_with_help(Span::new(file, 0, 1), message, "split the plan with `use: FILE`");
        return None;
    }
    let parsed = if source.name.ends_with(".json") {
        json::parse(&source.text, file)
    } else {
        yaml::parse(&source.text, file)
    };
    match parsed {
        Ok((node, mut repeated)) => {
            repeated.drain(..).for_each(|(key, span)| {
                found.error_with_help(span, format!("`{key}` is given twice"), "remove one of the two");
            });
            Some(node)
        }
        Err(problem) => {
            found.error(problem.span, problem.message);
            None
        }
    }
}

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SyntaxProblem {
    span: Span,
    message: String,
}

/// Keys given twice in one mapping.
type Repeated = Vec<(String, Span)>;

/// Adds an entry unless its key is there already.
fn add_entry(entries: &mut Vec<Entry>, entry: Entry, repeated: &mut Repeated) {
    if entries.iter().any(|known| known.key == entry.key) {
        repeated.push((entry.key, entry.key_span));
    } else {
        entries.push(entry);
    }
}

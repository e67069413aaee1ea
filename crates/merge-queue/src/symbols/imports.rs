//! Uniting what two sides import from one source.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::language::Language;

/// One import statement and the names that it lists.
struct Listed<'t> {
    text: &'t str,
    names: Vec<&'t str>,
    /// Behind the last name.
    end: usize,
    /// The text without the names.
    frame: String,
}

/// Our import with the names that their side adds; `None` when that is not all that their side does.
pub(super) fn unite(language: &Language, base: Option<&str>, ours: &str, theirs: &str) -> Option<String> {
    let (ours_listed, theirs_listed) = (listed(language, ours)?, listed(language, theirs)?);
    let base = base.and_then(|base| listed(language, base));
    let frame = base.as_ref().map_or(&ours_listed.frame, |base| &base.frame);
    if theirs_listed.frame != *frame {
        return None;
    }
    let before: BTreeSet<&str> = base.iter().flat_map(|base| base.names.iter().copied()).collect();
    let now: BTreeSet<&str> = ours_listed.names.iter().copied().collect();
    let removes = before.iter().any(|name| !theirs_listed.names.contains(name) && now.contains(name));
    if removes {
        return None;
    }
    let added = theirs_listed.names.iter().filter(|name| !before.contains(*name) && !now.contains(*name));
    let added: String = added.map(|name| format!(", {name}")).collect();
    let (head, tail) = ours_listed.text.split_at(ours_listed.end);
    Some(format!("{head}{added}{tail}"))
}

fn listed<'t>(language: &Language, text: &'t str) -> Option<Listed<'t>> {
    let tree = language.parse(text)?;
    let (kind, field) = language.import_list;
    let list = find(tree.root_node(), kind)?;
    let mut cursor = list.walk();
    let items: Vec<Node<'_>> = match field {
        Some(field) => list.children_by_field_name(field, &mut cursor).collect(),
        None => list.named_children(&mut cursor).collect(),
    };
    let end = items.last()?.end_byte();
    let names = items.iter().map(|item| &text[item.byte_range()]).collect();
    let mut frame = String::new();
    let mut at = 0;
    for item in &items {
        frame.push_str(&text[at..item.start_byte()]);
        at = item.end_byte();
    }
    frame.push_str(&text[at..]);
    frame.retain(|letter| !letter.is_whitespace() && !matches!(letter, ',' | '(' | ')'));
    Some(Listed { text, names, end, frame })
}

fn find<'n>(node: Node<'n>, kind: &str) -> Option<Node<'n>> {
    if node.kind() == kind {
        return Some(node);
    }
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find_map(|child| find(child, kind))
}

#[cfg(test)]
mod tests {
    use super::super::language::language_of;
    use super::*;

    #[test]
    fn names_of_both_sides_are_united() {
        let cases = [
            (
                "a.py",
                Some("from a import b\n"),
                "from a import b, c\n",
                "from a import b, d\n",
                Some("from a import b, c, d\n"),
            ),
            (
                "a.py",
                None,
                "from a import (\n    b,\n    c,\n)\n",
                "from a import d\n",
                Some("from a import (\n    b,\n    c, d,\n)\n"),
            ),
            ("a.py", Some("from a import b, c\n"), "from a import b, c, x\n", "from a import b\n", None),
            ("a.py", Some("import a\n"), "import a as b\n", "import a as c\n", None),
            (
                "a.js",
                None,
                "import { a } from 'm';\n",
                "import { b as c } from 'm';\n",
                Some("import { a, b as c } from 'm';\n"),
            ),
            ("a.js", None, "import { a } from 'm';\n", "import x, { b } from 'm';\n", None),
            ("a.rs", None, "use m::{a, b};\n", "use m::{b, c};\n", Some("use m::{a, b, c};\n")),
        ];
        for (path, base, ours, theirs, expected) in cases {
            let language = language_of(path).unwrap();
            assert_eq!(unite(language, base, ours, theirs).as_deref(), expected, "{ours} and {theirs}");
        }
    }
}

//! What must be known of a programming language to cut its files into symbols: tables of node kinds, one file each.

mod go;
mod java;
mod javascript;
mod python;
mod rust;

use tree_sitter::{Node, Parser, Tree};

/// One grammar and how its nodes are read.
pub(super) struct Language {
    /// File name extensions without the dot.
    pub extensions: &'static [&'static str],
    /// The grammar.
    pub grammar: fn() -> tree_sitter::Language,
    /// Node kind, a word before the name, fields that make up the name.
    pub definitions: &'static [(&'static str, &'static str, &'static [&'static str])],
    /// Definitions with members in their field `body`.
    pub containers: &'static [&'static str],
    /// Node kind and the field, or for `""` the whole text, that tells what is imported from.
    pub imports: &'static [(&'static str, &'static str)],
    /// Node kind whose children, or those in a field, are the names that an import lists.
    pub import_list: (&'static str, Option<&'static str>),
    /// Node kind and field, or for `""` the first child, of nodes that stand for another.
    pub wrappers: &'static [(&'static str, &'static str)],
    /// Nodes that belong to what follows on the next line.
    pub attached: &'static [&'static str],
}

static LANGUAGES: [&Language; 6] = [
    &python::PYTHON,
    &javascript::JAVASCRIPT,
    &javascript::TYPESCRIPT,
    &javascript::TSX,
    &rust::RUST,
    &go::GO,
];

/// Whether files of this name can be merged by symbol.
#[must_use]
pub fn knows(path: &str) -> bool {
    language_of(path).is_some()
}

pub(super) fn language_of(path: &str) -> Option<&'static Language> {
    let file = path.rsplit('/').next()?;
    let (_, extension) = file.rsplit_once('.')?;
    let mut all = LANGUAGES.into_iter().chain([&java::JAVA]);
    all.find(|language| language.extensions.contains(&extension))
}

impl Language {
    /// The tree of a text without errors in it.
    pub fn parse(&self, text: &str) -> Option<Tree> {
        let mut parser = Parser::new();
        parser.set_language(&(self.grammar)()).ok()?;
        parser.parse(text, None).filter(|tree| !tree.root_node().has_error())
    }

    /// What a node stands for: the function in a decoration, the class in an export.
    pub fn unwrapped<'t>(&self, node: Node<'t>) -> Node<'t> {
        let Some((_, field)) = self.wrappers.iter().find(|(kind, _)| *kind == node.kind()) else {
            return node;
        };
        let inner = if field.is_empty() { node.named_child(0) } else { node.child_by_field_name(field) };
        inner.map_or(node, |inner| self.unwrapped(inner))
    }

    /// The name of what a node defines.
    pub fn definition(&self, node: Node<'_>, text: &str) -> Option<String> {
        let node = self.unwrapped(node);
        let (_, word, fields) = self.definitions.iter().find(|(kind, _, _)| *kind == node.kind())?;
        let parts = fields.iter().filter_map(|field| node.child_by_field_name(field));
        let parts = parts.map(|part| squeezed(&text[part.byte_range()]));
        let word = (!word.is_empty()).then(|| (*word).to_owned());
        let name = word.into_iter().chain(parts).collect::<Vec<_>>().join(" ");
        (!name.is_empty()).then_some(name)
    }

    /// The name of a call such as `describe("a cart", …)`: what is called, and its first argument if that is a string.
    pub fn named_call(&self, node: Node<'_>, text: &str) -> Option<String> {
        let call = self.unwrapped(node);
        let callee = call.child_by_field_name("function").filter(|_| call.kind() == "call_expression")?;
        let first = call.child_by_field_name("arguments")?.named_child(0)?;
        let is_string = matches!(first.kind(), "string" | "template_string");
        is_string.then(|| format!("{}({})", &text[callee.byte_range()], &text[first.byte_range()]))
    }

    /// What an import node imports from.
    pub fn import(&self, node: Node<'_>, text: &str) -> Option<String> {
        let (_, field) = self.imports.iter().find(|(kind, _)| *kind == node.kind())?;
        let source = if field.is_empty() { node } else { node.child_by_field_name(field)? };
        // `a::{b, c}` is imported from `a`.
        let source = source
            .child_by_field_name("path")
            .filter(|_| source.kind() == "scoped_use_list")
            .unwrap_or(source);
        Some(format!("import {}", squeezed(&text[source.byte_range()])))
    }

    /// The members' node of a class and the like.
    pub fn body<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let node = self.unwrapped(node);
        if !self.containers.contains(&node.kind()) {
            return None;
        }
        node.child_by_field_name("body")
            .or_else(|| node.named_child(0).filter(|list| list.kind().ends_with("_list")))
    }
}

/// With single spaces.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the top-level nodes of a text are called.
    fn names(path: &str, text: &str) -> Vec<String> {
        let language = language_of(path).unwrap();
        let tree = language.parse(text).unwrap();
        let mut cursor = tree.root_node().walk();
        let name = |node: Node<'_>| {
            let import = language.import(node, text);
            let other = || language.definition(node, text).or_else(|| language.named_call(node, text));
            import.or_else(other).unwrap_or_else(|| format!("({})", node.kind()))
        };
        tree.root_node().named_children(&mut cursor).map(name).collect()
    }

    #[test]
    fn what_stands_at_the_top_level_has_a_name() {
        let cases: &[(&str, &str, &[&str])] = &[
            (
                "a.py",
                "@d\ndef f(): pass\nX: int = 1\nfrom a.b import c\nif x: pass",
                &["f", "X", "import a.b", "(if_statement)"],
            ),
            (
                "a.js",
                "export default class A {}\nconst f = () => 1;\nmodule.exports = f;",
                &["A", "f", "module.exports"],
            ),
            (
                "a.mjs",
                "import a, { b } from './c';\ntest('x', f);\nmain();",
                &["import './c'", "test('x')", "(expression_statement)"],
            ),
            (
                "a.ts",
                "export type T = number;\ndeclare function f(): void;\nnamespace N {}",
                &["type T", "f", "namespace N"],
            ),
            (
                "a.rs",
                "use a::{b, c};\nimpl<T> D for E<T> {}\nmod m {}\nconst C: u8 = 1;",
                &["import a", "impl D E<T>", "mod m", "C"],
            ),
            (
                "a.go",
                "package p\nimport \"x\"\nfunc (t *T) M() {}\nvar v = 1",
                &["package", "imports", "(t *T) M", "v"],
            ),
            ("A.java", "package p;\nimport a.B;\nclass C {}", &["package", "import import a.B;", "C"]),
        ];
        for (path, text, expected) in cases {
            assert_eq!(names(path, text), *expected, "{path}");
        }
    }

    #[test]
    fn bodies_hold_members_only_where_members_can_be_moved() {
        let body = |path: &str, text: &str| {
            let language = language_of(path).unwrap();
            let tree = language.parse(text).unwrap();
            tree.root_node().named_child(0).and_then(|node| language.body(node)).is_some()
        };
        assert!(
            body("a.py", "class A:\n    x = 1\n") && body("a.rs", "trait T {}") && body("a.js", "class A {}")
        );
        assert!(
            !body("a.py", "def f():\n    x = 1\n")
                && !body("A.java", "enum E { A, B }")
                && !body("a.go", "import \"x\"")
        );
    }
}

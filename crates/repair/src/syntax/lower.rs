//! From tree-sitter's concrete tree to the neutral one, driven by a language's tables.

use thiserror::Error;

use super::{NodeId, Role, Shape, Tree, tree::Node};
use crate::edit::Span;

/// Deepest nesting that is followed; deeper nodes become [`Shape::Opaque`].
const MAX_DEPTH: usize = 160;

/// How the node kinds of one tree-sitter grammar are read.
pub struct Grammar {
    /// Node kind → shape; kinds not listed are opaque.
    pub shapes: &'static [(&'static str, Shape)],
    /// Node kinds that vanish: their children belong to the node around them.
    pub transparent: &'static [&'static str],
    /// Node kinds that become their only child when it is one of the listed kinds, but keep their own place: a
    /// statement that wraps an assignment is the assignment.
    pub absorbing: &'static [(&'static str, &'static [&'static str])],
    /// (Node kind, field) whose parentheses belong to the statement: what is inside takes their place.
    pub enclosed: &'static [(&'static str, &'static str)],
    /// (Node kind or `""` for any, field) → role.
    pub fields: &'static [(&'static str, &'static str, Role)],
    /// Node kind → roles of its children without a field, in order; the last one repeats.
    pub positions: &'static [(&'static str, &'static [Role])],
    /// (Node kind, field) pairs that are leaves of another shape than their own kind says, such as the
    /// member name of an attribute access.
    pub leaves: &'static [(&'static str, &'static str, Shape)],
    /// Fields and node kinds that are not looked into at all.
    pub hidden: &'static [&'static str],
    /// Tokens that say nothing: brackets, separators.
    pub punctuation: &'static [&'static str],
    /// Corrects what tables cannot say; called once per node, children first.
    pub refine: fn(&Tree<'_>, NodeId) -> Option<Shape>,
}

/// Why a file has no tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseFailure {
    /// The grammar was built for another version of the parser.
    #[error("the grammar does not fit the parser: {0}")]
    Grammar(String),
    /// The parser gave up.
    #[error("the parser produced no tree")]
    NoTree,
}

/// Parses a source text.
pub fn parse<'s>(
    source: &'s str,
    language: &tree_sitter::Language,
    grammar: &Grammar,
) -> Result<Tree<'s>, ParseFailure> {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(language).map_err(|error| ParseFailure::Grammar(error.to_string()))?;
    let parsed = parser.parse(source, None).ok_or(ParseFailure::NoTree)?;
    let mut lowering = Lowering { tree: Tree::new(source), grammar };
    lowering.node(parsed.root_node(), None, Role::Other, None, 0);
    Ok(lowering.tree)
}

struct Lowering<'s, 'g> {
    tree: Tree<'s>,
    grammar: &'g Grammar,
}

impl Lowering<'_, '_> {
    /// Adds a node with everything in it and tells its index.
    fn node(
        &mut self,
        from: tree_sitter::Node<'_>,
        parent: Option<NodeId>,
        role: Role,
        leaf: Option<Shape>,
        depth: usize,
    ) -> NodeId {
        let inner = self.absorbed(from);
        let broken = from.is_error() || from.is_missing();
        let shape = match leaf {
            _ if broken || depth > MAX_DEPTH => Shape::Opaque,
            Some(shape) => shape,
            None => self.shape_of(inner.kind()),
        };
        let id = NodeId(self.tree.nodes.len());
        self.tree.nodes.push(Node {
            shape,
            role,
            span: Span { start: from.start_byte(), end: from.end_byte() },
            line: line_number(from.start_position().row),
            last_line: line_number(last_row(from)),
            parent,
            children: Vec::new(),
            tokens: Vec::new(),
        });
        if shape != Shape::Opaque && leaf.is_none() {
            self.children(inner, id, inner.kind(), &mut 0, depth + 1);
            if let Some(refined) = (self.grammar.refine)(&self.tree, id) {
                self.tree.nodes[id.0].shape = refined;
            }
        }
        id
    }

    /// Adds the children of `from` to the node `id`; `position` counts those without a field.
    fn children(
        &mut self,
        from: tree_sitter::Node<'_>,
        id: NodeId,
        kind: &str,
        position: &mut usize,
        depth: usize,
    ) {
        let mut cursor = from.walk();
        if !cursor.goto_first_child() {
            return;
        }
        loop {
            let (child, field) = (cursor.node(), cursor.field_name());
            if !child.is_extra() && !self.is_hidden(child.kind(), field) {
                self.child(child, field, id, kind, position, depth);
            }
            if !cursor.goto_next_sibling() {
                return;
            }
        }
    }

    fn child(
        &mut self,
        child: tree_sitter::Node<'_>,
        field: Option<&str>,
        id: NodeId,
        kind: &str,
        position: &mut usize,
        depth: usize,
    ) {
        if !child.is_named() {
            if !self.grammar.punctuation.contains(&child.kind()) {
                let span = Span { start: child.start_byte(), end: child.end_byte() };
                self.tree.nodes[id.0].tokens.push(span);
            } else if child.kind() == ":" && self.tree.shape(id) == Shape::Slice {
                *position += 1;
            }
            return;
        }
        if self.vanishes(child) && depth <= MAX_DEPTH {
            self.children(child, id, child.kind(), &mut 0, depth + 1);
            return;
        }
        let role = self.role_of(kind, field, *position);
        if field.is_none() && self.tree.shape(id) != Shape::Slice {
            *position += 1;
        }
        let leaf = self.leaf_shape(kind, field);
        let added = self.node(self.opened(kind, field, child), Some(id), role, leaf, depth);
        self.tree.nodes[id.0].children.push(added);
    }

    fn vanishes(&self, node: tree_sitter::Node<'_>) -> bool {
        self.grammar.transparent.contains(&node.kind())
    }

    /// The only child of an absorbing node, or the node itself.
    fn absorbed<'t>(&self, node: tree_sitter::Node<'t>) -> tree_sitter::Node<'t> {
        let absorbed = self.grammar.absorbing.iter().find(|row| row.0 == node.kind()).map(|row| row.1);
        match (absorbed, node.named_child(0)) {
            (Some(kinds), Some(child)) if node.named_child_count() == 1 && kinds.contains(&child.kind()) => {
                child
            }
            _ => node,
        }
    }

    /// What is inside the parentheses of a statement.
    fn opened<'t>(
        &self,
        kind: &str,
        field: Option<&str>,
        node: tree_sitter::Node<'t>,
    ) -> tree_sitter::Node<'t> {
        let is_enclosed = self.grammar.enclosed.iter().any(|row| row.0 == kind && Some(row.1) == field);
        node.named_child(0).filter(|_| is_enclosed && node.named_child_count() == 1).unwrap_or(node)
    }

    fn shape_of(&self, kind: &str) -> Shape {
        self.grammar.shapes.iter().find(|(name, _)| *name == kind).map_or(Shape::Opaque, |(_, shape)| *shape)
    }

    fn role_of(&self, kind: &str, field: Option<&str>, position: usize) -> Role {
        match field {
            Some(field) => {
                let matches =
                    |row: &&(&str, &str, Role)| row.1 == field && (row.0 == kind || row.0.is_empty());
                self.grammar.fields.iter().find(matches).map_or(Role::Other, |row| row.2)
            }
            None => {
                let roles =
                    self.grammar.positions.iter().find(|row| row.0 == kind).map_or(&[][..], |row| row.1);
                roles.get(position).or(roles.last()).copied().unwrap_or(Role::Other)
            }
        }
    }

    fn leaf_shape(&self, kind: &str, field: Option<&str>) -> Option<Shape> {
        let field = field.unwrap_or("");
        self.grammar.leaves.iter().find(|row| row.0 == kind && row.1 == field).map(|row| row.2)
    }

    fn is_hidden(&self, kind: &str, field: Option<&str>) -> bool {
        self.grammar.hidden.contains(&kind) || field.is_some_and(|field| self.grammar.hidden.contains(&field))
    }
}

fn line_number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX - 1) + 1
}

/// A node that ends at the start of a line does not occupy that line.
fn last_row(node: tree_sitter::Node<'_>) -> usize {
    let end = node.end_position();
    if end.column == 0 && end.row > node.start_position().row { end.row - 1 } else { end.row }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::language_of;

    /// The tree as `Role:Shape(children)`, leaves with their text.
    fn outline(tree: &Tree<'_>, id: NodeId) -> String {
        let children: Vec<String> = tree.children(id).iter().map(|child| outline(tree, *child)).collect();
        let inside = if children.is_empty() { tree.text(id).to_owned() } else { children.join(" ") };
        format!("{:?}:{:?}({inside})", tree.role(id), tree.shape(id))
    }

    fn check(path: &str, source: &str, expected: &str) {
        let language = language_of(path).unwrap();
        let tree = parse(source, &language.parser(), language.grammar()).unwrap();
        let root = tree.root().unwrap();
        let statements: Vec<String> = tree.children(root).iter().map(|id| outline(&tree, *id)).collect();
        assert_eq!(statements.join(" "), expected, "{source}");
    }

    #[test]
    fn python_is_read() {
        check("a.py", "a = 1\n", "Statement:Assignment(Target:Name(a) Value:Integer(1))");
        check("a.py", "'doc'\n", "Statement:Docstring(Value:Text('doc'))");
        check(
            "a.py",
            "x[1::2]\n",
            "Statement:ExpressionStatement(Value:Subscript(Object:Name(x) Index:Slice(Lower:Integer(1) Step:Integer(2))))",
        );
        check(
            "a.py",
            "f(a, *b, k=1)\n",
            "Statement:ExpressionStatement(Value:Call(Callee:Name(f) Argument:Name(a) \
             Argument:Starred(Value:Name(b)) Argument:KeywordArgument(Name:Keyword(k) Value:Integer(1))))",
        );
        check(
            "a.py",
            "return x if y else z\n",
            "Statement:Return(Value:Conditional(Then:Name(x) Condition:Name(y) Otherwise:Name(z)))",
        );
        check(
            "a.py",
            "a is not None\n",
            "Statement:ExpressionStatement(Value:Comparison(Operand:Name(a) Operand:Null(None)))",
        );
        check(
            "a.py",
            "f'{a}'\n",
            "Statement:ExpressionStatement(Value:FormattedText(Other:Interpolation(Value:Name(a))))",
        );
    }

    #[test]
    fn javascript_is_read() {
        check("a.js", "let a = 1;\n", "Statement:Assignment(Target:Name(a) Value:Integer(1))");
        check("a.js", "i++;\n", "Statement:AugmentedAssignment(Target:Name(i))");
        check(
            "a.js",
            "if (!a) b();\n",
            "Statement:If(Condition:Not(Operand:Name(a)) Then:ExpressionStatement(Value:Call(Callee:Name(b))))",
        );
        check(
            "a.js",
            "x = a && 1.5;\n",
            "Statement:Assignment(Target:Name(x) Value:Logical(Left:Name(a) Right:Float(1.5)))",
        );
        check(
            "a.js",
            "this.x.y;\n",
            "Statement:ExpressionStatement(Value:Attribute(Object:Attribute(Object:Opaque(this) Member:Member(x)) \
             Member:Member(y)))",
        );
    }

    #[test]
    fn what_does_not_parse_is_left_out() {
        let language = language_of("a.py").unwrap();
        let tree = parse("a = 1\n? ! $\nb = 2\n", &language.parser(), language.grammar()).unwrap();
        let all = tree.subtree(tree.root().unwrap());
        let names: Vec<&str> =
            all.iter().filter(|id| tree.shape(**id) == Shape::Name).map(|id| tree.text(*id)).collect();
        assert_eq!(names, ["a", "b"]);
    }
}

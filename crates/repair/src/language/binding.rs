//! How tightly the expressions of a tree bind, and how tightly each place needs them to.

use super::Language;
use crate::syntax::{Fragment, Level, NodeId, Role, Shape, Tree};

/// Strength of what may stand on the right of an assignment or a return without parentheses.
const OPEN: Level = 0;
/// Strength of what may stand between commas.
const BETWEEN_COMMAS: Level = 1;

impl dyn Language {
    /// The first operator of an expression.
    pub fn operator<'s>(&self, tree: &Tree<'s>, id: NodeId) -> &'s str {
        tree.node(id).tokens.first().map_or("", |token| tree.slice(*token))
    }

    /// How tightly the outermost operator of an expression binds.
    pub fn level_of(&self, tree: &Tree<'_>, id: NodeId) -> Level {
        let operators = self.operators();
        match tree.shape(id) {
            Shape::Binary | Shape::Logical | Shape::Comparison => operators.level(self.operator(tree, id)),
            Shape::Not => operators.negation,
            Shape::Unary => operators.sign,
            Shape::Conditional => operators.conditional,
            Shape::Lambda => BETWEEN_COMMAS,
            Shape::Mapping => operators.mapping,
            Shape::Yield | Shape::NamedExpression | Shape::Starred => OPEN,
            Shape::Tuple if !tree.text(id).starts_with('(') => OPEN,
            // `1.real` is no attribute access, so integers bind a little less than other leaves.
            Shape::Await | Shape::Integer | Shape::Float => operators.primary.saturating_sub(1),
            _ => operators.primary,
        }
    }

    /// An expression of the tree as a fragment; its own parentheses are left out.
    pub fn fragment(&self, tree: &Tree<'_>, id: NodeId) -> Fragment {
        let bare = tree.bare(id);
        Fragment::new(tree.text(bare), self.level_of(tree, bare))
    }

    /// How tightly an expression must bind to stand where the node stands.
    pub fn needed_at(&self, tree: &Tree<'_>, id: NodeId) -> Level {
        let operators = self.operators();
        let Some(parent) = tree.parent(id) else { return OPEN };
        let own = self.level_of(tree, parent);
        match (tree.shape(parent), tree.role(id)) {
            (Shape::Binary, role) => {
                let to_the_right = operators.right_associative.contains(&self.operator(tree, parent));
                match (role, to_the_right) {
                    (Role::Left, false) => own,
                    (Role::Right, true) => own.min(operators.sign),
                    _ => own + 1,
                }
            }
            (Shape::Logical, Role::Left) => own,
            (Shape::Logical | Shape::Comparison, _) => own + 1,
            (Shape::Not | Shape::Unary, _) => own,
            (Shape::Conditional, Role::Otherwise) => operators.conditional,
            (Shape::Conditional | Shape::Iteration | Shape::Filter, _) => operators.conditional + 1,
            (Shape::Attribute | Shape::Subscript, Role::Object) | (Shape::Call, Role::Callee) => {
                operators.primary
            }
            (Shape::Await, _) => operators.primary,
            (Shape::Starred, _) => operators.sign.min(operators.level("|")),
            (Shape::Lambda, Role::Body) => operators.conditional,
            (Shape::Interpolation, _) => operators.conditional,
            (Shape::Return | Shape::Assignment | Shape::ExpressionStatement | Shape::Parenthesised, _) => {
                OPEN
            }
            _ => BETWEEN_COMMAS,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::language::language_of;
    use crate::syntax::{Fragment, parse};

    /// `source` with the node of text `old` replaced by the fragment, in parentheses where they are needed.
    fn replaced(path: &str, source: &str, old: &str, new: &Fragment) -> String {
        let language = language_of(path).unwrap();
        let tree = parse(source, &language.parser(), language.grammar()).unwrap();
        let nodes = tree.subtree(tree.root().unwrap());
        let id = nodes.into_iter().rev().find(|id| tree.text(*id) == old).unwrap();
        let text = new.at_least(language.needed_at(&tree, id));
        let span = tree.node(id).span;
        format!("{}{text}{}", &source[..span.start], &source[span.end..])
    }

    #[test]
    fn parentheses_keep_the_meaning() {
        let sum = Fragment::new("p + q", 11);
        let either = Fragment::new("p or q", 3);
        let rows = [
            ("x = a * b", "a", &sum, "x = (p + q) * b"),
            ("x = a + b", "a", &sum, "x = p + q + b"),
            ("x = a - b", "b", &sum, "x = a - (p + q)"),
            ("x = a ** b", "a", &sum, "x = (p + q) ** b"),
            ("x = f(a)", "a", &sum, "x = f(p + q)"),
            ("x = a.m", "a", &sum, "x = (p + q).m"),
            ("x = a[b]", "b", &sum, "x = a[p + q]"),
            ("x = a < b", "a", &sum, "x = p + q < b"),
            ("x = not a", "a", &either, "x = not (p or q)"),
            ("x = a and b", "b", &either, "x = a and (p or q)"),
            ("x = a if b else c", "b", &either, "x = a if p or q else c"),
            ("x = [a for a in b if c]", "c", &either, "x = [a for a in b if p or q]"),
            ("x = -a", "a", &sum, "x = -(p + q)"),
        ];
        for (source, old, new, expected) in rows {
            assert_eq!(replaced("a.py", source, old, new), expected);
        }
    }

    #[test]
    fn braces_at_the_start_of_an_arrow_body_are_wrapped() {
        let mapping = Fragment::new("{ a }", 1);
        assert_eq!(replaced("a.js", "f(x => y);", "y", &mapping), "f(x => ({ a }));");
        assert_eq!(replaced("a.js", "f(y);", "y", &mapping), "f({ a });");
    }
}

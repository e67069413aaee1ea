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

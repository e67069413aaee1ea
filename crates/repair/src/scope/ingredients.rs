//! Ingredients: expressions, conditions, statements and members that the code around a place uses already.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::{Hints, is_bound_here};
use crate::language::{Language, Sorts};
use crate::syntax::{Fragment, NodeId, Role, Shape, Tree};

/// Longest expression that is reused, in bytes.
const MAX_EXPRESSION: usize = 60;
/// Longest statement that is reused, in bytes.
const MAX_STATEMENT: usize = 100;
/// Most expressions taken from the region, and from the rest of the file.
const MAX_NEAR: usize = 200;
const MAX_FAR: usize = 120;

/// An expression that can be reused.
#[derive(Clone, Debug)]
pub struct Expression<'s> {
    /// Its text and strength.
    pub fragment: Fragment,
    /// What it seems to give.
    pub sorts: Sorts,
    /// Lines it is on.
    pub lines: Vec<u32>,
    /// Variables it reads.
    pub names: Vec<&'s str>,
    /// Whether it calls something.
    pub calls: bool,
    /// Shape of its outermost node.
    pub shape: Shape,
}

/// A condition that can be reused.
#[derive(Clone, Debug)]
pub struct Condition<'s> {
    /// Its text and strength.
    pub fragment: Fragment,
    /// The line it is on; none for one made up from a variable.
    pub line: Option<u32>,
    /// Variables it reads.
    pub names: Vec<&'s str>,
}

/// A simple statement that can be repeated.
#[derive(Clone, Debug)]
pub struct StatementText<'s> {
    /// Where it is.
    pub id: NodeId,
    /// Its text.
    pub text: &'s str,
    /// The variables in it: offset into the text, spelling, whether it is assigned there.
    pub names: Vec<(usize, &'s str, bool)>,
}

/// A member and what it was used on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberUse<'s> {
    /// Text of the object.
    pub object: &'s str,
    /// The member.
    pub member: &'s str,
    /// Whether it was called.
    pub called: bool,
    /// How many arguments it was called with.
    pub arguments: usize,
}

/// A function that can be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee<'s> {
    /// Its name.
    pub name: &'s str,
    /// Parameter names, where the definition is in the file.
    pub parameters: Option<Vec<&'s str>>,
    /// Whether the region calls it already.
    pub is_used: bool,
}

/// Code to reuse in a region.
#[derive(Clone, Debug, Default)]
pub struct Ingredients<'s> {
    /// Expressions of the region that are not single names or constants.
    pub expressions: Vec<Expression<'s>>,
    /// Expressions of elsewhere in the file.
    pub far: Vec<Expression<'s>>,
    /// Conditions of the region.
    pub conditions: Vec<Condition<'s>>,
    /// Simple statements of the region.
    pub statements: Vec<StatementText<'s>>,
    /// Members used in the file, those of the region first.
    pub members: Vec<MemberUse<'s>>,
    /// How many of `members` the region itself uses.
    pub near_members: usize,
    /// Attributes and methods of the class around the region.
    pub own_members: BTreeSet<&'s str>,
    /// Integer constants of the region.
    pub integers: Vec<i64>,
    /// String literals of the region.
    pub texts: Vec<&'s str>,
    /// Functions the region calls, and those of the file.
    pub callees: Vec<Callee<'s>>,
    /// Every expression text of the file; hashed without random keys, and only asked, never listed.
    pub texts_in_file: HashSet<&'s str, BuildHasherDefault<DefaultHasher>>,
}

impl<'s> Ingredients<'s> {
    /// Reads a region's nodes, and the rest of the file for what is further away.
    pub fn collect(
        tree: &Tree<'s>,
        language: &'static dyn Language,
        class: Option<NodeId>,
        nodes: &[NodeId],
        hints: &Hints,
    ) -> Self {
        let mut found = Ingredients::default();
        let near: BTreeSet<NodeId> = nodes.iter().copied().collect();
        let reader = Reader { tree, language, hints };
        for id in nodes {
            found.near_node(&reader, *id);
        }
        found.near_members = found.members.len();
        let whole = tree.root().map(|root| tree.subtree(root)).unwrap_or_default();
        for id in &whole {
            if !near.contains(id) {
                found.far_node(&reader, *id);
            }
            if tree.shape(*id).is_expression() && tree.node(*id).span.len() <= MAX_STATEMENT {
                found.texts_in_file.insert(tree.text(*id));
            }
        }
        found.callees_of_file(tree, &whole);
        if let Some(class) = class {
            found.own_members = own_members(tree, class);
        }
        found
    }

    fn near_node(&mut self, reader: &Reader<'_, 's>, id: NodeId) {
        let tree = reader.tree;
        match tree.shape(id) {
            Shape::Integer => {
                if let Ok(value) = tree.text(id).parse::<i64>()
                    && !self.integers.contains(&value)
                {
                    self.integers.push(value);
                }
            }
            Shape::Text if !self.texts.contains(&tree.text(id)) => self.texts.push(tree.text(id)),
            Shape::Call => self.called(tree, id),
            Shape::Attribute => self.member(tree, id),
            _ => {}
        }
        if let Some(condition) = reader.condition(id)
            && !self.conditions.iter().any(|known| known.fragment == condition.fragment)
        {
            self.conditions.push(condition);
        }
        if let Some(statement) = reader.statement(id) {
            self.statements.push(statement);
        }
        if let Some(expression) = reader.expression(id) {
            remember(&mut self.expressions, expression, MAX_NEAR);
        }
    }

    fn far_node(&mut self, reader: &Reader<'_, 's>, id: NodeId) {
        if reader.tree.shape(id) == Shape::Attribute {
            self.member(reader.tree, id);
        }
        if self.far.len() < MAX_FAR
            && let Some(expression) = reader.expression(id)
            && !self.expressions.iter().any(|near| near.fragment == expression.fragment)
        {
            remember(&mut self.far, expression, MAX_FAR);
        }
    }

    fn member(&mut self, tree: &Tree<'s>, id: NodeId) {
        let (Some(object), Some(member)) = (tree.child(id, Role::Object), tree.child(id, Role::Member))
        else {
            return;
        };
        let called = tree.role(id) == Role::Callee;
        let call = tree.parent(id).filter(|_| called);
        let arguments = call.map_or(0, |call| tree.children_as(call, Role::Argument).len());
        let used = MemberUse { object: tree.text(object), member: tree.text(member), called, arguments };
        if used.object.len() <= MAX_EXPRESSION && !self.members.contains(&used) {
            self.members.push(used);
        }
    }

    fn called(&mut self, tree: &Tree<'s>, id: NodeId) {
        if let Some(callee) = tree.child(id, Role::Callee)
            && tree.shape(callee) == Shape::Name
            && !self.callees.iter().any(|known| known.name == tree.text(callee))
        {
            self.callees.push(Callee { name: tree.text(callee), parameters: None, is_used: true });
        }
    }

    /// Functions and classes defined in the file.
    fn callees_of_file(&mut self, tree: &Tree<'s>, whole: &[NodeId]) {
        for id in whole {
            let is_method = tree.enclosing(*id, &[Shape::Class]).is_some();
            if !matches!(tree.shape(*id), Shape::Function | Shape::Class) || is_method {
                continue;
            }
            let Some(name) = tree.child(*id, Role::Name).map(|name| tree.text(name)) else { continue };
            let parameters = parameter_names(tree, *id);
            match self.callees.iter_mut().find(|known| known.name == name) {
                Some(known) => known.parameters = parameters,
                None => self.callees.push(Callee { name, parameters, is_used: false }),
            }
        }
    }
}

/// Parameter names of a function, without starred ones; none for a class.
fn parameter_names<'s>(tree: &Tree<'s>, function: NodeId) -> Option<Vec<&'s str>> {
    let list = tree.children(function).iter().copied().find(|id| tree.shape(*id) == Shape::Parameters)?;
    let name_of = |id: &NodeId| match tree.shape(*id) {
        Shape::Name => Some(tree.text(*id)),
        Shape::Parameter => tree
            .child(*id, Role::Target)
            .filter(|name| tree.shape(*name) == Shape::Name)
            .map(|name| tree.text(name)),
        _ => None,
    };
    Some(tree.children(list).iter().filter_map(name_of).collect())
}

/// Members of the instance that the class defines or uses.
fn own_members<'s>(tree: &Tree<'s>, class: NodeId) -> BTreeSet<&'s str> {
    let mut found = BTreeSet::new();
    for id in tree.subtree(class) {
        let is_method = tree.shape(id) == Shape::Function
            && tree.ancestors(id).find(|node| matches!(tree.shape(*node), Shape::Class | Shape::Function))
                == Some(class);
        if is_method && let Some(name) = tree.child(id, Role::Name) {
            found.insert(tree.text(name));
        }
        if tree.shape(id) == Shape::Attribute
            && let (Some(object), Some(member)) = (tree.child(id, Role::Object), tree.child(id, Role::Member))
            && matches!(tree.text(object), "self" | "cls" | "this")
        {
            found.insert(tree.text(member));
        }
    }
    found
}

fn remember<'s>(known: &mut Vec<Expression<'s>>, expression: Expression<'s>, limit: usize) {
    let room = known.len() < limit;
    match known.iter_mut().find(|other| other.fragment.text == expression.fragment.text) {
        Some(other) => other.lines.extend(expression.lines),
        None if room => known.push(expression),
        None => {}
    }
}

/// Reads single nodes.
struct Reader<'t, 's> {
    tree: &'t Tree<'s>,
    language: &'static dyn Language,
    hints: &'t Hints,
}

impl<'s> Reader<'_, 's> {
    fn expression(&self, id: NodeId) -> Option<Expression<'s>> {
        let (tree, shape) = (self.tree, self.tree.shape(id));
        let text = tree.text(id);
        let plain = shape.is_expression()
            && !matches!(shape, Shape::Name | Shape::Parenthesised | Shape::Yield | Shape::NamedExpression)
            && !shape.is_constant();
        let is_place = is_bound_here(tree, id) || tree.role(id) == Role::Target;
        if !plain || tree.role(id) == Role::Callee || text.len() > MAX_EXPRESSION || text.contains('\n') {
            return None;
        }
        if is_place && !matches!(shape, Shape::Subscript | Shape::Attribute) {
            return None;
        }
        let inside = tree.subtree(id);
        Some(Expression {
            fragment: Fragment::new(text, self.language.level_of(tree, id)),
            sorts: self.hints.expression(tree, self.language, id).sorts,
            lines: vec![tree.node(id).line],
            names: inside
                .iter()
                .filter(|node| tree.shape(**node) == Shape::Name)
                .map(|node| tree.text(*node))
                .collect(),
            calls: inside.iter().any(|node| tree.shape(*node) == Shape::Call),
            shape,
        })
    }

    fn condition(&self, id: NodeId) -> Option<Condition<'s>> {
        let (tree, shape) = (self.tree, self.tree.shape(id));
        let is_tested = tree.role(id) == Role::Condition && shape.is_expression();
        let is_condition = matches!(shape, Shape::Comparison | Shape::Logical | Shape::Not) || is_tested;
        let id = tree.bare(id);
        let text = tree.text(id);
        if !is_condition || text.len() > MAX_EXPRESSION || text.contains('\n') {
            return None;
        }
        let inside = tree.subtree(id);
        Some(Condition {
            fragment: Fragment::new(text, self.language.level_of(tree, id)),
            line: Some(tree.node(id).line),
            names: inside
                .iter()
                .filter(|node| tree.shape(**node) == Shape::Name)
                .map(|node| tree.text(*node))
                .collect(),
        })
    }

    fn statement(&self, id: NodeId) -> Option<StatementText<'s>> {
        let tree = self.tree;
        let text = tree.text(id);
        let usable = tree.shape(id).is_simple_statement()
            && tree.shape(id) != Shape::Pass
            && tree.role(id) == Role::Statement
            && !self.language.spelling().declares(text);
        if !usable || text.contains('\n') || text.len() > MAX_STATEMENT {
            return None;
        }
        let start = tree.node(id).span.start;
        let name = |node: &NodeId| {
            (tree.shape(*node) == Shape::Name && tree.role(*node) != Role::Callee)
                .then(|| (tree.node(*node).span.start - start, tree.text(*node), is_bound_here(tree, *node)))
        };
        Some(StatementText { id, text, names: tree.subtree(id).iter().filter_map(name).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::language_of;
    use crate::syntax::parse;

    const SOURCE: &str = "\
def other(p, *, q=1):
    return p.far + 1
class C:
    def m(self, xs):
        if xs[0] > 7 and self.limit:
            self.items.append(xs[0])
        return other(xs, 'text')
    def n(self):
        self.late = 1
";

    #[test]
    fn the_region_is_near_and_the_rest_of_the_file_far() {
        let language = language_of("a.py").unwrap();
        let tree = parse(SOURCE, &language.parser(), language.grammar()).unwrap();
        let all = tree.subtree(tree.root().unwrap());
        let find = |shape, start: &str| {
            all.iter().copied().find(|id| tree.shape(*id) == shape && tree.text(*id).starts_with(start))
        };
        let (class, method) = (find(Shape::Class, "class C"), find(Shape::Function, "def m").unwrap());
        let nodes = tree.subtree(method);
        let hints = Hints::infer(&tree, language, Some(method), &nodes);
        let found = Ingredients::collect(&tree, language, class, &nodes, &hints);

        let texts =
            |list: &[Expression<'_>]| list.iter().map(|e| e.fragment.text.clone()).collect::<Vec<_>>();
        assert!(texts(&found.expressions).contains(&"xs[0]".to_owned()));
        assert!(!texts(&found.expressions).contains(&"p.far".to_owned()));
        assert!(texts(&found.far).contains(&"p.far + 1".to_owned()));
        let twice = found.expressions.iter().find(|e| e.fragment.text == "xs[0]").unwrap();
        assert_eq!((twice.lines.as_slice(), twice.names.as_slice()), ([5, 6].as_slice(), ["xs"].as_slice()));
        let conditions: Vec<&str> = found.conditions.iter().map(|c| c.fragment.text.as_str()).collect();
        assert_eq!(conditions, ["xs[0] > 7 and self.limit", "xs[0] > 7"]);
        assert_eq!(
            (found.integers.as_slice(), found.texts.as_slice()),
            ([0, 7].as_slice(), ["'text'"].as_slice())
        );
        assert_eq!(found.own_members, BTreeSet::from(["items", "late", "limit", "m", "n"]));
        let other = found.callees.iter().find(|callee| callee.name == "other").unwrap();
        assert_eq!((other.parameters.as_deref(), other.is_used), (Some(["p", "q"].as_slice()), true));
        let statements: Vec<&str> = found.statements.iter().map(|s| s.text).collect();
        assert_eq!(statements, ["self.items.append(xs[0])", "return other(xs, 'text')"]);
    }
}

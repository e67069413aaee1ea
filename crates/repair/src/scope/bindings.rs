//! Names: where they are bound, where they are read, and whether they can be used at a place.

use std::collections::BTreeMap;

use crate::language::Language;
use crate::syntax::{NodeId, Role, Shape, Tree};

/// Names bound at module level that are offered although the region does not mention them.
const MAX_UNMENTIONED: usize = 16;

/// Whether a name has a value at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Availability {
    /// Bound before on every textual path.
    Bound,
    /// Bound later in a loop around the place, so it may have a value from the round before.
    Later,
    /// Not visible or bound only afterwards.
    Unbound,
}

/// Where a name gets a value.
#[derive(Clone, Copy, Debug)]
struct Binding {
    /// The function, comprehension or module the name belongs to.
    owner: Option<NodeId>,
    /// From which byte on it has the value.
    from: usize,
    /// The loop around the binding.
    around: Option<NodeId>,
    /// The loop that binds it as its variable.
    loop_variable_of: Option<NodeId>,
}

/// A variable the code of a region can use.
#[derive(Clone, Debug)]
pub struct Name<'s> {
    /// Its spelling.
    pub text: &'s str,
    /// Whether it is a parameter.
    pub is_parameter: bool,
    /// Whether it belongs to the module rather than to the function.
    pub is_outer: bool,
    /// Lines it is mentioned on, in order.
    pub lines: Vec<u32>,
    /// How often it is read.
    pub reads: usize,
    bindings: Vec<Binding>,
}

/// The variables of a region in order of first mention.
#[derive(Clone, Debug, Default)]
pub struct Names<'s> {
    /// Variables; functions and classes that are only called are not among them.
    pub all: Vec<Name<'s>>,
}

impl<'s> Names<'s> {
    /// The names of a region's nodes; `function` is none for module-level code.
    pub fn collect(
        tree: &Tree<'s>,
        language: &dyn Language,
        function: Option<NodeId>,
        nodes: &[NodeId],
    ) -> Self {
        let mut collector = Collector { tree, found: BTreeMap::new(), order: Vec::new() };
        for id in nodes {
            collector.mention(*id);
        }
        let in_function = function.is_some();
        let module = if in_function { module_variables(tree) } else { Vec::new() };
        let builtins = language.vocabulary().builtins;
        let defined = definitions(tree);
        let mut all: Vec<Name<'s>> = Vec::new();
        for text in &collector.order {
            let Some(entry) = collector.found.get(text) else { continue };
            let is_local = !entry.bindings.is_empty();
            let is_called_only = entry.values == 0;
            let is_definition = defined.contains(text) || builtins.contains(text);
            let is_function_here = is_local && is_called_only;
            if (is_local || (!is_called_only && !is_definition)) && !is_function_here {
                all.push(entry.name(text, in_function && !is_local));
            }
        }
        let mentioned = |text: &str| all.iter().any(|name| name.text == text);
        let unmentioned: Vec<Name<'s>> = module
            .into_iter()
            .filter(|text| !mentioned(text) && !defined.contains(text))
            .take(MAX_UNMENTIONED)
            .map(|text| Entry::default().name(text, true))
            .collect();
        all.extend(unmentioned);
        Self { all }
    }

    /// The name with this spelling.
    pub fn get(&self, text: &str) -> Option<&Name<'s>> {
        self.all.iter().find(|name| name.text == text)
    }
}

impl Name<'_> {
    /// Whether the name has a value at an offset at or beside the node.
    pub fn availability(&self, tree: &Tree<'_>, at: NodeId, place: usize) -> Availability {
        if self.bindings.is_empty() {
            return Availability::Bound;
        }
        let of_binding = |binding: &Binding| {
            if binding.owner.is_some_and(|owner| !tree.is_within(at, owner)) {
                return Availability::Unbound;
            }
            if binding.from <= place {
                return Availability::Bound;
            }
            match binding.around {
                Some(around) if tree.is_within(at, around) => Availability::Later,
                _ => Availability::Unbound,
            }
        };
        self.bindings.iter().map(of_binding).min().unwrap_or(Availability::Unbound)
    }

    /// Lines to the nearest mention, the line itself counting as 0; none when it is mentioned nowhere.
    pub fn distance(&self, line: u32) -> Option<u32> {
        self.lines.iter().map(|mention| mention.abs_diff(line)).min()
    }

    /// Whether the innermost loop around the node binds this name.
    pub fn is_loop_variable(&self, tree: &Tree<'_>, at: NodeId) -> bool {
        let around = tree.enclosing(at, &[Shape::For, Shape::Comprehension]);
        around.is_some() && self.bindings.iter().any(|binding| binding.loop_variable_of == around)
    }
}

/// What is gathered about one spelling.
#[derive(Default)]
struct Entry {
    bindings: Vec<Binding>,
    lines: Vec<u32>,
    reads: usize,
    /// Mentions other than as the function of a call.
    values: usize,
    is_parameter: bool,
}

impl Entry {
    fn name<'s>(&self, text: &'s str, is_outer: bool) -> Name<'s> {
        Name {
            text,
            is_parameter: self.is_parameter,
            is_outer,
            lines: self.lines.clone(),
            reads: self.reads,
            bindings: self.bindings.clone(),
        }
    }
}

struct Collector<'t, 's> {
    tree: &'t Tree<'s>,
    found: BTreeMap<&'s str, Entry>,
    order: Vec<&'s str>,
}

impl<'s> Collector<'_, 's> {
    fn mention(&mut self, id: NodeId) {
        let tree = self.tree;
        let (shape, role) = (tree.shape(id), tree.role(id));
        let is_definition = role == Role::Name && shape == Shape::Opaque;
        if shape != Shape::Name && !is_definition {
            return;
        }
        let text = tree.text(id);
        if !self.found.contains_key(text) {
            self.order.push(text);
        }
        let entry = self.found.entry(text).or_default();
        entry.lines.push(tree.node(id).line);
        if is_definition {
            entry.bindings.push(definition_binding(tree, id));
        } else if is_bound_here(tree, id) {
            entry.values += 1;
            entry.is_parameter |= matches!(tree.parent_shape(id), Some(Shape::Parameters | Shape::Parameter));
            if let Some(binding) = binding_at(tree, id) {
                entry.bindings.push(binding);
            } else {
                entry.reads += 1;
            }
        } else {
            entry.reads += 1;
            entry.values += usize::from(role != Role::Callee);
        }
    }
}

/// Whether the name gets a value at this place (rather than being read).
pub fn is_bound_here(tree: &Tree<'_>, id: NodeId) -> bool {
    let mut node = id;
    loop {
        let Some(parent) = tree.parent(node) else { return false };
        match (tree.role(node), tree.shape(parent)) {
            (Role::Target, shape) => return shape != Shape::Delete,
            (Role::Element, Shape::Targets | Shape::Tuple | Shape::Listing) => node = parent,
            (Role::Value, Shape::Starred | Shape::Parenthesised) => node = parent,
            _ => return false,
        }
    }
}

/// The node that gives a bound name its value, with the role it is reached by.
fn binder(tree: &Tree<'_>, id: NodeId) -> Option<NodeId> {
    tree.ancestors(id).find(|node| {
        use Shape::*;
        matches!(
            tree.shape(*node),
            Assignment
                | ChainedAssignment
                | AugmentedAssignment
                | For
                | Iteration
                | NamedExpression
                | Parameters
                | Lambda
                | Function
                | Alias
                | Import
                | With
                | Handler
        )
    })
}

/// None for an augmented assignment, which needs a value already there.
fn binding_at(tree: &Tree<'_>, id: NodeId) -> Option<Binding> {
    let by = binder(tree, id)?;
    let scope = [Shape::Function, Shape::Lambda, Shape::Comprehension];
    let owner = match tree.shape(by) {
        Shape::AugmentedAssignment => return None,
        Shape::Iteration => tree.enclosing(by, &[Shape::Comprehension]),
        _ => tree.enclosing(by, &scope),
    };
    let from = match tree.shape(by) {
        Shape::Parameters | Shape::Lambda | Shape::Function | Shape::Iteration => {
            owner.map_or(0, |node| tree.node(node).span.start)
        }
        Shape::For => {
            tree.child(by, Role::Body).map_or(tree.node(by).span.end, |body| tree.node(body).span.start)
        }
        Shape::With | Shape::Alias | Shape::Handler => tree.node(id).span.end,
        _ => tree.node(by).span.end,
    };
    let looping = [Shape::For, Shape::While];
    let outside = tree.parent(by).filter(|_| tree.shape(by) == Shape::For).unwrap_or(by);
    let loop_variable_of = match tree.shape(by) {
        Shape::For => Some(by),
        Shape::Iteration => tree.enclosing(by, &[Shape::Comprehension]),
        _ => None,
    };
    Some(Binding { owner, from, around: tree.enclosing(outside, &looping), loop_variable_of })
}

/// A function or class defined inside the region.
fn definition_binding(tree: &Tree<'_>, name: NodeId) -> Binding {
    let definition = tree.parent(name);
    let outside = definition.and_then(|node| tree.parent(node));
    let owner = outside.and_then(|node| tree.enclosing(node, &[Shape::Function, Shape::Lambda]));
    Binding { owner, from: tree.node(name).span.start, around: None, loop_variable_of: None }
}

/// Variables assigned at the top of the module, in order.
fn module_variables<'s>(tree: &Tree<'s>) -> Vec<&'s str> {
    let statements = tree.root().map(|root| tree.children(root).to_vec()).unwrap_or_default();
    let mut found: Vec<&str> = Vec::new();
    for statement in statements {
        let target = tree.child(statement, Role::Target);
        if let (Shape::Assignment, Some(target)) = (tree.shape(statement), target)
            && tree.shape(target) == Shape::Name
            && !found.contains(&tree.text(target))
        {
            found.push(tree.text(target));
        }
    }
    found
}

/// Names of the functions, classes and imports at the top of the module.
fn definitions<'s>(tree: &Tree<'s>) -> Vec<&'s str> {
    let statements = tree.root().map(|root| tree.children(root).to_vec()).unwrap_or_default();
    let mut found = Vec::new();
    for statement in statements {
        let inner = match tree.shape(statement) {
            Shape::Decorated => tree.children(statement).last().copied().unwrap_or(statement),
            _ => statement,
        };
        match tree.shape(inner) {
            Shape::Function | Shape::Class => {
                found.extend(tree.child(inner, Role::Name).map(|id| tree.text(id)))
            }
            Shape::Import => {
                let targets = tree.children_as(inner, Role::Target);
                found.extend(targets.into_iter().filter_map(|id| tree.text(id).split('.').next()));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::language_of;
    use crate::syntax::parse;

    const SOURCE: &str = "\
TOP = 1
def g():
    pass
def f(a, *rest, k=TOP):
    for i in rest:
        total = a + here1
        later = total
    def inner(x):
        own = x + here2
        return own
    squares = [q * here3 for q in rest]
    squares, (left, right) = here4, a
    squares.attr = g()
    with open(k) as handle:
        handle += here5
    return TOP
";

    fn with_names(run: impl FnOnce(&Tree<'_>, &Names<'_>)) {
        let language = language_of("a.py").unwrap();
        let tree = parse(SOURCE, &language.parser(), language.grammar()).unwrap();
        let function =
            tree.subtree(tree.root().unwrap()).into_iter().find(|id| tree.text(*id).starts_with("def f"));
        let names = Names::collect(&tree, language, function, &tree.subtree(function.unwrap()));
        run(&tree, &names);
    }

    fn node_of(tree: &Tree<'_>, text: &str) -> NodeId {
        let nodes = tree.subtree(tree.root().unwrap());
        nodes.into_iter().rev().find(|id| tree.text(*id) == text).unwrap()
    }

    #[test]
    fn names_are_usable_where_they_have_a_value() {
        use Availability::{Bound, Later, Unbound};
        let rows = [
            ("here1", "a", Bound),
            ("here1", "k", Bound),
            ("here1", "i", Bound),
            ("here1", "later", Later),
            ("here1", "squares", Unbound),
            ("here1", "x", Unbound),
            ("here2", "x", Bound),
            ("here2", "a", Bound),
            ("here2", "own", Unbound),
            ("here3", "q", Bound),
            ("here3", "x", Unbound),
            ("here4", "q", Unbound),
            ("here4", "left", Unbound),
            ("here4", "total", Bound),
            ("here5", "handle", Bound),
            ("here5", "right", Bound),
            ("here5", "TOP", Bound),
        ];
        with_names(|tree, names| {
            for (place, name, expected) in rows {
                let at = node_of(tree, place);
                let found = names.get(name).unwrap().availability(tree, at, tree.node(at).span.start);
                assert_eq!(found, expected, "{name} at {place}");
            }
        });
    }

    #[test]
    fn parameters_loop_variables_and_outer_names_are_told_apart() {
        with_names(|tree, names| {
            let parameters: Vec<&str> = names.all.iter().filter(|n| n.is_parameter).map(|n| n.text).collect();
            assert_eq!(parameters, ["a", "rest", "k", "x"]);
            let place = node_of(tree, "here1");
            let loops: Vec<&str> =
                names.all.iter().filter(|n| n.is_loop_variable(tree, place)).map(|n| n.text).collect();
            assert_eq!(loops, ["i"]);
            assert!(names.get("TOP").unwrap().is_outer && !names.get("a").unwrap().is_outer);
            assert!(names.get("g").is_none() && names.get("open").is_none(), "functions are no variables");
            assert_eq!(names.get("later").unwrap().reads, 0);
            assert_eq!(names.get("a").unwrap().distance(20), Some(8));
        });
    }
}

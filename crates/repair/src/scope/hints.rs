//! Hints about values: what sort of value a name or an expression seems to have, judged by how it is used.
//!
//! This is no type checker. Votes are counted (an index is a number, what `append` is called on is a list,
//! annotations count most), and whatever gets at least half of the best vote is believed.

use std::collections::BTreeMap;

use super::is_bound_here;
use crate::language::{Language, Sorts};
use crate::syntax::{NodeId, Role, Shape, Tree};

/// How often the votes are counted again with what was learnt.
const ROUNDS: usize = 3;

/// What is believed about a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The value itself.
    pub sorts: Sorts,
    /// Its elements, if it has any.
    pub elements: Sorts,
}

impl Hint {
    fn of(sorts: Sorts) -> Self {
        Self { sorts, elements: Sorts::UNKNOWN }
    }
}

/// Hints for the names of a region.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    names: BTreeMap<String, Hint>,
}

#[derive(Clone, Copy, Default)]
struct Votes {
    own: [f32; Sorts::COUNT],
    elements: [f32; Sorts::COUNT],
}

impl Hints {
    /// Reads the uses of all names in the nodes.
    pub fn infer(
        tree: &Tree<'_>,
        language: &'static dyn Language,
        function: Option<NodeId>,
        nodes: &[NodeId],
    ) -> Self {
        let mut hints = Hints::default();
        for _ in 0..ROUNDS {
            let mut poll = Poll { tree, language, hints: &hints, votes: BTreeMap::new() };
            for id in nodes {
                poll.node(*id);
            }
            if let Some(function) = function {
                poll.annotations(function);
            }
            let believed = poll.votes.into_iter().map(|(name, votes)| {
                (name, Hint { sorts: winners(&votes.own), elements: winners(&votes.elements) })
            });
            hints = Hints { names: believed.collect() };
        }
        hints
    }

    /// What is believed about a name.
    pub fn name(&self, name: &str) -> Hint {
        self.names.get(name).copied().unwrap_or_default()
    }

    /// The sorts a function says it returns, if it does.
    pub fn declared_result(tree: &Tree<'_>, language: &dyn Language, function: NodeId) -> Sorts {
        let head = tree.child(function, Role::Body).map_or(0, |body| tree.node(body).span.start);
        let parameters = tree.children(function).iter().find(|id| tree.shape(**id) == Shape::Parameters);
        let from = parameters.map_or(head, |id| tree.node(*id).span.end);
        let declared = tree.source.get(from..head).unwrap_or("").trim();
        let named = declared.strip_prefix("->").map(|rest| rest.trim().trim_end_matches(':'));
        named.map_or(Sorts::UNKNOWN, |text| annotation(language, text).sorts)
    }

    /// What is believed about an expression.
    pub fn expression(&self, tree: &Tree<'_>, language: &dyn Language, id: NodeId) -> Hint {
        let vocabulary = language.vocabulary();
        match tree.shape(id) {
            Shape::Name => self.name(tree.text(id)),
            Shape::Integer | Shape::Float | Shape::Unary => Hint::of(Sorts::NUMBER),
            Shape::Text | Shape::FormattedText => Hint { sorts: Sorts::TEXT, elements: Sorts::TEXT },
            Shape::Boolean | Shape::Comparison | Shape::Not => Hint::of(Sorts::TRUTH),
            Shape::Null => Hint::of(Sorts::NULL),
            Shape::Listing | Shape::Tuple => {
                let first = tree.children(id).first();
                let elements = first.map(|first| self.expression(tree, language, *first).sorts);
                Hint { sorts: Sorts::LIST, elements: elements.unwrap_or_default() }
            }
            Shape::Mapping => Hint::of(Sorts::MAPPING),
            Shape::Set => Hint::of(Sorts::SET),
            Shape::Lambda => Hint::of(Sorts::CALLABLE),
            Shape::Comprehension => self.comprehension(tree, language, id),
            Shape::Binary => self.binary(tree, language, id),
            Shape::Logical => self.either(tree, language, id, Role::Left, Role::Right),
            Shape::Conditional => self.either(tree, language, id, Role::Then, Role::Otherwise),
            Shape::Parenthesised | Shape::Await | Shape::NamedExpression => tree
                .child(id, Role::Value)
                .map(|inner| self.expression(tree, language, inner))
                .unwrap_or_default(),
            Shape::Subscript => self.subscript(tree, language, id),
            Shape::Call => match tree.child(id, Role::Callee) {
                Some(callee) if tree.shape(callee) == Shape::Name => {
                    Hint::of(vocabulary.result_of(tree.text(callee)))
                }
                Some(callee) if tree.shape(callee) == Shape::Attribute => {
                    let member = tree.child(callee, Role::Member).map_or("", |member| tree.text(member));
                    Hint::of(vocabulary.method(member).1)
                }
                _ => Hint::default(),
            },
            _ => Hint::default(),
        }
    }

    fn comprehension(&self, tree: &Tree<'_>, language: &dyn Language, id: NodeId) -> Hint {
        let body = tree.child(id, Role::Body);
        let elements = body.map(|body| self.expression(tree, language, body).sorts).unwrap_or_default();
        let is_pair = body.is_some_and(|body| tree.shape(body) == Shape::Pair);
        let sorts = match tree.text(id).as_bytes().first() {
            Some(b'{') if is_pair => Sorts::MAPPING,
            Some(b'{') => Sorts::SET,
            _ => Sorts::LIST,
        };
        Hint { sorts, elements }
    }

    fn binary(&self, tree: &Tree<'_>, language: &dyn Language, id: NodeId) -> Hint {
        let operator = tree.node(id).tokens.first().map_or("", |token| tree.slice(*token));
        let side = |role| tree.child(id, role).map(|side| self.expression(tree, language, side));
        let (left, right) = (side(Role::Left).unwrap_or_default(), side(Role::Right).unwrap_or_default());
        let text_on_left = left.sorts.is_only(Sorts::TEXT);
        match operator {
            "+" if !left.sorts.is_unknown() => left,
            "*" if !left.sorts.is_unknown() && left.sorts != Sorts::NUMBER => left,
            "+" | "*" if !right.sorts.is_unknown() => right,
            "%" if text_on_left => left,
            "+" | "*" | "-" | "&" | "|" | "^" => {
                if left.sorts.is_unknown() {
                    right
                } else {
                    left
                }
            }
            _ => Hint::of(Sorts::NUMBER),
        }
    }

    fn either(&self, tree: &Tree<'_>, language: &dyn Language, id: NodeId, one: Role, other: Role) -> Hint {
        let side = |role| tree.child(id, role).map(|side| self.expression(tree, language, side));
        let (one, other) = (side(one).unwrap_or_default(), side(other).unwrap_or_default());
        if one.sorts.is_unknown() || other.sorts.is_unknown() {
            return Hint::default();
        }
        Hint { sorts: one.sorts | other.sorts, elements: one.elements | other.elements }
    }

    fn subscript(&self, tree: &Tree<'_>, language: &dyn Language, id: NodeId) -> Hint {
        let Some(object) = tree.child(id, Role::Object) else { return Hint::default() };
        let whole = self.expression(tree, language, object);
        let is_slice = tree.child(id, Role::Index).is_some_and(|index| tree.shape(index) == Shape::Slice);
        if is_slice { whole } else { Hint::of(whole.elements) }
    }
}

struct Poll<'t> {
    tree: &'t Tree<'t>,
    language: &'static dyn Language,
    hints: &'t Hints,
    votes: BTreeMap<String, Votes>,
}

impl Poll<'_> {
    fn vote(&mut self, name: NodeId, sorts: Sorts, weight: f32) {
        if self.tree.shape(name) == Shape::Name && !sorts.is_unknown() {
            let votes = self.votes.entry(self.tree.text(name).to_owned()).or_default();
            cast(&mut votes.own, sorts, weight);
        }
    }

    fn vote_elements(&mut self, name: NodeId, sorts: Sorts, weight: f32) {
        if self.tree.shape(name) == Shape::Name && !sorts.is_unknown() {
            let votes = self.votes.entry(self.tree.text(name).to_owned()).or_default();
            cast(&mut votes.elements, sorts, weight);
        }
    }

    fn hint(&self, id: NodeId) -> Hint {
        self.hints.expression(self.tree, self.language, id)
    }

    fn node(&mut self, id: NodeId) {
        match self.tree.shape(id) {
            Shape::Assignment | Shape::Parameter => self.assignment(id),
            Shape::AugmentedAssignment => self.augmented(id),
            Shape::For | Shape::Iteration => self.iteration(id),
            Shape::Binary => self.binary(id),
            Shape::Comparison => self.comparison(id),
            Shape::Subscript => self.subscript(id),
            Shape::Call => self.call(id),
            Shape::Unary => {
                if let Some(operand) = self.tree.child(id, Role::Operand) {
                    self.vote(operand, Sorts::NUMBER, 1.0);
                }
            }
            _ => {}
        }
    }

    fn assignment(&mut self, id: NodeId) {
        let value = self.tree.child(id, Role::Value).or(self.tree.child(id, Role::Default));
        let (Some(target), Some(value)) = (self.tree.child(id, Role::Target), value) else { return };
        let (targets, values) = (self.tree.children(target).to_vec(), self.tree.children(value).to_vec());
        let pairwise = self.tree.shape(target) == Shape::Targets
            && self.tree.shape(value) == Shape::Tuple
            && targets.len() == values.len();
        let pairs = if pairwise { targets.into_iter().zip(values).collect() } else { vec![(target, value)] };
        for (target, value) in pairs {
            let hint = self.hint(value);
            if !hint.sorts.is_only(Sorts::NULL) {
                self.vote(target, hint.sorts, 2.0);
                self.vote_elements(target, hint.elements, 1.0);
            }
        }
    }

    fn augmented(&mut self, id: NodeId) {
        let (Some(target), Some(value)) =
            (self.tree.child(id, Role::Target), self.tree.child(id, Role::Value))
        else {
            return;
        };
        let hint = self.hint(value);
        let operator = self.tree.node(id).tokens.first().map_or("", |token| self.tree.slice(*token));
        let sorts = if operator == "+=" { hint.sorts } else { Sorts::NUMBER };
        self.vote(target, sorts, 1.0);
    }

    fn iteration(&mut self, id: NodeId) {
        let (Some(target), Some(iterable)) =
            (self.tree.child(id, Role::Target), self.tree.child(id, Role::Iterable))
        else {
            return;
        };
        self.vote(iterable, Sorts::CONTAINER, 0.3);
        let tree = self.tree;
        let callee = tree.child(iterable, Role::Callee).map_or("", |callee| tree.text(callee));
        let first_argument =
            tree.child(iterable, Role::Argument).filter(|_| tree.shape(iterable) == Shape::Call);
        let elements = first_argument.map(|argument| self.hint(argument).elements).unwrap_or_default();
        let parts = tree.children(target).to_vec();
        match (callee, parts.as_slice()) {
            ("enumerate", [index, element]) => {
                self.vote(*index, Sorts::NUMBER, 2.0);
                self.vote(*element, elements, 1.0);
            }
            ("range", _) => self.vote(target, Sorts::NUMBER, 2.0),
            ("sorted" | "reversed" | "set" | "list", []) => self.vote(target, elements, 1.0),
            _ => self.vote(target, self.hint(iterable).elements, 1.0),
        }
    }

    fn binary(&mut self, id: NodeId) {
        let tree = self.tree;
        let operator = tree.node(id).tokens.first().map_or("", |token| tree.slice(*token));
        let (Some(left), Some(right)) = (tree.child(id, Role::Left), tree.child(id, Role::Right)) else {
            return;
        };
        let (left_sorts, right_sorts) = (self.hint(left).sorts, self.hint(right).sorts);
        match operator {
            "/" | "//" | "**" | "-" => {
                self.vote(left, Sorts::NUMBER, 1.0);
                self.vote(right, Sorts::NUMBER, 1.0);
            }
            "%" if !left_sorts.meets(Sorts::TEXT) => {
                self.vote(left, Sorts::NUMBER, 1.0);
                self.vote(right, Sorts::NUMBER, 1.0);
            }
            "+" => {
                self.vote(left, right_sorts, 1.0);
                self.vote(right, left_sorts, 1.0);
            }
            "*" => {
                self.vote(left, Sorts::NUMBER, 0.3);
                self.vote(right, Sorts::NUMBER, 0.3);
            }
            _ => {}
        }
    }

    fn comparison(&mut self, id: NodeId) {
        let operands = self.tree.children(id).to_vec();
        let operators: Vec<&str> =
            self.tree.node(id).tokens.iter().map(|token| self.tree.slice(*token)).collect();
        for (pair, operator) in operands.windows(2).zip(operators) {
            let [left, right] = pair else { continue };
            let (left_sorts, right_sorts) = (self.hint(*left).sorts, self.hint(*right).sorts);
            match operator {
                "in" | "not in" => self.vote(*right, Sorts::CONTAINER, 0.3),
                "is" | "is not" => {}
                _ => {
                    let null = |sorts: Sorts| sorts.is_only(Sorts::NULL);
                    if !null(right_sorts) {
                        self.vote(*left, right_sorts, 1.0);
                    }
                    if !null(left_sorts) {
                        self.vote(*right, left_sorts, 1.0);
                    }
                }
            }
        }
    }

    fn subscript(&mut self, id: NodeId) {
        let tree = self.tree;
        let (Some(object), Some(index)) = (tree.child(id, Role::Object), tree.child(id, Role::Index)) else {
            return;
        };
        let index_sorts = self.hint(index).sorts;
        if tree.shape(index) == Shape::Slice {
            self.vote(object, Sorts::SEQUENCE, 1.0);
            for bound in tree.children(index).to_vec() {
                self.vote(bound, Sorts::NUMBER, 1.0);
            }
        } else if index_sorts.is_only(Sorts::NUMBER) {
            self.vote(object, Sorts::SEQUENCE, 0.7);
            self.vote(object, Sorts::MAPPING, 0.3);
        } else if index_sorts.is_only(Sorts::TEXT) {
            self.vote(object, Sorts::MAPPING, 1.0);
        } else {
            self.vote(object, Sorts::LIST | Sorts::MAPPING, 0.5);
            if self.hint(object).sorts.is_only(Sorts::SEQUENCE) {
                self.vote(index, Sorts::NUMBER, 1.0);
            }
        }
    }

    fn call(&mut self, id: NodeId) {
        let tree = self.tree;
        let Some(callee) = tree.child(id, Role::Callee) else { return };
        let vocabulary = self.language.vocabulary();
        if tree.shape(callee) == Shape::Attribute {
            let member = tree.child(callee, Role::Member).map_or("", |member| tree.text(member));
            if let Some(object) = tree.child(callee, Role::Object) {
                let (receiver, _) = vocabulary.method(member);
                self.vote(object, receiver, 1.0);
                if let ("append" | "add", Some(argument)) = (member, tree.child(id, Role::Argument)) {
                    let sorts = self.hint(argument).sorts;
                    self.vote_elements(object, sorts, 1.0);
                }
            }
            return;
        }
        if vocabulary.builtins.contains(&tree.text(callee)) {
            let taken = vocabulary.taken_by(tree.text(callee));
            for argument in tree.children_as(id, Role::Argument) {
                self.vote(argument, taken, 1.0);
            }
        } else {
            self.vote(callee, Sorts::CALLABLE, 1.0);
        }
    }

    /// Annotated parameters: `x: List[int]`.
    fn annotations(&mut self, function: NodeId) {
        let tree = self.tree;
        for id in tree.subtree(function) {
            let is_target = is_bound_here(tree, id) && tree.shape(id) == Shape::Name;
            let Some(parent) = tree.parent(id).filter(|_| is_target) else { continue };
            if !matches!(tree.shape(parent), Shape::Parameter | Shape::Assignment) {
                continue;
            }
            let after = tree.source.get(tree.node(id).span.end..tree.node(parent).span.end).unwrap_or("");
            let Some(text) = after.trim_start().strip_prefix(':') else { continue };
            let text = text.split('=').next().unwrap_or("").trim();
            let hint = annotation(self.language, text);
            self.vote(id, hint.sorts, 9.0);
            self.vote_elements(id, hint.elements, 9.0);
        }
    }
}

/// What an annotation such as `Optional[List[int]]` stands for.
fn annotation(language: &dyn Language, text: &str) -> Hint {
    let vocabulary = language.vocabulary();
    let text = text.strip_prefix("Optional[").unwrap_or(text);
    let (head, inner) = text.split_once('[').unwrap_or((text, ""));
    let word = |text: &str| text.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned();
    let inner = inner.split(['[', ',']).next().unwrap_or("");
    Hint { sorts: vocabulary.annotated(&word(head)), elements: vocabulary.annotated(&word(inner)) }
}

fn cast(votes: &mut [f32; Sorts::COUNT], sorts: Sorts, weight: f32) {
    let share = weight / sorts.0.count_ones().max(1) as f32;
    for (bit, vote) in votes.iter_mut().enumerate() {
        if sorts.0 & (1 << bit) != 0 {
            *vote += share;
        }
    }
}

fn winners(votes: &[f32; Sorts::COUNT]) -> Sorts {
    let best = votes.iter().copied().fold(0.0, f32::max);
    let bits = votes.iter().enumerate().filter(|(_, vote)| **vote > 0.0 && **vote * 2.0 >= best);
    bits.fold(Sorts::UNKNOWN, |sorts, (bit, _)| sorts | Sorts(1 << bit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::language_of;
    use crate::syntax::parse;

    fn hint_of(source: &str, name: &str) -> Hint {
        let language = language_of("a.py").unwrap();
        let tree = parse(source, &language.parser(), language.grammar()).unwrap();
        let nodes = tree.subtree(tree.root().unwrap());
        let function = nodes.iter().copied().find(|id| tree.shape(*id) == Shape::Function);
        Hints::infer(&tree, language, function, &nodes).name(name)
    }

    #[test]
    fn uses_tell_the_sort_of_a_name() {
        let rows = [
            ("def f(v):\n    return v - 1\n", Sorts::NUMBER),
            ("def f(v: str):\n    return v - 1\n", Sorts::TEXT),
            ("def f(v: Optional[List[int]] = None):\n    return v\n", Sorts::LIST),
            ("def f(v=3):\n    return v\n", Sorts::NUMBER),
            ("def f(v):\n    v.append(1)\n", Sorts::LIST),
            ("def f(v):\n    return v['a']\n", Sorts::MAPPING),
            ("def f(v):\n    return v.upper()\n", Sorts::TEXT),
            ("def f():\n    v = len(x)\n", Sorts::NUMBER),
            ("def f():\n    v = {a for a in x}\n", Sorts::SET),
            ("def f():\n    v = {a: a for a in x}\n", Sorts::MAPPING),
            ("def f():\n    v = x == y\n", Sorts::TRUTH),
            ("def f():\n    v = None\n", Sorts::UNKNOWN),
            ("def f():\n    for v in range(3):\n        pass\n", Sorts::NUMBER),
            ("def f():\n    for v, w in enumerate(x):\n        pass\n", Sorts::NUMBER),
            ("def f(xs: list[str]):\n    for v in xs:\n        pass\n", Sorts::TEXT),
            ("def f():\n    v, w = 'a', 1\n", Sorts::TEXT),
            ("def f(v):\n    return v(1)\n", Sorts::CALLABLE),
            ("def f(v):\n    w = 1\n    return v < w\n", Sorts::NUMBER),
            ("def f(v):\n    v += 'x'\n", Sorts::TEXT),
            ("def f(v):\n    return 'a' + v\n", Sorts::TEXT),
            ("def f(v):\n    return x[v:]\n", Sorts::NUMBER),
            ("def f(v):\n    return v\n", Sorts::UNKNOWN),
        ];
        for (source, expected) in rows {
            assert_eq!(hint_of(source, "v").sorts, expected, "{source}");
        }
    }

    #[test]
    fn elements_are_known_where_they_are_told() {
        assert_eq!(hint_of("def f(v: List[int]):\n    return v\n", "v").elements, Sorts::NUMBER);
        assert_eq!(hint_of("def f():\n    v = []\n    v.append('x')\n", "v").elements, Sorts::TEXT);
        assert_eq!(hint_of("def f(v: List[int]):\n    w = v[0]\n", "w").sorts, Sorts::NUMBER);
        assert_eq!(hint_of("def f(v: List[int]):\n    w = v[1:]\n", "w").sorts, Sorts::LIST);
    }

    #[test]
    fn declared_results_are_read() {
        let language = language_of("a.py").unwrap();
        for (head, expected) in [
            ("def f() -> int", Sorts::NUMBER),
            ("def f(a: str) -> List[str]", Sorts::LIST),
            ("def f(a: str)", Sorts::UNKNOWN),
            ("def f() -> 'Thing'", Sorts::UNKNOWN),
        ] {
            let source = format!("{head}:\n    pass\n");
            let tree = parse(&source, &language.parser(), language.grammar()).unwrap();
            let function = tree.children(tree.root().unwrap())[0];
            assert_eq!(Hints::declared_result(&tree, language, function), expected, "{head}");
        }
    }
}

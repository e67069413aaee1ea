//! One place of the code with everything around it: what a family of edits is given.

use super::features::{Feature, Features};
use super::layout::Gap;
use super::proposal::{Place, Proposals};
use crate::edit::Span;
use crate::kind::EditKind;
use crate::language::{Language, Operators, Sorts, Spelling, Vocabulary};
use crate::scope::{Availability, Expression, Hints, Name, Region, is_bound_here};
use crate::syntax::{Fragment, NodeId, Role, Shape, Tree};

/// A node of a region.
#[derive(Clone, Copy)]
pub struct Site<'r, 'a> {
    /// The function (or module code) around it.
    pub region: &'r Region<'a>,
    /// The node.
    pub id: NodeId,
    /// Whether the place is the gap after the node rather than the node.
    pub after: bool,
}

/// A variable that could be used at a site.
#[derive(Clone, Copy)]
pub struct Choice<'r, 'a> {
    /// The variable.
    pub name: &'r Name<'a>,
    /// What is known about using it there.
    pub features: Features,
    /// Its sorts.
    pub sorts: Sorts,
}

impl<'r, 'a> Site<'r, 'a> {
    /// The file.
    pub fn tree(&self) -> &'a Tree<'a> {
        self.region.tree
    }

    /// The language.
    pub fn language(&self) -> &'static dyn Language {
        self.region.language
    }

    /// Its operators.
    pub fn operators(&self) -> &'static Operators {
        self.language().operators()
    }

    /// Its vocabulary.
    pub fn vocabulary(&self) -> &'static Vocabulary {
        self.language().vocabulary()
    }

    /// Its spelling of statements.
    pub fn spelling(&self) -> &'static dyn Spelling {
        self.language().spelling()
    }

    /// What the node is.
    pub fn shape(&self) -> Shape {
        self.tree().shape(self.id)
    }

    /// What the node is to its parent.
    pub fn role(&self) -> Role {
        self.tree().role(self.id)
    }

    /// Source text of the node.
    pub fn text(&self) -> &'a str {
        self.tree().text(self.id)
    }

    /// The first child in a role.
    pub fn child(&self, role: Role) -> Option<NodeId> {
        self.tree().child(self.id, role)
    }

    /// Another node of the region.
    pub fn at(&self, id: NodeId) -> Self {
        Self { region: self.region, id, after: false }
    }

    /// The gap before or after the node.
    pub fn in_gap(&self, gap: &Gap<'_>) -> Self {
        Self { after: gap.after, ..*self }
    }

    /// Offset from which names are looked at.
    fn offset(&self) -> usize {
        let span = self.tree().node(self.id).span;
        if self.after { span.end } else { span.start }
    }

    /// Line from which distances are counted.
    fn line(&self) -> u32 {
        let node = self.tree().node(self.id);
        if self.after { node.last_line } else { node.line }
    }

    /// Whether a name has a value here.
    fn availability(&self, name: &Name<'_>) -> Availability {
        name.availability(self.tree(), self.id, self.offset())
    }

    /// Proposes a new statement in a gap.
    pub fn insert(
        &self,
        out: &mut Proposals<'_>,
        kind: EditKind,
        gap: &Gap<'_>,
        text: &str,
        features: Features,
    ) {
        let (span, text) = gap.insertion(text);
        let place = if gap.after { Place::After(self.id) } else { Place::Before(self.id) };
        out.add(kind, place, span, text, features);
    }

    /// The node as a fragment.
    pub fn fragment(&self) -> Fragment {
        self.fragment_of(self.id)
    }

    /// Another node as a fragment.
    pub fn fragment_of(&self, id: NodeId) -> Fragment {
        self.language().fragment(self.tree(), id)
    }

    /// A name, literal or call as a fragment.
    pub fn atom(&self, text: impl Into<String>) -> Fragment {
        Fragment::new(text, self.operators().primary)
    }

    /// An integer as a fragment.
    pub fn integer(&self, value: i64) -> Fragment {
        let level = if value < 0 { self.operators().sign } else { self.operators().primary - 1 };
        Fragment::new(value.to_string(), level)
    }

    /// `left operator right` with parentheses where the operands need them.
    pub fn binary(&self, left: &Fragment, operator: &str, right: &Fragment) -> Fragment {
        let level = self.operators().level(operator);
        let to_the_right = self.operators().right_associative.contains(&operator);
        let is_comparison = !self.operators().comparison_group(operator).is_empty();
        let (for_left, for_right) = match (is_comparison, to_the_right) {
            (true, _) => (level + 1, level + 1),
            (_, true) => (level + 1, level),
            _ => (level, level + 1),
        };
        Fragment::new(format!("{} {operator} {}", left.at_least(for_left), right.at_least(for_right)), level)
    }

    /// The negation of a condition, in the shortest spelling.
    pub fn negated(&self, id: NodeId) -> Fragment {
        let tree = self.tree();
        let id = tree.bare(id);
        let operators = self.operators();
        if tree.shape(id) == Shape::Not
            && let Some(operand) = tree.child(id, Role::Operand)
        {
            return self.fragment_of(operand);
        }
        if let (Shape::Comparison, [left, right]) = (tree.shape(id), tree.children(id))
            && let Some(opposite) = operators.opposite(self.language().operator(tree, id))
        {
            return self.binary(&self.fragment_of(*left), opposite, &self.fragment_of(*right));
        }
        let inner = self.fragment_of(id).at_least(operators.negation);
        Fragment::new(format!("{}{inner}", operators.not), operators.negation)
    }

    /// Whether the node is an expression whose value is used (not assigned to, not the function of a call).
    pub fn is_value(&self) -> bool {
        let tree = self.tree();
        let is_part = matches!(self.role(), Role::Callee | Role::Target | Role::Member | Role::Name);
        self.shape().is_expression() && !is_part && !is_bound_here(tree, self.id)
    }

    /// Whether the node decides something: a branch, a loop, an operand of a condition.
    pub fn is_condition(&self) -> bool {
        let is_tested = self.tested_role() == Role::Condition;
        let is_logical = matches!(self.shape(), Shape::Comparison | Shape::Logical | Shape::Not);
        let in_logical = matches!(self.tree().parent_shape(self.id), Some(Shape::Logical | Shape::Not));
        self.is_value() && (is_tested || is_logical || in_logical)
    }

    /// The role of the node, or of the parentheses around it.
    pub fn tested_role(&self) -> Role {
        let tree = self.tree();
        let outermost =
            tree.ancestors(self.id).take_while(|id| tree.shape(*id) == Shape::Parenthesised).last();
        outermost.map_or(self.role(), |id| tree.role(id))
    }

    /// What the node's value seems to be.
    pub fn sorts(&self) -> Sorts {
        self.region.hints.expression(self.tree(), self.language(), self.id).sorts
    }

    /// What a value in place of the node should be: what the function says it returns, or what is there.
    pub fn needed(&self) -> Sorts {
        let tree = self.tree();
        let is_returned = tree.parent_shape(self.id) == Some(Shape::Return);
        let function = tree.enclosing(self.id, &[Shape::Function]).filter(|_| is_returned);
        let declared = function.map(|id| Hints::declared_result(tree, self.language(), id));
        declared.filter(|sorts| !sorts.is_unknown()).unwrap_or_else(|| self.sorts())
    }

    /// Proposes another expression in place of this one.
    pub fn put(&self, out: &mut Proposals<'_>, kind: EditKind, new: &Fragment, features: Features) {
        self.put_for(out, kind, self.id, new, features);
    }

    /// Proposes another expression in place of a node; the proposal counts as made at this site.
    pub fn put_for(
        &self,
        out: &mut Proposals<'_>,
        kind: EditKind,
        node: NodeId,
        new: &Fragment,
        features: Features,
    ) {
        let tree = self.tree();
        let text = new.at_least(self.language().needed_at(tree, node));
        let features = features
            .when(Feature::Repeats, self.at(node).stands_beside(&new.text))
            .when(Feature::Familiar, self.region.ingredients.texts_in_file.contains(new.text.as_str()));
        out.add(kind, Place::At(self.id), tree.node(node).span, text, features);
    }

    /// Proposes another text for a span.
    pub fn rewrite(
        &self,
        out: &mut Proposals<'_>,
        kind: EditKind,
        span: Span,
        text: impl Into<String>,
        features: Features,
    ) {
        out.add(kind, Place::At(self.id), span, text.into(), features);
    }

    /// Whether a text is that of a node beside this one: `x == x`, `f(a, a)`, `a = a`.
    fn stands_beside(&self, text: &str) -> bool {
        let tree = self.tree();
        let Some(parent) = tree.parent(self.id) else { return false };
        let beside = tree.children(parent).iter().any(|child| *child != self.id && tree.text(*child) == text);
        beside
            && matches!(
                tree.shape(parent),
                Shape::Binary
                    | Shape::Comparison
                    | Shape::Logical
                    | Shape::Assignment
                    | Shape::Call
                    | Shape::AugmentedAssignment
                    | Shape::Subscript
                    | Shape::Conditional
            )
    }

    /// Whether the value seems to be of the needed sort.
    pub fn sort_features(&self, needed: Sorts, given: Sorts) -> Features {
        Features::none()
            .when(Feature::SortMatch, needed.meets(given))
            .when(Feature::SortClash, needed.clashes(given))
    }

    /// The variables that could be used here, most likely ones first. `needed` is the sort to look for.
    pub fn names(&self, needed: Sorts, limit: usize) -> Vec<Choice<'r, 'a>> {
        let line = self.line();
        let rank = |name: &Name<'_>| {
            let availability = self.availability(name);
            (availability, name.is_outer, name.distance(line).unwrap_or(u32::MAX))
        };
        let mut ranked: Vec<_> = self.region.names.all.iter().map(|name| (rank(name), name)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let usable =
            ranked.into_iter().filter(|((availability, ..), _)| *availability != Availability::Unbound);
        usable.take(limit).map(|(_, name)| self.choice(name, needed)).collect()
    }

    /// A variable as a choice for this place.
    fn choice(&self, name: &'r Name<'a>, needed: Sorts) -> Choice<'r, 'a> {
        let sorts = self.region.hints.name(name.text).sorts;
        Choice { name, features: self.name_features(name).or(self.sort_features(needed, sorts)), sorts }
    }

    /// What is known about using a variable here.
    fn name_features(&self, name: &Name<'_>) -> Features {
        let tree = self.tree();
        let near = name.distance(self.line()).map_or(0.0, |lines| 1.0 / (1.0 + lines as f32 / 2.0));
        let availability = self.availability(name);
        Features::none()
            .with(Feature::NameNear, near)
            .with(Feature::NameOften, (1.0 + name.lines.len() as f32).ln())
            .when(Feature::NameUnread, name.reads == 0 && !name.is_outer)
            .when(Feature::NameParameter, name.is_parameter)
            .when(Feature::NameOuter, name.is_outer)
            .when(Feature::NameLoop, name.is_loop_variable(tree, self.id))
            .when(Feature::NameUnbound, availability == Availability::Unbound)
            .when(Feature::NameLater, availability == Availability::Later)
    }

    /// What is known about using an expression or statement with these names here.
    pub fn code_features(&self, names: &[&str], lines: &[u32]) -> Features {
        let line = self.line();
        let distance = lines.iter().map(|other| other.abs_diff(line)).min().unwrap_or(20);
        let known = names.iter().filter_map(|name| self.region.names.get(name));
        let unbound = known.fold(Features::none(), |features, name| {
            let availability = self.availability(name);
            features
                .when(Feature::NameUnbound, availability == Availability::Unbound)
                .when(Feature::NameLater, availability == Availability::Later)
                .or(features)
        });
        unbound.with(Feature::Distance, (1.0 + distance as f32).ln())
    }

    /// What is known about reusing an expression here.
    pub fn expression_features(&self, expression: &Expression<'_>, needed: Sorts) -> Features {
        self.code_features(&expression.names, &expression.lines)
            .or(self.sort_features(needed, expression.sorts))
            .with(Feature::NameOften, (expression.lines.len() as f32).ln())
            .when(Feature::Calls, expression.calls)
    }

    /// Whether the code is in a method, which has an instance to work on.
    pub fn has_receiver(&self) -> bool {
        !self.region.receiver.is_empty()
    }
}

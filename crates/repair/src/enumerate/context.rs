//! What the place of an edit is part of: a condition, an index, a return value, a gap in a block.

use super::Place;
use crate::language::Language;
use crate::syntax::{NodeId, Role, Shape, Tree};

/// Declares [`Context`] with one row per context: variant, stable name, description.
macro_rules! contexts {
    ($($variant:ident $name:literal $description:literal)*) => {
        /// The innermost telling thing around a place.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Context { $(#[doc = $description] $variant,)* }

        impl Context {
            /// Every context in declaration order.
            pub const ALL: &'static [Context] = &[$(Context::$variant,)*];

            /// Stable name, used in the priors files.
            pub fn name(self) -> &'static str {
                match self { $(Context::$variant => $name,)* }
            }
        }
    };
}

contexts! {
    Condition "condition" "Decides a branch, a loop, a filter."
    Index "index" "Part of a subscript or slice."
    Range "range" "An argument of the counting function."
    Argument "argument" "An argument of another call."
    Iterable "iterable" "What a loop runs over."
    Returned "returned" "Part of a return value."
    Assigned "assigned" "Part of the value of an assignment."
    Target "target" "What is assigned."
    Message "message" "A message for people, an exception, an assertion."
    Default "default" "The default value of a parameter."
    Statement "statement" "A whole statement."
    BlockStart "block-start" "The gap before the first statement of a block."
    BlockMiddle "block-middle" "A gap between statements."
    BlockEnd "block-end" "The gap after the last statement of a block."
    Elsewhere "elsewhere" "None of these."
}

/// The context of a place.
pub fn context_of(tree: &Tree<'_>, language: &dyn Language, place: Place) -> Context {
    match place {
        Place::After(_) => Context::BlockEnd,
        Place::Before(id) => {
            let siblings = tree.parent(id).map(|block| tree.children(block)).unwrap_or(&[]);
            let first = siblings.iter().find(|sibling| tree.shape(**sibling) != Shape::Docstring);
            if first == Some(&id) { Context::BlockStart } else { Context::BlockMiddle }
        }
        Place::At(id) => within(tree, language, id),
    }
}

fn within(tree: &Tree<'_>, language: &dyn Language, id: NodeId) -> Context {
    if tree.role(id) == Role::Statement {
        return Context::Statement;
    }
    let statement = tree.ancestors(id).find(|node| tree.role(*node) == Role::Statement);
    if statement.is_some_and(|statement| matches!(tree.shape(statement), Shape::Raise | Shape::Assert)) {
        return Context::Message;
    }
    for node in std::iter::once(id).chain(tree.ancestors(id)) {
        if let Some(context) = telling(tree, language, node) {
            return context;
        }
        if tree.role(node) == Role::Statement {
            break;
        }
    }
    Context::Elsewhere
}

/// The context that a node's role settles.
fn telling(tree: &Tree<'_>, language: &dyn Language, node: NodeId) -> Option<Context> {
    let parent = tree.parent(node)?;
    match (tree.role(node), tree.shape(parent)) {
        (Role::Condition | Role::Guard | Role::Subject, _) => Some(Context::Condition),
        (Role::Index | Role::Lower | Role::Upper | Role::Step, _) => Some(Context::Index),
        (Role::Argument, _) => Some(called(tree, language, parent)),
        (Role::Iterable, _) => Some(Context::Iterable),
        (Role::Target, _) => Some(Context::Target),
        (Role::Default, _) => Some(Context::Default),
        (_, Shape::Return) => Some(Context::Returned),
        (Role::Value, Shape::Assignment | Shape::AugmentedAssignment) => Some(Context::Assigned),
        _ => None,
    }
}

fn called(tree: &Tree<'_>, language: &dyn Language, call: NodeId) -> Context {
    let callee = tree.child(call, Role::Callee).map_or("", |callee| tree.text(callee));
    let function = callee.rsplit('.').next().unwrap_or("");
    let vocabulary = language.vocabulary();
    if vocabulary.messages.contains(&function) {
        Context::Message
    } else if vocabulary.range == Some(callee) {
        Context::Range
    } else {
        Context::Argument
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::language_of;
    use crate::syntax::parse;

    #[test]
    fn the_innermost_telling_thing_counts() {
        let source = "\
def f(p=d1):
    for i in range(r1):
        x[i1] = a1 + f(g1)
    while c1 and y[i2]:
        print(m1)
    if h(c2):
        raise E(m2)
    k(e1)
    return o1 * 2
";
        let rows = [
            ("d1", Context::Default),
            ("r1", Context::Range),
            ("i1", Context::Index),
            ("a1", Context::Assigned),
            ("g1", Context::Argument),
            ("c1", Context::Condition),
            ("i2", Context::Index),
            ("m1", Context::Message),
            ("c2", Context::Argument),
            ("m2", Context::Message),
            ("e1", Context::Argument),
            ("o1", Context::Returned),
        ];
        let language = language_of("a.py").unwrap();
        let tree = parse(source, &language.parser(), language.grammar()).unwrap();
        let nodes = tree.subtree(tree.root().unwrap());
        for (text, expected) in rows {
            let id = nodes.iter().copied().rev().find(|id| tree.text(*id) == text).unwrap();
            assert_eq!(context_of(&tree, language, Place::At(id)), expected, "{text}");
        }
        let call = nodes.iter().copied().find(|id| tree.text(*id) == "k(e1)").unwrap();
        assert_eq!(context_of(&tree, language, Place::At(call)), Context::Statement);
        assert_eq!(context_of(&tree, language, Place::Before(call)), Context::BlockMiddle);
        assert_eq!(context_of(&tree, language, Place::After(call)), Context::BlockEnd);
    }
}

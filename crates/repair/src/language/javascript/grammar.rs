//! How tree-sitter's JavaScript node kinds are read.

use crate::syntax::{Grammar, NodeId, Role, Shape, Tree};

/// The tables for tree-sitter-javascript.
pub(super) static GRAMMAR: Grammar = Grammar {
    shapes: &[
        ("program", Shape::Module),
        ("statement_block", Shape::Block),
        ("function_declaration", Shape::Function),
        ("function_expression", Shape::Function),
        ("generator_function_declaration", Shape::Function),
        ("generator_function", Shape::Function),
        ("method_definition", Shape::Function),
        ("arrow_function", Shape::Lambda),
        ("class_declaration", Shape::Class),
        ("class", Shape::Class),
        ("export_statement", Shape::Decorated),
        ("formal_parameters", Shape::Parameters),
        ("assignment_pattern", Shape::Parameter),
        ("rest_pattern", Shape::Parameter),
        ("expression_statement", Shape::ExpressionStatement),
        ("lexical_declaration", Shape::Assignment),
        ("variable_declaration", Shape::Assignment),
        ("field_definition", Shape::Assignment),
        ("assignment_expression", Shape::Assignment),
        ("augmented_assignment_expression", Shape::AugmentedAssignment),
        ("update_expression", Shape::AugmentedAssignment),
        ("return_statement", Shape::Return),
        ("throw_statement", Shape::Raise),
        ("break_statement", Shape::Break),
        ("continue_statement", Shape::Continue),
        ("import_statement", Shape::Import),
        ("if_statement", Shape::If),
        ("else_clause", Shape::Else),
        ("for_in_statement", Shape::For),
        ("for_statement", Shape::While),
        ("while_statement", Shape::While),
        ("do_statement", Shape::While),
        ("try_statement", Shape::Try),
        ("catch_clause", Shape::Handler),
        ("finally_clause", Shape::Finally),
        ("switch_statement", Shape::Match),
        ("switch_case", Shape::Case),
        ("switch_default", Shape::Case),
        ("identifier", Shape::Name),
        ("shorthand_property_identifier_pattern", Shape::Name),
        ("number", Shape::Integer),
        ("string", Shape::Text),
        ("template_string", Shape::FormattedText),
        ("template_substitution", Shape::Interpolation),
        ("true", Shape::Boolean),
        ("false", Shape::Boolean),
        ("null", Shape::Null),
        ("undefined", Shape::Null),
        ("binary_expression", Shape::Binary),
        ("unary_expression", Shape::Unary),
        ("ternary_expression", Shape::Conditional),
        ("call_expression", Shape::Call),
        ("new_expression", Shape::Call),
        ("member_expression", Shape::Attribute),
        ("subscript_expression", Shape::Subscript),
        ("array", Shape::Listing),
        ("object", Shape::Mapping),
        ("pair", Shape::Pair),
        ("await_expression", Shape::Await),
        ("yield_expression", Shape::Yield),
        ("spread_element", Shape::Starred),
        ("parenthesized_expression", Shape::Parenthesised),
        ("array_pattern", Shape::Targets),
        ("object_pattern", Shape::Targets),
    ],
    transparent: &[
        "arguments",
        "variable_declarator",
        "class_body",
        "switch_body",
        "import_clause",
        "named_imports",
        "import_specifier",
    ],
    absorbing: &[(
        "expression_statement",
        &["assignment_expression", "augmented_assignment_expression", "update_expression"],
    )],
    enclosed: &[
        ("if_statement", "condition"),
        ("while_statement", "condition"),
        ("do_statement", "condition"),
        ("switch_statement", "value"),
    ],
    fields: &[
        ("call_expression", "function", Role::Callee),
        ("call_expression", "arguments", Role::Argument),
        ("new_expression", "constructor", Role::Callee),
        ("new_expression", "arguments", Role::Argument),
        ("subscript_expression", "index", Role::Index),
        ("member_expression", "property", Role::Member),
        ("assignment_expression", "left", Role::Target),
        ("assignment_expression", "right", Role::Value),
        ("augmented_assignment_expression", "left", Role::Target),
        ("augmented_assignment_expression", "right", Role::Value),
        ("update_expression", "argument", Role::Target),
        ("variable_declarator", "name", Role::Target),
        ("field_definition", "property", Role::Target),
        ("assignment_pattern", "left", Role::Target),
        ("assignment_pattern", "right", Role::Default),
        ("for_in_statement", "left", Role::Target),
        ("for_in_statement", "right", Role::Iterable),
        ("ternary_expression", "condition", Role::Condition),
        ("ternary_expression", "consequence", Role::Then),
        ("ternary_expression", "alternative", Role::Otherwise),
        ("unary_expression", "argument", Role::Operand),
        ("arrow_function", "parameter", Role::Target),
        ("catch_clause", "parameter", Role::Target),
        ("import_specifier", "name", Role::Target),
        ("import_specifier", "alias", Role::Target),
        ("switch_case", "value", Role::Subject),
        ("switch_case", "body", Role::Statement),
        ("switch_default", "body", Role::Statement),
        ("switch_statement", "value", Role::Subject),
        ("pair", "key", Role::Key),
        ("", "object", Role::Object),
        ("", "left", Role::Left),
        ("", "right", Role::Right),
        ("", "condition", Role::Condition),
        ("", "consequence", Role::Then),
        ("", "alternative", Role::Alternative),
        ("", "body", Role::Body),
        ("", "member", Role::Statement),
        ("", "declaration", Role::Other),
        ("", "name", Role::Name),
        ("", "value", Role::Value),
    ],
    positions: &[
        ("arguments", &[Role::Argument]),
        ("array", &[Role::Element]),
        ("object", &[Role::Element]),
        ("array_pattern", &[Role::Element]),
        ("object_pattern", &[Role::Element]),
        ("expression_statement", &[Role::Value]),
        ("return_statement", &[Role::Value]),
        ("throw_statement", &[Role::Value]),
        ("parenthesized_expression", &[Role::Value]),
        ("await_expression", &[Role::Value]),
        ("yield_expression", &[Role::Value]),
        ("spread_element", &[Role::Value]),
        ("template_substitution", &[Role::Value]),
        ("formal_parameters", &[Role::Target]),
        ("rest_pattern", &[Role::Target]),
        ("import_clause", &[Role::Target]),
        ("statement_block", &[Role::Statement]),
        ("program", &[Role::Statement]),
    ],
    leaves: &[
        ("member_expression", "property", Shape::Member),
        ("pair", "key", Shape::Opaque),
        ("field_definition", "property", Shape::Member),
        ("function_declaration", "name", Shape::Opaque),
        ("function_expression", "name", Shape::Opaque),
        ("generator_function_declaration", "name", Shape::Opaque),
        ("method_definition", "name", Shape::Opaque),
        ("class_declaration", "name", Shape::Opaque),
        ("class", "name", Shape::Opaque),
    ],
    hidden: &[
        "comment",
        "class_heritage",
        "string_fragment",
        "escape_sequence",
        "optional_chain",
        "decorator",
        "source",
        "label",
        "html_comment",
    ],
    punctuation: &["(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "'", "\"", "`", "${", "...", "?"],
    refine,
};

/// What depends on the operator, on the kind of number, or on the kind of body.
fn refine(tree: &Tree<'_>, id: NodeId) -> Option<Shape> {
    let operator = tree.node(id).tokens.first().map_or("", |token| tree.slice(*token));
    match tree.shape(id) {
        Shape::Binary => match operator {
            "<" | "<=" | ">" | ">=" | "==" | "!=" | "===" | "!==" | "in" | "instanceof" => {
                Some(Shape::Comparison)
            }
            "&&" | "||" | "??" => Some(Shape::Logical),
            _ => None,
        },
        Shape::Unary => match operator {
            "!" => Some(Shape::Not),
            "-" | "+" | "~" => None,
            _ => Some(Shape::Opaque),
        },
        Shape::Integer if tree.text(id).parse::<i64>().is_err() => Some(Shape::Float),
        Shape::Lambda => {
            let has_block = tree.child(id, Role::Body).is_some_and(|body| tree.shape(body) == Shape::Block);
            has_block.then_some(Shape::Function)
        }
        Shape::Assignment => {
            let nested = tree
                .parent(id)
                .is_some_and(|parent| tree.role(id) != Role::Statement && !is_head(tree, parent));
            nested.then_some(Shape::ChainedAssignment)
        }
        Shape::ExpressionStatement => match tree.children(id) {
            [only] if tree.shape(*only) == Shape::Text => Some(Shape::Docstring),
            _ => None,
        },
        _ => None,
    }
}

/// Whether assignments directly in the node are statements of their own: loop heads, exports, branches
/// without braces.
fn is_head(tree: &Tree<'_>, parent: NodeId) -> bool {
    matches!(
        tree.shape(parent),
        Shape::While | Shape::For | Shape::Decorated | Shape::If | Shape::Else | Shape::Case | Shape::Class
    )
}

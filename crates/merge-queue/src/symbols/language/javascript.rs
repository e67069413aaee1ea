//! JavaScript and TypeScript: one grammar's kinds are nearly a subset of the other's.

use super::Language;

type Definitions = &'static [(&'static str, &'static str, &'static [&'static str])];

const DEFINITIONS: Definitions = &[
    ("function_declaration", "", &["name"]),
    ("generator_function_declaration", "", &["name"]),
    ("class_declaration", "", &["name"]),
    ("method_definition", "", &["name"]),
    ("field_definition", "", &["property"]),
    ("variable_declarator", "", &["name"]),
    ("assignment_expression", "", &["left"]),
    // only TypeScript
    ("abstract_class_declaration", "", &["name"]),
    ("interface_declaration", "", &["name"]),
    ("type_alias_declaration", "type", &["name"]),
    ("enum_declaration", "", &["name"]),
    ("internal_module", "namespace", &["name"]),
    ("module", "module", &["name"]),
    ("function_signature", "", &["name"]),
    ("public_field_definition", "", &["name"]),
    ("property_signature", "", &["name"]),
    ("method_signature", "", &["name"]),
    ("abstract_method_signature", "", &["name"]),
];

const CONTAINERS: &[&str] = &[
    "class_declaration",
    "abstract_class_declaration",
    "interface_declaration",
    "internal_module",
    "module",
];

const WRAPPERS: &[(&str, &str)] = &[
    ("export_statement", "declaration"),
    ("expression_statement", ""),
    ("lexical_declaration", ""),
    ("variable_declaration", ""),
    ("ambient_declaration", ""),
];

const fn language(extensions: &'static [&'static str], grammar: fn() -> tree_sitter::Language) -> Language {
    Language {
        extensions,
        grammar,
        definitions: DEFINITIONS,
        containers: CONTAINERS,
        imports: &[("import_statement", "source")],
        import_list: ("named_imports", None),
        wrappers: WRAPPERS,
        attached: &["comment", "decorator"],
    }
}

pub(super) static JAVASCRIPT: Language =
    language(&["js", "jsx", "mjs", "cjs"], || tree_sitter_javascript::LANGUAGE.into());

pub(super) static TYPESCRIPT: Language =
    language(&["ts", "mts", "cts"], || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into());

pub(super) static TSX: Language = language(&["tsx"], || tree_sitter_typescript::LANGUAGE_TSX.into());

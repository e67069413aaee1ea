//! Rust.

use super::Language;

pub(super) static RUST: Language = Language {
    extensions: &["rs"],
    grammar: || tree_sitter_rust::LANGUAGE.into(),
    definitions: &[
        ("function_item", "", &["name"]),
        ("function_signature_item", "", &["name"]),
        ("struct_item", "", &["name"]),
        ("enum_item", "", &["name"]),
        ("union_item", "", &["name"]),
        ("trait_item", "", &["name"]),
        ("type_item", "", &["name"]),
        ("associated_type", "", &["name"]),
        ("const_item", "", &["name"]),
        ("static_item", "", &["name"]),
        ("mod_item", "mod", &["name"]),
        ("macro_definition", "macro", &["name"]),
        ("impl_item", "impl", &["trait", "type"]),
    ],
    containers: &["impl_item", "trait_item", "mod_item"],
    imports: &[("use_declaration", "argument"), ("extern_crate_declaration", "name")],
    import_list: ("use_list", None),
    wrappers: &[],
    attached: &["line_comment", "block_comment", "attribute_item"],
};

//! Go.

use super::Language;

pub(super) static GO: Language = Language {
    extensions: &["go"],
    grammar: || tree_sitter_go::LANGUAGE.into(),
    definitions: &[
        ("package_clause", "package", &[]),
        ("function_declaration", "", &["name"]),
        ("method_declaration", "", &["receiver", "name"]),
        ("type_spec", "", &["name"]),
        ("type_alias", "", &["name"]),
        ("const_spec", "", &["name"]),
        ("var_spec", "", &["name"]),
        ("import_declaration", "imports", &[]),
    ],
    // The list of imports is a container of imports.
    containers: &["import_declaration"],
    imports: &[("import_spec", "path")],
    import_list: ("", None),
    wrappers: &[
        ("type_declaration", ""),
        ("const_declaration", ""),
        ("var_declaration", ""),
        ("var_spec_list", ""),
    ],
    attached: &["comment"],
};

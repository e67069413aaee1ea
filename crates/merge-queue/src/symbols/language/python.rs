//! Python.

use super::Language;

pub(super) static PYTHON: Language = Language {
    extensions: &["py", "pyi"],
    grammar: || tree_sitter_python::LANGUAGE.into(),
    definitions: &[
        ("function_definition", "", &["name"]),
        ("class_definition", "", &["name"]),
        ("assignment", "", &["left"]),
        ("type_alias_statement", "", &["left"]),
    ],
    containers: &["class_definition"],
    imports: &[
        ("import_statement", "name"),
        ("import_from_statement", "module_name"),
        ("future_import_statement", ""),
    ],
    import_list: ("import_from_statement", Some("name")),
    wrappers: &[("decorated_definition", "definition"), ("expression_statement", "")],
    attached: &["comment"],
};

//! Java.

use super::Language;

pub(super) static JAVA: Language = Language {
    extensions: &["java"],
    grammar: || tree_sitter_java::LANGUAGE.into(),
    definitions: &[
        ("package_declaration", "package", &[]),
        ("class_declaration", "", &["name"]),
        ("interface_declaration", "", &["name"]),
        ("enum_declaration", "", &["name"]),
        ("record_declaration", "", &["name"]),
        ("annotation_type_declaration", "", &["name"]),
        ("method_declaration", "", &["name", "parameters"]),
        ("constructor_declaration", "", &["name", "parameters"]),
        ("variable_declarator", "", &["name"]),
    ],
    // An enum's constants are separated, not ended: moving lines about would break it.
    containers: &["class_declaration", "interface_declaration", "record_declaration"],
    imports: &[("import_declaration", "")],
    import_list: ("", None),
    wrappers: &[("field_declaration", "declarator"), ("constant_declaration", "declarator")],
    attached: &["line_comment", "block_comment"],
};

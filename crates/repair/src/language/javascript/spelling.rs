//! How JavaScript statements are written.

use crate::language::Spelling;

/// JavaScript's statements, with semicolons and braces.
pub(super) struct JavaScriptSpelling;

impl Spelling for JavaScriptSpelling {
    fn assignment(&self, target: &str, value: &str) -> String {
        format!("{target} = {value};")
    }

    fn augmented(&self, target: &str, operator: &str, value: &str) -> String {
        format!("{target} {operator} {value};")
    }

    fn return_value(&self, value: &str) -> String {
        if value.is_empty() { "return;".to_owned() } else { format!("return {value};") }
    }

    fn expression(&self, expression: &str) -> String {
        format!("{expression};")
    }

    fn jump(&self, word: &str) -> String {
        format!("{word};")
    }

    fn guarded(&self, condition: &str, statement: &str, indent: &str, unit: &str) -> String {
        format!("if ({condition}) {{\n{indent}{unit}{statement}\n{indent}}}")
    }

    fn nothing(&self) -> &'static str {
        ";"
    }

    fn is_null(&self, value: &str) -> String {
        format!("{value} == null")
    }

    fn is_not_null(&self, value: &str) -> String {
        format!("{value} != null")
    }

    fn length(&self, value: &str) -> String {
        format!("{value}.length")
    }

    fn conditional(&self, condition: &str, first: &str, second: &str) -> String {
        format!("{condition} ? {first} : {second}")
    }

    fn delegation(&self) -> &'static str {
        "yield*"
    }

    fn declares(&self, statement: &str) -> bool {
        ["let ", "const ", "var "].iter().any(|word| statement.starts_with(word))
    }

    fn indents(&self) -> bool {
        false
    }

    fn comment(&self) -> &'static str {
        "//"
    }

    fn text(&self, content: &str) -> String {
        format!("'{}'", content.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

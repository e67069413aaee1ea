//! How Python statements are written.

use crate::language::Spelling;

/// Python's statements.
pub(super) struct PythonSpelling;

impl Spelling for PythonSpelling {
    fn assignment(&self, target: &str, value: &str) -> String {
        format!("{target} = {value}")
    }

    fn augmented(&self, target: &str, operator: &str, value: &str) -> String {
        format!("{target} {operator} {value}")
    }

    fn return_value(&self, value: &str) -> String {
        if value.is_empty() { "return".to_owned() } else { format!("return {value}") }
    }

    fn expression(&self, expression: &str) -> String {
        expression.to_owned()
    }

    fn jump(&self, word: &str) -> String {
        word.to_owned()
    }

    fn guarded(&self, condition: &str, statement: &str, indent: &str, unit: &str) -> String {
        format!("if {condition}:\n{indent}{unit}{statement}")
    }

    fn nothing(&self) -> &'static str {
        "pass"
    }

    fn is_null(&self, value: &str) -> String {
        format!("{value} is None")
    }

    fn is_not_null(&self, value: &str) -> String {
        format!("{value} is not None")
    }

    fn length(&self, value: &str) -> String {
        format!("len({value})")
    }

    fn conditional(&self, condition: &str, first: &str, second: &str) -> String {
        format!("{first} if {condition} else {second}")
    }

    fn delegation(&self) -> &'static str {
        "yield from"
    }

    fn declares(&self, _statement: &str) -> bool {
        false
    }

    fn indents(&self) -> bool {
        true
    }

    fn comment(&self) -> &'static str {
        "#"
    }

    fn text(&self, content: &str) -> String {
        format!("'{}'", content.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

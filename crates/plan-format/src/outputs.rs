//! What a command hands on: declared in the plan, written by the command, read and typed here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::similar::suggestion;
use crate::value_type::{ValueType, shorten};

/// Most bytes of outputs of one task, as JSON.
pub const MOST_BYTES: usize = 256 * 1024;
/// The output that every command has.
pub const STDOUT: &str = "stdout";

/// An output as declared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputDeclaration {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// Whether it is the standard output instead of a line of the file.
    #[serde(default)]
    pub from_stdout: bool,
    /// Its value when none is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// Reads what a command wrote: `file` is what $SMALLHANDS_OUTPUT names, lines of `name=value` or JSON objects.
///
/// # Errors
/// What is missing, not declared or of the wrong type, for the task's report.
pub fn read(declared: &[OutputDeclaration], file: &str, stdout: &str) -> Result<Map<String, Value>, String> {
    let mut values = Map::new();
    for (number, line) in file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        read_line(declared, line, &mut values)
            .map_err(|reason| format!("output line {}: {reason}", number + 1))?;
    }
    for output in declared {
        if output.from_stdout {
            let value = from_stdout(&output.kind, stdout)
                .map_err(|reason| format!("output `{}`: {reason}", output.name))?;
            values.insert(output.name.clone(), value);
        } else if !values.contains_key(&output.name) {
            let Some(default) = &output.default else {
                return Err(format!(
                    "the output `{}` was not written; write a line `{}=…` to the file $SMALLHANDS_OUTPUT",
                    output.name, output.name
                ));
            };
            values.insert(output.name.clone(), default.clone());
        }
    }
    values.entry(STDOUT).or_insert_with(|| Value::from(trimmed(stdout)));
    let size = serde_json::to_string(&values).map_or(0, |text| text.len());
    if size > MOST_BYTES {
        return Err(format!("the outputs have {size} bytes; at most {MOST_BYTES} are handed on"));
    }
    Ok(values)
}

fn read_line(
    declared: &[OutputDeclaration],
    line: &str,
    values: &mut Map<String, Value>,
) -> Result<(), String> {
    let find = |name: &str| {
        let known = declared.iter().filter(|output| !output.from_stdout);
        known.clone().find(|output| output.name == name).ok_or_else(|| {
            let help = suggestion(name, known.map(|output| output.name.as_str()));
            format!("the plan declares no output `{}`; {help}", shorten(name))
        })
    };
    if line.trim_start().starts_with('{') {
        let fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
        for (name, value) in fields {
            let output = find(&name)?;
            if !output.kind.holds(&value) {
                return Err(format!(
                    "`{name}` is to be {}, not `{}`",
                    output.kind,
                    shorten(&value.to_string())
                ));
            }
            values.insert(name, value);
        }
        return Ok(());
    }
    let (name, text) =
        line.split_once('=').ok_or_else(|| format!("`{}` is not name=value", shorten(line)))?;
    let output = find(name.trim())?;
    let value = output.kind.read(text).map_err(|reason| format!("`{}`: {reason}", output.name))?;
    values.insert(output.name.clone(), value);
    Ok(())
}

/// A list of texts is the lines; everything else is read as one value.
fn from_stdout(kind: &ValueType, stdout: &str) -> Result<Value, String> {
    match kind {
        ValueType::List(of) if **of == ValueType::Text => {
            Ok(stdout.lines().filter(|line| !line.trim().is_empty()).map(Value::from).collect())
        }
        _ => kind.read(&trimmed(stdout)),
    }
}

/// Without the line end that commands put last.
fn trimmed(stdout: &str) -> String {
    stdout.trim_end_matches(['\n', '\r']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn declare(name: &str, kind: &str) -> OutputDeclaration {
        OutputDeclaration {
            name: name.into(),
            kind: ValueType::parse(kind).unwrap(),
            from_stdout: false,
            default: None,
        }
    }

    #[test]
    fn lines_and_json_are_read_by_type() {
        let declared =
            [declare("version", "string"), declare("count", "integer"), declare("files", "list<string>")];
        let file = "version=1.2=x\n\ncount= 3\n{\"files\": [\"a\", \"b\"]}\n";
        let values = read(&declared, file, "said\n").unwrap();
        let expected = json!({"version": "1.2=x", "count": 3, "files": ["a", "b"], "stdout": "said"});
        assert_eq!(Value::Object(values), expected);
    }

    #[test]
    fn standard_output_may_be_an_output() {
        let mut files = declare("files", "list<string>");
        files.from_stdout = true;
        let mut count = declare("count", "integer");
        count.from_stdout = true;
        assert_eq!(read(&[files], "", "a b\n\nc\n").unwrap()["files"], json!(["a b", "c"]));
        assert_eq!(read(std::slice::from_ref(&count), "", "12\n").unwrap()["count"], json!(12));
        assert!(read(&[count], "", "twelve").unwrap_err().contains("output `count`"));
    }

    #[test]
    fn defaults_fill_in() {
        let output = OutputDeclaration { default: Some(json!(7)), ..declare("n", "integer") };
        assert_eq!(read(std::slice::from_ref(&output), "", "").unwrap()["n"], json!(7));
        assert_eq!(read(&[output], "n=8", "").unwrap()["n"], json!(8));
    }

    #[test]
    fn mistakes_are_told() {
        let declared = [declare("version", "string"), declare("count", "integer")];
        for (file, expected) in [
            ("count=3", "the output `version` was not written"),
            ("versoin=1", "output line 1: the plan declares no output `versoin`; did you mean `version`?"),
            ("version=1\ncount=many", "output line 2: `count`: `many` is not a whole number"),
            ("{\"version\": 1}", "`version` is to be string, not `1`"),
            ("{\"version\"", "not a JSON object"),
            ("hello", "`hello` is not name=value"),
        ] {
            let told = read(&declared, file, "").unwrap_err();
            assert!(told.contains(expected), "{file}: {told}");
        }
        let large = format!("version={}\ncount=1", "x".repeat(MOST_BYTES));
        assert!(read(&declared, &large, "").unwrap_err().contains("at most"));
    }
}

//! The cases: JSON files beside this folder, one per concept. README.md there describes their form.

use std::path::Path;

use serde_json::Value;

/// One case: steps that are performed in order, each with what a correct server answers.
#[derive(Debug, Clone)]
pub struct Case {
    pub group: String,
    pub name: String,
    pub steps: Vec<Value>,
    /// Programs without which the case cannot be performed.
    pub needs: Vec<String>,
    /// It does something to the whole server, so it has one of its own.
    pub own_server: bool,
    /// Key of its own server; `None` for the usual one.
    pub token: Option<String>,
    /// A session is created before the first step.
    pub creates_session: bool,
    /// Only an ordinary user can see it.
    pub ordinary_user_only: bool,
}

/// All cases of all files, in order of the files' names.
pub fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().flat_map(|path| of_file(path)).collect()
}

fn of_file(path: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(path).unwrap();
    let file: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let group = path.file_stem().unwrap().to_string_lossy().into_owned();
    let cases = file["cases"].as_array().unwrap_or_else(|| panic!("{}: no cases", path.display()));
    cases.iter().map(|case| parse(&group, case)).collect()
}

fn parse(group: &str, case: &Value) -> Case {
    let name = case["name"].as_str().expect("a case has a name").to_owned();
    assert!(case["why"].as_str().is_some_and(|why| !why.is_empty()), "{group}/{name}: say why");
    let steps = case["steps"].as_array().unwrap_or_else(|| panic!("{group}/{name}: no steps")).clone();
    let words = |key: &str| case[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    Case {
        group: group.to_owned(),
        creates_session: case["session"] != Value::Bool(false) && uses_before_creating(&steps),
        needs: words("needs").map(str::to_owned).collect(),
        own_server: case["own_server"] == Value::Bool(true),
        token: case["token"].as_str().map(str::to_owned),
        ordinary_user_only: case["only"].as_str() == Some("user"),
        name,
        steps,
    }
}

/// Whether the case's own session is used by a step before one creates it.
fn uses_before_creating(steps: &[Value]) -> bool {
    let own = |step: &&Value| step["session"].is_null();
    let call = |step: &Value| step["call"].as_str().unwrap_or_default().to_owned();
    let first = steps.iter().filter(own).map(call).find(|call| {
        matches!(call.as_str(), "create" | "run" | "interrupt" | "close_session" | "parallel" | "raw")
    });
    first.is_some_and(|call| call != "create")
}

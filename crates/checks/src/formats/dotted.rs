//! Turns the dotted names that pytest writes into JUnit files back into node ids.

use std::collections::{BTreeMap, BTreeSet};

/// Maps dotted names to node ids: exactly where the console named the test, else by the naming of test modules.
pub(super) struct NodeIds<'a> {
    known: BTreeMap<String, &'a str>,
}

impl<'a> NodeIds<'a> {
    pub(super) fn new(known: &BTreeSet<&'a str>) -> Self {
        Self { known: known.iter().map(|id| (dotted(id), *id)).collect() }
    }

    /// The node id of the test `name` in `class`; `file` is given by the older JUnit families.
    pub(super) fn node_id(&self, class: &str, name: &str, file: Option<&str>) -> String {
        let whole = if class.is_empty() { name.to_owned() } else { format!("{class}.{name}") };
        if let Some(id) = self.known.get(&whole) {
            return (*id).to_owned();
        }
        if class.is_empty() {
            // A module that could not be collected.
            return format!("{}.py", name.replace('.', "/"));
        }
        let (path, classes) = match file {
            Some(file) => (file.to_owned(), class.strip_prefix(&module_of(file)).unwrap_or_default()),
            None => split_class(class),
        };
        let classes: String =
            classes.split('.').filter(|part| !part.is_empty()).map(|part| format!("::{part}")).collect();
        format!("{path}{classes}::{name}")
    }
}

/// `tests/test_a.py::T::t[x::y]` as `tests.test_a.T.t[x::y]`.
fn dotted(id: &str) -> String {
    let (path, name) = id.split_once("::").unwrap_or((id, ""));
    let (name, parameters) = name.split_at(name.find('[').unwrap_or(name.len()));
    format!("{}.{}{parameters}", module_of(path), name.replace("::", "."))
}

fn module_of(path: &str) -> String {
    path.strip_suffix(".py").unwrap_or(path).replace('/', ".")
}

/// Splits `tests.test_cart.TestAdd` after its module: the last part named like a test module, or else the part before
/// the first that is written like a class.
fn split_class(class: &str) -> (String, &str) {
    let parts: Vec<&str> = class.split('.').collect();
    let is_class = |part: &&str| part.starts_with(char::is_uppercase);
    let is_test_module = |part: &&str| part.starts_with("test_") || part.ends_with("_test");
    let first_class = parts.iter().position(is_class).unwrap_or(parts.len()).max(1);
    let module = parts[..first_class].iter().rposition(is_test_module).unwrap_or(first_class - 1);
    let length = parts[..=module].iter().map(|part| part.len() + 1).sum::<usize>() - 1;
    (format!("{}.py", parts[..=module].join("/")), &class[length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_module_in_a_dotted_name() {
        let ids = NodeIds::new(&BTreeSet::from(["odd/checks.py::lower::test_x[a.b]"]));
        for (class, name, file, expected) in [
            ("tests.test_cart", "test_total", None, "tests/test_cart.py::test_total"),
            ("tests.test_cart.TestAdd", "test_x[1]", None, "tests/test_cart.py::TestAdd::test_x[1]"),
            ("test_suite.test_cart.TestA.TestB", "t", None, "test_suite/test_cart.py::TestA::TestB::t"),
            ("pkg.checks.TestA", "t", None, "pkg/checks.py::TestA::t"),
            ("TestA", "t", None, "TestA.py::t"),
            ("tests.test_a.T", "t", Some("tests/test_a.py"), "tests/test_a.py::T::t"),
            ("odd.checks.lower", "test_x[a.b]", None, "odd/checks.py::lower::test_x[a.b]"),
            ("", "tests.test_import", None, "tests/test_import.py"),
        ] {
            assert_eq!(ids.node_id(class, name, file), expected, "{class} {name}");
        }
    }
}

//! Python projects: pytest where there is evidence for it, otherwise `unittest` with the arguments its discovery needs.

use std::collections::BTreeMap;

use super::{Candidate, Detector, Project, Strength, folder_of, name_of};
use crate::detection::Toolchain;

/// Detects Python projects.
pub(super) struct Python;

/// The most test files read for evidence, and named on one command line.
const FILE_LIMIT: usize = 40;

/// Files that configure pytest, with the section that does so (empty: the file itself is the evidence).
const PYTEST_CONFIGURATION: [(&str, &str); 8] = [
    ("pytest.toml", ""),
    ("pytest.ini", ""),
    (".pytest.ini", ""),
    ("pyproject.toml", "[tool.pytest"),
    ("setup.cfg", "[tool:pytest]"),
    ("tox.ini", "[pytest]"),
    ("conftest.py", ""),
    ("tests/conftest.py", ""),
];

/// Files that list what a project needs.
const DEPENDENCY_LISTS: [&str; 8] = [
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "requirements.txt",
    "requirements-dev.txt",
    "requirements/dev.txt",
    "Pipfile",
];

impl Detector for Python {
    fn manifests(&self) -> &'static [&'static str] {
        &["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "pytest.ini", "tox.ini", "Pipfile"]
    }

    /// Many small projects have no manifest; a folder with test modules, or with a folder of them, is one too.
    fn project_folder<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (folder, name) = path.rsplit_once('/')?;
        if self.manifests().contains(&name) {
            return Some(folder);
        }
        if !is_test_module(name) {
            return None;
        }
        match folder.rsplit_once('/') {
            Some((parent, "tests" | "test")) => Some(parent),
            _ => Some(folder),
        }
    }

    fn checks(&self, project: &Project<'_>) -> Vec<Candidate> {
        if !is_python(self, project) {
            return Vec::new();
        }
        let tests = TestModules::of(project);
        let pytest = pytest_evidence(project, &tests).map(|(strength, reason)| {
            let command = format!("{}python3 -m pytest", search_path(project));
            Candidate::new(Toolchain::Python, strength, command, reason)
        });
        let strength = if pytest.is_some() { Strength::Fallback } else { Strength::TestFiles };
        let unittest = if tests.bare { None } else { unittest_check(project, &tests, strength) };
        pytest.into_iter().chain(unittest).collect()
    }
}

/// Whether the project itself, and not just some folder far below it, is written in Python.
fn is_python(detector: &Python, project: &Project<'_>) -> bool {
    let is_sign = |path: &&str| match path.split_once('/') {
        None => path.ends_with(".py") || detector.manifests().contains(path),
        Some(("tests" | "test" | "src", _)) => path.ends_with(".py"),
        Some((top, "__init__.py")) => !top.is_empty(),
        Some(_) => false,
    };
    project.paths().iter().any(is_sign)
}

fn is_test_module(name: &str) -> bool {
    let stem = name.strip_suffix(".py");
    stem.is_some_and(|stem| {
        stem.starts_with("test_") || stem.ends_with("_test") || matches!(stem, "test" | "tests")
    })
}

/// What the test modules of a project say about their framework.
struct TestModules<'a> {
    /// Modules that use `unittest`.
    unittest: Vec<&'a str>,
    /// A module that imports pytest.
    importing: Option<&'a str>,
    /// A module with a test function outside any class, which only pytest runs.
    bare_module: Option<&'a str>,
    /// Whether there are tests that `unittest` would not run.
    bare: bool,
}

impl<'a> TestModules<'a> {
    fn of(project: &Project<'a>) -> Self {
        let mut modules = Self { unittest: Vec::new(), importing: None, bare_module: None, bare: false };
        let found = project.paths().iter().copied().filter(|path| is_test_module(name_of(path)));
        for path in found.take(FILE_LIMIT) {
            let Some(text) = project.read(path) else { continue };
            let has_line =
                |starts: &[&str]| text.lines().any(|line| starts.iter().any(|start| line.starts_with(start)));
            let class_based = has_line(&["import unittest", "from unittest"]) || text.contains("TestCase)");
            if class_based {
                modules.unittest.push(path);
            }
            if has_line(&["import pytest", "from pytest"]) {
                modules.importing.get_or_insert(path);
            }
            if has_line(&["def test_", "async def test_"]) {
                modules.bare_module.get_or_insert(path);
            }
        }
        modules.bare = modules.importing.is_some() || modules.bare_module.is_some();
        modules
    }
}

/// Why the project is checked by pytest, if it is.
fn pytest_evidence(project: &Project<'_>, tests: &TestModules<'_>) -> Option<(Strength, String)> {
    for (file, section) in PYTEST_CONFIGURATION {
        if section.is_empty() && project.has(file) {
            return Some((Strength::Configured, format!("{file} exists")));
        }
        let text = project.read(file).unwrap_or_default();
        if let Some(line) =
            text.lines().map(str::trim).find(|line| !section.is_empty() && line.starts_with(section))
        {
            return Some((Strength::Configured, format!("{file} has {line}")));
        }
    }
    if let Some(path) = tests.importing {
        return Some((Strength::Configured, format!("{path} imports pytest")));
    }
    if let Some(path) = tests.bare_module {
        return Some((Strength::TestFiles, format!("{path} has test functions outside classes")));
    }
    let listed = |file: &&&str| project.read(file).is_some_and(|text| mentions_pytest(&text));
    let list = DEPENDENCY_LISTS.iter().find(listed)?;
    Some((Strength::Configured, format!("{list} lists pytest")))
}

/// Whether a dependency list names pytest itself, and not only a word that contains it.
fn mentions_pytest(text: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        line.match_indices("pytest").any(|(at, word)| {
            let name_goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
            !line[..at].ends_with(name_goes_on) && !line[at + word.len()..].starts_with(name_goes_on)
        })
    })
}

/// `PYTHONPATH=src ` for the src layout, whose package is not importable from the root unless installed.
fn search_path(project: &Project<'_>) -> &'static str {
    let is_package = |path: &&str| path.starts_with("src/") && path.ends_with(".py");
    let src_is_package = project.has("src/__init__.py");
    if project.paths().iter().any(is_package) && !src_is_package { "PYTHONPATH=src " } else { "" }
}

fn unittest_check(project: &Project<'_>, tests: &TestModules<'_>, strength: Strength) -> Option<Candidate> {
    if let (Some(first), true) = (tests.unittest.first(), project.has("manage.py")) {
        let reason = format!("manage.py exists and {first} uses unittest");
        return Some(Candidate::new(
            Toolchain::Python,
            Strength::Configured,
            "python3 manage.py test",
            reason,
        ));
    }
    let first = tests.unittest.first()?;
    let arguments = discovery_arguments(project, &tests.unittest);
    let command = format!("{}python3 -m unittest{arguments}", search_path(project));
    Some(Candidate::new(Toolchain::Python, strength, command, format!("{first} uses unittest")))
}

/// The arguments that make `unittest` find `modules`.
///
/// Discovery descends only into packages, and imports relative to a top folder that must hold no `__init__.py`. So
/// modules are grouped by that folder: one group is discovered, several are named file by file.
fn discovery_arguments(project: &Project<'_>, modules: &[&str]) -> String {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for module in modules {
        groups.entry(import_root(project, folder_of(module))).or_default().push(module);
    }
    let Some((root, _)) = groups.first_key_value() else { return String::new() };
    if groups.len() > 1 {
        return modules.iter().map(|module| format!(" {}", shell_words::quote(module))).collect();
    }
    let start = common_folder(modules);
    let place = match (start.as_str(), root.as_str()) {
        ("", _) => String::new(),
        (start, root) if start == root => format!(" -s {}", shell_words::quote(start)),
        (start, "") => format!(" -s {} -t .", shell_words::quote(start)),
        (start, root) => format!(" -s {} -t {}", shell_words::quote(start), shell_words::quote(root)),
    };
    format!(" discover{place}{}", pattern(modules))
}

/// ` -p '*_test.py'` where the default pattern `test*.py` would find nothing.
fn pattern(modules: &[&str]) -> &'static str {
    if modules.iter().any(|module| name_of(module).starts_with("test")) { "" } else { " -p '*_test.py'" }
}

/// The nearest folder above `folder`, or itself, that is not a package.
fn import_root(project: &Project<'_>, folder: &str) -> String {
    let mut folder = folder;
    while !folder.is_empty() && project.has(&format!("{folder}/__init__.py")) {
        folder = folder_of(folder);
    }
    folder.to_owned()
}

/// The deepest folder that holds all `modules`.
fn common_folder(modules: &[&str]) -> String {
    let mut folders = modules.iter().map(|module| folder_of(module));
    let mut common = folders.next().unwrap_or_default();
    for folder in folders {
        let holds =
            |outer: &str| outer.is_empty() || folder == outer || folder.starts_with(&format!("{outer}/"));
        while !holds(common) {
            common = folder_of(common);
        }
    }
    common.to_owned()
}

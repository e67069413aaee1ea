//! C and C++ projects: CTest, and the `test` or `check` target of a makefile (of any language).

use super::{Candidate, Detector, Project, Strength, name_of};
use crate::detection::Toolchain;

/// Detects CMake projects and makefiles.
pub(super) struct Native;

/// What a `CMakeLists.txt` says when it registers tests.
const CMAKE_TESTS: [&str; 5] =
    ["enable_testing", "add_test", "include(CTest)", "gtest_discover_tests", "catch_discover_tests"];

const CTEST: &str =
    "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure";

/// File names in make's own order of preference.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// Targets that test, best first.
const TARGETS: [&str; 2] = ["test", "check"];

impl Detector for Native {
    fn manifests(&self) -> &'static [&'static str] {
        &["CMakeLists.txt", "Makefile", "makefile", "GNUmakefile"]
    }

    fn checks(&self, project: &Project<'_>) -> Vec<Candidate> {
        ctest(project).into_iter().chain(make(project)).collect()
    }
}

fn ctest(project: &Project<'_>) -> Option<Candidate> {
    if !project.has("CMakeLists.txt") {
        return None;
    }
    let lists = project.paths().iter().filter(|path| name_of(path) == "CMakeLists.txt");
    let (path, sign) = lists.into_iter().find_map(|path| {
        let text = project.read(path)?;
        let code: String =
            text.lines().map(|line| line.split('#').next().unwrap_or("")).collect::<Vec<_>>().join("\n");
        CMAKE_TESTS.iter().find(|sign| code.contains(**sign)).map(|sign| (path, sign))
    })?;
    Some(Candidate::new(Toolchain::Native, Strength::Configured, CTEST, format!("{path} has {sign}")))
}

fn make(project: &Project<'_>) -> Option<Candidate> {
    let makefile = project.first_of(&MAKEFILES)?;
    let text = project.read(makefile)?;
    let target = TARGETS.iter().find(|target| text.lines().any(|line| defines(line, target)))?;
    let reason = format!("{makefile} has the target {target}");
    Some(Candidate::new(Toolchain::Native, Strength::Fallback, format!("make {target}"), reason))
}

/// Whether a makefile line is a rule for `target`; `test := x` is a variable, not a rule.
fn defines(line: &str, target: &str) -> bool {
    if line.starts_with(['\t', ' ', '#', '.']) {
        return false;
    }
    match line.split_once(':') {
        Some((targets, rest)) => {
            !rest.starts_with('=') && targets.split_whitespace().any(|name| name == target)
        }
        None => false,
    }
}

//! Tells test files from the code they test, by the conventions of each language's test runners.

/// Folders whose files belong to tests.
const TEST_FOLDERS: [&str; 12] = [
    "test",
    "tests",
    "testing",
    "__tests__",
    "__test__",
    "__mocks__",
    "__snapshots__",
    "spec",
    "specs",
    "testdata",
    "fixtures",
    "e2e",
];

/// Files that steer tests wherever they are.
const TEST_FILES: [&str; 3] = ["conftest.py", "test.py", "tests.py"];

/// Languages whose files may be named `x.test.<ext>` or `x.spec.<ext>`.
const SCRIPT_EXTENSIONS: [&str; 8] = ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts"];

/// Whether `path` (repository-relative, `/`) belongs to the tests rather than to the code under test.
///
/// A repair must not change such files without saying so.
pub fn is_test_path(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let Some(file) = folders.pop() else { return false };
    folders.iter().any(|folder| TEST_FOLDERS.contains(folder)) || is_test_file(file)
}

fn is_test_file(file: &str) -> bool {
    if TEST_FILES.contains(&file) {
        return true;
    }
    let Some((stem, extension)) = file.rsplit_once('.') else { return false };
    match extension {
        "py" => stem.starts_with("test_") || stem.ends_with("_test"),
        "go" => stem.ends_with("_test"),
        "rs" => matches!(stem, "tests" | "test") || stem.ends_with("_test") || stem.ends_with("_tests"),
        "java" | "kt" | "scala" | "groovy" => is_jvm_test(stem),
        "c" | "cc" | "cpp" | "cxx" | "h" | "hpp" => {
            stem.starts_with("test_") || stem.ends_with("_test") || stem.ends_with("_unittest")
        }
        "rb" => stem.ends_with("_spec") || stem.ends_with("_test"),
        "snap" => true,
        _ if SCRIPT_EXTENSIONS.contains(&extension) => is_script_test(stem),
        _ => false,
    }
}

/// The default class patterns of the Maven surefire and failsafe plugins, and the usual ones of Kotlin and Spock.
fn is_jvm_test(class: &str) -> bool {
    let starts = class.strip_prefix("Test").is_some_and(|rest| rest.chars().all(char::is_alphanumeric));
    let capital_follows = class.chars().nth(4).is_none_or(char::is_uppercase);
    let ends = ["Test", "Tests", "TestCase", "IT", "Spec"].iter().any(|end| class.ends_with(end));
    (starts && capital_follows) || ends
}

/// The file patterns of `node --test`, jest, vitest and mocha.
fn is_script_test(stem: &str) -> bool {
    let ends = [".test", ".spec", "-test", "_test", ".e2e", ".cy"].iter().any(|end| stem.ends_with(end));
    ends || stem == "test" || stem.starts_with("test-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_test_files_of_each_language() {
        for path in [
            "tests/helpers.py",
            "src/pkg/tests/data.json",
            "test_x.py",
            "pkg/x_test.py",
            "conftest.py",
            "cart/x_test.go",
            "cart/testdata/a.txt",
            "src/x.test.ts",
            "src/x.spec.jsx",
            "src/__tests__/x.js",
            "test.mjs",
            "src/test/java/com/acme/Foo.java",
            "CartTest.java",
            "TestCart.java",
            "CartIT.kt",
            "src/parser/tests.rs",
            "cart_test.cc",
            "a/__snapshots__/x.snap",
            "./tests/a.py",
        ] {
            assert!(is_test_path(path), "{path}");
        }
    }

    #[test]
    fn leaves_other_files_alone() {
        for path in [
            "src/contest.py",
            "latest.py",
            "src/testament.rs",
            "attest.go",
            "src/x.ts",
            "Testimony.java",
            "Contest.java",
            "src/protest/x.py",
            "README.md",
            "test",
            "",
        ] {
            assert!(!is_test_path(path), "{path}");
        }
    }
}

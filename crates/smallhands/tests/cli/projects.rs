//! Small projects with a bug, made in a temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The check of the projects made here; needs nothing but Python.
pub const CHECK: &str = "python3 -m unittest";

const BUGGY: &str = "\
def discount(total, limit):
    \"\"\"Ten per cent off from the limit on.\"\"\"
    if total > limit:
        return total * 0.9
    return total


def average(values):
    if not values:
        return 0
    return sum(values) / len(values)
";

const TESTS: &str = "\
import unittest

from pricing import average, discount


class PricingTest(unittest.TestCase):
    def test_below_the_limit(self):
        self.assertEqual(discount(10, 100), 10)

    def test_at_the_limit(self):
        self.assertEqual(discount(100, 100), 90)

    def test_above_the_limit(self):
        self.assertEqual(discount(200, 100), 180)

    def test_average(self):
        self.assertEqual(average([1, 2, 3]), 2)
        self.assertEqual(average([]), 0)
";

/// A project in a folder of its own.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::Builder::new().prefix("project-").tempdir().unwrap() }
    }

    /// A plain folder with one bug: a comparison that is strict and should not be.
    pub fn buggy() -> Self {
        Self::empty().with("pricing.py", BUGGY).with("test_pricing.py", TESTS)
    }

    /// The same without the bug.
    pub fn sound() -> Self {
        Self::buggy().with("pricing.py", repaired())
    }

    /// A copy of one of the repository's examples.
    pub fn example(name: &str) -> Self {
        let project = Self::empty();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
        let copied =
            Command::new("cp").arg("-R").arg(example.join(".")).arg(project.path()).status().unwrap();
        assert!(copied.success());
        project
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The path as an argument.
    pub fn arg(&self) -> &str {
        self.path().to_str().unwrap()
    }

    /// Writes a file.
    pub fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Makes it a git repository without a commit.
    pub fn git_init(self) -> Self {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self
    }

    /// Makes it a git repository with everything committed.
    pub fn committed(self) -> Self {
        let project = self.git_init();
        project.git(&["add", "--all"]);
        project.git(&["commit", "--quiet", "--message=as it is"]);
        project
    }

    /// Runs git in the project as somebody, and returns what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        git_in(self.path(), arguments)
    }

    /// Whether the tests hold in the working tree as it is.
    pub fn tests_hold(&self) -> bool {
        holds(self.path())
    }

    /// Whether the tests hold in a copy with the patch applied.
    pub fn tests_hold_with(&self, patch: &Path) -> bool {
        let copy = Self::empty();
        let copied =
            Command::new("cp").arg("-R").arg(self.path().join(".")).arg(copy.path()).status().unwrap();
        assert!(copied.success());
        copy.git(&["apply", patch.to_str().unwrap()]);
        copy.tests_hold()
    }

    /// Everything in the folder, to be compared later: content, kind and permissions by path, `.git` included.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut found = BTreeMap::new();
        collect(self.path(), &mut found);
        found
    }
}

/// The product file without its bug.
pub fn repaired() -> String {
    BUGGY.replace("total > limit", "total >= limit")
}

/// Runs git as somebody, whoever the machine believes to be.
pub fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let identity = [
        "-c",
        "user.name=Somebody",
        "-c",
        "user.email=somebody@example.org",
        "-c",
        "protocol.file.allow=always",
    ];
    let output = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn holds(folder: &Path) -> bool {
    let mut words = CHECK.split(' ');
    let mut check = Command::new(words.next().unwrap());
    check
        .args(words)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap()
        .status
        .success()
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let status = fs::symlink_metadata(&path).unwrap();
        let content = if status.is_symlink() {
            fs::read_link(&path).unwrap().to_string_lossy().into_owned().into_bytes()
        } else if status.is_dir() {
            collect(&path, found);
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        found.insert(path, (status.permissions().mode(), content));
    }
}

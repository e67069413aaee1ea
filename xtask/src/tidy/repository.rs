//! What the rules look at: the tracked text files, the Rust sources among them, and the workspace's packages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::source::RustSource;

/// A tracked text file.
#[derive(Debug)]
pub struct TextFile {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// A dependency of a package on another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Package name.
    pub name: String,
    /// False for dev-dependencies and build-dependencies.
    pub normal: bool,
}

/// A package of the workspace.
#[derive(Debug)]
pub struct Package {
    /// Package name.
    pub name: String,
    /// Its folder from the repository's root.
    pub folder: String,
    /// What its manifest depends on.
    pub dependencies: Vec<Dependency>,
}

/// The repository as tracked by git, with the working tree's contents.
#[derive(Debug, Default)]
pub struct Repository {
    /// Root folder.
    pub root: PathBuf,
    /// Every tracked text file.
    pub files: Vec<TextFile>,
    /// The Rust files among them.
    pub sources: Vec<RustSource>,
    /// The workspace's packages.
    pub packages: Vec<Package>,
}

impl Repository {
    /// Reads the repository that `inside` belongs to.
    pub fn open(inside: &Path) -> Result<Self, String> {
        let root = PathBuf::from(output(inside, "git", &["rev-parse", "--show-toplevel"])?.trim());
        let listing =
            output(&root, "git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let files = listing
            .split('\0')
            .filter(|path| !path.is_empty())
            .filter_map(|path| read_text(&root, path))
            .collect();
        let metadata =
            output(&root, "cargo", &["metadata", "--no-deps", "--format-version", "1", "--offline"])?;
        let packages = parse_packages(&metadata, &root)?;
        let mut repository = Self { root, files, packages, sources: Vec::new() };
        repository.sources = rust_sources(&repository.files);
        Ok(repository)
    }

    /// A repository made of the given files, for the tests of rules.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        let sources = rust_sources(&files);
        Self { files, sources, ..Self::default() }
    }

    /// The sources of the product and its chores; sources of examples and fixtures are somebody else's style.
    pub fn own_sources(&self) -> impl Iterator<Item = &RustSource> {
        self.sources.iter().filter(|source| source.is_ours())
    }
}

fn output(folder: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let run = Command::new(program).args(arguments).current_dir(folder).output();
    let run = run.map_err(|error| format!("cannot start {program}: {error}"))?;
    if !run.status.success() {
        return Err(format!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&run.stderr).trim()
        ));
    }
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

/// Reads a file unless it is gone, a link to a folder, or not text.
fn read_text(root: &Path, path: &str) -> Option<TextFile> {
    let text = String::from_utf8(std::fs::read(root.join(path)).ok()?).ok()?;
    Some(TextFile { path: path.to_owned(), text })
}

/// Analyses the Rust files; a file that another one declares with `#[cfg(test)] mod name;` is a test file.
fn rust_sources(files: &[TextFile]) -> Vec<RustSource> {
    let mut sources: Vec<_> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| RustSource::analyse(&file.path, &file.text))
        .collect();
    let test_files: BTreeSet<String> = sources.iter().flat_map(RustSource::test_module_files).collect();
    for source in &mut sources {
        if test_files.contains(&source.path)
            || test_files.iter().any(|path| lies_in_module_folder(&source.path, path))
        {
            source.mark_as_test();
        }
    }
    sources
}

/// Whether `path` is a submodule of the module in `module`: `a/tests/x.rs` of `a/tests.rs` or of `a/tests/mod.rs`.
fn lies_in_module_folder(path: &str, module: &str) -> bool {
    let folder = module.strip_suffix("/mod.rs").or_else(|| module.strip_suffix(".rs")).unwrap_or(module);
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn parse_packages(metadata: &str, root: &Path) -> Result<Vec<Package>, String> {
    let metadata: Value =
        serde_json::from_str(metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    Ok(packages.iter().map(|package| parse_package(package, root)).collect())
}

fn parse_package(package: &Value, root: &Path) -> Package {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let folder = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(Path::new(""));
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    Package {
        name: text(&package["name"]),
        folder: folder.to_string_lossy().into_owned(),
        dependencies: dependencies
            .map(|dependency| Dependency {
                name: text(&dependency["name"]),
                normal: dependency["kind"].is_null(),
            })
            .collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_cargo_metadata() {
        let metadata = r#"{"packages": [{"name": "a", "manifest_path": "/r/crates/a/Cargo.toml", "dependencies": [
            {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}]}]}"#;
        let packages = parse_packages(metadata, Path::new("/r")).unwrap();
        assert_eq!((packages[0].name.as_str(), packages[0].folder.as_str()), ("a", "crates/a"));
        let normal: Vec<_> = packages[0].dependencies.iter().map(|d| (d.name.as_str(), d.normal)).collect();
        assert_eq!(normal, [("b", true), ("c", false)]);
        assert!(parse_packages("{}", Path::new("/r")).is_err());
    }

    #[test]
    fn files_declared_under_cfg_test_are_test_files_with_all_their_submodules() {
        let repository = Repository::of(&[
            ("crates/a/src/lib.rs", "mod deep;\n#[cfg(test)]\nmod tests;\n"),
            ("crates/a/src/tests.rs", "mod inner;\n"),
            ("crates/a/src/tests/inner.rs", "fn x() {}\n"),
            ("crates/a/src/deep.rs", "#[cfg(test)]\nmod cases;\nfn y() {}\n"),
            ("crates/a/src/deep/cases.rs", "fn z() {}\n"),
        ]);
        let production: Vec<_> =
            repository.sources.iter().filter(|s| s.production_lines() > 0).map(|s| s.path.as_str()).collect();
        assert_eq!(production, ["crates/a/src/lib.rs", "crates/a/src/deep.rs"]);
    }

    #[test]
    fn this_repository_can_be_opened() {
        let repository = Repository::open(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(repository.packages.iter().any(|package| package.folder == "xtask"));
        assert!(repository.sources.iter().any(|source| source.path == "xtask/src/main.rs"));
    }
}

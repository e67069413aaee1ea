//! Where a check ran, so that the paths it printed can be read as repository paths.

/// Folders that hold other people's code.
const FOREIGN_FOLDERS: [&str; 12] = [
    "site-packages",
    "dist-packages",
    "node_modules",
    ".venv",
    ".tox",
    ".nox",
    "__pycache__",
    "bower_components",
    ".pnpm",
    ".cargo",
    ".rustup",
    ".git",
];

/// Beginnings of paths that are no files of a repository.
const FOREIGN_PREFIXES: [&str; 8] =
    ["<", "node:", "internal/", "rustc/", "importlib/", "webpack:", "native ", "[native"];

/// The repository's root and the folder within it that a check ran in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place<'a> {
    root: Option<&'a str>,
    folder: String,
}

impl<'a> Place<'a> {
    /// `root` is the absolute path of the repository as the check saw it, `folder` the repository-relative working
    /// directory of the check (empty for the root).
    pub(crate) fn new(root: Option<&'a str>, folder: &str) -> Self {
        let root = root.map(|root| root.trim_end_matches(['/', '\\'])).filter(|root| !root.is_empty());
        Self { root, folder: folder.to_owned() }
    }

    /// `path` relative to the repository, or nothing where it lies outside.
    pub(crate) fn relative(&self, path: &str) -> Option<String> {
        let path = path.trim().trim_start_matches("file://");
        let path = path.split_once('?').map_or(path, |(bare, _)| bare);
        if path.is_empty() || FOREIGN_PREFIXES.iter().any(|prefix| path.starts_with(prefix)) {
            return None;
        }
        let path = path.replace('\\', "/");
        let joined = match self.below_root(&path) {
            Some(below) => below.to_owned(),
            None if is_absolute(&path) => return None,
            None if self.folder.is_empty() => path,
            None => format!("{}/{path}", self.folder),
        };
        let normal = normalised(&joined)?;
        let foreign = normal.split('/').any(|part| FOREIGN_FOLDERS.contains(&part));
        (!foreign).then_some(normal)
    }

    /// The part of `path` below the root; the root may appear inside, since `/private/tmp` and `/tmp` are one folder.
    fn below_root<'p>(&self, path: &'p str) -> Option<&'p str> {
        let root = self.root.filter(|_| is_absolute(path))?.replace('\\', "/");
        let found =
            path.match_indices(root.as_str()).find_map(|(at, _)| path[at + root.len()..].strip_prefix('/'));
        found.filter(|below| !below.is_empty())
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.as_bytes().get(1) == Some(&b':')
}

/// `path` without `.` and `..`; nothing where it climbs out of the repository.
fn normalised(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_printed_paths_as_repository_paths() {
        for (root, folder, path, expected) in [
            (None, "", "src/a.py", Some("src/a.py")),
            (None, "", "./src/../a.py", Some("a.py")),
            (None, "", "../outside.py", None),
            (None, "", "/abs/a.py", None),
            (Some("/w/repo"), "", "/w/repo/a.py", Some("a.py")),
            (Some("/w/repo/"), "", "/w/repo/a.py", Some("a.py")),
            (Some("/tmp/r"), "", "/private/tmp/r/a.py", Some("a.py")),
            (Some("/w/repo"), "", "/w/repository/a.py", None),
            (Some("/w/repo"), "", "file:///w/repo/a.mjs?v=1", Some("a.mjs")),
            (Some("/w/repo"), "", "/w/repo/node_modules/x/i.js", None),
            (Some("/w/repo"), "", "/w/repo/.venv/lib/python3/site-packages/x.py", None),
            (Some("C:\\w"), "", "C:\\w\\src\\a.py", Some("src/a.py")),
            (None, "sub", "a.py", Some("sub/a.py")),
            (None, "sub", "../b.py", Some("b.py")),
            (Some("/w"), "sub", "/w/sub/a.py", Some("sub/a.py")),
            (None, "", "<frozen importlib._bootstrap>", None),
            (None, "", "node:internal/modules/run_main", None),
            (None, "", "/rustc/abc/library/std/src/panicking.rs", None),
            (None, "", "", None),
        ] {
            let place = Place::new(root, folder);
            assert_eq!(place.relative(path).as_deref(), expected, "{root:?} {folder} {path}");
        }
    }
}

//! Finds the repository file that a partial path (`com/acme/Cart.java`, `cart_test.go`) means.

use std::collections::HashMap;

/// The files of a repository by their last path component.
pub(crate) struct PathIndex<'a> {
    by_name: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> PathIndex<'a> {
    /// Indexes repository-relative paths.
    pub(crate) fn new(paths: &'a [String]) -> Self {
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        for path in paths {
            by_name.entry(name_of(path)).or_default().push(path);
        }
        Self { by_name }
    }

    /// The path equal to `partial`, or else the only one that ends in it.
    pub(crate) fn find(&self, partial: &str) -> Option<&'a str> {
        let candidates = self.by_name.get(name_of(partial))?;
        if let Some(exact) = candidates.iter().find(|path| **path == partial) {
            return Some(exact);
        }
        let ends = |path: &&&str| path.strip_suffix(partial).is_some_and(|front| front.ends_with('/'));
        let mut ending = candidates.iter().filter(ends);
        match (ending.next(), ending.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_path_resolves_only_when_it_is_unambiguous() {
        let paths = ["src/main/java/com/acme/Cart.java", "a/x_test.go", "b/x_test.go", "x.py", "lib/x.py"];
        let paths = paths.map(String::from);
        let index = PathIndex::new(&paths);
        for (partial, expected) in [
            ("com/acme/Cart.java", Some("src/main/java/com/acme/Cart.java")),
            ("acme/Cart.java", Some("src/main/java/com/acme/Cart.java")),
            ("me/Cart.java", None),
            ("x_test.go", None),
            ("b/x_test.go", Some("b/x_test.go")),
            ("x.py", Some("x.py")),
            ("gone.py", None),
        ] {
            assert_eq!(index.find(partial), expected, "{partial}");
        }
    }
}

//! Which repair specialist a file is for: the language it is written in, as a table.

use std::path::Path;

/// File extension and the role of the specialist for it.
const ROLES: &[(&str, &str)] = &[
    ("py", "repair-python"),
    ("pyi", "repair-python"),
    ("js", "repair-javascript"),
    ("cjs", "repair-javascript"),
    ("mjs", "repair-javascript"),
    ("jsx", "repair-javascript"),
    ("ts", "repair-typescript"),
    ("tsx", "repair-typescript"),
    ("mts", "repair-typescript"),
    ("cts", "repair-typescript"),
    ("rs", "repair-rust"),
    ("go", "repair-go"),
    ("java", "repair-java"),
    ("kt", "repair-kotlin"),
    ("rb", "repair-ruby"),
    ("c", "repair-c"),
    ("h", "repair-c"),
    ("cc", "repair-cpp"),
    ("cpp", "repair-cpp"),
    ("cxx", "repair-cpp"),
    ("hpp", "repair-cpp"),
    ("cs", "repair-csharp"),
];

/// The role of the specialist that repairs the file at `path`; `repair` where its language has no specialist.
#[must_use]
pub fn role_for(path: &str) -> &'static str {
    let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
    ROLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map_or("repair", |(_, role)| role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_the_file_decides() {
        let check = |path: &str, role: &str| assert_eq!(role_for(path), role, "{path}");
        check("src/app.py", "repair-python");
        check("web/index.mjs", "repair-javascript");
        check("web/App.TSX", "repair-typescript");
        check("src/lib.rs", "repair-rust");
        check("cmd/main.go", "repair-go");
        check("a.b/Makefile", "repair");
        check("", "repair");
    }

    #[test]
    fn no_extension_is_listed_twice() {
        for (index, (extension, _)) in ROLES.iter().enumerate() {
            assert!(ROLES[..index].iter().all(|(earlier, _)| earlier != extension), "{extension}");
        }
    }
}

//! A Rust source file as the rules see it: the code without comments and literals, its functions, and which lines are tests.
//!
//! This is a lexer and a brace counter, not a parser: enough to measure and to look for names, fast, and without a dependency.

mod mask;

use std::sync::LazyLock;

use regex::Regex;

/// A function with its first and last line, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of `fn`.
    pub first: usize,
    /// The line of the closing brace.
    pub last: usize,
}

/// An analysed Rust file.
#[derive(Debug)]
pub struct RustSource {
    /// Path from the repository's root.
    pub path: String,
    /// The text as it stands.
    pub text: String,
    /// The text with comments and the contents of literals blanked out; same length, same lines.
    pub code: String,
    /// For each line, whether it belongs to tests.
    test_lines: Vec<bool>,
}

impl RustSource {
    /// Analyses a file; everything in a `tests`, `benches` or `examples` folder is a test.
    pub fn analyse(path: &str, text: &str) -> Self {
        let code = mask::mask(text);
        let lines = text.lines().count();
        let in_test_folder = path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples"));
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            test_lines: vec![in_test_folder; lines],
        };
        for (first, last) in source.test_items() {
            source.test_lines[first - 1..last].fill(true);
        }
        source
    }

    /// Whether the file belongs to the product or its chores.
    pub fn is_ours(&self) -> bool {
        let fixture = self.path.split('/').any(|part| matches!(part, "fixtures" | "testdata" | "snapshots"));
        (self.path.starts_with("crates/") || self.path.starts_with("xtask/")) && !fixture
    }

    /// Makes the whole file a test.
    pub fn mark_as_test(&mut self) {
        self.test_lines.fill(true);
    }

    /// Lines of the product: code, comments and blanks outside tests.
    pub fn production_lines(&self) -> usize {
        self.test_lines.iter().filter(|&&test| !test).count()
    }

    /// Lines of tests.
    pub fn test_lines(&self) -> usize {
        self.test_lines.iter().filter(|&&test| test).count()
    }

    /// Whether a line, from 1, belongs to tests.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.get(line - 1).copied().unwrap_or(false)
    }

    /// Lines of production code with their numbers from 1, comments and literals blanked out.
    pub fn production_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(line, _)| !self.is_test_line(*line))
    }

    /// All functions that have a body, nested ones included.
    pub fn functions(&self) -> Vec<Function> {
        static FUNCTION: LazyLock<Regex> = LazyLock::new(|| regex(r"\bfn\s+([A-Za-z_][A-Za-z0-9_]*)"));
        let found = FUNCTION.captures_iter(&self.code).filter_map(|found| {
            let (whole, name) = (found.get(0)?, found.get(1)?);
            let end = item_end(&self.code, whole.end());
            let body = self.code[whole.end()..end].ends_with('}');
            body.then(|| Function {
                name: name.as_str().to_owned(),
                first: self.line_of(whole.start()),
                last: self.line_of(end - 1),
            })
        });
        found.collect()
    }

    /// Files that this one declares as test modules with `#[cfg(test)] mod name;`, both places each may live in.
    pub fn test_module_files(&self) -> Vec<String> {
        static DECLARED: LazyLock<Regex> =
            LazyLock::new(|| regex(r"#\[cfg\(test\)\]\s*(?:pub(?:\([a-z]+\))?\s+)?mod\s+([a-z0-9_]+)\s*;"));
        let (folder, stem) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let home = match stem {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            other => format!("{folder}/{}", other.trim_end_matches(".rs")),
        };
        let names = DECLARED.captures_iter(&self.code).filter_map(|found| found.get(1));
        names
            .flat_map(|name| {
                [format!("{home}/{}.rs", name.as_str()), format!("{home}/{}/mod.rs", name.as_str())]
            })
            .collect()
    }

    /// First and last lines of items under `#[cfg(test)]` or `#[test]`.
    fn test_items(&self) -> Vec<(usize, usize)> {
        static MARK: LazyLock<Regex> =
            LazyLock::new(|| regex(r"#\[(?:cfg\((?:all\()?test\b|(?:tokio::)?test\b)[^\]]*\]"));
        let marks = MARK.find_iter(&self.code);
        marks
            .map(|mark| (self.line_of(mark.start()), self.line_of(item_end(&self.code, mark.end()) - 1)))
            .collect()
    }

    fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1
    }
}

/// Compiles a pattern that is part of this program.
pub fn regex(pattern: &str) -> Regex {
    #[allow(clippy::expect_used, reason = "the patterns are constants, and every one is compiled in a test")]
    Regex::new(pattern).expect("a constant pattern")
}

/// The offset just after the item that goes on at `from`: its closing brace, or the semicolon of an item without a body.
fn item_end(code: &str, from: usize) -> usize {
    let (mut round, mut braces) = (0_i32, 0_i32);
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => round += 1,
            b')' | b']' => round -= 1,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces <= 0 && round <= 0 {
                    return offset + 1;
                }
            }
            b';' if braces == 0 && round == 0 => return offset + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Vec<(String, usize, usize)> {
        let source = RustSource::analyse("crates/a/src/x.rs", text);
        source.functions().into_iter().map(|f| (f.name, f.first, f.last)).collect()
    }

    #[test]
    fn functions_end_at_their_own_brace() {
        let text = "fn a() {\n  let s = \"}\";\n  if x { y }\n}\ntrait T { fn b(&self); }\nfn c(x: [u8; 3]) -> u8 {\n x[0] // }\n}\n";
        let expected = [("a", 1, 4), ("c", 6, 8)].map(|(name, first, last)| (name.to_owned(), first, last));
        assert_eq!(functions(text), expected);
    }

    #[test]
    fn nested_and_generic_functions_are_found() {
        let text = "impl<T> X<T> {\n  pub async fn outer<F: Fn(u8) -> u8>(f: F)\n  where T: Send {\n    fn inner() {}\n  }\n}\n";
        assert_eq!(functions(text), [("outer".to_owned(), 2, 5), ("inner".to_owned(), 4, 4)]);
    }

    #[test]
    fn lines_are_split_between_product_and_tests() {
        let text = "//! doc\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n";
        let source = RustSource::analyse("crates/a/src/x.rs", text);
        assert_eq!((source.production_lines(), source.test_lines()), (3, 5));
        assert!(source.is_test_line(5) && !source.is_test_line(2));
        let all = RustSource::analyse("crates/a/tests/x.rs", text);
        assert_eq!((all.production_lines(), all.test_lines()), (0, 8));
    }

    #[test]
    fn cfg_test_before_a_use_covers_only_the_use() {
        let source = RustSource::analyse("crates/a/src/x.rs", "#[cfg(test)]\nuse a::{b, c};\nfn p() {}\n");
        assert_eq!((source.production_lines(), source.test_lines()), (1, 2));
    }

    #[test]
    fn declared_test_modules_name_their_files() {
        let declares = |path: &str| {
            RustSource::analyse(path, "#[cfg(test)]\nmod cases;\nmod other;\n").test_module_files()
        };
        assert_eq!(declares("crates/a/src/lib.rs"), ["crates/a/src/cases.rs", "crates/a/src/cases/mod.rs"]);
        assert_eq!(declares("crates/a/src/x.rs"), ["crates/a/src/x/cases.rs", "crates/a/src/x/cases/mod.rs"]);
    }
}

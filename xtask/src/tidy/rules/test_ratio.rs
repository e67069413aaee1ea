//! Rule: the workspace has at least 0.6 lines of tests per line of production code.

use std::fmt::Write;

use super::{Finding, Repository};

const LEAST_RATIO: f64 = 0.6;

/// Lines of a crate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Lines {
    production: usize,
    tests: usize,
}

impl Lines {
    #[allow(clippy::cast_precision_loss, reason = "line counts are far below 2^52")]
    fn ratio(self) -> f64 {
        self.tests as f64 / self.production.max(1) as f64
    }
}

/// Finds out whether the workspace as a whole has too few tests.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let total = of_folder(repository, "");
    let message = format!(
        "{:.2} lines of tests per line of production code; at least {LEAST_RATIO} are wanted",
        total.ratio()
    );
    if total.production == 0 || total.ratio() >= LEAST_RATIO {
        Vec::new()
    } else {
        vec![Finding::about("workspace", message)]
    }
}

/// The figures per crate, for people.
pub fn table(repository: &Repository) -> String {
    let mut table = format!("{:26} {:>10} {:>8} {:>6}", "crate", "production", "tests", "ratio");
    let folders =
        repository.packages.iter().map(|package| (package.name.as_str(), format!("{}/", package.folder)));
    for (name, folder) in folders.chain([("all", String::new())]) {
        let lines = of_folder(repository, &folder);
        let _ =
            write!(table, "\n{name:26} {:>10} {:>8} {:>6.2}", lines.production, lines.tests, lines.ratio());
    }
    table
}

fn of_folder(repository: &Repository, folder: &str) -> Lines {
    let sources = repository.own_sources().filter(|source| source.path.starts_with(folder));
    let rust = sources.fold(Lines::default(), |sum, source| Lines {
        production: sum.production + source.production_lines(),
        tests: sum.tests + source.test_lines(),
    });
    Lines { production: rust.production + embedded_lines(repository, folder), ..rust }
}

/// Programs in other languages that the crates carry with them are production code as well.
fn embedded_lines(repository: &Repository, folder: &str) -> usize {
    let programs = repository.files.iter().filter(|file| {
        let embedded = [".py", ".js", ".sh"].iter().any(|ending| file.path.ends_with(ending));
        let tests = file.path.split('/').any(|part| matches!(part, "tests" | "fixtures" | "testdata"));
        embedded && !tests && file.path.starts_with("crates/") && file.path.starts_with(folder)
    });
    programs.map(|file| file.text.lines().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(tests: usize) -> Repository {
        let tests = "// test\n".repeat(tests);
        Repository::of(&[
            ("crates/a/src/lib.rs", &"// code\n".repeat(8)),
            ("crates/a/python/worker.py", "import sys\nsys.exit()\n"),
            ("crates/a/tests/t.rs", &tests),
            ("crates/a/tests/fixtures/x.py", "x = 1\n"),
            ("examples/x.rs", "fn x() {}\n"),
        ])
    }

    #[test]
    fn the_ratio_is_over_everything_the_crates_carry() {
        assert_eq!(of_folder(&repository(5), "crates/a/"), Lines { production: 10, tests: 5 });
        assert!(check(&repository(6)).is_empty());
        assert!(check(&repository(5))[0].message.starts_with("0.50"));
        assert!(table(&repository(6)).ends_with("0.60"));
    }
}

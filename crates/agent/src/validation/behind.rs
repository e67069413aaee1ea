//! Which test program a `make` target really starts: pytest behind `make test` can be served warm and recorded like pytest.

use smallhands_checks::Framework;
use smallhands_shell_runtime::Runtime;

use super::request::CheckSpec;

/// The names under which `make` looks for its file, in its order.
const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// The framework of a check; for a make target whose file starts pytest in exactly one place, pytest.
pub(super) async fn framework(runtime: &dyn Runtime, check: &CheckSpec) -> Framework {
    let plain =
        !check.command.contains("-C") && !check.command.contains("-f") && !check.command.contains("cd ");
    if check.framework != Framework::Make || !plain {
        return check.framework;
    }
    for name in MAKEFILES {
        if let Ok(content) = runtime.read_file(name).await {
            let starts_pytest = starts_pytest_once(&String::from_utf8_lossy(&content));
            return if starts_pytest { Framework::Pytest } else { Framework::Make };
        }
    }
    Framework::Make
}

fn starts_pytest_once(makefile: &str) -> bool {
    let recipes =
        makefile.lines().filter(|line| line.starts_with('\t') && !line.trim_start().starts_with('#'));
    recipes.map(|line| line.matches("pytest").count()).sum::<usize>() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pytest_is_seen_in_recipes() {
        let check =
            |makefile: &str, expected| assert_eq!(starts_pytest_once(makefile), expected, "{makefile}");
        check("test:\n\tpython -m pytest -q\n", true);
        check("# pytest\ntest: lint\n\t@poetry run pytest\nlint:\n\truff check\n", true);
        check("test:\n\tpytest a\n\tpytest b\n", false);
        check("install:\n\tpip install pytest\ntest:\n\tpytest\n", false);
        check("pytest:\n\t./run\n", false);
        check("test:\n\t# pytest\n\t./run\n", false);
    }
}

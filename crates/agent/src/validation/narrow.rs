//! Makes a plain command run only some of its tests, where that is cheap and the command is simple enough to be sure.
//!
//! A guess that goes wrong costs time, not truth: the caller sees from the report whether every test it asked for was run,
//! and runs the whole command otherwise.

use smallhands_checks::{Framework, TestId};

/// More tests than this are not named on a command line.
const MOST: usize = 50;

/// A command that runs at least these tests and, if all goes well, few others.
pub(super) fn narrowed(command: &str, framework: Framework, tests: &[TestId]) -> Option<String> {
    let simple = !command.contains(['|', '&', ';', '<', '>', '`', '$', '(', '\n', '\'', '"', '\\']);
    if !simple || tests.is_empty() || tests.len() > MOST || tests.iter().any(|test| test.as_str() == command)
    {
        return None;
    }
    let ids = || tests.iter().map(TestId::as_str);
    match framework {
        Framework::CargoTest => {
            let names: Option<Vec<&str>> = ids().map(cargo_name).collect();
            let joint = if command.contains(" -- ") { "" } else { " --" };
            Some(format!("{command}{joint} {}", names?.join(" ")))
        }
        Framework::GoTest => {
            let names: Option<Vec<&str>> = ids().map(go_name).collect();
            (!command.contains("-run")).then_some(())?;
            Some(command.replacen("go test", &format!("go test -run '^({})$'", names?.join("|")), 1))
        }
        Framework::NodeTest => {
            let names: Vec<String> = ids().map(node_pattern).collect();
            let options: Vec<String> =
                names.iter().map(|name| format!("--test-name-pattern='{name}'")).collect();
            command.contains("--test ").then_some(())?;
            Some(command.replacen("--test ", &format!("--test {} ", options.join(" ")), 1))
        }
        _ => None,
    }
}

/// `shop::cart::tests::adds` is known to the test binary of `shop` as `cart::tests::adds`.
fn cargo_name(id: &str) -> Option<&str> {
    let (_, name) = id.split_once("::")?;
    let plain = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    name.chars().all(plain).then_some(name)
}

/// `example.com/shop.TestAdds/empty` is part of `TestAdds`.
fn go_name(id: &str) -> Option<&str> {
    let start = id.find(".Test")? + 1;
    let name = id[start..].split('/').next()?;
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}

/// A regular expression for the innermost name; anything unusual in it matches any character.
fn node_pattern(id: &str) -> String {
    let name = id.rsplit(" > ").next().unwrap_or(id);
    let escaped: String =
        name.chars().map(|c| if c.is_alphanumeric() || c == ' ' || c == '_' { c } else { '.' }).collect();
    format!("^{escaped}$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_narrowed_where_that_is_safe() {
        let check = |command: &str, framework, tests: &[&str], expected: Option<&str>| {
            let tests: Vec<TestId> = tests.iter().map(|test| TestId::new(*test)).collect();
            assert_eq!(narrowed(command, framework, &tests).as_deref(), expected, "{command}");
        };
        let cargo = Framework::CargoTest;
        check("cargo test -q", cargo, &["shop::a::b", "shop::c"], Some("cargo test -q -- a::b c"));
        check("cargo test -- --nocapture", cargo, &["shop::a"], Some("cargo test -- --nocapture a"));
        check("cargo test && echo ok", cargo, &["shop::a"], None);
        check("cargo test", cargo, &["src/lib.rs - f (line 3)"], None);
        check("cargo test", cargo, &["cargo test"], None);
        check("cargo test", cargo, &[], None);
        check(
            "go test ./...",
            Framework::GoTest,
            &["x.io/y.TestA/s", "x.io/y.TestB"],
            Some("go test -run '^(TestA|TestB)$' ./..."),
        );
        check(
            "node --test t/",
            Framework::NodeTest,
            &["cart > it's empty"],
            Some("node --test --test-name-pattern='^it.s empty$' t/"),
        );
        check("make test", Framework::Make, &["a"], None);
    }
}

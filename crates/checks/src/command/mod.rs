//! Understands a check's command line: which test framework it starts, in which folder, and how to make it name
//! every test it runs.

mod shell;
mod wrappers;

use serde::{Deserialize, Serialize};

pub(crate) use shell::working_folder;
use shell::{Segment, segments};

/// What runs the tests, as far as a command line or a repository shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framework {
    /// pytest, also through tox or nox.
    Pytest,
    /// Python's `unittest`, and what prints like it (Django, nose2).
    Unittest,
    /// `cargo test`.
    CargoTest,
    /// `cargo nextest run`.
    Nextest,
    /// A package script (`npm test`, yarn, pnpm, bun) or a runner such scripts start (jest, vitest, mocha).
    Npm,
    /// `node --test`.
    NodeTest,
    /// `go test`, also through gotestsum.
    GoTest,
    /// Maven with surefire.
    Maven,
    /// Gradle.
    Gradle,
    /// CTest, directly or through a generated `test` target.
    Ctest,
    /// A make target.
    Make,
    /// Anything else; its exit status decides, and every known output format is tried.
    Other,
}

/// The framework that a user's command starts.
///
/// Looks through `cd x && ...`, environment assignments, `bash -c '...'` and launchers such as `poetry run` or `npx`.
/// Where several programs run one after the other, the last test runner counts.
pub fn classify(command: &str) -> Framework {
    let found: Vec<Framework> =
        segments(command).iter().map(|segment| framework_of(&segment.words)).collect();
    let runner = found.iter().rfind(|framework| !matches!(framework, Framework::Other | Framework::Make));
    runner
        .or_else(|| found.iter().rfind(|framework| **framework == Framework::Make))
        .copied()
        .unwrap_or(Framework::Other)
}

fn framework_of(words: &[String]) -> Framework {
    let invocation = wrappers::unwrapped(words);
    if let Some(script) = invocation.script {
        return classify(script);
    }
    let words: Vec<&str> = invocation.words.iter().map(String::as_str).collect();
    let Some((program, arguments)) = words.split_first() else { return Framework::Other };
    let program = program.rsplit('/').next().unwrap_or(program);
    by_program(program, arguments).unwrap_or(Framework::Other)
}

fn by_program(program: &str, arguments: &[&str]) -> Option<Framework> {
    let first = arguments.iter().find(|word| !word.starts_with(['-', '+'])).copied().unwrap_or_default();
    let has = |flag: &str| arguments.contains(&flag);
    match program {
        "pytest" | "py.test" | "tox" | "nox" => Some(Framework::Pytest),
        "unittest" | "nose2" | "django-admin" => Some(Framework::Unittest),
        "manage.py" | "setup.py" if first == "test" => Some(Framework::Unittest),
        "cargo" if first == "nextest" => Some(Framework::Nextest),
        "cargo" if matches!(first, "test" | "t") => Some(Framework::CargoTest),
        "cargo-nextest" => Some(Framework::Nextest),
        "npm" | "yarn" | "pnpm" | "bun" if runs_test_script(first, arguments) => Some(Framework::Npm),
        "jest" | "vitest" | "mocha" | "ava" | "tap" | "c8" | "nyc" => Some(Framework::Npm),
        "node" if has("--test") => Some(Framework::NodeTest),
        "go" if first == "test" => Some(Framework::GoTest),
        "gotestsum" => Some(Framework::GoTest),
        "mvn" | "mvnw" | "mvnd" => Some(Framework::Maven),
        "gradle" | "gradlew" => Some(Framework::Gradle),
        "ctest" => Some(Framework::Ctest),
        "cmake" | "ninja" if has("test") => Some(Framework::Ctest),
        "make" | "gmake" => Some(Framework::Make),
        _ => None,
    }
}

/// `npm test`, `npm t`, `npm run test:unit`, `yarn jest`, ...
fn runs_test_script(first: &str, arguments: &[&str]) -> bool {
    let script = match first {
        "run" | "run-script" | "workspaces" => arguments.iter().find(|word| word.contains("test")),
        _ => Some(&first),
    };
    script.is_some_and(|name| {
        matches!(*name, "t" | "tst" | "jest" | "vitest" | "mocha")
            || name.split([':', '-']).any(|part| part == "test")
    })
}

/// `command` changed so that the runner names every test and goes on after a failure; the same command where it
/// already does, or where the runner is started indirectly and cannot safely be given more arguments.
pub fn itemised(command: &str) -> String {
    let chosen = classify(command);
    let all = segments(command);
    let direct = |segment: &&Segment| {
        let invocation = wrappers::unwrapped(&segment.words);
        invocation.script.is_none() && framework_of(&segment.words) == chosen
    };
    let Some(segment) = all.iter().rfind(direct) else { return command.to_owned() };
    let text = &command[segment.start..segment.end];
    let changed = match chosen {
        Framework::Pytest => with_pytest_names(text, &segment.words),
        Framework::Unittest => with_unittest_names(text, &segment.words),
        Framework::CargoTest | Framework::Nextest => before_separator(text, "--no-fail-fast", &segment.words),
        Framework::GoTest if !segment.has_any(&["-v", "-json"]) => text.replacen("go test", "go test -v", 1),
        Framework::Ctest if segment.words.iter().any(|word| word.ends_with("ctest")) => {
            appended(text, "--output-on-failure", &segment.words)
        }
        _ => text.to_owned(),
    };
    format!("{}{changed}{}", &command[..segment.start], &command[segment.end..])
}

/// Verbosity 1 names tests; 2 keeps that true under a `-q` in the configuration, and keeps messages whole.
fn with_pytest_names(text: &str, words: &[String]) -> String {
    if words.iter().any(|word| matches!(word.rsplit('/').next(), Some("tox" | "nox"))) {
        return text.to_owned();
    }
    let letters = |flag: char| -> usize {
        let short = words.iter().filter(|word| word.starts_with('-') && !word.starts_with("--"));
        let pure = short.filter(|word| word[1..].chars().all(|c| c == flag));
        pure.map(|word| word.len() - 1).sum()
    };
    let long = |flag: &str| words.iter().filter(|word| *word == flag).count();
    let quiet = letters('q') + long("--quiet");
    let missing = (quiet + 2).saturating_sub(letters('v') + long("--verbose"));
    if missing == 0 { text.to_owned() } else { format!("{} -{}", text.trim_end(), "v".repeat(missing)) }
}

fn with_unittest_names(text: &str, words: &[String]) -> String {
    let flag = if words.iter().any(|word| word.ends_with("unittest")) { "-v" } else { "-v 2" };
    let already = words
        .iter()
        .any(|word| matches!(word.as_str(), "-v" | "--verbose") || word.starts_with("--verbosity"));
    let known = words.iter().any(|word| word.ends_with("unittest") || word.ends_with("manage.py"));
    if already || !known { text.to_owned() } else { format!("{} {flag}", text.trim_end()) }
}

/// Adds `flag` in front of a ` -- ` that hands arguments on to the tests.
fn before_separator(text: &str, flag: &str, words: &[String]) -> String {
    match text.split_once(" -- ") {
        Some(_) if words.iter().any(|word| word == flag) => text.to_owned(),
        Some((own, handed_on)) => format!("{own} {flag} -- {handed_on}"),
        None => appended(text, flag, words),
    }
}

fn appended(text: &str, flag: &str, words: &[String]) -> String {
    if words.iter().any(|word| word == flag) {
        text.to_owned()
    } else {
        format!("{} {flag}", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Framework::*;

    #[test]
    fn recognises_runners_directly_and_through_launchers() {
        for (command, expected) in [
            ("pytest", Pytest),
            ("python -m pytest -x", Pytest),
            ("python3.11 -W error -m pytest tests", Pytest),
            ("env X=1 Y=2 pytest -q", Pytest),
            ("X=1 pytest", Pytest),
            ("poetry run pytest", Pytest),
            ("uv run --frozen --with pytest pytest", Pytest),
            ("cd sub && pytest", Pytest),
            ("bash -c 'cd sub && pytest -q'", Pytest),
            ("tox -e py311", Pytest),
            ("coverage run -m pytest && coverage report", Pytest),
            ("timeout -k 5 60 pytest", Pytest),
            ("pytest -q 2>&1 | tee log.txt", Pytest),
            (".venv/bin/pytest", Pytest),
            ("python3 -m unittest discover -s tests", Unittest),
            ("python manage.py test", Unittest),
            ("cargo test", CargoTest),
            ("cargo +nightly test --workspace", CargoTest),
            ("cargo --locked test", CargoTest),
            ("RUST_BACKTRACE=1 cargo nextest run", Nextest),
            ("npm test", Npm),
            ("npm ci && npm run test:unit", Npm),
            ("yarn jest", Npm),
            ("npx --yes vitest run", Npm),
            ("pnpm exec mocha", Npm),
            ("node --test", NodeTest),
            ("node --experimental-strip-types --test test/", NodeTest),
            ("go test ./...", GoTest),
            ("./mvnw -q test", Maven),
            ("mvn -q test", Maven),
            ("./gradlew test --continue", Gradle),
            ("cmake --build build && ctest --test-dir build", Ctest),
            ("make && ./run", Make),
            ("make build && pytest", Pytest),
            ("sudo -u ci make check", Make),
            ("./run-tests.sh", Other),
            ("npm run build", Other),
            ("cargo build", Other),
            ("python script.py pytest", Other),
            ("echo 'pytest", Other),
            ("", Other),
        ] {
            assert_eq!(classify(command), expected, "{command}");
        }
    }

    #[test]
    fn asks_runners_to_name_their_tests() {
        for (command, expected) in [
            ("pytest", "pytest -vv"),
            ("pytest -q", "pytest -q -vvv"),
            ("pytest -vv -x", "pytest -vv -x"),
            ("cd a && pytest | tee log", "cd a && pytest -vv| tee log"),
            ("tox", "tox"),
            ("python3 -m unittest", "python3 -m unittest -v"),
            ("python3 -m unittest discover -v", "python3 -m unittest discover -v"),
            ("python manage.py test", "python manage.py test -v 2"),
            ("cargo test -p a -- --nocapture", "cargo test -p a --no-fail-fast -- --nocapture"),
            ("cargo test --no-fail-fast", "cargo test --no-fail-fast"),
            ("go test ./...", "go test -v ./..."),
            ("go test -json ./...", "go test -json ./..."),
            ("ctest --test-dir build", "ctest --test-dir build --output-on-failure"),
            ("bash -c 'pytest'", "bash -c 'pytest'"),
            ("node --test", "node --test"),
            ("make test", "make test"),
            ("./x.sh", "./x.sh"),
        ] {
            assert_eq!(itemised(command), expected, "{command}");
        }
    }
}

//! Lines that take tests out: markers that skip them, flags that silence checks.

use std::sync::LazyLock;

use regex::Regex;

use super::diff::{FileDiff, Sign, Status};
use super::{Flag, Level, Place, Reason};

/// Markers of test frameworks, wherever tests may stand: Python, JavaScript, Rust, Go, Java, Ruby.
const SKIPS: &str = r"(?x)
      pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b | \bunittest\.(skip|skipIf|skipUnless|expectedFailure)\b
    | ^\s*@(skip|skipIf|skipUnless|expectedFailure)\b | \.skipTest\( | \braise\s+(unittest\.)?SkipTest\b | \b__test__\s*=\s*False\b
    | \b(it|test|describe|context|suite)\.(skip|todo|failing|fixme)\b | ^\s*(xit|xtest|xdescribe|xcontext)\s*\(
    | \#\[ignore\b | \bt\.Skip(f|Now)?\( | @(Ignore|Disabled)(If|On|\b) | \bassume(True|False|That)\(
    | \bpending\b\s*['(] ";

/// What makes a runner run these tests and no others.
const FOCUS: &str = r"\b(it|test|describe|context|suite)\.only\b|^\s*(fit|fdescribe)\s*\(";

/// What makes a check succeed whatever it finds, or look at less.
const SILENCERS: &str = r"(?x)
      \|\|\s*(true|:|exit\s+0)(\s|$|['\x22]) | continue-on-error:\s*true | allow_failure:\s*true | --exit-zero\b
    | --passWithNoTests\b | --no-verify\b | --deselect\b | --ignore(-glob)?[=\s] | \s-k\s*['\x22]?not\b
    | \b(testPathIgnorePatterns|collect_ignore(_glob)?|norecursedirs)\b | ^\s*(test|harness|doctest)\s*=\s*false\b
    | -DskipTests\b | -Dmaven\.test\.skip | \bignoreFailures\s*=\s*true\b | \btestFailureIgnore\b
    | \bset\s\+e\b | \bif:\s*false\b | --skip[=\s]";

struct Patterns {
    skips: Regex,
    focus: Regex,
    silencers: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        skips: Regex::new(SKIPS).ok()?,
        focus: Regex::new(FOCUS).ok()?,
        silencers: Regex::new(SILENCERS).ok()?,
    })
});

/// Markers that a diff adds. One that only moved, or stood in a line that was otherwise changed, is not new.
pub(super) fn added(file: &FileDiff, place: Option<Place>) -> Vec<Flag> {
    let Some(patterns) = PATTERNS.as_ref() else { return Vec::new() };
    if file.status == Status::Deleted {
        return Vec::new();
    }
    let mut flags = Vec::new();
    if matches!(place, None | Some(Place::Test | Place::Configuration)) {
        flags.extend(new_matches(file, &patterns.skips, Reason::Skipped, "tests are skipped"));
        flags.extend(new_matches(file, &patterns.focus, Reason::Skipped, "only these tests are run"));
    }
    if matches!(place, Some(Place::Configuration | Place::Manifest | Place::ContinuousIntegration)) {
        flags.extend(new_matches(file, &patterns.silencers, Reason::Silenced, "a check is silenced"));
    }
    flags
}

fn new_matches(file: &FileDiff, pattern: &Regex, reason: Reason, what: &str) -> Vec<Flag> {
    let found =
        |sign| file.lines(sign).filter(|line| pattern.is_match(&line.text) && !is_comment(&line.text));
    let before = found(Sign::Removed).count();
    let flag = |line: &super::diff::Line| {
        Flag::of_line(&file.path, line.number, Level::Alarm, reason, what, &line.text)
    };
    found(Sign::Added).skip(before).map(flag).collect()
}

/// Whether a line says nothing to the machine.
pub(super) fn is_comment(text: &str) -> bool {
    let text = text.trim_start();
    let hash = text.starts_with('#') && !text.starts_with("#[") && !text.starts_with("#!");
    hash || ["//", "/*", "* ", "--", "<!--", "\"\"\""].iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_each_framework_are_known() {
        let patterns = PATTERNS.as_ref().unwrap();
        for line in [
            "@pytest.mark.skip(reason='x')",
            "    @pytest.mark.xfail",
            "pytest.skip('later')",
            "@unittest.skipIf(x, 'y')",
            "        self.skipTest('x')",
            "it.skip('a', () => {",
            "xit('a', f)",
            "test.todo('b')",
            "    #[ignore]",
            "    #[ignore = \"slow\"]",
            "\tt.Skip()",
            "    @Disabled",
            "@Ignore(\"x\")",
        ] {
            assert!(patterns.skips.is_match(line), "{line}");
        }
        for line in [
            "skip = 1",
            "items.skip(3)",
            "fn skipped()",
            "test('skip', f)",
            "# nothing",
            "it('x', f)",
            "@Disabler",
        ] {
            assert!(!patterns.skips.is_match(line), "{line}");
        }
        for line in [
            "run: make test || true",
            "continue-on-error: true",
            "addopts = --ignore=tests/slow",
            "harness = false",
        ] {
            assert!(patterns.silencers.is_match(line), "{line}");
        }
        for line in ["run: make test", "a || b", "ignore = E501"] {
            assert!(!patterns.silencers.is_match(line), "{line}");
        }
        assert!(
            patterns.focus.is_match("  describe.only('a', f)") && !patterns.focus.is_match("readonly('a')")
        );
    }
}

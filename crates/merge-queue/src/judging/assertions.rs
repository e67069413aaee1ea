//! Tests and assertions that are gone, or say less than before.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::diff::{FileDiff, Hunk, Line, Sign, Status};
use super::markers::is_comment;
use super::{Flag, Level, Place, Reason};

/// How lines that say what must hold begin, in the frameworks of Python, JavaScript, Rust, Go, Java, C++.
const ASSERTIONS: &str = r"(?x)
      ^\s*assert\b | \bself\.(assert\w+|fail)\( | \b(assert|expect|should)(\.\w+)*\s*\( | \b(debug_)?assert(_eq|_ne|_matches)?!\(
    | \bassert[A-Z]\w*\( | \bpytest\.(raises|warns|fail)\b | \bt\.(Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(
    | \b(require|assert)\.[A-Z]\w*\( | \b(EXPECT|ASSERT)_[A-Z]+\( | \.should\b | \#\[should_panic | insta::assert";

/// What defines a test, with its name.
const TESTS: &str = r#"(?x)
      ^\s*(async\s+)?def\s+(?P<python>test\w*)\s*\( | ^\s*class\s+(?P<class>Test\w*)\b | ^func\s+(?P<go>(Test|Benchmark|Fuzz)\w*)\(
    | ^\s*(it|test|describe|context)(\.\w+)*\(\s*['"`](?P<script>[^'"`]+)['"`] | ^\s*(public\s+)?void\s+(?P<java>\w*[tT]est\w*)\s*\(
    | ^\s*TEST(_F|_P)?\(\s*(?P<cpp>\w+\s*,\s*\w+)\s*\) "#;

/// How much an assertion of a kind says, from nothing to everything; the first pattern that fits counts.
const STRENGTHS: [(u8, &str); 6] = [
    (
        0,
        r"(?x) ^\s*assert\s+(True|1)\b | \bassert!\(\s*true\b | \bassertTrue\(\s*(True|true)\s*[,)] | expect\(\s*true\s*\)\.toBe | ^\s*assert\s*\(\s*true\s*\)",
    ),
    (3, r"(?x) approx | assertAlmostEqual | isclose | allclose | toBeCloseTo | InDelta"),
    (
        4,
        r"(?x) == | != | assertEquals? | assert_eq | assert_ne | assertListEqual | assertDictEqual | toBe\( | toEqual | toStrictEqual | deepEqual | strictEqual | Equal\( | _EQ\(",
    ),
    (
        1,
        r"(?x) is\s+not\s+None\b | assertIsNotNone | assertNotNull | toBeDefined | toBeTruthy | not\.toBeNull | \.(is_some|is_ok)\(\) | NotNil\( | not\.toThrow",
    ),
    (4, r"(?x) \bis\b | raises | toThrow | assertRaises | should_panic"),
    (
        2,
        r"(?x) \bin\b | assertIn\b | assertIsInstance | isinstance\( | toContain | toMatch\b | toBeInstanceOf | toBeGreaterThan | toBeLessThan | assertGreater | assertLess | assertRegex | contains\( | starts_with\( | [<>]=? | typeof",
    ),
];

struct Patterns {
    assertion: Regex,
    test: Regex,
    strengths: Vec<(u8, Regex)>,
    number: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let strengths =
        STRENGTHS.iter().map(|(strength, text)| Regex::new(text).ok().map(|regex| (*strength, regex)));
    Some(Patterns {
        assertion: Regex::new(ASSERTIONS).ok()?,
        test: Regex::new(TESTS).ok()?,
        strengths: strengths.collect::<Option<_>>()?,
        number: Regex::new(
            r"\b(abs|rel|delta|places|tol|atol|rtol|abs_tol|rel_tol|epsilon)\s*=\s*([0-9.eE+-]+)",
        )
        .ok()?,
    })
});

/// Lines and tests that a diff adds somewhere: what was removed elsewhere and is here again was moved.
pub(super) struct Moved {
    lines: BTreeMap<String, usize>,
    tests: BTreeMap<String, usize>,
}

impl Moved {
    pub(super) fn among(files: &[FileDiff]) -> Self {
        let mut moved = Self { lines: BTreeMap::new(), tests: BTreeMap::new() };
        for line in files.iter().flat_map(|file| file.lines(Sign::Added)) {
            *moved.lines.entry(squeezed(&line.text)).or_default() += 1;
            if let Some(test) = test_in(&line.text) {
                *moved.tests.entry(test).or_default() += 1;
            }
        }
        moved
    }

    fn has_line(&self, text: &str) -> bool {
        self.lines.contains_key(&squeezed(text))
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn test_in(text: &str) -> Option<String> {
    let found = PATTERNS.as_ref()?.test.captures(text)?;
    let names = ["python", "class", "go", "script", "java", "cpp"];
    names.iter().find_map(|name| found.name(name)).map(|name| name.as_str().to_owned())
}

/// Tests that are gone and assertions that are gone or changed. In other files than tests only where a hunk is about
/// tests: Rust keeps them beside the code.
pub(super) fn weakened(file: &FileDiff, place: Option<Place>, moved: &Moved) -> Vec<Flag> {
    // That a whole file is gone is one flag, not a hundred.
    if file.status == Status::Deleted {
        return Vec::new();
    }
    let hunks = file
        .hunks
        .iter()
        .filter(|hunk| place == Some(Place::Test) || (place.is_none() && is_about_tests(hunk)));
    let mut flags = Vec::new();
    for hunk in hunks {
        flags.extend(removed_tests(file, hunk, moved));
        for (removed, added) in hunk.blocks() {
            flags.extend(changed_assertions(&file.path, &removed, &added, moved));
        }
    }
    flags
}

fn is_about_tests(hunk: &Hunk) -> bool {
    let signs = ["#[test]", "mod tests", "#[cfg(test)]", "::test]"];
    signs
        .iter()
        .any(|sign| hunk.heading.contains(sign) || hunk.lines.iter().any(|line| line.text.contains(sign)))
}

fn removed_tests(file: &FileDiff, hunk: &Hunk, moved: &Moved) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut marked = false;
    for line in hunk.lines.iter().filter(|line| line.sign == Sign::Removed) {
        let rust = line.text.trim_start().strip_prefix("fn ").filter(|_| marked);
        let rust = rust.map(|rest| rest.split('(').next().unwrap_or(rest).to_owned());
        let is_there = |name: &String| {
            moved.tests.contains_key(name)
                || moved.lines.keys().any(|line| line.contains(&format!("fn {name}(")))
        };
        if let Some(name) = test_in(&line.text).or(rust).filter(|name| !is_there(name)) {
            let what = format!("test `{name}` is removed or renamed");
            flags.push(Flag::of_line(
                &file.path,
                line.number,
                Level::Alarm,
                Reason::TestRemoved,
                &what,
                &line.text,
            ));
        }
        let text = line.text.trim();
        marked = text.ends_with("test]") || (marked && text.starts_with('#'));
    }
    flags
}

/// Pairs removed assertions with added ones in the same place: what has no partner is gone.
fn changed_assertions(path: &str, removed: &[&Line], added: &[&Line], moved: &Moved) -> Vec<Flag> {
    let Some(patterns) = PATTERNS.as_ref() else { return Vec::new() };
    let is_assertion = |line: &&&Line| patterns.assertion.is_match(&line.text) && !is_comment(&line.text);
    let gone: Vec<&&Line> =
        removed.iter().filter(is_assertion).filter(|line| !moved.has_line(&line.text)).collect();
    let kept = |line: &&&Line| !removed.iter().any(|old| squeezed(&old.text) == squeezed(&line.text));
    let new: Vec<&&Line> = added.iter().filter(is_assertion).filter(kept).collect();
    let flag = |line: &Line, level, reason, what: &str| {
        Flag::of_line(path, line.number, level, reason, what, &line.text)
    };
    gone.iter()
        .enumerate()
        .map(|(at, old)| match new.get(at) {
            None => flag(old, Level::Alarm, Reason::AssertionRemoved, "an assertion is removed"),
            Some(new) if says_less(patterns, &old.text, &new.text) => {
                flag(new, Level::Alarm, Reason::AssertionWeakened, "an assertion says less than before")
            }
            Some(new) => flag(new, Level::Warning, Reason::AssertionChanged, "an assertion is changed"),
        })
        .collect()
}

/// Whether the new assertion is of a kind that says less, or allows larger differences.
fn says_less(patterns: &Patterns, old: &str, new: &str) -> bool {
    let strength = |text: &str| {
        patterns.strengths.iter().find(|(_, regex)| regex.is_match(text)).map(|(strength, _)| *strength)
    };
    match (strength(old), strength(new)) {
        (Some(old), Some(new)) if old != new => new < old,
        // A bare condition says less than a comparison.
        (Some(old), None) => old >= 3,
        (None, Some(new)) => new == 0,
        _ => is_looser(patterns, old, new),
    }
}

fn is_looser(patterns: &Patterns, old: &str, new: &str) -> bool {
    let numbers = |text: &str| -> BTreeMap<String, f64> {
        let found = patterns.number.captures_iter(text);
        found.filter_map(|found| Some((found[1].to_owned(), found[2].parse().ok()?))).collect()
    };
    let new = numbers(new);
    numbers(old).iter().any(|(name, before)| {
        new.get(name).is_some_and(|now| if name == "places" { now < before } else { now > before })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weaker_assertions_are_told_from_other_ones() {
        let patterns = PATTERNS.as_ref().unwrap();
        let weaker = [
            ("assert f(1) == 2", "assert f(1) is not None"),
            ("assert f(1) == 2", "assert f(1)"),
            ("assert f(1) == 2", "assert True"),
            ("self.assertEqual(f(1), 2)", "self.assertIn(f(1), [2, 3])"),
            ("expect(f(1)).toBe(2)", "expect(f(1)).toBeDefined()"),
            ("assert_eq!(f(1), 2);", "assert!(f(1) > 0);"),
            ("assert x == pytest.approx(1, rel=1e-6)", "assert x == pytest.approx(1, rel=1e-2)"),
            ("self.assertAlmostEqual(x, 1, places=7)", "self.assertAlmostEqual(x, 1, places=2)"),
        ];
        for (old, new) in weaker {
            assert!(says_less(patterns, old, new), "{old} -> {new}");
            assert!(!says_less(patterns, new, old), "{new} -> {old}");
        }
        for (old, new) in [
            ("assert f(1) == 2", "assert f(1) == 3"),
            ("assert a", "assert b"),
            ("assert!(a);", "assert!(b);"),
        ] {
            assert!(!says_less(patterns, old, new), "{old} -> {new}");
        }
    }

    #[test]
    fn tests_are_known_by_their_definitions() {
        let cases = [
            ("    def test_a(self):", Some("test_a")),
            ("async def test_b():", Some("test_b")),
            ("func TestC(t *testing.T) {", Some("TestC")),
            ("  it('does d', () => {", Some("does d")),
            ("    public void testE() {", Some("testE")),
            ("def helper():", None),
            ("  expect(x)", None),
        ];
        for (line, expected) in cases {
            assert_eq!(test_in(line).as_deref(), expected, "{line}");
        }
    }
}

//! What holds for every candidate, on code with most of the syntax there is, and on random text.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use smallhands_repair::{
    Candidate, EnumerationLimits, SearchInput, Suspicion, candidates, functions, language_of, search,
};

const PYTHON: &str = r##""""Module documentation: a < b and c."""
import os
from collections import deque as queue, Counter

LIMIT = 10
NAMES = {"a": 1, 'b': 2}


@decorated(3)
class Stack(Base):
    """Class documentation: x + 1."""

    size: int = 0

    def __init__(self, items=None, *args, limit: int = LIMIT, **options):
        # a comment: x < y
        self.items = list(items or [])
        self.limit, self.extra = limit, options.get("extra")
        self.size = len(self.items)

    @property
    def top(self):
        if not self.items: return None
        return self.items[-1]

    @staticmethod
    async def fetch(url, retries=3):
        """Fetch a thing; retries > 0."""
        while retries > 0 and url is not None:
            try:
                async with session(url) as reply, lock:
                    return await reply.text()
            except (ValueError, KeyError) as error:
                retries -= 1
                print(f"failed {url!r}: {error} after {retries + 1:>3} of {LIMIT}")
            else:
                break
            finally:
                retries += 0
        raise TimeoutError("gave up: %s" % url) from None

    def push(self, *values):
        for index, value in enumerate(values, start=1):
            if value in self.items or (index > self.limit and not self.extra):
                continue
            elif value == self.top:
                break
            else:
                self.items.append(value)
        else:
            self.size = len(self.items)
        return self


def compute(xs: list, k: int, *, key=lambda v, w=1: v * w):
    total, seen = 0, set()
    best = None
    for x in xs[1:k]:
        total += key(x) // 2 if x % 2 == 0 else -x
        if 0 <= x < k: seen.add(x); total -= 1
        def inner(y):
            nonlocal total
            yield from (y, total)
            yield y ** -1
    pairs = [(a, b) for a in xs if a > 0 for b in xs if a != b]
    table = {a: b for a, b in pairs}
    unique = {a for a in table}
    if (n := len(unique)) > 10:
        best = max(unique, key=lambda v: table[v], default=0)
    match best:
        case None if total:
            return 1.5 * total
        case [a, *rest]:
            return rest
        case _:
            pass
    del table[best], best
    assert total >= 0, "negative"
    return (
        total
        + n
    ), [*pairs]


x = y = compute([1, 2], k=3)
if __name__ == "__main__":
    print(x[::-1], y[0:1, 2], not x, ~x & 3 | 4 ^ 5 << 6)
"##;

const JAVASCRIPT: &str = r##"'use strict';
import { helper as tool } from 'tools';

/** Documentation: a < b. */
const LIMIT = 10, names = { a: 1, 'b': 2 };

export class Stack extends Base {
  size = 0;
  #secret = 1;

  constructor(items = [], ...rest) {
    super();
    this.items = items;
    this.size = rest.length + this.#secret;
  }

  get top() {
    if (this.items.length === 0) return undefined;
    return this.items[this.items.length - 1];
  }

  static async load(url, { retries = 3, delay }) {
    // a comment: x < y
    while (retries > 0 && url !== null) {
      try {
        return await fetch(url);
      } catch (error) {
        retries--;
        console.log(`failed ${url}: ${error.message + 1} of ${LIMIT}`);
      } finally {
        delay *= 2;
      }
    }
    throw new Error('gave up');
  }
}

function compute(xs, k = 1) {
  let total = 0;
  const seen = new Set(), double = (x) => x * 2, clean = x => { return typeof x; };
  for (let i = 0; i < xs.length; i++) {
    if (!xs[i]) continue;
    else if (xs[i] === k || seen.has(xs[i])) {
      total += xs[i] ? -xs[i] : k ** 2;
    } else break;
  }
  for (const x of xs) total -= x;
  for (const key in names) {
    delete names[key];
  }
  do {
    total++;
  } while (total < 3);
  switch (k) {
    case 1:
      return 2;
    default:
      total = -1;
  }
  const { p, q: [r] } = xs;
  xs?.first?.[0]?.(1);
  const picked = p ?? r;
  const options = { xs, b: 1, [k]: 2, ...picked, m() { return 1; } };
  if (xs instanceof Stack || k in options) return;
  xs.map((x) => x + total).filter(Boolean);
  return /re/g.test(xs) ? clean : double;
}

module.exports = function (x) {
  return compute(x, 2);
};
"##;

/// Every candidate.
fn all(path: &str, source: &str) -> Vec<Candidate> {
    at_most(200_000, path, source)
}

/// Some candidates: what is cheap enough to ask for many times.
fn few(path: &str, source: &str) -> Vec<Candidate> {
    at_most(300, path, source)
}

fn at_most(max_candidates: usize, path: &str, source: &str) -> Vec<Candidate> {
    let sources = vec![(path.to_owned(), source.to_owned())];
    let suspicion = Suspicion::uniform(&sources);
    let limits = EnumerationLimits { max_candidates, ..EnumerationLimits::default() };
    candidates(&SearchInput { sources: &sources, suspicion: &suspicion, limits })
}

fn parser(language: tree_sitter::Language) -> tree_sitter::Parser {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&language).unwrap();
    parser
}

/// Every candidate must parse, differ from the source, and be unique; comments and documentation stay.
fn check(path: &str, source: &str, language: tree_sitter::Language, untouched: &[&str]) {
    let found = all(path, source);
    assert!(found.len() > 1000, "only {} candidates", found.len());
    let mut parser = parser(language);
    assert!(!parser.parse(source, None).unwrap().root_node().has_error(), "the specimen itself must parse");
    let mut seen = BTreeSet::new();
    let mut broken = Vec::new();
    for (index, candidate) in found.iter().enumerate() {
        let edited = candidate.edit.apply(source);
        assert_ne!(edited, source, "{candidate:?} changes nothing");
        assert!(seen.insert(edited.clone()), "{candidate:?} is there twice");
        assert!(candidate.score.is_finite() && candidate.tier == candidate.kind.tier());
        assert!(candidate.edit.summary(source).chars().count() <= smallhands_repair::SUMMARY_LIMIT);
        for text in untouched {
            assert!(edited.contains(text), "{candidate:?} touches {text}");
        }
        // Parsing them all takes a minute; every fourth finds a family that goes wrong just as well.
        if index % 4 == 0 && parser.parse(&edited, None).unwrap().root_node().has_error() {
            broken.push(format!("{}: {}", candidate.kind, candidate.edit.summary(source)));
        }
    }
    assert!(broken.is_empty(), "{} of {} do not parse\n{}", broken.len(), found.len(), broken.join("\n"));
    assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score), "best first");
}

#[test]
fn python_candidates_are_sound() {
    let untouched = [
        "Module documentation: a < b and c.",
        "# a comment: x < y",
        "retries > 0.",
        "Class documentation: x + 1.",
    ];
    check("a.py", PYTHON, tree_sitter_python::LANGUAGE.into(), &untouched);
}

#[test]
fn javascript_candidates_are_sound() {
    let untouched = ["Documentation: a < b.", "// a comment: x < y", "'use strict';", "from 'tools'"];
    check("a.js", JAVASCRIPT, tree_sitter_javascript::LANGUAGE.into(), &untouched);
}

#[test]
fn line_breaks_of_other_systems_are_fine() {
    let source = PYTHON.replace('\n', "\r\n");
    let mut parser = parser(tree_sitter_python::LANGUAGE.into());
    for candidate in all("a.py", &source).iter().filter(|candidate| candidate.tier == 3).take(2000) {
        let edited = candidate.edit.apply(&source);
        assert!(!parser.parse(&edited, None).unwrap().root_node().has_error(), "{candidate:?}");
    }
}

#[test]
fn equal_input_gives_equal_output() {
    assert_eq!(all("a.py", PYTHON), all("a.py", PYTHON));
}

#[test]
fn suspicious_lines_lead_and_unsuspected_functions_are_left_alone() {
    let source = "def f(a):\n    b = a + 1\n    return b - 1\n\ndef g(a):\n    return a + 1\n";
    let sources = vec![("a.py".to_owned(), source.to_owned())];
    let mut suspicion = Suspicion::default();
    suspicion.raise("a.py", 3, 1.0);
    let found =
        candidates(&SearchInput { sources: &sources, suspicion: &suspicion, limits: Default::default() });
    assert_eq!(found.first().map(|candidate| candidate.line), Some(3));
    assert!(found.iter().all(|candidate| candidate.function.as_deref() == Some("f")));
    assert!(found.iter().any(|candidate| candidate.line == 2), "lines beside it are searched, too");
}

#[test]
fn what_is_not_searched_is_told() {
    let huge = "x = 1\n".repeat(1_000_000);
    let sources = vec![
        ("huge.py".to_owned(), huge),
        ("notes.txt".to_owned(), "hello".to_owned()),
        ("a.py".to_owned(), "def f(a):\n    return a + 1\n".to_owned()),
    ];
    let suspicion = Suspicion::uniform(&sources);
    let limits = EnumerationLimits { max_candidates: 10, ..EnumerationLimits::default() };
    let found = search(&SearchInput { sources: &sources, suspicion: &suspicion, limits });
    assert_eq!(found.candidates.len(), 10);
    assert_eq!(found.notes.len(), 3, "{:?}", found.notes);
    assert!(found.notes[0].starts_with("huge.py was not searched: its 6000000 bytes"), "{:?}", found.notes);
    assert!(found.notes[1].contains("notes.txt") && found.notes[2].contains("limit"), "{:?}", found.notes);
}

#[test]
fn functions_are_listed_with_qualified_names() {
    let found = functions("a.py", PYTHON);
    let names: Vec<&str> = found.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(
        names,
        ["Stack.__init__", "Stack.top", "Stack.fetch", "Stack.push", "compute", "compute.inner"]
    );
    let top = &found[1];
    assert!(PYTHON[top.span.start..top.span.end].starts_with("@property"));
    assert_eq!(PYTHON.lines().nth(top.start_line as usize - 1), Some("    @property"));
    assert!(functions("a.unknown", PYTHON).is_empty());
}

#[test]
fn files_are_known_by_their_extension() {
    for (path, name) in [
        ("a/b.py", Some("python")),
        ("x.test.mjs", Some("javascript")),
        (".py", None),
        ("Makefile", None),
        ("a.py/b", None),
    ] {
        assert_eq!(language_of(path).map(|language| language.name()), name, "{path}");
    }
}

#[test]
fn deep_nesting_is_survived() {
    let deep = format!("def f(a):\n    return {}a{}\n", "(".repeat(50_000), ")".repeat(50_000));
    let _ = all("a.py", &deep);
    let blocks: String = (0..90).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    let _ = all("a.py", &format!("{blocks}{}b = 1\n", " ".repeat(90)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_text_never_panics(text in "\\PC{0,200}") {
        for candidate in few("a.py", &text) {
            prop_assert_ne!(candidate.edit.apply(&text), text.clone());
        }
    }

    #[test]
    fn damaged_programs_never_panic(from in 0..2800usize, length in 0..60usize, put in "[ -~\\n\\t]{0,8}") {
        let start = (0..=from.min(PYTHON.len())).rev().find(|at| PYTHON.is_char_boundary(*at)).unwrap_or(0);
        let end = (start + length).min(PYTHON.len());
        let text = format!("{}{put}{}", &PYTHON[..start], &PYTHON[end..]);
        let _ = few("a.py", &text);
        let _ = functions("a.py", &text);
    }

    #[test]
    fn damaged_scripts_never_panic(from in 0..1600usize, length in 0..60usize, put in "[ -~\\n\\t]{0,8}") {
        let text = format!("{}{put}{}", &JAVASCRIPT[..from], &JAVASCRIPT[from + length..]);
        let _ = few("a.js", &text);
    }
}

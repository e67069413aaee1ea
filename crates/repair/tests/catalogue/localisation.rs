//! Localisation on small spectra and traces made by hand.

use std::collections::BTreeSet;

use smallhands_repair::{
    CoveredLines, FailingTest, GroupingInput, MODULE_CODE, Spectrum, StackFrame, Suspicion, TestCoverage,
    from_evidence, from_frames, group_failures, ochiai, rank_functions,
};

const SHOP: &str = "\
RATE = 19

class Cart:
    def __init__(self, items):
        self.items = list(items)
        self.notes = []

    def total(self):
        return sum(price(item) for item in self.items)

    def cheapest(self):
        return min(self.items, key=price)

def price(item):
    def rounded(value):
        return round(value, 2)
    return rounded(item.net * RATE)

def parse(line):
    name, net = line.split(';')
    return name, float(net)

def load(lines):
    return [parse(line) for line in lines]
";
const MAIL: &str = "\
def subject(cart):
    return 'Order of ' + str(cart.total())

def body(cart):
    return subject(cart) + '!'
";
const TESTS: &str = "\
def test_total():
    assert Cart([]).total() == 0
";

fn sources() -> Vec<(String, String)> {
    [("shop/cart.py", SHOP), ("shop/mail.py", MAIL), ("tests/test_cart.py", TESTS)]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into()
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
}

/// Lines of the cart and of the mail.
fn covered(cart: &[u32], mail: &[u32]) -> CoveredLines {
    let set = |lines: &[u32]| -> BTreeSet<u32> { lines.iter().copied().collect() };
    [("shop/cart.py", cart), ("shop/mail.py", mail), ("tests/test_cart.py", &[2])]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(file, lines)| (file.to_owned(), set(lines)))
        .collect()
}

fn ran(failed: bool, cart: &[u32], mail: &[u32]) -> TestCoverage {
    TestCoverage { failed, lines: covered(cart, mail) }
}

fn frames(stack: &[(&str, u32)]) -> Vec<StackFrame> {
    stack.iter().map(|(file, line)| StackFrame { file: (*file).to_owned(), line: *line }).collect()
}

/// Names of the functions of a localisation, most suspicious first, test files left out.
fn names(suspicion: Suspicion) -> Vec<String> {
    rank_functions(&suspicion.without(&is_test), &sources()).into_iter().map(|one| one.name).collect()
}

const INIT: [u32; 2] = [5, 6];
const TOTAL: [u32; 3] = [9, 16, 17];

#[test]
fn coverage_ranks_functions() {
    let with = |lines: &[u32]| [&INIT[..], lines].concat();
    let rows: &[(&str, Vec<TestCoverage>, &[&str])] = &[
        ("no test at all", vec![], &[]),
        ("no failing test", vec![ran(false, &[5, 6, 9], &[])], &[]),
        ("a failing test without coverage", vec![ran(true, &[], &[]), ran(false, &[5], &[])], &[]),
        (
            "a constructor that all tests run is no suspect",
            vec![ran(true, &with(&[12]), &[]), ran(false, &with(&TOTAL), &[]), ran(false, &with(&[]), &[])],
            &["Cart.cheapest", "Cart.__init__"],
        ),
        (
            "a helper shared by failing and passing tests",
            vec![ran(true, &[17, 20, 21], &[]), ran(false, &[17], &[])],
            &["parse", "price"],
        ),
        (
            "lines of a nested function count for the outer one",
            vec![ran(true, &[16], &[]), ran(false, &[17], &[])],
            &["price"],
        ),
        (
            "one of two failures",
            vec![ran(true, &[9, 12], &[]), ran(true, &[9], &[])],
            &["Cart.total", "Cart.cheapest"],
        ),
        (
            "two causes, one in each file",
            vec![ran(true, &[20], &[]), ran(true, &[], &[2]), ran(false, &[5], &[])],
            &["parse", "subject"],
        ),
        (
            "equals come by place",
            vec![ran(true, &[24, 20, 12], &[5])],
            &["Cart.cheapest", "parse", "load", "body"],
        ),
        ("code outside functions", vec![ran(true, &[1], &[])], &[MODULE_CODE]),
        ("a line after the last one", vec![ran(true, &[400], &[])], &[MODULE_CODE]),
    ];
    for (what, tests, expected) in rows {
        let spectrum = Spectrum { tests: tests.clone() };
        assert_eq!(names(ochiai(&spectrum)), *expected, "{what}");
        let mut reversed = spectrum.clone();
        reversed.tests.reverse();
        assert_eq!(ochiai(&spectrum), ochiai(&reversed), "{what}: the order of the tests must not matter");
    }
}

#[test]
fn coefficients_are_those_of_the_formula() {
    // (Failing tests that run the line, other failing ones, passing ones that run it, expected.)
    let rows = [
        (1, 0, 0, 1.0),
        (1, 0, 3, 0.5),
        (1, 3, 0, 0.5),
        (2, 0, 2, 0.5f64.sqrt()),
        (2, 2, 2, 0.5),
        (0, 1, 5, 0.0),
    ];
    for (with, without, passing, expected) in rows {
        let mut tests = vec![ran(true, &[20], &[]); with];
        tests.extend(vec![ran(true, &[24], &[]); without]);
        tests.extend(vec![ran(false, &[20], &[]); passing]);
        let score = ochiai(&Spectrum { tests }).line("shop/cart.py", 20);
        assert!((score - expected).abs() < 1e-12, "{with} {without} {passing}: {score}");
    }
}

#[test]
fn more_passing_tests_never_raise_a_line() {
    let mut last = 1.0;
    for passing in 0..12 {
        let mut tests = vec![ran(true, &[9, 20], &[])];
        tests.extend(vec![ran(false, &[9], &[]); passing]);
        let suspicion = ochiai(&Spectrum { tests });
        let score = suspicion.line("shop/cart.py", 9);
        assert!(score <= last && score > 0.0, "{passing}: {score}");
        assert_eq!(suspicion.line("shop/cart.py", 20), 1.0);
        last = score;
    }
}

#[test]
fn traces_rank_functions() {
    let test = ("tests/test_cart.py", 2);
    let rows: &[(&str, Vec<Vec<(&str, u32)>>, &[&str])] = &[
        ("nothing", vec![], &[]),
        ("only the test", vec![vec![test]], &[]),
        (
            "innermost first",
            vec![vec![test, ("shop/mail.py", 5), ("shop/mail.py", 2), ("shop/cart.py", 9)]],
            &["Cart.total", "subject", "body"],
        ),
        (
            "through code of a library",
            vec![vec![
                test,
                ("shop/cart.py", 24),
                ("lib/map.py", 7),
                ("shop/cart.py", 20),
                ("lib/str.py", 3),
            ]],
            &["parse", "load"],
        ),
        ("only a library", vec![vec![("lib/str.py", 3)]], &[]),
        ("a nested function", vec![vec![test, ("shop/cart.py", 17), ("shop/cart.py", 16)]], &["price"]),
        (
            "what most failures have in common",
            vec![
                vec![test, ("shop/cart.py", 12)],
                vec![test, ("shop/cart.py", 20)],
                vec![test, ("shop/cart.py", 24), ("shop/cart.py", 20)],
            ],
            &["parse", "Cart.cheapest", "load"],
        ),
        ("recursion", vec![vec![("shop/mail.py", 5); 40]], &["body"]),
        ("while importing", vec![vec![test, ("shop/cart.py", 1)]], &[MODULE_CODE]),
    ];
    for (what, stacks, expected) in rows {
        let stacks: Vec<Vec<StackFrame>> = stacks.iter().map(|stack| frames(stack)).collect();
        let suspicion = from_frames(&stacks, &sources());
        for score in suspicion.0.values().flat_map(|lines| lines.values()) {
            assert!((0.0..=1.0).contains(score), "{what}: {score}");
        }
        assert_eq!(names(suspicion), *expected, "{what}");
    }
}

#[test]
fn evidence_is_never_less_than_coverage_alone() {
    let spectrum = Spectrum {
        tests: vec![
            ran(true, &[5, 9, 16, 17], &[2]),
            ran(false, &[5, 9], &[]),
            ran(false, &[5, 16, 17], &[]),
        ],
    };
    let stacks = [frames(&[("tests/test_cart.py", 2), ("shop/mail.py", 2), ("shop/cart.py", 17)])];
    let alone = ochiai(&spectrum);
    let both = from_evidence(&spectrum, &stacks, &sources());
    for (file, lines) in &alone.0 {
        for (line, score) in lines {
            assert!(both.line(file, *line) >= *score, "{file}:{line}");
        }
    }
    assert!(both.line("shop/cart.py", 17) > alone.line("shop/cart.py", 17));
    assert_eq!(from_evidence(&spectrum, &[], &sources()), alone, "no traces, no change");
    let traced = from_evidence(&Spectrum::default(), &stacks, &sources());
    assert_eq!(traced, from_frames(&stacks, &sources()), "traces decide alone without coverage");
    let passing = Spectrum { tests: vec![ran(false, &[5, 17], &[])] };
    assert_eq!(from_evidence(&passing, &stacks, &sources()), traced, "passing tests alone say nothing");
}

fn failing(id: &str, cart: &[u32], mail: &[u32]) -> FailingTest {
    FailingTest { id: id.to_owned(), lines: covered(cart, mail), stack: Vec::new() }
}

fn crashed(id: &str, stack: &[(&str, u32)]) -> FailingTest {
    FailingTest { id: id.to_owned(), stack: frames(stack), ..FailingTest::default() }
}

/// The tests of every group with the name of its first suspect.
fn check_groups(what: &str, tests: &[FailingTest], passing: &[CoveredLines], expected: &[(&[&str], &str)]) {
    let sources = sources();
    let input = GroupingInput { failing: tests, passing, sources: &sources, is_test_path: &is_test };
    let groups = group_failures(&input);
    let found: Vec<(Vec<&str>, &str)> = groups
        .iter()
        .map(|group| {
            let ids = group.tests.iter().map(String::as_str).collect();
            (ids, group.functions.first().map_or("", |function| function.name.as_str()))
        })
        .collect();
    let expected: Vec<(Vec<&str>, &str)> = expected.iter().map(|(ids, name)| (ids.to_vec(), *name)).collect();
    assert_eq!(found, expected, "{what}");
    assert_eq!(groups.iter().map(|group| group.tests.len()).sum::<usize>(), tests.len(), "{what}: all, once");
    let suspects = groups.iter().flat_map(|group| &group.functions);
    for function in suspects {
        assert!(!is_test(&function.file) && (0.0..=1.0).contains(&function.score), "{what}: {function:?}");
    }
}

#[test]
fn failures_group_by_cause() {
    let test = ("tests/test_cart.py", 2);
    check_groups(
        "two functions, two causes",
        &[failing("a", &[5, 20], &[]), failing("b", &[5, 12], &[]), failing("c", &[5, 20], &[])],
        &[covered(&[5], &[])],
        &[(&["a", "c"], "parse"), (&["b"], "Cart.cheapest")],
    );
    check_groups(
        "callers fail with what they call",
        &[failing("total", &TOTAL, &[]), failing("subject", &TOTAL, &[2]), failing("body", &TOTAL, &[2, 5])],
        &[covered(&INIT, &[])],
        &[(&["total", "subject", "body"], "Cart.total")],
    );
    check_groups(
        "crashes in one function from several callers",
        &[
            crashed("a", &[test, ("shop/cart.py", 9), ("shop/cart.py", 17)]),
            crashed("b", &[test, ("shop/cart.py", 12), ("shop/cart.py", 17), ("lib/number.py", 4)]),
            crashed("c", &[test, ("shop/cart.py", 24), ("shop/cart.py", 20)]),
        ],
        &[],
        &[(&["a", "b"], "price"), (&["c"], "parse")],
    );
    check_groups(
        "tests that left no trace come last, together",
        &[crashed("a", &[]), crashed("b", &[test]), crashed("c", &[("shop/mail.py", 2)]), crashed("d", &[])],
        &[],
        &[(&["c"], "subject"), (&["a", "b", "d"], "")],
    );
    check_groups(
        "coverage of the tests themselves is no evidence",
        &[FailingTest { lines: covered(&[], &[]), ..crashed("a", &[test]) }],
        &[],
        &[(&["a"], "")],
    );
    check_groups(
        "files that are not known are passed over",
        &[crashed("a", &[("lib/other.py", 3), ("shop/mail.py", 5)])],
        &[],
        &[(&["a"], "body")],
    );
}

#[test]
fn localisation_restricts_the_search() {
    let stacks = [frames(&[("tests/test_cart.py", 2), ("shop/cart.py", 20)])];
    let suspicion = from_frames(&stacks, &sources()).without(&is_test);
    let sources = sources();
    let input = smallhands_repair::SearchInput {
        sources: &sources,
        suspicion: &suspicion,
        limits: Default::default(),
    };
    let found = smallhands_repair::candidates(&input);
    assert!(!found.is_empty());
    assert!(found.iter().all(|one| one.edit.file == "shop/cart.py"), "the test file is never edited");
    assert!(found.iter().all(|one| one.function.as_deref() == Some("parse")));
    assert_eq!(found.first().map(|one| one.line), Some(20));
}

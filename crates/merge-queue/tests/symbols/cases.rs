//! Cases with a name: three texts and what comes of them.

use smallhands_merge_queue::symbols::{Conflict, Resolution, Side, knows, merge};

fn merged(file: &str, base: &str, ours: &str, theirs: &str) -> String {
    merge(file, base, ours, theirs).unwrap_or_else(|conflict| panic!("{conflict}")).text
}

fn conflict(file: &str, base: &str, ours: &str, theirs: &str) -> String {
    merge(file, base, ours, theirs).unwrap_err().to_string()
}

const CART: &str = "\
import os

LIMIT = 3


def total(items):
    return sum(items)


class Cart:
    \"\"\"A cart.\"\"\"

    size = 0

    def add(self, item):
        self.items.append(item)

    def clear(self):
        self.items = []


if __name__ == \"__main__\":
    print(total([]))
";

#[test]
fn both_add_functions_at_one_place() {
    let add =
        |name: &str| CART.replace("\n\nclass Cart", &format!("\n\ndef {name}():\n    pass\n\n\nclass Cart"));
    let text = merged("a.py", CART, &add("ours"), &add("theirs"));
    let expected = CART
        .replace("\n\nclass Cart", "\n\ndef ours():\n    pass\n\n\ndef theirs():\n    pass\n\n\nclass Cart");
    assert_eq!(text, expected);
}

#[test]
fn both_add_methods_at_the_end_of_a_class() {
    let add =
        |name: &str| CART.replace("= []\n", &format!("= []\n\n    def {name}(self):\n        return 1\n"));
    let text = merged("a.py", CART, &add("ours"), &add("theirs"));
    let both = "= []\n\n    def ours(self):\n        return 1\n\n    def theirs(self):\n        return 1\n";
    assert_eq!(text, CART.replace("= []\n", both));
}

#[test]
fn both_add_functions_at_the_end_of_a_file() {
    let base = "def a():\n    pass\n";
    let text = merged(
        "a.py",
        base,
        &format!("{base}\n\ndef o():\n    pass\n"),
        &format!("{base}\n\ndef t():\n    pass\n"),
    );
    assert_eq!(text, format!("{base}\n\ndef o():\n    pass\n\n\ndef t():\n    pass\n"));
}

#[test]
fn neighbours_that_are_changed_by_different_sides_go_together() {
    let base = "def f():\n    return 1\ndef g():\n    return 2\n";
    let ours = base.replace("return 1", "return 10");
    let theirs = base.replace("def g():\n    return 2", "def g(x=0):\n    return 20 + x");
    let merge = merge("a.py", base, &ours, &theirs).unwrap();
    assert_eq!(merge.text, "def f():\n    return 10\ndef g(x=0):\n    return 20 + x\n");
    assert_eq!(merge.resolutions, [("g".to_owned(), Resolution::Changed)]);
}

#[test]
fn one_function_changed_in_different_lines_is_merged_inside() {
    let base = "def f(x):\n    a = 1\n    b = 2\n    c = 3\n    d = 4\n    return x\n";
    let ours = base.replace("a = 1", "a = 10");
    let theirs = base.replace("d = 4", "d = 40").replace("def f", "def e():\n    pass\n\n\ndef f");
    let merge = merge("a.py", base, &ours, &theirs).unwrap();
    assert_eq!(merge.text, theirs.replace("a = 1", "a = 10"));
    assert!(merge.resolutions.contains(&("f".to_owned(), Resolution::MergedInside)));
}

#[test]
fn imports_are_united_in_order() {
    let ours = CART.replace("import os\n", "import os\nimport re\nfrom a import b\n");
    let theirs = CART.replace("import os\n", "import os\nimport sys\nfrom a import c\n");
    let text = merged("a.py", CART, &ours, &theirs);
    assert_eq!(text, CART.replace("import os\n", "import os\nimport re\nimport sys\nfrom a import b, c\n"));
}

#[test]
fn what_both_do_alike_is_done_once() {
    let both = CART.replace("LIMIT = 3", "LIMIT = 4").replace("import os\n", "import os\nimport re\n");
    let theirs = both.replace("size = 0", "size = 1");
    assert_eq!(merged("a.py", CART, &both, &both), both);
    assert_eq!(merged("a.py", CART, &both, &theirs), theirs);
}

#[test]
fn removals_and_moves_of_one_side_are_kept() {
    let clear = "\n    def clear(self):\n        self.items = []\n";
    let theirs = CART.replace(clear, "");
    let ours = CART.replace("return sum(items)", "return sum(items, 0)");
    assert_eq!(merged("a.py", CART, &ours, &theirs), ours.replace(clear, ""));

    let base = "def a():\n    pass\n\n\ndef b():\n    pass\n\n\ndef c():\n    pass\n";
    let moved = "def c():\n    pass\n\n\ndef a():\n    pass\n\n\ndef b():\n    pass\n";
    let changed = base.replace("def b():\n    pass", "def b():\n    return 1");
    assert_eq!(
        merged("a.py", base, &changed, moved),
        moved.replace("def b():\n    pass", "def b():\n    return 1")
    );
}

#[test]
fn loose_code_stays_where_it_is() {
    let ours = CART.replace("class Cart", "def more():\n    pass\n\n\nclass Cart");
    let theirs = CART.replace("print(total([]))", "print(total([1]))");
    assert_eq!(merged("a.py", CART, &ours, &theirs), ours.replace("total([]))", "total([1]))"));
}

#[test]
fn conflicts_name_file_and_symbol() {
    let with = |old: &str, new: &str| CART.replace(old, new);
    let cases = [
        (with("sum(items)", "1"), with("sum(items)", "2"), "pkg/a.py: both sides change `total`"),
        (
            with("append(item)", "insert(0, item)"),
            with("append(item)", "extend([item])"),
            "pkg/a.py: both sides change `Cart.add`",
        ),
        (
            with("def total(items):\n    return sum(items)\n\n\n", ""),
            with("sum(items)", "2"),
            "pkg/a.py: our side removes `total`, which the other side changes",
        ),
        (
            with("sum(items)", "2"),
            with("def total(items):\n    return sum(items)\n\n\n", ""),
            "pkg/a.py: their side removes `total`, which the other side changes",
        ),
        (
            with("LIMIT = 3", "LIMIT = 3\nMOST = 1"),
            with("LIMIT = 3", "LIMIT = 3\nMOST = 2"),
            "pkg/a.py: both sides add `MOST`, differently",
        ),
        (with("total([]))", "1)"), with("total([]))", "2)"), "pkg/a.py: both sides change `code 1`"),
        (
            with("class Cart:", "class Cart(A):"),
            with("class Cart:", "class Cart(B):"),
            "pkg/a.py: both sides change `Cart`",
        ),
    ];
    for (ours, theirs, expected) in cases {
        assert_eq!(conflict("pkg/a.py", CART, &ours, &theirs), expected);
    }
}

#[test]
fn what_has_no_symbols_is_a_conflict() {
    let broken = "def f(:\n";
    let ours = CART.replace("LIMIT = 3", "LIMIT = 4");
    let expected = Conflict::DoesNotParse { file: "a.py".into(), side: Side::Theirs };
    assert_eq!(merge("a.py", CART, &ours, broken), Err(expected));
    let expected = Conflict::UnknownLanguage { file: "a.txt".into() };
    assert_eq!(merge("a.txt", "", "a", "b"), Err(expected));
    assert!(knows("x/a.tsx") && knows("B.java") && !knows("Makefile"));
}

const SHOP: &str = "\
import { a } from './a';
const b = require('b');

/** Adds. */
export function add(x, y) {
  return x + y;
}

export default class Shop extends Base {
  open = true;

  get name() {
    return this._name;
  }

  set name(value) {
    this._name = value;
  }
}

describe('shop', () => {
  it('adds', () => {});
});

module.exports.add = add;
";

#[test]
fn javascript() {
    let ours = SHOP
        .replace("{ a }", "{ a, c }")
        .replace("return x + y", "return y + x")
        .replace("  get name", "  close() {\n    this.open = false;\n  }\n\n  get name");
    let theirs = SHOP
        .replace("{ a }", "{ a, d }")
        .replace("/** Adds. */", "export const sub = (x, y) => x - y;\n\n/** Adds. */")
        .replace("  get name", "  reopen() {\n    this.open = true;\n  }\n\n  get name");
    let expected = ours
        .replace("{ a, c }", "{ a, c, d }")
        .replace("/** Adds. */", "export const sub = (x, y) => x - y;\n\n/** Adds. */")
        .replace("  get name", "  reopen() {\n    this.open = true;\n  }\n\n  get name");
    assert_eq!(merged("shop.js", SHOP, &ours, &theirs), expected);
    assert_eq!(
        conflict("shop.js", SHOP, &SHOP.replace("it('adds'", "it('a'"), &SHOP.replace("it('adds'", "it('b'")),
        "shop.js: both sides change `describe('shop')`"
    );
}

#[test]
fn typescript() {
    let base =
        "interface Shape {\n  area(): number;\n}\n\ntype Id = string;\n\nexport enum Kind {\n  A,\n}\n";
    let ours = base.replace("number;\n", "number;\n  name: string;\n");
    let theirs = base.replace("number;\n", "number;\n  sides: number;\n").replace("= string", "= number");
    let expected = base
        .replace("number;\n", "number;\n  name: string;\n  sides: number;\n")
        .replace("= string", "= number");
    assert_eq!(merged("shape.ts", base, &ours, &theirs), expected);
    assert_eq!(merged("shape.tsx", base, &ours, &theirs), expected);
}

#[test]
fn rust() {
    let base = "\
use std::fmt;

/// A point.
#[derive(Debug)]
pub struct Point {
    x: i32,
}

impl Point {
    /// The x.
    fn x(&self) -> i32 {
        self.x
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, \"{}\", self.x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one() {}
}
";
    let edit = |method: &str, test: &str, import: &str| {
        base.replace(
            "        self.x\n    }\n",
            &format!("        self.x\n    }}\n\n    fn {method}(&self) {{}}\n"),
        )
        .replace("fn one() {}\n", &format!("fn one() {{}}\n\n    #[test]\n    fn {test}() {{}}\n"))
        .replace("use std::fmt;\n", &format!("use std::fmt;\nuse std::{import};\n"))
    };
    let text = merged("point.rs", base, &edit("ours", "two", "mem"), &edit("theirs", "three", "ops"));
    let expected = edit("ours", "two", "mem")
        .replace("fn ours(&self) {}\n", "fn ours(&self) {}\n\n    fn theirs(&self) {}\n")
        .replace("fn two() {}\n", "fn two() {}\n\n    #[test]\n    fn three() {}\n")
        .replace("use std::mem;\n", "use std::mem;\nuse std::ops;\n");
    assert_eq!(text, expected);
    let change = |to: &str| base.replace("write!(f, \"{}\", self.x)", to);
    assert_eq!(
        conflict("point.rs", base, &change("Ok(())"), &change("todo!()")),
        "point.rs: both sides change `impl fmt::Display Point.fmt`"
    );
}

#[test]
fn go() {
    let base =
        "package p\n\nimport (\n\t\"fmt\"\n)\n\ntype T struct{}\n\nfunc (t *T) A() {\n\tfmt.Println()\n}\n";
    let ours = base.replace("\"fmt\"\n", "\"fmt\"\n\t\"os\"\n") + "\nfunc O() {}\n";
    let theirs = base.replace("\"fmt\"\n", "\"fmt\"\n\t\"io\"\n") + "\nfunc (t *T) B() {}\n";
    let expected =
        base.replace("\"fmt\"\n", "\"fmt\"\n\t\"os\"\n\t\"io\"\n") + "\nfunc O() {}\n\nfunc (t *T) B() {}\n";
    assert_eq!(merged("p.go", base, &ours, &theirs), expected);
}

#[test]
fn java() {
    let base = "package p;\n\nimport a.B;\n\nclass C {\n    private int n = 0;\n\n    int get() {\n        return n;\n    }\n}\n";
    let ours = base
        .replace("import a.B;\n", "import a.B;\nimport a.O;\n")
        .replace("    int get", "    int get(int x) {\n        return x;\n    }\n\n    int get");
    let theirs = base.replace("import a.B;\n", "import a.B;\nimport a.T;\n").replace("n = 0", "n = 1");
    let expected = ours.replace("import a.O;\n", "import a.O;\nimport a.T;\n").replace("n = 0", "n = 1");
    assert_eq!(merged("C.java", base, &ours, &theirs), expected);
}

#[test]
fn line_ends_and_a_missing_last_one_are_kept() {
    let base = "def a():\n    pass\n\n\ndef b():\n    pass";
    let ours = base.replace("def b", "def o():\n    pass\n\n\ndef b");
    let theirs = base.replace("def b", "def t():\n    pass\n\n\ndef b");
    let expected = base.replace("def b", "def o():\n    pass\n\n\ndef t():\n    pass\n\n\ndef b");
    assert_eq!(merged("a.py", base, &ours, &theirs), expected);
    let windows = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(merged("a.py", &windows(base), &windows(&ours), &windows(&theirs)), windows(&expected));
}

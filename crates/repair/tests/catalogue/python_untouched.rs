//! What no edit of Python code may touch, and edits that must not be proposed.

use crate::harness::{keeps, never, parser, proposals, specimen};

const TAXES: &str = r##"
"""Taxes: net < gross and rate > 0."""
from decimal import Decimal as Money
import math

RATES = {"low": 7, "high": 19}


@cached(size=32)
def tax(net: Money, kind: str = "high", *extra: int, round_up: bool = False, **options: str) -> Money:
    """Tax of a net price.

    >>> tax(100) == 19
    """
    # a rate of 0 < 1 is no tax
    rate: int = RATES[kind]
    amount: "Money" = net * rate / 100  # type: ignore
    if round_up: amount = math.ceil(amount)
    label = f"{kind!r} of {net:>10.2f} at {rate}% is {amount}"
    raw = rb"\d+" r"\s"
    print(label, raw, sep="; ", end="\n")
    return amount
"##;

#[test]
fn documentation_comments_types_and_imports_stay() {
    keeps(
        TAXES,
        3,
        &[
            "\"\"\"Taxes: net < gross and rate > 0.\"\"\"",
            "from decimal import Decimal as Money",
            "import math\n",
            ">>> tax(100) == 19",
            "# a rate of 0 < 1 is no tax",
            "def tax(net: Money, kind: str = ",
            "*extra: int, round_up: bool = ",
            "**options: str) -> Money:",
        ],
    );
    keeps(TAXES, 2, &[": int = ", ": \"Money\" = "]);
    keeps(TAXES, 1, &["f\"{", "!r} of {", ":>10.2f} at {", "}% is {", "sep=", "end="]);
}

#[test]
fn names_of_keywords_and_parameters_are_no_variables() {
    never(
        TAXES,
        &[
            ("sep=", "label="),
            ("end=", "raw="),
            ("def tax(", "def label("),
            ("(net: ", "(kind: "),
            ("*extra", "*kind"),
            ("**options", "**extra"),
            ("-> Money", "-> tax"),
            ("net: Money", "net: str"),
            ("import math", "import Money"),
            ("f\"{kind", "\"{kind"),
            (">10.2f", ">11.2f"),
            ("rb\"", "b\""),
        ],
    );
}

const COUNTERS: &str = r#"
count = 0
step = 1


def advance(limit):
    global count, step
    total = count

    def back(by=1):
        nonlocal total
        total -= by
        return total

    while (left := limit - count) > step:
        count += step
    return back, lambda value=total, *rest: value + left


def spread(first, *rest, sep, **named):
    head, *tail = rest
    merged = [first, *tail, *rest]
    table = {**named, "head": head}
    return call(first, *rest, sep=sep, **table), merged


def pick(shape, default):
    match shape:
        case {"side": int(side)} if side > 0:
            return side
        case [width, height] | (width, height, _):
            return width * height
        case None:
            pass
    del default
    return 0
"#;

#[test]
fn declarations_patterns_and_stars_keep_their_form() {
    never(
        COUNTERS,
        &[
            ("global count, step", "global step, count"),
            ("global count, step", "global count"),
            ("global count, step", "global total, step"),
            ("nonlocal total", "nonlocal limit"),
            ("head, *tail = rest", "*tail, *head = rest"),
            ("case None", "case 0"),
            ("case None", "case True"),
            ("{\"side\": int(side)}", "{'': int(side)}"),
            ("int(side)", "float(side)"),
            ("[width, height] |", "[height, height] |"),
            ("lambda value=", "lambda total="),
            ("(first, *rest, sep=sep", "(*rest, sep=sep, first"),
            ("call(first, *rest, sep=sep, **table)", "call(first, **table, sep=sep, *rest)"),
            ("sep, **named", "**named"),
            ("first, *rest, sep, ", "*rest, first, sep, "),
            ("(left := ", "(0 := "),
        ],
    );
    keeps(
        COUNTERS,
        2,
        &["global count, step", "nonlocal total", "case [width, height] | (width, height, _):"],
    );
}

const STUBS: &str = r#"
class Base:
    """A base: a < b."""
    registry: dict = {}

    def open(self): ...

    def close(self): pass

    @property
    def size(self) -> int:
        """Size in bytes: 1 < 2."""

    @classmethod
    def make(cls, size: int = 0) -> "Base":
        return cls(size)
"#;

#[test]
fn empty_suites_and_decorators_keep_their_form() {
    keeps(
        STUBS,
        3,
        &[
            "class Base:",
            "    \"\"\"A base: a < b.\"\"\"\n",
            "\"\"\"Size in bytes: 1 < 2.\"\"\"",
            "def open(self):",
            "def close(self):",
            "def size(self) -> int:",
            "def make(cls, size: int = ",
            ") -> \"Base\":",
        ],
    );
    keeps(STUBS, 3, &["@property\n", "@classmethod\n"]);
}

/// Layouts in which statements are hard to move: every edit must still give a program.
const LAYOUTS: &[(&str, &str)] = &[
    ("one line", "def f(a, b):\n    if a: b = 1; a = 2\n    return a\n"),
    ("one line of all", "def f(a, b): return a + b\n"),
    ("semicolons", "def f(a, b):\n    a += 1; b += a; return b\n"),
    (
        "tabs",
        "def f(items):\n\tfor item in items:\n\t\tif item:\n\t\t\tprint(item)\n\t\titem += 1\n\treturn items\n",
    ),
    ("two blanks", "def f(items):\n  for item in items:\n    print(item)\n  return items\n"),
    (
        "carriage returns",
        "def f(items):\r\n    total = 0\r\n    for item in items:\r\n        total += item\r\n    return total\r\n",
    ),
    ("no last line break", "def f(a):\n    a += 1\n    return a"),
    (
        "comments between",
        "def f(a):\n    # one\n    a += 1\n    # two\n\n    # three\n    if a:\n        # four\n        a -= 1  # five\n    return a\n",
    ),
    (
        "continued lines",
        "def f(a, b):\n    total = a + \\\n        b\n    return call(\n        total,\n        b,\n    )\n",
    ),
    (
        "long strings",
        "def f(a):\n    text = call(\"\"\"a{0}\n  less\n\\\\\"\"\")\n    if a:\n        text += 'more'\n    return text\n",
    ),
    (
        "loop else",
        "def f(xs, y):\n    for x in xs:\n        if x == y:\n            break\n    else:\n        y = 0\n    return y\n",
    ),
    (
        "try",
        "def f(a):\n    try:\n        b = a[0]\n        a = b\n    except (KeyError, IndexError) as error:\n        raise ValueError(a) from error\n    else:\n        return b\n    finally:\n        a.close()\n",
    ),
    (
        "nested",
        "def f(a):\n    def g(b):\n        def h(c):\n            return a + b - c\n        return h\n    return g\n",
    ),
    (
        "classes in functions",
        "def f(a):\n    class Inner:\n        size = a\n        def get(self):\n            return self.size\n    return Inner\n",
    ),
    (
        "async",
        "async def f(a):\n    async with a as b, b.c as d:\n        async for x in d:\n            yield x\n    return\n",
    ),
    ("async comprehension", "async def f(a):\n    return [await x async for x in a if x > 1]\n"),
    (
        "decorators",
        "@a.b(1 < 2)\n@c\nclass D:\n    @e[0]\n    def f(self, a=1, /, b=2, *, c=3): return a + b < c\n",
    ),
    ("byte order mark", "\u{feff}def f(a):\n    return a < 1\n"),
    (
        "letters of other scripts",
        "def größe(länge, breite):\n    # Fläche – in m²\n    return länge * breite if länge else 'ß→∅'\n",
    ),
    ("conditional chain", "def f(a, b, c):\n    return a if b else b if c else not (a and b or c)\n"),
    (
        "lambda in call",
        "def f(rows):\n    return sorted(rows, key=lambda row: (row[0], -row[1]), reverse=True)\n",
    ),
    ("nested formats", "def f(a, w):\n    return f'{a:{w}}' + f\"{a['k']}\" + f'{a!s:>{w + 1}}'\n"),
    ("types", "type Pair[T] = tuple[T, T]\n\ndef f[T](a: T, b: list[T] | None = None) -> T:\n    return a\n"),
    ("starred index", "def f(a, b):\n    a[b, 1:2, ...] = a[::b]\n    return a[-1:], b\n"),
    ("exec at end of file", "x = 1\nif x < 2:\n    x = 3\nelif x:\n    pass\nelse:\n    x += 1"),
    (
        "deep else",
        "def f(a):\n    if a:\n        if a > 1:\n            a = 1\n        else:\n            a = 2\n    elif a < 0:\n        a = 3\n    else:\n        while a:\n            a -= 1\n        else:\n            a = 4\n    return a\n",
    ),
];

#[test]
fn every_edit_of_every_layout_parses() {
    let mut parser = parser();
    let mut broken = Vec::new();
    for (name, source) in LAYOUTS {
        let source = specimen(source);
        assert!(!parser.parse(source, None).unwrap().root_node().has_error(), "{name} itself must parse");
        let found = proposals(source);
        assert!(found.len() > 10, "{name}: only {} proposals", found.len());
        for one in found {
            let edited = one.edit.apply(source);
            if parser.parse(&edited, None).unwrap().root_node().has_error() {
                broken.push(format!("{name}: {}: {:?}", one.kind, edited));
            }
        }
    }
    broken.sort();
    broken.dedup();
    let shown = broken.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(broken.is_empty(), "{} edits do not parse\n{shown}", broken.len());
}

#[test]
fn tabs_stay_tabs() {
    let source = "def f(items):\n\tfor item in items:\n\t\tprint(item)\n\t\titem += 1\n\treturn items\n";
    for one in proposals(source) {
        let edited = one.edit.apply(source);
        let mixed = edited.lines().find(|line| line.starts_with(' ') || line.contains("\t "));
        assert_eq!(mixed, None, "{}: {edited:?}", one.kind);
    }
}

/// Sources in which there is nothing to edit at all.
#[test]
fn nothing_is_proposed_where_there_is_nothing() {
    for source in
        ["", "\n\n", "# only a comment: a < b\n", "\"\"\"Only documentation: a < b.\"\"\"\n", "import os\n"]
    {
        let found = proposals(source);
        assert!(found.is_empty(), "{source:?}: {:?}", found.first());
    }
}

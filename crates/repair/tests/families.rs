//! Every kind of edit, on a small function: what must be among the proposals.

use std::collections::BTreeSet;

use smallhands_repair::{EditKind, EnumerationLimits, SearchInput, Suspicion, explain};

/// (Kind, Python source, the text that must result).
const PYTHON: &[(&str, &str, &str)] = &[
    ("comparison-operator", "def f(a, b):\n    return a < b\n", "def f(a, b):\n    return a <= b\n"),
    ("comparison-operator", "def f(a, b):\n    return a in b\n", "def f(a, b):\n    return a not in b\n"),
    ("comparison-operator", "def f(a):\n    return a == None\n", "def f(a):\n    return a is None\n"),
    (
        "comparison-operator",
        "def f(a, b, c):\n    return a < b < c\n",
        "def f(a, b, c):\n    return a < b <= c\n",
    ),
    ("arithmetic-operator", "def f(a, b):\n    return a + b\n", "def f(a, b):\n    return a - b\n"),
    (
        "arithmetic-operator",
        "def f(a, b, c):\n    return (a + b) / c\n",
        "def f(a, b, c):\n    return (a + b) // c\n",
    ),
    (
        "arithmetic-operator",
        "def f(a, b, c):\n    return a + b * c\n",
        "def f(a, b, c):\n    return a + (b - c)\n",
    ),
    ("bitwise-operator", "def f(a, b):\n    return a & b\n", "def f(a, b):\n    return a | b\n"),
    ("logical-operator", "def f(a, b):\n    return a and b\n", "def f(a, b):\n    return a or b\n"),
    (
        "logical-operator",
        "def f(a, b, c):\n    return a or b or c\n",
        "def f(a, b, c):\n    return (a or b) and c\n",
    ),
    ("augmented-operator", "def f(a):\n    a += 1\n    return a\n", "def f(a):\n    a -= 1\n    return a\n"),
    ("assignment-operator", "def f(a):\n    a += 1\n    return a\n", "def f(a):\n    a = 1\n    return a\n"),
    (
        "assignment-operator",
        "def f(a, b):\n    a = b\n    return a\n",
        "def f(a, b):\n    a += b\n    return a\n",
    ),
    ("operand-swap", "def f(a, b):\n    return a - b\n", "def f(a, b):\n    return b - a\n"),
    ("argument-swap", "def f(a, b):\n    return g(a, b)\n", "def f(a, b):\n    return g(b, a)\n"),
    ("element-swap", "def f(a, b):\n    return [a, b]\n", "def f(a, b):\n    return [b, a]\n"),
    ("element-swap", "def f(x):\n    a, b = x\n    return a\n", "def f(x):\n    b, a = x\n    return a\n"),
    ("branch-swap", "def f(a, b):\n    return a if b else 0\n", "def f(a, b):\n    return 0 if b else a\n"),
    ("integer-step", "def f(a):\n    return a[0]\n", "def f(a):\n    return a[1]\n"),
    ("integer-replace", "def f(a):\n    return a * 7 + 100\n", "def f(a):\n    return a * 100 + 100\n"),
    ("float-replace", "def f(a):\n    return a * 0.5\n", "def f(a):\n    return a * 1.5\n"),
    ("boolean-flip", "def f(a):\n    return True\n", "def f(a):\n    return False\n"),
    (
        "constant-everywhere",
        "def f(a):\n    if a:\n        return ' '\n    return ' '\n",
        "def f(a):\n    if a:\n        return ''\n    return ''\n",
    ),
    (
        "truth-invert",
        "def f(a):\n    if a:\n        return True\n    return False\n",
        "def f(a):\n    if a:\n        return False\n    return True\n",
    ),
    ("text-replace", "def f(a):\n    return a + 'Yes'\n", "def f(a):\n    return a + 'yes'\n"),
    ("text-replace", "def f(a):\n    return a == '('\n", "def f(a):\n    return a == ')'\n"),
    ("null-replace", "def f(a):\n    a = None\n    return a\n", "def f(a):\n    a = []\n    return a\n"),
    ("variable-replace", "def f(left, right):\n    return left\n", "def f(left, right):\n    return right\n"),
    (
        "target-replace",
        "def f(a):\n    b = 0\n    b = 1\n    return a\n",
        "def f(a):\n    b = 0\n    a = 1\n    return a\n",
    ),
    ("variable-to-constant", "def f(n):\n    return n + 1\n", "def f(n):\n    return 0 + 1\n"),
    ("constant-to-variable", "def f(n):\n    return n + 1\n", "def f(n):\n    return n + n\n"),
    ("attribute-replace", "def f(a):\n    return a.x + a.y\n", "def f(a):\n    return a.x + a.x\n"),
    ("method-replace", "def f(a, b):\n    a.append(b)\n", "def f(a, b):\n    a.extend(b)\n"),
    ("callee-replace", "def f(a):\n    return max(a)\n", "def f(a):\n    return min(a)\n"),
    (
        "callee-replace",
        "def g(x):\n    return x\n\ndef h(x):\n    return g(x)\n\ndef k(x):\n    return x\n",
        "def g(x):\n    return x\n\ndef h(x):\n    return k(x)\n\ndef k(x):\n    return x\n",
    ),
    (
        "keyword-replace",
        "def g(a, low=0, high=1):\n    return a\n\ndef f(a):\n    return g(a, low=2)\n",
        "def g(a, low=0, high=1):\n    return a\n\ndef f(a):\n    return g(a, high=2)\n",
    ),
    (
        "exception-replace",
        "def f(a):\n    try:\n        return a[0]\n    except KeyError:\n        return 0\n",
        "def f(a):\n    try:\n        return a[0]\n    except IndexError:\n        return 0\n",
    ),
    ("exception-replace", "def f():\n    raise ValueError('x')\n", "def f():\n    raise TypeError('x')\n"),
    ("not-drop", "def f(a):\n    return not a\n", "def f(a):\n    return a\n"),
    ("sign-drop", "def f(a):\n    return -a\n", "def f(a):\n    return a\n"),
    (
        "loop-jump",
        "def f(xs):\n    for x in xs:\n        if x:\n            break\n    return x\n",
        "def f(xs):\n    for x in xs:\n        if x:\n            continue\n    return x\n",
    ),
    ("slice-bound", "def f(xs):\n    return xs[1:]\n", "def f(xs):\n    return xs[:]\n"),
    ("slice-bound", "def f(xs, n):\n    return xs[:n]\n", "def f(xs, n):\n    return xs[:n + 1]\n"),
    ("yield-delegate", "def f(xs):\n    yield xs\n", "def f(xs):\n    yield from xs\n"),
    ("yield-delegate", "def f(xs):\n    yield from xs\n", "def f(xs):\n    yield xs\n"),
    ("await-toggle", "async def f(g):\n    return g()\n", "async def f(g):\n    return await g()\n"),
    ("await-toggle", "async def f(g):\n    return await g()\n", "async def f(g):\n    return g()\n"),
    (
        "receiver-add",
        "class C:\n    def m(self, x):\n        self.x = 1\n        return x\n",
        "class C:\n    def m(self, x):\n        self.x = 1\n        return self.x\n",
    ),
    (
        "receiver-drop",
        "class C:\n    def m(self, x):\n        return self.x\n",
        "class C:\n    def m(self, x):\n        return x\n",
    ),
    ("comparison-bound", "def f(n):\n    return n > 1\n", "def f(n):\n    return n != 0\n"),
    ("comparison-chain", "def f(i, n):\n    return i < n\n", "def f(i, n):\n    return 0 <= i < n\n"),
    ("comparison-chain", "def f(i, n):\n    return 0 <= i < n\n", "def f(i, n):\n    return i < n\n"),
    ("operand-drop", "def f(a, b):\n    return a + b\n", "def f(a, b):\n    return a\n"),
    ("operand-drop", "def f(a, b, c):\n    return a - b + c\n", "def f(a, b, c):\n    return a + c\n"),
    ("operand-add", "def f(n, k: int):\n    return abs(n)\n", "def f(n, k: int):\n    return abs(n) - k\n"),
    ("operand-add", "def f(s: str, t: str):\n    return s\n", "def f(s: str, t: str):\n    return t + s\n"),
    ("reassociate", "def f(a, b, c):\n    return a - b / c\n", "def f(a, b, c):\n    return (a - b) / c\n"),
    ("reassociate", "def f(a, b, c):\n    return a - b // c\n", "def f(a, b, c):\n    return a // c - b\n"),
    ("off-by-one", "def f(xs, n):\n    return xs[n]\n", "def f(xs, n):\n    return xs[n - 1]\n"),
    ("off-by-one", "def f(n):\n    return range(n)\n", "def f(n):\n    return range(n + 1)\n"),
    ("scale", "def f(a, b):\n    return a - b\n", "def f(a, b):\n    return a - b * 2\n"),
    ("negate", "def f(a):\n    return a\n", "def f(a):\n    return -a\n"),
    ("negate", "def f(a, b):\n    return a + b\n", "def f(a, b):\n    return -(a + b)\n"),
    ("wrap-bound", "def f(a, b):\n    return a - b\n", "def f(a, b):\n    return max(0, a - b)\n"),
    ("wrap-conversion", "def f(a):\n    return a / 2\n", "def f(a):\n    return int(a / 2)\n"),
    ("wrap-function", "def f(a):\n    return a - 1\n", "def f(a):\n    return abs(a - 1)\n"),
    (
        "wrap-local",
        "def clean(x):\n    return x\n\ndef f(a):\n    return a\n",
        "def clean(x):\n    return x\n\ndef f(a):\n    return clean(a)\n",
    ),
    (
        "wrap-both",
        "def f(s: str, t: str):\n    return s == t\n",
        "def f(s: str, t: str):\n    return s.lower() == t.lower()\n",
    ),
    ("wrap-both", "def f(a, b):\n    return a == b\n", "def f(a, b):\n    return set(a) == set(b)\n"),
    ("wrap-collection", "def f(a):\n    return a\n", "def f(a):\n    return [a]\n"),
    ("unwrap", "def f(a):\n    return sorted(a)\n", "def f(a):\n    return a\n"),
    ("unwrap", "def f(a):\n    return a.strip()\n", "def f(a):\n    return a\n"),
    ("method-add", "def f(s: str):\n    return s\n", "def f(s: str):\n    return s.lower()\n"),
    ("subscript-add", "def f(xs):\n    return xs\n", "def f(xs):\n    return xs[0]\n"),
    ("subscript-drop", "def f(xs):\n    return xs[0]\n", "def f(xs):\n    return xs\n"),
    (
        "element-access",
        "def f(xs: list, i: int, x):\n    return x\n",
        "def f(xs: list, i: int, x):\n    return xs[i]\n",
    ),
    ("slice-add", "def f(xs):\n    return xs\n", "def f(xs):\n    return xs[1:]\n"),
    ("slice-add", "def f(xs):\n    return xs\n", "def f(xs):\n    return xs[::-1]\n"),
    (
        "attribute-add",
        "def f(a, b):\n    a.next = b\n    return a\n",
        "def f(a, b):\n    a.next = b\n    return a.next\n",
    ),
    ("attribute-drop", "def f(a):\n    return a.next\n", "def f(a):\n    return a\n"),
    (
        "ingredient",
        "def f(a, b):\n    c = a + b\n    return c * b\n",
        "def f(a, b):\n    c = a + b\n    return c * (a + b)\n",
    ),
    (
        "ingredient-far",
        "def g(a):\n    return a.left.value\n\ndef f(a):\n    return a.value\n",
        "def g(a):\n    return a.left.value\n\ndef f(a):\n    return a.left.value\n",
    ),
    (
        "target-ingredient",
        "def f(xs, i):\n    xs[i] = 0\n    xs = xs[i]\n",
        "def f(xs, i):\n    xs[i] = 0\n    xs[i] = xs[i]\n",
    ),
    (
        "condition-negate",
        "def f(a):\n    if a:\n        return 1\n",
        "def f(a):\n    if not a:\n        return 1\n",
    ),
    ("condition-negate", "def f(a, b):\n    return a < b\n", "def f(a, b):\n    return a >= b\n"),
    (
        "condition-extend",
        "def f(a, b):\n    if a > 0:\n        return 1\n    return b\n",
        "def f(a, b):\n    if b and a > 0:\n        return 1\n    return b\n",
    ),
    (
        "condition-replace",
        "def f(a, b):\n    while a < b:\n        if b:\n            a += 1\n",
        "def f(a, b):\n    while a < b:\n        if a < b:\n            a += 1\n",
    ),
    (
        "condition-constant",
        "def f(a):\n    while a:\n        a -= 1\n",
        "def f(a):\n    while True:\n        a -= 1\n",
    ),
    ("conditional-drop", "def f(a, b):\n    return a if b else 0\n", "def f(a, b):\n    return a\n"),
    ("return-constant", "def f(a):\n    return a\n", "def f(a):\n    return None\n"),
    ("return-condition", "def f(a, b):\n    return a\n", "def f(a, b):\n    return a == b\n"),
    ("return-value", "def f(a):\n    if a:\n        return\n", "def f(a):\n    if a:\n        return a\n"),
    ("argument-drop", "def f(a, b):\n    return g(a, b)\n", "def f(a, b):\n    return g(b)\n"),
    ("argument-add", "def f(a, b):\n    return g(a)\n", "def f(a, b):\n    return g(a, b)\n"),
    ("argument-add", "def f(a, b):\n    return g()\n", "def f(a, b):\n    return g(a)\n"),
    ("keyword-add", "def f(a):\n    return sorted(a)\n", "def f(a):\n    return sorted(a, reverse=True)\n"),
    (
        "keyword-add",
        "def g(a, deep=False):\n    return a\n\ndef f(a, deep):\n    return g(a)\n",
        "def g(a, deep=False):\n    return a\n\ndef f(a, deep):\n    return g(a, deep=deep)\n",
    ),
    ("range-bound", "def f(n):\n    return range(n)\n", "def f(n):\n    return range(1, n + 1)\n"),
    (
        "range-bound",
        "def f(m, n):\n    return range(m, n)\n",
        "def f(m, n):\n    return range(n - 1, m - 1, -1)\n",
    ),
    (
        "filter-add",
        "def f(xs):\n    return [x for x in xs]\n",
        "def f(xs):\n    return [x for x in xs if x]\n",
    ),
    (
        "filter-drop",
        "def f(xs):\n    return [x for x in xs if x]\n",
        "def f(xs):\n    return [x for x in xs]\n",
    ),
    ("element-add", "def f(a):\n    return [0]\n", "def f(a):\n    return [0, a]\n"),
    ("element-add", "def f(a):\n    return []\n", "def f(a):\n    return [a]\n"),
    ("element-drop", "def f(a):\n    return [0, a]\n", "def f(a):\n    return [0]\n"),
    ("default-replace", "def f(a=1):\n    return a\n", "def f(a=None):\n    return a\n"),
    ("lookup-default", "def f(d, k):\n    return d[k]\n", "def f(d, k):\n    return d.get(k, 0)\n"),
    ("lookup-default", "def f(d, k):\n    return d.get(k)\n", "def f(d, k):\n    return d.get(k, 0)\n"),
    (
        "branch-kind",
        "def f(a):\n    if a:\n        a -= 1\n    if not a:\n        a = 2\n    return a\n",
        "def f(a):\n    if a:\n        a -= 1\n    elif not a:\n        a = 2\n    return a\n",
    ),
    (
        "branch-kind",
        "def f(a):\n    if a:\n        a -= 1\n    return a\n",
        "def f(a):\n    while a:\n        a -= 1\n    return a\n",
    ),
    (
        "branch-exchange",
        "def f(a):\n    if a:\n        return 1\n    else:\n        return 2\n",
        "def f(a):\n    if a:\n        return 2\n    else:\n        return 1\n",
    ),
    ("statement-delete", "def f(a):\n    a += 1\n    return a\n", "def f(a):\n    return a\n"),
    (
        "statement-delete",
        "def f(a):\n    if a:\n        a += 1\n    return a\n",
        "def f(a):\n    if a:\n        pass\n    return a\n",
    ),
    ("statement-swap", "def f(a):\n    g(a)\n    h(a)\n", "def f(a):\n    h(a)\n    g(a)\n"),
    (
        "statement-move",
        "def f(a):\n    g(a)\n    h(a)\n    k(a)\n",
        "def f(a):\n    h(a)\n    k(a)\n    g(a)\n",
    ),
    (
        "statement-outdent",
        "def f(xs):\n    for x in xs:\n        g(x)\n        return x\n",
        "def f(xs):\n    for x in xs:\n        g(x)\n    return x\n",
    ),
    (
        "statement-indent",
        "def f(xs):\n    for x in xs:\n        g(x)\n    h(x)\n",
        "def f(xs):\n    for x in xs:\n        g(x)\n        h(x)\n",
    ),
    (
        "statement-unwrap",
        "def f(a):\n    if a:\n        g(a)\n        h(a)\n    return a\n",
        "def f(a):\n    g(a)\n    h(a)\n    return a\n",
    ),
    (
        "statement-guard",
        "def f(a, b):\n    a += b\n    return a\n",
        "def f(a, b):\n    if a > 0:\n        a += b\n    return a\n",
    ),
    (
        "statement-copy",
        "def f(xs, n):\n    if xs:\n        n += 1\n    g(n)\n    return n\n",
        "def f(xs, n):\n    if xs:\n        n += 1\n    g(n)\n    n += 1\n    return n\n",
    ),
    (
        "statement-rename",
        "def f(xs, ys, x):\n    xs.append(x)\n    return xs, ys\n",
        "def f(xs, ys, x):\n    ys.append(x)\n    xs.append(x)\n    return xs, ys\n",
    ),
    (
        "statement-replace",
        "def f(a, b):\n    if a:\n        g(a)\n    h(b)\n",
        "def f(a, b):\n    if a:\n        h(b)\n    h(b)\n",
    ),
    ("assignment-flip", "def f(a, b):\n    a = b\n    return a\n", "def f(a, b):\n    b = a\n    return a\n"),
    (
        "guard-return",
        "def f(xs):\n    return max(xs)\n",
        "def f(xs):\n    if not xs:\n        return None\n    return max(xs)\n",
    ),
    (
        "guard-loop",
        "def f(xs):\n    for x in xs:\n        g(x)\n",
        "def f(xs):\n    for x in xs:\n        if not x:\n            continue\n        g(x)\n",
    ),
    (
        "insert-call",
        "def f(xs):\n    seen = set()\n    for x in xs:\n        if x in seen:\n            return x\n",
        "def f(xs):\n    seen = set()\n    for x in xs:\n        if x in seen:\n            return x\n        seen.add(x)\n",
    ),
    (
        "insert-assignment",
        "def f(a, b):\n    g(a)\n    return b\n",
        "def f(a, b):\n    g(a)\n    a = b\n    return b\n",
    ),
    (
        "insert-increment",
        "def f(n):\n    while n < 9:\n        g(n)\n",
        "def f(n):\n    while n < 9:\n        g(n)\n        n += 1\n",
    ),
    ("insert-return", "def f(a):\n    b = a + 1\n", "def f(a):\n    b = a + 1\n    return b\n"),
    (
        "insert-jump",
        "def f(xs):\n    for x in xs:\n        if x:\n            y = x\n",
        "def f(xs):\n    for x in xs:\n        if x:\n            y = x\n            break\n",
    ),
    ("return-add", "def f(a):\n    g(a)\n", "def f(a):\n    return g(a)\n"),
];

/// The same for JavaScript: each row shows something that is spelled or parsed differently there.
const JAVASCRIPT: &[(&str, &str, &str)] = &[
    (
        "comparison-operator",
        "function f(a, b) {\n  return a < b;\n}\n",
        "function f(a, b) {\n  return a <= b;\n}\n",
    ),
    ("comparison-operator", "const f = (a, b) => a === b;\n", "const f = (a, b) => a !== b;\n"),
    (
        "comparison-operator",
        "function f(a, b) {\n  return a == b;\n}\n",
        "function f(a, b) {\n  return a === b;\n}\n",
    ),
    (
        "logical-operator",
        "function f(a, b) {\n  return a && b;\n}\n",
        "function f(a, b) {\n  return a || b;\n}\n",
    ),
    (
        "arithmetic-operator",
        "class A {\n  m(a, b) {\n    return a + b;\n  }\n}\n",
        "class A {\n  m(a, b) {\n    return a - b;\n  }\n}\n",
    ),
    (
        "augmented-operator",
        "function f(i) {\n  i++;\n  return i;\n}\n",
        "function f(i) {\n  i--;\n  return i;\n}\n",
    ),
    (
        "assignment-operator",
        "function f(a, b) {\n  a = b;\n  return a;\n}\n",
        "function f(a, b) {\n  a += b;\n  return a;\n}\n",
    ),
    ("branch-swap", "function f(a) {\n  return a ? 1 : 2;\n}\n", "function f(a) {\n  return a ? 2 : 1;\n}\n"),
    (
        "branch-kind",
        "function f(xs) {\n  for (const x in xs) g(x);\n}\n",
        "function f(xs) {\n  for (const x of xs) g(x);\n}\n",
    ),
    (
        "integer-step",
        "function f(xs) {\n  for (let i = 1; i < xs.length; i++) g(xs[i]);\n}\n",
        "function f(xs) {\n  for (let i = 0; i < xs.length; i++) g(xs[i]);\n}\n",
    ),
    (
        "off-by-one",
        "function f(xs) {\n  return xs[xs.length];\n}\n",
        "function f(xs) {\n  return xs[xs.length - 1];\n}\n",
    ),
    (
        "variable-replace",
        "function f(left, right) {\n  return left;\n}\n",
        "function f(left, right) {\n  return right;\n}\n",
    ),
    (
        "condition-negate",
        "function f(a) {\n  if (a) {\n    return 1;\n  }\n}\n",
        "function f(a) {\n  if (!a) {\n    return 1;\n  }\n}\n",
    ),
    (
        "condition-extend",
        "function f(a, b) {\n  if (a > 0) {\n    return b;\n  }\n}\n",
        "function f(a, b) {\n  if (a > 0 && b) {\n    return b;\n  }\n}\n",
    ),
    (
        "method-replace",
        "function f(xs) {\n  return xs.some(g);\n}\n",
        "function f(xs) {\n  return xs.every(g);\n}\n",
    ),
    (
        "receiver-add",
        "class A {\n  m(x) {\n    this.x = 1;\n    return x;\n  }\n}\n",
        "class A {\n  m(x) {\n    this.x = 1;\n    return this.x;\n  }\n}\n",
    ),
    (
        "guard-return",
        "function f(xs) {\n  return xs[0];\n}\n",
        "function f(xs) {\n  if (!xs) {\n    return null;\n  }\n  return xs[0];\n}\n",
    ),
    (
        "await-toggle",
        "async function f(g) {\n  return g();\n}\n",
        "async function f(g) {\n  return await g();\n}\n",
    ),
    ("yield-delegate", "function* f(xs) {\n  yield xs;\n}\n", "function* f(xs) {\n  yield* xs;\n}\n"),
    ("statement-delete", "function f(a) {\n  a += 1;\n  return a;\n}\n", "function f(a) {\n  return a;\n}\n"),
    ("statement-swap", "function f(a) {\n  g(a);\n  h(a);\n}\n", "function f(a) {\n  h(a);\n  g(a);\n}\n"),
    ("return-add", "function f(a) {\n  g(a);\n}\n", "function f(a) {\n  return g(a);\n}\n"),
    (
        "wrap-function",
        "function f(a) {\n  return a / 2;\n}\n",
        "function f(a) {\n  return Math.floor(a / 2);\n}\n",
    ),
    (
        "insert-call",
        "function f(xs) {\n  const out = [];\n  for (const x of xs) {\n    g(x);\n  }\n  return out;\n}\n",
        "function f(xs) {\n  const out = [];\n  for (const x of xs) {\n    g(x);\n    out.push(x);\n  }\n  return out;\n}\n",
    ),
    ("default-replace", "function f(a = 1) {\n  return a;\n}\n", "function f(a = 0) {\n  return a;\n}\n"),
    (
        "null-replace",
        "function f(a) {\n  a = undefined;\n  return a;\n}\n",
        "function f(a) {\n  a = [];\n  return a;\n}\n",
    ),
    (
        "loop-jump",
        "function f(xs) {\n  for (const x of xs) {\n    if (x) break;\n  }\n}\n",
        "function f(xs) {\n  for (const x of xs) {\n    if (x) continue;\n  }\n}\n",
    ),
];

/// All (kind, resulting text) pairs for a source.
fn results(path: &str, source: &str) -> BTreeSet<(EditKind, String)> {
    let sources = vec![(path.to_owned(), source.to_owned())];
    let suspicion = Suspicion::uniform(&sources);
    let limits = EnumerationLimits { max_per_site: 10_000, ..EnumerationLimits::default() };
    let explained = explain(&SearchInput { sources: &sources, suspicion: &suspicion, limits });
    explained.into_iter().map(|one| (one.candidate.kind, one.candidate.edit.apply(source))).collect()
}

fn check(path: &str, rows: &[(&str, &str, &str)]) {
    let mut missing = Vec::new();
    for (name, source, expected) in rows {
        let found = results(path, source);
        if !found.iter().any(|(kind, text)| kind.name() == *name && text == expected) {
            let of_kind: Vec<&String> =
                found.iter().filter(|(kind, _)| kind.name() == *name).map(|(_, text)| text).collect();
            missing.push(format!("{name}: {source:?}\n  wanted {expected:?}\n  has {of_kind:#?}"));
        }
    }
    assert!(missing.is_empty(), "{} rows fail\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn python_proposals() {
    check("a.py", PYTHON);
}

#[test]
fn javascript_proposals() {
    check("a.js", JAVASCRIPT);
}

#[test]
fn every_kind_has_a_python_row() {
    let tested: BTreeSet<&str> = PYTHON.iter().map(|row| row.0).collect();
    let untested: Vec<&str> =
        EditKind::ALL.iter().map(|kind| kind.name()).filter(|name| !tested.contains(name)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

//! Edits of single tokens in Python.

use crate::harness::check;

const DISCOUNT: &str = r#"
def discounted(price, quantity, member=False, rate=0.1):
    if quantity >= 10 and member:
        price = price - price * rate
    elif quantity == 0 or price < 0:
        return None
    total = price * quantity
    total += 5
    return round(total, 2)
"#;

#[test]
fn operators_and_constants_of_a_price() {
    check(
        DISCOUNT,
        &[
            ("comparison-operator", "quantity >= 10", "quantity > 10"),
            ("comparison-operator", "quantity >= 10", "quantity <= 10"),
            ("comparison-operator", "quantity == 0", "quantity != 0"),
            ("comparison-operator", "price < 0", "price <= 0"),
            ("logical-operator", "10 and member", "10 or member"),
            ("logical-operator", "0 or price", "0 and price"),
            ("arithmetic-operator", "price * quantity", "price + quantity"),
            ("arithmetic-operator", "price * quantity", "price // quantity"),
            ("arithmetic-operator", "price - price", "price + price"),
            ("augmented-operator", "total += 5", "total -= 5"),
            ("augmented-operator", "total += 5", "total *= 5"),
            ("assignment-operator", "total += 5", "total = 5"),
            ("assignment-operator", "price = price", "price -= price"),
            ("operand-swap", "price - price * rate", "price * rate - price"),
            ("argument-swap", "round(total, 2)", "round(2, total)"),
            ("integer-step", ">= 10", ">= 11"),
            ("integer-step", ">= 10", ">= 9"),
            ("integer-step", "total += 5", "total += 6"),
            ("integer-replace", ">= 10", ">= 100"),
            ("integer-replace", "total += 5", "total += 0"),
            ("integer-replace", "total += 5", "total += 10"),
            ("default-replace", "rate=0.1", "rate=0"),
            ("default-replace", "member=False", "member=True"),
            ("variable-replace", "round(total", "round(price"),
            ("variable-replace", "10 and member", "10 and rate"),
            ("target-replace", "total = price", "price = price"),
            ("variable-to-constant", "round(total", "round(0"),
            ("constant-to-variable", "price < 0", "price < quantity"),
            ("constant-to-variable", "total += 5", "total += rate"),
        ],
    );
}

const FLAGS: &str = r#"
READ, WRITE = 1, 2


def allowed(mode, mask, owner=None):
    bits = mode & mask
    bits |= WRITE << 1
    if owner is None or owner not in mask:
        bits = ~bits
    high = (mode ^ mask) >> 4
    return -high, not bits
"#;

#[test]
fn bits_signs_and_negations() {
    check(
        FLAGS,
        &[
            ("bitwise-operator", "mode & mask", "mode | mask"),
            ("bitwise-operator", "mode & mask", "mode ^ mask"),
            ("bitwise-operator", "WRITE << 1", "WRITE >> 1"),
            ("bitwise-operator", "mode ^ mask", "mode & mask"),
            ("augmented-operator", "bits |= ", "bits &= "),
            ("augmented-operator", "bits |= ", "bits ^= "),
            ("comparison-operator", "owner is None", "owner is not None"),
            ("comparison-operator", "owner not in mask", "owner in mask"),
            ("sign-drop", "= ~bits", "= bits"),
            ("sign-drop", "return -high", "return high"),
            ("not-drop", "not bits", "bits"),
            ("element-swap", "-high, not bits", "not bits, -high"),
            ("element-swap", "READ, WRITE", "WRITE, READ"),
            ("element-swap", "= 1, 2", "= 2, 1"),
            ("integer-step", ">> 4", ">> 3"),
            ("integer-step", "WRITE << 1", "WRITE << 2"),
        ],
    );
}

const READER: &str = r##"
import json


def read_rows(path, separator=",", strict=True):
    rows = []
    with open(path, mode="r") as handle:
        for number, line in enumerate(handle):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split(separator)
            if len(fields) < 2:
                break
            try:
                rows.append((int(fields[0]), fields[-1].lower()))
            except ValueError:
                if strict:
                    raise KeyError(number)
    return rows if strict else None


def write_rows(path, rows, *, indent=2, separator=","):
    handle = open(path, "w")
    handle.write(json.dumps(rows, indent=indent))
    return handle.name


def copy_rows(source, target):
    rows = read_rows(source, separator=";")
    return write_rows(target, rows, indent=4)
"##;

#[test]
fn names_texts_and_jumps_of_a_reader() {
    check(
        READER,
        &[
            ("default-replace", "separator=\",\", strict", "separator='', strict"),
            ("text-replace", "\"#\"", "''"),
            ("text-replace", "mode=\"r\"", "mode='R'"),
            ("text-replace", "separator=\";\"", "separator=','"),
            ("method-replace", "line.startswith", "line.endswith"),
            ("method-replace", "line.rstrip", "line.lstrip"),
            ("method-replace", ".split(separator)", ".rsplit(separator)"),
            ("method-replace", "rows.append", "rows.extend"),
            ("method-replace", ".lower()", ".upper()"),
            ("callee-replace", "int(fields", "float(fields"),
            ("callee-replace", "enumerate(handle)", "zip(handle)"),
            ("callee-replace", "return write_rows(", "return read_rows("),
            ("keyword-replace", "rows, indent=4", "rows, separator=4"),
            ("keyword-replace", "separator=\";\"", "strict=\";\""),
            ("exception-replace", "except ValueError", "except TypeError"),
            ("exception-replace", "raise KeyError", "raise IndexError"),
            ("exception-replace", "raise KeyError", "raise ValueError"),
            ("loop-jump", "continue", "break"),
            ("loop-jump", "break", "continue"),
            ("loop-jump", "continue", "pass"),
            ("branch-swap", "rows if strict else None", "None if strict else rows"),
            ("argument-swap", "write_rows(target, rows, indent", "write_rows(rows, target, indent"),
            ("argument-swap", "open(path, \"w\")", "open(\"w\", path)"),
            ("not-drop", "or not line", "or line"),
            ("integer-step", "fields[0]", "fields[1]"),
            ("sign-drop", "fields[-1]", "fields[1]"),
            ("default-replace", "strict=True", "strict=False"),
            ("element-swap", "number, line in", "line, number in"),
            ("variable-replace", "open(path, mode", "open(separator, mode"),
            ("target-replace", "fields = line", "rows = line"),
        ],
    );
}

const CART: &str = r#"
class Cart:
    limit = 20

    def __init__(self, owner, items=()):
        self.owner = owner
        self.items = list(items)
        self.count = 0
        self.total = 0.0

    def add(self, item, count=1):
        total = count * item.price
        if self.count + count > self.limit:
            return False
        self.count += count
        self.total += total
        self.items.append(item)
        return True

    def is_empty(self, count):
        if self.items:
            return True
        if self.total > 0:
            return True
        return False

    async def refresh(self, client, url):
        reply = await client.fetch(url)
        self.items = reply.items
        self.close()
        return client.fetch(self.owner)

    def close(self):
        self.owner = None
"#;

#[test]
fn members_and_receivers_of_a_class() {
    check(
        CART,
        &[
            ("receiver-add", "self.total += total", "self.total += self.total"),
            ("receiver-add", "count > self.limit", "self.count > self.limit"),
            ("receiver-drop", "if self.count + count", "if count + count"),
            ("receiver-drop", "self.total += total", "total += total"),
            ("attribute-replace", "count > self.limit", "count > self.total"),
            ("attribute-replace", "self.items = reply.items", "self.items = reply.price"),
            ("attribute-replace", "if self.total > 0", "if self.count > 0"),
            ("method-replace", "self.items.append(item)", "self.items.insert(item)"),
            ("method-replace", "self.close()", "self.refresh()"),
            ("await-toggle", "await client.fetch(url)", "client.fetch(url)"),
            ("await-toggle", "return client.fetch(self.owner)", "return await client.fetch(self.owner)"),
            ("null-replace", "self.owner = None", "self.owner = ''"),
            ("null-replace", "self.owner = None", "self.owner = []"),
            ("float-replace", "self.total = 0.0", "self.total = 1.0"),
            ("float-replace", "self.total = 0.0", "self.total = 0"),
            ("default-replace", "count=1", "count=0"),
            ("integer-step", "limit = 20", "limit = 21"),
            ("integer-replace", "limit = 20", "limit = 200"),
            ("variable-replace", "self.owner = owner", "self.owner = items"),
            (
                "truth-invert",
                "return True\n        if self.total > 0:\n            return True\n        return False",
                "return False\n        if self.total > 0:\n            return False\n        return True",
            ),
        ],
    );
}

const SHELVES: &str = r#"
def labels(shelf, width, other):
    left = shelf[1:width]
    right = shelf[:-1]
    line = "-" + left + "-"
    yield line
    yield from right
    return [entry for entry in other if entry != 3 and entry[0] != 3]


def present(flag):
    if flag:
        return True
    return False
"#;

#[test]
fn slices_generators_and_slips_made_throughout() {
    check(
        SHELVES,
        &[
            ("slice-bound", "shelf[1:width]", "shelf[:width]"),
            ("slice-bound", "shelf[1:width]", "shelf[0:width]"),
            ("slice-bound", "shelf[1:width]", "shelf[1:width + 1]"),
            ("slice-bound", "shelf[1:width]", "shelf[1:]"),
            ("slice-bound", "shelf[:-1]", "shelf[:]"),
            ("slice-bound", "shelf[:-1]", "shelf[1:-1]"),
            ("slice-bound", "shelf[:-1]", "shelf[:-1:2]"),
            ("yield-delegate", "yield line", "yield from line"),
            ("yield-delegate", "yield from right", "yield right"),
            ("constant-everywhere", "\"-\" + left + \"-\"", "'' + left + ''"),
            ("constant-everywhere", "\"-\" + left + \"-\"", "'_' + left + '_'"),
            ("constant-everywhere", "3 and entry[0] != 3", "4 and entry[0] != 4"),
            ("truth-invert", "return True\n    return False", "return False\n    return True"),
            ("comparison-operator", "entry != 3 and", "entry == 3 and"),
            ("variable-replace", "in other if", "in shelf if"),
        ],
    );
}

const GRADES: &str = r#"
def grade(points, best, passing=50):
    if 0 <= points < passing:
        return "failed"
    if points > best or points is not None and best:
        mark = points / best * 100
    else:
        mark = 100
    while mark >= 90:
        mark -= 1.5
        pass
    return "passed" if mark else "Late "
"#;

#[test]
fn chains_and_mixed_precedence() {
    check(
        GRADES,
        &[
            ("comparison-operator", "0 <= points", "0 < points"),
            ("comparison-operator", "points < passing", "points <= passing"),
            ("comparison-operator", "points is not None", "points is None"),
            (
                "logical-operator",
                "points > best or points is not None and best",
                "points > best and (points is not None and best)",
            ),
            ("logical-operator", "points is not None and best", "(points is not None or best)"),
            ("arithmetic-operator", "points / best * 100", "points // best * 100"),
            ("arithmetic-operator", "best * 100", "best / 100"),
            ("augmented-operator", "mark -= 1.5", "mark += 1.5"),
            ("float-replace", "1.5", "0.5"),
            ("float-replace", "1.5", "15.0"),
            ("loop-jump", "pass\n    return", "break\n    return"),
            ("loop-jump", "pass\n    return", "continue\n    return"),
            ("branch-swap", "\"passed\" if mark else \"Late \"", "\"Late \" if mark else \"passed\""),
            ("text-replace", "\"Late \"", "'Late'"),
            ("text-replace", "\"Late \"", "'late '"),
            ("text-replace", "\"Late \"", "' Late'"),
            ("text-replace", "\"failed\"", "'Failed'"),
            ("text-replace", "\"failed\"", "'FAILED'"),
        ],
    );
}

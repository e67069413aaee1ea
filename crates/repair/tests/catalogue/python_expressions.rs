//! Edits of whole expressions in Python.

use crate::harness::check;

const STOCK: &str = r#"
def reorder(stock, item, wanted, lowest=3):
    have = stock[item]
    if have < lowest and wanted > 0:
        need = wanted - have + lowest
        return max(need, 0)
    known = stock.get(item)
    return wanted * (known + 1)
"#;

#[test]
fn arithmetic_of_a_stock() {
    check(
        STOCK,
        &[
            ("comparison-bound", "wanted > 0", "wanted >= 1"),
            ("comparison-chain", "have < lowest and", "0 <= have < lowest and"),
            ("operand-drop", "wanted - have + lowest", "wanted - have"),
            ("operand-drop", "wanted - have + lowest", "have + lowest"),
            ("operand-drop", "have < lowest and wanted > 0", "wanted > 0"),
            ("operand-drop", "have < lowest and wanted > 0", "have < lowest"),
            ("operand-add", "return max(need, 0)", "return max(need + have, 0)"),
            ("operand-add", "return max(need, 0)", "return max(need - wanted, 0)"),
            ("reassociate", "wanted - have + lowest", "wanted - (have + lowest)"),
            ("reassociate", "wanted * (known + 1)", "wanted * known + 1"),
            ("off-by-one", "have < lowest", "have < lowest + 1"),
            ("off-by-one", "have < lowest", "have < lowest - 1"),
            ("off-by-one", "stock[item]", "stock[item + 1]"),
            ("scale", "max(need, 0)", "max(need * 2, 0)"),
            ("scale", "max(need, 0)", "max(need // 2, 0)"),
            ("negate", "max(need, 0)", "max(-need, 0)"),
            ("negate", "wanted - have", "-wanted - have"),
            ("wrap-bound", "wanted - have", "max(0, wanted) - have"),
            ("wrap-bound", "wanted * (known", "min(lowest, wanted) * (known"),
            ("wrap-conversion", "wanted * (known", "int(wanted) * (known"),
            ("wrap-conversion", "stock[item]", "stock[str(item)]"),
            ("wrap-function", "wanted - have", "wanted - abs(have)"),
            ("wrap-function", "max(need, 0)", "round(max(need, 0))"),
            ("unwrap", "max(need, 0)", "need"),
            ("lookup-default", "stock[item]", "stock.get(item)"),
            ("lookup-default", "stock[item]", "stock.get(item, 0)"),
            ("lookup-default", "stock.get(item)", "stock.get(item, 0)"),
            ("lookup-default", "stock.get(item)", "stock[item]"),
            ("default-replace", "lowest=3", "lowest=None"),
            ("default-replace", "lowest=3", "lowest=0"),
            ("ingredient", "have = stock[item]", "have = stock.get(item)"),
            ("ingredient", "max(need, 0)", "max(wanted - have + lowest, 0)"),
            ("condition-negate", "if have < lowest and wanted > 0", "if not (have < lowest and wanted > 0)"),
            ("condition-constant", "if have < lowest and wanted > 0", "if True"),
            ("condition-constant", "if have < lowest and wanted > 0", "if False"),
            ("return-constant", "return wanted * (known + 1)", "return 0"),
            ("return-constant", "return wanted * (known + 1)", "return None"),
            ("argument-drop", "max(need, 0)", "max(need)"),
            ("argument-add", "max(need, 0)", "max(need, 0, wanted)"),
        ],
    );
}

const ORDERS: &str = r#"
def clean(name):
    return name.strip()


def overdue(orders, today, names: list, deep=False):
    late = [order for order in orders if order.due < today]
    first = late[0]
    labels = {}
    for position in range(len(names)):
        label = names[position]
        labels[label] = first.customer.name
    pairs = [(first, today)]
    if not labels:
        return
    found = sorted(names)
    chosen = names if deep else found
    return clean(first.customer.name) == chosen[0].lower(), pairs
"#;

#[test]
fn collections_and_members_of_orders() {
    check(
        ORDERS,
        &[
            (
                "filter-drop",
                "[order for order in orders if order.due < today]",
                "[order for order in orders]",
            ),
            ("element-add", "[(first, today)]", "[(first, today), first]"),
            ("element-drop", "[(first, today)]", "[]"),
            ("range-bound", "range(len(names))", "range(1, len(names))"),
            ("off-by-one", "range(len(names))", "range(len(names) - 1)"),
            ("off-by-one", "range(len(names))", "range(len(names) + 1)"),
            ("return-value", "return\n", "return pairs\n"),
            ("return-value", "return\n", "return labels\n"),
            ("keyword-add", "sorted(names)", "sorted(names, reverse=True)"),
            ("keyword-add", "sorted(names)", "sorted(names, key=len)"),
            ("conditional-drop", "names if deep else found", "names"),
            ("conditional-drop", "names if deep else found", "found"),
            ("attribute-drop", "= first.customer.name", "= first.customer"),
            ("attribute-drop", "order.due < today", "order < today"),
            ("attribute-add", "(first, today)", "(first.customer, today)"),
            ("subscript-drop", "late[0]", "late"),
            ("subscript-drop", "= names[position]", "= names"),
            ("subscript-add", "clean(first.customer.name) ==", "clean(first.customer.name[0]) =="),
            ("slice-add", "= sorted(names)", "= sorted(names[1:])"),
            ("slice-add", "= sorted(names)", "= sorted(names[::-1])"),
            ("method-add", "clean(first.customer.name) ==", "clean(first.customer.name.lower()) =="),
            ("method-add", "clean(first.customer.name) ==", "clean(first.customer.name).upper() =="),
            ("unwrap", "= sorted(names)", "= names"),
            ("unwrap", "chosen[0].lower()", "chosen[0]"),
            ("unwrap", "len(names)", "names"),
            ("wrap-local", "chosen[0].lower()", "clean(chosen[0].lower())"),
            ("wrap-local", "labels[label]", "labels[clean(label)]"),
            (
                "wrap-collection",
                "labels[label] = first.customer.name",
                "labels[label] = [first.customer.name]",
            ),
            ("wrap-function", "= sorted(names)", "= sorted(reversed(names))"),
            ("wrap-conversion", "= sorted(names)", "= sorted(set(names))"),
            ("ingredient", "first = late[0]", "first = names[position]"),
            ("element-access", "label = names[position]", "label = labels[position]"),
            ("condition-extend", "if not labels", "if not labels and deep"),
            ("condition-extend", "if not labels", "if deep or not labels"),
            ("condition-replace", "if not labels", "if deep"),
        ],
    );
}

const MATCHING: &str = r#"
def same(left, right, limit):
    if left == right:
        return left
    if 0 < limit < 10:
        left = left - right - limit
    values = [left, right]
    copy = values
    return [value for value in values if value > limit]


def distance(one, other):
    return abs(one.x - other.x)


def near(one, other, limit):
    gap = one.y - other.y
    return gap < limit
"#;

#[test]
fn comparisons_and_far_ingredients() {
    check(
        MATCHING,
        &[
            ("wrap-both", "left == right", "str(left) == str(right)"),
            ("wrap-both", "left == right", "float(left) == float(right)"),
            ("comparison-chain", "0 < limit < 10", "0 < limit"),
            ("comparison-chain", "0 < limit < 10", "limit < 10"),
            ("reassociate", "left - right - limit", "left - (right - limit)"),
            ("filter-drop", " if value > limit", ""),
            ("wrap-collection", "copy = values", "copy = [values]"),
            ("wrap-conversion", "copy = values", "copy = list(values)"),
            ("method-add", "copy = values", "copy = values.copy()"),
            ("element-drop", "[left, right]", "[left]"),
            ("element-drop", "[left, right]", "[right]"),
            ("element-add", "[left, right]", "[left, right, limit]"),
            ("ingredient", "return left\n", "return left == right\n"),
            ("return-constant", "return left\n", "return True\n"),
            ("ingredient-far", "gap = one.y - other.y", "gap = one.x - other.y"),
            ("attribute-replace", "gap = one.y - other.y", "gap = one.x - other.y"),
            ("attribute-drop", "gap = one.y - other.y", "gap = one - other.y"),
            ("operand-swap", "one.x - other.x", "other.x - one.x"),
            ("condition-negate", "return gap < limit", "return gap >= limit"),
            ("condition-negate", "if 0 < limit < 10", "if not 0 < limit < 10"),
        ],
    );
}

const NESTED: &str = r#"
def totals(table, rows: list, column):
    result = {}
    for row in rows:
        table[row] = row
        result[column] = table[row][column]
        result = table[row]
    picked = {key: value for key, value in result.items() if value}
    count = sum(1 for row in rows if row)
    return count, picked, rows


def report(table, rows, column="name", verbose=True):
    found = totals(table, rows)
    pick = lambda row: row[0] + 1
    assert len(found) == 3
    return format(found, column, width=verbose)
"#;

#[test]
fn targets_arguments_and_nested_code() {
    check(
        NESTED,
        &[
            ("target-ingredient", "result = table[row]\n", "table[row] = table[row]\n"),
            ("target-ingredient", "result[column] = ", "table[row] = "),
            ("argument-add", "totals(table, rows)\n", "totals(table, rows, column)\n"),
            ("argument-add", "totals(table, rows)\n", "totals(column, table, rows)\n"),
            ("argument-drop", "totals(table, rows)\n", "totals(table)\n"),
            ("argument-drop", "(found, column, width=verbose)", "(found, column)"),
            ("argument-drop", "(found, column, width=verbose)", "(column, width=verbose)"),
            ("keyword-add", "totals(table, rows)\n", "totals(table, rows, column=column)\n"),
            ("default-replace", "column=\"name\"", "column=None"),
            ("default-replace", "column=\"name\"", "column=''"),
            ("default-replace", "verbose=True", "verbose=None"),
            ("subscript-drop", "table[row][column]", "table[row]"),
            ("subscript-drop", "row[0] + 1", "row + 1"),
            ("integer-step", "row[0] + 1", "row[1] + 1"),
            ("arithmetic-operator", "row[0] + 1", "row[0] - 1"),
            ("operand-drop", "row[0] + 1", "row[0]"),
            ("filter-drop", " if value}", "}"),
            ("filter-drop", " if row)", ")"),
            ("condition-negate", "if value}", "if not value}"),
            ("condition-negate", "if row)", "if not row)"),
            ("unwrap", "in result.items() if", "in result if"),
            ("integer-step", "len(found) == 3", "len(found) == 2"),
            ("off-by-one", "len(found) == 3", "len(found) - 1 == 3"),
            ("unwrap", "len(found) == 3", "found == 3"),
            ("slice-add", "count, picked, rows\n", "count, picked, rows[1:]\n"),
            ("element-swap", "count, picked, rows\n", "picked, count, rows\n"),
            ("element-drop", "count, picked, rows\n", "count, picked\n"),
        ],
    );
}

const FILTERS: &str = r#"
def active(users, today, blocked: set):
    names = [user.name for user in users]
    recent = {user.mail for user in users if user.seen > today}
    return names, recent, [name for name in names]
"#;

#[test]
fn filters_of_comprehensions() {
    check(
        FILTERS,
        &[
            ("filter-add", "[name for name in names]", "[name for name in names if name]"),
            (
                "filter-add",
                "[user.name for user in users]",
                "[user.name for user in users if user.seen > today]",
            ),
            ("filter-drop", " if user.seen > today", ""),
            ("attribute-replace", "[user.name", "[user.mail"),
            ("attribute-drop", "[user.name", "[user"),
            ("variable-replace", "for name in names]", "for name in recent]"),
            ("off-by-one", "user.seen > today", "user.seen > today + 1"),
        ],
    );
}

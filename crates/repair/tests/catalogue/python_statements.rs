//! Edits of statements in Python.

use crate::harness::check;

const INVENTORY: &str = r#"
def take(shelf, names: list, amount):
    taken = []
    left = amount
    for name in names:
        if name not in shelf:
            continue
        if shelf[name] > 0:
            taken.append(name)
            left -= 1
        if left == 0:
            break
    missing = amount - left
    return taken
"#;

#[test]
fn statements_of_a_loop() {
    check(
        INVENTORY,
        &[
            ("statement-delete", "            left -= 1\n", ""),
            ("statement-delete", "    missing = amount - left\n", ""),
            ("statement-swap", "    taken = []\n    left = amount\n", "    left = amount\n    taken = []\n"),
            (
                "statement-swap",
                "            taken.append(name)\n            left -= 1\n",
                "            left -= 1\n            taken.append(name)\n",
            ),
            ("statement-outdent", "            left -= 1\n", "        left -= 1\n"),
            ("statement-indent", "    missing = amount - left\n", "        missing = amount - left\n"),
            (
                "statement-unwrap",
                "        if shelf[name] > 0:\n            taken.append(name)\n            left -= 1\n",
                "        taken.append(name)\n        left -= 1\n",
            ),
            (
                "statement-guard",
                "            left -= 1\n",
                "            if left > 0:\n                left -= 1\n",
            ),
            (
                "statement-copy",
                "    missing = amount - left\n",
                "    missing = amount - left\n    left = amount\n",
            ),
            (
                "statement-rename",
                "    missing = amount - left\n",
                "    names.append(name)\n    missing = amount - left\n",
            ),
            ("statement-replace", "            left -= 1\n", "            taken.append(name)\n"),
            ("assignment-flip", "    left = amount\n", "    amount = left\n"),
            ("branch-kind", "        if left == 0", "        elif left == 0"),
            ("guard-return", "    taken = []\n", "    if not names:\n        return []\n    taken = []\n"),
            ("guard-return", "    taken = []\n", "    if not shelf:\n        return None\n    taken = []\n"),
            (
                "guard-loop",
                "        if shelf[name] > 0:\n",
                "        if not name:\n            continue\n        if shelf[name] > 0:\n",
            ),
            (
                "insert-increment",
                "            left -= 1\n",
                "            left -= 1\n            amount += 1\n",
            ),
            ("insert-increment", "            break\n", "            left += 1\n            break\n"),
            ("insert-assignment", "    missing = amount", "    amount = left\n    missing = amount"),
            (
                "insert-call",
                "            left -= 1\n",
                "            names.append(name)\n            left -= 1\n",
            ),
            ("insert-jump", "            left -= 1\n", "            left -= 1\n            break\n"),
            ("insert-jump", "            left -= 1\n", "            left -= 1\n            continue\n"),
        ],
    );
}

const CALENDAR: &str = r#"
def next_free(days: list, taken: set, start, holiday=None):
    day = start
    if day is None:
        day = days[0]
    elif day not in days:
        raise ValueError(day)
    else:
        day = holiday
    while day in taken:
        day += 1
        taken.add(day)
    with lock(days):
        days.append(day)
    if holiday:
        days.remove(holiday)
    return day


def book(days, taken, start, names):
    day = next_free(days, taken, start)
    for name in names:
        notify(name, day)
        days.append(name)
    taken.add(day)
    log(day)


def move(entry, source: dict, target: dict):
    source, target = target, source
    target[entry] = source[entry]
    entry = target
    if entry:
        target = entry
    else:
        source = entry
    try:
        check(entry)
        clear(source)
    except LookupError:
        restore(source)
    finally:
        close(target)
"#;

#[test]
fn branches_and_blocks_of_a_calendar() {
    check(
        CALENDAR,
        &[
            ("branch-kind", "    elif day not in days", "    if day not in days"),
            ("branch-kind", "    while day in taken", "    if day in taken"),
            ("branch-kind", "    if holiday:", "    while holiday:"),
            (
                "branch-exchange",
                "        target = entry\n    else:\n        source = entry\n",
                "        source = entry\n    else:\n        target = entry\n",
            ),
            (
                "branch-exchange",
                "        raise ValueError(day)\n    else:\n        day = holiday\n",
                "        day = holiday\n    else:\n        raise ValueError(day)\n",
            ),
            ("statement-delete", "        days.append(day)\n", "        pass\n"),
            ("statement-delete", "    target[entry] = source[entry]\n", ""),
            ("statement-delete", "        restore(source)\n", "        pass\n"),
            ("statement-swap", "    taken.add(day)\n    log(day)\n", "    log(day)\n    taken.add(day)\n"),
            (
                "statement-swap",
                "        check(entry)\n        clear(source)\n",
                "        clear(source)\n        check(entry)\n",
            ),
            ("statement-outdent", "        taken.add(day)\n    with", "    taken.add(day)\n    with"),
            ("statement-outdent", "        days.append(name)\n", "    days.append(name)\n"),
            (
                "statement-outdent",
                "        notify(name, day)\n        days.append(name)\n",
                "        notify(name, day)\n    days.append(name)\n",
            ),
            ("statement-indent", "    taken.add(day)\n    log", "        taken.add(day)\n    log"),
            (
                "statement-unwrap",
                "    if holiday:\n        days.remove(holiday)\n",
                "    days.remove(holiday)\n",
            ),
            ("statement-guard", "    log(day)\n", "    if day:\n        log(day)\n"),
            (
                "statement-guard",
                "        notify(name, day)\n",
                "        if name:\n            notify(name, day)\n",
            ),
            (
                "statement-move",
                "    for name in names:\n        notify(name, day)\n        days.append(name)\n    taken.add(day)\n    log(day)\n",
                "    taken.add(day)\n    log(day)\n    for name in names:\n        notify(name, day)\n        days.append(name)\n",
            ),
            (
                "statement-copy",
                "        days.remove(holiday)\n",
                "        days.remove(holiday)\n        day = holiday\n",
            ),
            ("statement-rename", "    log(day)\n", "    taken.add(start)\n    log(day)\n"),
            ("statement-replace", "        days.append(name)\n", "        notify(name, day)\n"),
            ("statement-replace", "    log(day)\n", "    taken.add(day)\n"),
            ("assignment-flip", "target[entry] = source[entry]", "source[entry] = target[entry]"),
            ("assignment-flip", "    entry = target\n", "    target = entry\n"),
            ("insert-return", "    log(day)\n", "    log(day)\n    return day\n"),
            ("insert-return", "        close(target)\n", "        close(target)\n        return None\n"),
            ("return-add", "    log(day)\n", "    return log(day)\n"),
            ("return-add", "        restore(source)\n", "        return restore(source)\n"),
            ("insert-call", "        day += 1\n", "        taken.add(day)\n        day += 1\n"),
            ("insert-assignment", "    return day\n", "    day = holiday\n    return day\n"),
            ("condition-constant", "while day in taken", "while True"),
            ("condition-negate", "while day in taken", "while day not in taken"),
            ("element-swap", "source, target = target", "target, source = target"),
            ("exception-replace", "except LookupError", "except KeyError"),
        ],
    );
}

const POLLING: &str = r#"
def poll(source, limit: int, seen: set, wait=None):
    tries = 0
    while tries < limit:
        reply = source.read()
        if reply in seen:
            result = reply
        tries += wait
    return tries


def collect(lines, keys):
    groups = {}
    rest = []
    for line in lines:
        key = line.split(":")
        if key in keys:
            groups.update(line)
        rest.append(line)
    count = len(rest)
"#;

#[test]
fn missing_statements() {
    check(
        POLLING,
        &[
            ("insert-increment", "        tries += wait\n", "        tries += wait\n        tries += 1\n"),
            (
                "insert-increment",
                "            result = reply\n",
                "            tries += 1\n            result = reply\n",
            ),
            ("insert-call", "        tries += wait\n", "        tries += wait\n        seen.add(reply)\n"),
            (
                "insert-call",
                "            result = reply\n",
                "            result = reply\n            seen.add(reply)\n",
            ),
            (
                "insert-jump",
                "            result = reply\n",
                "            result = reply\n            break\n",
            ),
            (
                "insert-jump",
                "            groups.update(line)\n",
                "            groups.update(line)\n            continue\n",
            ),
            ("insert-return", "    count = len(rest)\n", "    count = len(rest)\n    return count\n"),
            ("insert-return", "    count = len(rest)\n", "    count = len(rest)\n    return groups\n"),
            (
                "insert-return",
                "            result = reply\n",
                "            result = reply\n            return result\n",
            ),
            ("insert-assignment", "        tries += wait\n", "        wait = tries\n        tries += wait\n"),
            ("guard-return", "    tries = 0\n", "    if wait is None:\n        return None\n    tries = 0\n"),
            ("guard-return", "    tries = 0\n", "    if limit <= 0:\n        return 0\n    tries = 0\n"),
            (
                "guard-loop",
                "        if key in keys",
                "        if not key:\n            continue\n        if key in keys",
            ),
            (
                "guard-loop",
                "        tries += wait\n",
                "        if reply in seen:\n            break\n        tries += wait\n",
            ),
            ("statement-indent", "        rest.append(line)\n", "            rest.append(line)\n"),
            (
                "statement-guard",
                "        rest.append(line)\n",
                "        if key in keys:\n            rest.append(line)\n",
            ),
            ("return-add", "            groups.update(line)\n", "            return groups.update(line)\n"),
            ("assignment-operator", "tries += wait", "tries = wait"),
        ],
    );
}

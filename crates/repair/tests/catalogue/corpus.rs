//! Small programs of different kinds, for what holds of all candidates.

/// (Path, source).
pub const CORPUS: &[(&str, &str)] = &[
    (
        "shop/prices.py",
        "RATE = 0.19\n\n\ndef gross(net, rate=RATE):\n    if net < 0:\n        raise ValueError('negative')\n    return round(net * (1 + rate), 2)\n\n\ndef split(total, people):\n    share = total // people\n    rest = total % people\n    return [share + (1 if index < rest else 0) for index in range(people)]\n",
    ),
    (
        "shop/stock.py",
        "class Stock:\n    def __init__(self):\n        self.amounts = {}\n\n    def add(self, item, amount=1):\n        self.amounts[item] = self.amounts.get(item, 0) + amount\n\n    def take(self, item, amount=1):\n        if self.amounts.get(item, 0) < amount:\n            return False\n        self.amounts[item] -= amount\n        if not self.amounts[item]:\n            del self.amounts[item]\n        return True\n",
    ),
    (
        "shop/dates.py",
        "def is_leap(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)\n\n\ndef days(month, year):\n    if month == 2:\n        return 29 if is_leap(year) else 28\n    return 30 if month in (4, 6, 9, 11) else 31\n\n\ndef add_days(day, month, year, count):\n    day += count\n    while day > days(month, year):\n        day -= days(month, year)\n        month += 1\n        if month > 12:\n            month, year = 1, year + 1\n    return day, month, year\n",
    ),
    (
        "text/csv.py",
        "def parse(text, separator=','):\n    rows, row, cell, quoted = [], [], '', False\n    for char in text:\n        if char == '\"':\n            quoted = not quoted\n        elif char == separator and not quoted:\n            row.append(cell)\n            cell = ''\n        elif char == '\\n' and not quoted:\n            rows.append(row + [cell])\n            row, cell = [], ''\n        else:\n            cell += char\n    return rows\n",
    ),
    (
        "text/wrap.py",
        "def wrap(words, width):\n    lines, line = [], ''\n    for word in words:\n        if line and len(line) + 1 + len(word) > width:\n            lines.append(line)\n            line = word\n        else:\n            line = f'{line} {word}' if line else word\n    if line:\n        lines.append(line)\n    return lines\n",
    ),
    (
        "text/version.py",
        "import re\n\nPATTERN = re.compile(r'(\\d+)\\.(\\d+)(?:-(\\w+))?')\n\n\ndef read(text):\n    match = PATTERN.match(text)\n    if match is None:\n        return None\n    major, minor, label = match.groups()\n    return int(major), int(minor), label or ''\n\n\ndef newer(one, other):\n    return read(one) > read(other)\n",
    ),
    (
        "net/retry.py",
        "import time\n\n\nclass GaveUp(Exception):\n    pass\n\n\ndef retry(action, times=3, wait=0.5, sleep=time.sleep):\n    error = None\n    for attempt in range(times):\n        try:\n            return action()\n        except (OSError, ValueError) as caught:\n            error = caught\n            if attempt < times - 1:\n                sleep(wait * 2 ** attempt)\n    raise GaveUp(times) from error\n",
    ),
    (
        "net/pool.py",
        "class Pool:\n    def __init__(self, make, limit):\n        self.make, self.limit = make, limit\n        self.free, self.used = [], 0\n\n    async def __aenter__(self):\n        if self.free:\n            return self.free.pop()\n        if self.used >= self.limit:\n            raise RuntimeError('no connection is free')\n        self.used += 1\n        return await self.make()\n\n    async def __aexit__(self, *problem):\n        self.used -= 1\n        return False\n",
    ),
    (
        "play/board.py",
        "WIDTH, HEIGHT = 8, 8\n\n\ndef neighbours(column, row):\n    for dx in (-1, 0, 1):\n        for dy in (-1, 0, 1):\n            x, y = column + dx, row + dy\n            if (dx or dy) and 0 <= x < WIDTH and 0 <= y < HEIGHT:\n                yield x, y\n\n\ndef alive(cells):\n    return {cell for cell in cells if sum(1 for other in neighbours(*cell) if other in cells) in (2, 3)}\n",
    ),
    (
        "play/cards.py",
        "def worth(cards):\n    total, aces = 0, 0\n    for card in cards:\n        if card == 'A':\n            aces += 1\n            total += 11\n        elif card in 'JQK':\n            total += 10\n        else:\n            total += int(card)\n    while total > 21 and aces > 0:\n        total -= 10\n        aces -= 1\n    return total\n",
    ),
    (
        "plan/tasks.py",
        "def order(tasks):\n    done, result = set(), []\n\n    def visit(task, path=()):\n        if task in path:\n            raise ValueError(f'{task} needs itself')\n        if task in done:\n            return\n        for needed in tasks.get(task, []):\n            visit(needed, path + (task,))\n        done.add(task)\n        result.append(task)\n\n    for task in sorted(tasks):\n        visit(task)\n    return result\n",
    ),
    (
        "plan/shifts.py",
        "def overlaps(one, other):\n    return one[0] < other[1] and other[0] < one[1]\n\n\ndef merge(shifts):\n    merged = []\n    for start, end in sorted(shifts):\n        if merged and start <= merged[-1][1]:\n            merged[-1] = (merged[-1][0], max(merged[-1][1], end))\n        else:\n            merged.append((start, end))\n    return merged\n",
    ),
    (
        "data/tree.py",
        "class Node:\n    def __init__(self, name, children=None):\n        self.name = name\n        self.children = children or []\n\n    @property\n    def depth(self):\n        return 1 + max((child.depth for child in self.children), default=0)\n\n    def find(self, name):\n        if self.name == name:\n            return self\n        for child in self.children:\n            found = child.find(name)\n            if found is not None:\n                return found\n        return None\n",
    ),
    (
        "data/cache.py",
        "from collections import OrderedDict\n\n\nclass Cache:\n    def __init__(self, limit=16):\n        self.limit = limit\n        self.entries = OrderedDict()\n\n    def get(self, key, default=None):\n        if key not in self.entries:\n            return default\n        self.entries.move_to_end(key)\n        return self.entries[key]\n\n    def put(self, key, value):\n        self.entries[key] = value\n        while len(self.entries) > self.limit:\n            self.entries.popitem(last=False)\n",
    ),
    (
        "data/stats.py",
        "def summary(values: list) -> dict:\n    \"\"\"Count, mean and spread.\"\"\"\n    count = len(values)\n    if not count:\n        return {'count': 0, 'mean': None}\n    mean = sum(values) / count\n    spread = (sum([(value - mean) ** 2 for value in values]) / count) ** 0.5\n    # the middle one of an odd number\n    middle = sorted(values)[count // 2]\n    return {'count': count, 'mean': mean, 'spread': spread, 'median': middle}\n",
    ),
    (
        "data/matches.py",
        "def describe(shape):\n    match shape:\n        case {'kind': 'circle', 'radius': radius} if radius > 0:\n            return 3 * radius ** 2\n        case ['box', width, height]:\n            return width * height\n        case None | []:\n            return 0\n        case _:\n            raise TypeError(shape)\n",
    ),
];

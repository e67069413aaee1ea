//! Slips as developers make them: some candidate must give the repaired function exactly, early enough to be
//! tried, and earlier when the faulty line alone is suspected.

use smallhands_repair::{Candidate, Suspicion};

use crate::harness::{line_of, ranked, replaced, specimen};

/// Candidates that are tried at most when nothing is known about the place.
const WITHIN: usize = 3000;

/// What went wrong, the faulty function, the faulty text, and what may stand there instead.
type Slip = (&'static str, &'static str, &'static str, &'static [&'static str]);

const SLIPS: &[Slip] = &[
    (
        "free shipping from the limit on, not above it",
        "def shipping(total, limit):\n    if total > limit:\n        return 0\n    return 5\n",
        "total > limit",
        &["total >= limit"],
    ),
    (
        "the last page is not shown",
        "def pages(count, size):\n    shown = []\n    for page in range(1, count // size):\n        shown.append(page)\n    return shown\n",
        "count // size)",
        &["count // size + 1)", "1 + count // size)"],
    ),
    (
        "the index of the last entry",
        "def last_entry(log):\n    return log[len(log)]\n",
        "log[len(log)]",
        &["log[len(log) - 1]", "log[-1]"],
    ),
    (
        "a header row is counted",
        "def body(rows):\n    return [row for row in rows if row]\n",
        "in rows if",
        &["in rows[1:] if"],
    ),
    (
        "both dates must be in the month",
        "def in_month(start, end, month):\n    return start.month == month or end.month == month\n",
        "or end",
        &["and end"],
    ),
    (
        "a negation forgotten",
        "def visible(entries, hidden):\n    return [entry for entry in entries if entry in hidden]\n",
        "entry in hidden",
        &["entry not in hidden", "not entry in hidden"],
    ),
    (
        "width and height exchanged",
        "def resize(image, width, height):\n    return image.scale(height, width)\n",
        "scale(height, width)",
        &["scale(width, height)"],
    ),
    (
        "the wrong variable is returned",
        "def clamp(value, low, high):\n    clamped = max(low, min(value, high))\n    return value\n",
        "return value",
        &["return clamped"],
    ),
    (
        "sums are overwritten",
        "def revenue(orders):\n    total = 0\n    for order in orders:\n        total = order.price\n    return total\n",
        "total = order",
        &["total += order"],
    ),
    (
        "a counter is never stepped",
        "def count_blank(lines):\n    blank = 0\n    for line in lines:\n        if not line.strip():\n            blank += 0\n    return blank\n",
        "blank += 0",
        &["blank += 1"],
    ),
    (
        "a loop that never ends",
        "def drain(queue, limit):\n    taken = 0\n    while taken < limit:\n        queue.take()\n    return taken\n",
        "        queue.take()\n",
        &["        queue.take()\n        taken += 1\n", "        taken += 1\n        queue.take()\n"],
    ),
    (
        "returns in the first round",
        "def all_paid(bills):\n    for bill in bills:\n        if not bill.paid:\n            return False\n        return True\n",
        "        return True",
        &["    return True"],
    ),
    (
        "the result is not returned",
        "def names_of(people):\n    names = [person.name for person in people]\n    names.sort()\n",
        "    names.sort()\n",
        &["    names.sort()\n    return names\n"],
    ),
    (
        "an empty list has no average",
        "def average(values):\n    return sum(values) / len(values)\n",
        "    return sum",
        &[
            "    if not values:\n        return 0\n    return sum",
            "    if not values:\n        return None\n    return sum",
        ],
    ),
    (
        "a missing key",
        "def tally(words):\n    counts = {}\n    for word in words:\n        counts[word] = counts[word] + 1\n    return counts\n",
        "counts[word] + 1",
        &["counts.get(word, 0) + 1"],
    ),
    (
        "case must not matter",
        "def is_command(text, command):\n    return text.strip() == command\n",
        "text.strip() ==",
        &["text.strip().lower() ==", "text.lower().strip() =="],
    ),
    (
        "a number read as text",
        "def port_of(address):\n    host, port = address.split(':')\n    return host, port\n",
        "return host, port",
        &["return host, int(port)"],
    ),
    (
        "descending order is wanted",
        "def best(players, count):\n    ranked = sorted(players)\n    return ranked[:count]\n",
        "sorted(players)",
        &["sorted(players, reverse=True)", "sorted(players)[::-1]"],
    ),
    (
        "duplicates are kept",
        "def tags_of(posts):\n    tags = [post.tag for post in posts]\n    return sorted(tags)\n",
        "sorted(tags)",
        &["sorted(set(tags))"],
    ),
    (
        "the caller's list is changed",
        "def with_total(row):\n    result = row\n    result.append(sum(row))\n    return result\n",
        "result = row",
        &["result = list(row)", "result = row.copy()", "result = row[:]"],
    ),
    (
        "a list in a list",
        "def flatten(nested):\n    flat = []\n    for part in nested:\n        flat.append(part)\n    return flat\n",
        "flat.append",
        &["flat.extend"],
    ),
    (
        "only the first occurrence",
        "def find_user(users, name):\n    found = None\n    for user in users:\n        if user.name == name:\n            found = user\n    return found\n",
        "            found = user\n",
        &["            found = user\n            break\n", "            return user\n"],
    ),
    (
        "blank lines end the loop",
        "def settings(lines):\n    found = {}\n    for line in lines:\n        if not line:\n            break\n        key, value = line.split('=')\n        found[key] = value\n    return found\n",
        "break",
        &["continue"],
    ),
    (
        "another exception is thrown by look-ups in dictionaries",
        "def price_of(prices, item):\n    try:\n        return prices[item]\n    except IndexError:\n        return None\n",
        "IndexError",
        &["KeyError", "LookupError"],
    ),
    (
        "an attribute of the instance",
        "class Timer:\n    def __init__(self, limit):\n        self.limit = limit\n        self.spent = 0\n\n    def left(self, spent):\n        return self.limit - spent\n",
        "- spent",
        &["- self.spent"],
    ),
    (
        "an attribute is never set",
        "class Account:\n    def __init__(self, owner):\n        self.owner = owner\n        self.balance = 0\n\n    def pay(self, amount):\n        balance = self.balance + amount\n        return balance\n",
        "        balance = self.balance + amount",
        &[
            "        self.balance = self.balance + amount",
            "        self.balance += amount\n        balance = self.balance",
        ],
    ),
    (
        "whole units only",
        "def boxes(count, size):\n    return count / size\n",
        "count / size",
        &["count // size"],
    ),
    (
        "the discount is subtracted",
        "def reduced(price, percent):\n    return price + price * percent / 100\n",
        "price + price",
        &["price - price"],
    ),
    (
        "parentheses around the sum",
        "def gross(net, fee, tax):\n    return net + fee * tax\n",
        "net + fee * tax",
        &["(net + fee) * tax"],
    ),
    (
        "the difference the other way round",
        "def age(born, year):\n    return born - year\n",
        "born - year",
        &["year - born"],
    ),
    (
        "never below nothing",
        "def remaining(budget, spent):\n    return budget - spent\n",
        "budget - spent",
        &["max(0, budget - spent)", "max(budget - spent, 0)"],
    ),
    (
        "truth the wrong way round",
        "def is_valid(code):\n    if len(code) != 8:\n        return True\n    return False\n",
        "return True\n    return False",
        &["return False\n    return True"],
    ),
    (
        "a suspicious default",
        "def fetch(url, retries=0, verify=False):\n    return open_url(url, retries, verify)\n",
        "verify=False",
        &["verify=True"],
    ),
    (
        "an argument is not handed on",
        "def render(node, indent=0):\n    return ' ' * indent + node.name\n\n\ndef dump(nodes, indent):\n    return [render(node) for node in nodes]\n",
        "render(node) for",
        &["render(node, indent) for", "render(node, indent=indent) for"],
    ),
    (
        "the wrong one of two helpers",
        "def to_cents(amount):\n    return round(amount * 100)\n\n\ndef to_euros(amount):\n    return amount / 100\n\n\ndef charge(account, amount):\n    account.debit(to_euros(amount))\n",
        "debit(to_euros",
        &["debit(to_cents"],
    ),
    (
        "white space stays",
        "def fields(line):\n    return [part for part in line.split(',')]\n",
        "[part for",
        &["[part.strip() for"],
    ),
    (
        "an off-by-one slice",
        "def preview(text, length):\n    return text[0:length - 1] + '...'\n",
        "length - 1",
        &["length"],
    ),
    (
        "none instead of a value",
        "def setting(options, name, fallback):\n    value = options.get(name)\n    if value == fallback:\n        return fallback\n    return value\n",
        "value == fallback",
        &["value is None", "not value"],
    ),
    (
        "both bounds are needed",
        "def on_board(column, width):\n    return column < width\n",
        "column < width",
        &["0 <= column < width", "column >= 0 and column < width"],
    ),
    (
        "two conditions, only one is excluded",
        "def cheapest(offers):\n    best = None\n    for offer in offers:\n        if offer.price < best.price:\n            best = offer\n    return best\n",
        "if offer.price < best.price",
        &["if best is None or offer.price < best.price", "if not best or offer.price < best.price"],
    ),
    (
        "the statements in the wrong order",
        "def pop_all(stack):\n    items = []\n    while stack:\n        items.append(item)\n        item = stack.pop()\n    return items\n",
        "        items.append(item)\n        item = stack.pop()\n",
        &["        item = stack.pop()\n        items.append(item)\n"],
    ),
    (
        "nothing remembers what was seen",
        "def unique(values):\n    seen = set()\n    kept = []\n    for value in values:\n        if value not in seen:\n            kept.append(value)\n    return kept\n",
        "            kept.append(value)\n",
        &[
            "            kept.append(value)\n            seen.add(value)\n",
            "            seen.add(value)\n            kept.append(value)\n",
        ],
    ),
    (
        "the second branch hides the first",
        "def fee(kind):\n    cost = 3\n    if kind == 'child':\n        cost = 1\n    if kind == 'adult':\n        cost = 2\n    else:\n        cost = 4\n    return cost\n",
        "    if kind == 'adult'",
        &["    elif kind == 'adult'"],
    ),
    (
        "keys for values",
        "def total_stock(stock):\n    return sum(amount for amount in stock.keys())\n",
        "stock.keys()",
        &["stock.values()"],
    ),
    (
        "a generator hands on the list itself",
        "def walk(node):\n    yield node.name\n    for child in node.children:\n        yield walk(child)\n",
        "yield walk",
        &["yield from walk"],
    ),
    (
        "a coroutine that is not awaited",
        "async def status(client, url):\n    reply = client.get(url)\n    return reply.status\n",
        "client.get(url)",
        &["await client.get(url)"],
    ),
    (
        "an element too many is joined",
        "def sentence(words):\n    text = words[0]\n    for word in words:\n        text += ' ' + word\n    return text\n",
        "in words:",
        &["in words[1:]:"],
    ),
    (
        "days counted from one",
        "def weekday(names, day):\n    return names[day]\n",
        "names[day]",
        &["names[day - 1]"],
    ),
];

/// Index of the first candidate that gives one of the repaired texts.
fn rank(candidates: &[Candidate], source: &str, repaired: &[String]) -> Option<usize> {
    candidates.iter().position(|one| repaired.contains(&one.edit.apply(source)))
}

/// Everything suspected alike, but for one line if there is one that alone is suspected.
fn suspicion(source: &str, only: Option<u32>) -> Suspicion {
    match only {
        None => Suspicion::uniform(&crate::harness::file(source)),
        Some(line) => {
            let mut suspicion = Suspicion::default();
            suspicion.raise("shop/stock.py", line, 1.0);
            suspicion
        }
    }
}

/// Ranks of the repair with everything suspected, and with only a line of the fault suspected.
fn ranks((_, source, fault, repairs): &Slip) -> (Option<usize>, Option<usize>) {
    let source = specimen(source);
    let repaired: Vec<String> = repairs.iter().map(|repair| replaced(source, fault, repair)).collect();
    let rank_with = |only| rank(&ranked(source, &suspicion(source, only)), source, &repaired);
    let first = line_of(source, fault);
    let last = first + u32::try_from(fault.trim().matches('\n').count()).unwrap();
    (rank_with(None), (first..=last).filter_map(|line| rank_with(Some(line))).min())
}

#[test]
fn slips_are_repaired_and_earlier_on_their_line() {
    let (mut complaints, mut early) = (Vec::new(), 0);
    for slip in SLIPS {
        let (everywhere, on_line) = ranks(slip);
        early += usize::from(on_line.is_some_and(|rank| rank < 200));
        let fine = matches!((everywhere, on_line), (Some(all), Some(one)) if all < WITHIN && one <= all);
        if !fine {
            complaints.push(format!("{}: rank {everywhere:?}, on its line {on_line:?}", slip.0));
        }
    }
    assert!(complaints.is_empty(), "{} slips\n{}", complaints.len(), complaints.join("\n"));
    assert!(early * 4 >= SLIPS.len() * 3, "only {early} of {} within the first 200", SLIPS.len());
}

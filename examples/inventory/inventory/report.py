"""Reports over the warehouse and past orders."""

from collections import OrderedDict
from decimal import Decimal

from .catalog import rounded


def stock_value(catalog, warehouse):
    """What everything on the shelves is worth."""
    return rounded(sum((p.price * warehouse.quantity(p.code) for p in catalog), Decimal(0)))


def sales_by_product(orders):
    """Items sold per product code, of shipped orders only, best sellers first."""
    sold = {}
    for order in orders:
        if order.state != "shipped":
            continue
        for line in order.lines:
            sold[line.product.code] = sold.get(line.product.code, 0) + line.count
    return OrderedDict(sorted(sold.items(), key=lambda item: (-item[1], item[0])))


def moving_average(values, window):
    """The averages of each `window` neighbouring values."""
    if window < 1:
        raise ValueError("window must be at least 1")
    averages = []
    for start in range(len(values) - window):
        part = values[start:start + window]
        averages.append(sum(part) / window)
    return averages


def median(values):
    """The middle value; of an even number of values, the average of the two in the middle."""
    if not values:
        raise ValueError("median of nothing")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def reorder_suggestions(warehouse, daily_sales, days):
    """How many of each product to order so that the stock lasts for `days` more days."""
    suggestions = {}
    for code, per_day in sorted(daily_sales.items()):
        needed = per_day * days - warehouse.available(code)
        if needed > 0:
            suggestions[code] = needed
    return suggestions


def table(rows, headers):
    """Rows as text, in columns as wide as their widest cell; numbers are aligned to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [len(header) for header in headers]
    for row in cells:
        for column, cell in enumerate(row):
            widths[column] = max(widths[column], len(cell))
    lines = ["  ".join(header.ljust(width) for header, width in zip(headers, widths)).rstrip()]
    for row, source in zip(cells, rows):
        padded = []
        for cell, value, width in zip(row, source, widths):
            is_number = isinstance(value, (int, float, Decimal))
            padded.append(cell.rjust(width) if is_number else cell.ljust(width))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)

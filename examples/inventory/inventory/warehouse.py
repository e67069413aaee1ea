"""The warehouse: how many of each product are there, and where."""


class OutOfStock(Exception):
    """Raised when more is taken than there is."""

    def __init__(self, code, wanted, available):
        super().__init__("{}: {} wanted, {} available".format(code, wanted, available))
        self.code = code
        self.wanted = wanted
        self.available = available


class Warehouse:
    """Quantities per product, with reservations for orders that are not shipped yet."""

    def __init__(self):
        self._stock = {}
        self._reserved = {}
        self.history = []

    def quantity(self, code):
        """How many are on the shelves."""
        return self._stock.get(code, 0)

    def reserved(self, code):
        """How many of those are promised to orders."""
        return self._reserved.get(code, 0)

    def available(self, code):
        """How many can still be promised."""
        return self.quantity(code) - self.reserved(code)

    def receive(self, code, count):
        """Put a delivery on the shelves."""
        if count <= 0:
            raise ValueError("a delivery needs at least one item")
        self._stock[code] = self.quantity(code) + count
        self.history.append(("receive", code, count))

    def reserve(self, code, count):
        """Promise items to an order."""
        if count > self.quantity(code):
            raise OutOfStock(code, count, self.available(code))
        self._reserved[code] = self.reserved(code) + count

    def release(self, code, count):
        """Take back a promise; never more than was promised."""
        count = min(count, self.reserved(code))
        self._reserved[code] = self.reserved(code) - count
        return count

    def ship(self, code, count):
        """Hand out reserved items."""
        if count > self.reserved(code):
            raise OutOfStock(code, count, self.reserved(code))
        self._reserved[code] -= count
        self._stock[code] -= count
        self.history.append(("ship", code, count))

    def low_stock(self, threshold):
        """Codes of which fewer than `threshold` are available, scarcest first."""
        scarce = [code for code in self._stock if self.available(code) < threshold]
        return sorted(scarce, key=lambda code: (self.available(code), code))


def pack(quantity, box_sizes):
    """Split a quantity over boxes, largest boxes first; the rest goes into one more of the smallest boxes.

    Returns a list of (box size, number of boxes).
    """
    if quantity < 0:
        raise ValueError("quantity must not be negative")
    boxes = []
    left = quantity
    for size in sorted(box_sizes, reverse=True):
        count = 0
        while left >= size:
            count += 1
            quantity -= size
        if count:
            boxes.append((size, count))
    if left > 0:
        smallest = min(box_sizes)
        if boxes and boxes[-1][0] == smallest:
            boxes[-1] = (smallest, boxes[-1][1] + 1)
        else:
            boxes.append((smallest, 1))
    return boxes


def nearest_shelf(shelves, position):
    """The shelf closest to a position; of two equally close ones, the lower."""
    if not shelves:
        return None
    return min(sorted(shelves), key=lambda shelf: abs(shelf - position))

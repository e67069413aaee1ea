"""Orders: lines, discounts and the way from open to shipped."""

from decimal import Decimal

from .catalog import rounded

OPEN = "open"
RESERVED = "reserved"
SHIPPED = "shipped"
CANCELLED = "cancelled"

# From this many items of one product on, a discount in percent applies.
QUANTITY_DISCOUNTS = [(100, 15), (50, 10), (10, 5)]


class WrongState(Exception):
    """Raised when an order is not in the state that a step needs."""


class Line:
    """A product and how many of it."""

    def __init__(self, product, count):
        if count < 1:
            raise ValueError("an order line needs at least one item")
        self.product = product
        self.count = count

    def total(self):
        """The price of the line after its quantity discount."""
        full = self.product.price * self.count
        return rounded(full * (100 - quantity_discount(self.count)) / 100)


def quantity_discount(count):
    """The discount, in percent, for so many items."""
    for threshold, discount in QUANTITY_DISCOUNTS:
        if count >= threshold:
            return discount
    return 0


def better_coupon(current, offered):
    """The coupon that saves more; `current` is None while no coupon was used."""
    if offered > current:
        return offered
    return current


class Order:
    """What a customer wants; coupons apply after quantity discounts."""

    def __init__(self, customer):
        self.customer = customer
        self.state = OPEN
        self.lines = []
        self.coupon = None

    def add(self, product, count=1):
        """Add items; a product that is already there gets a larger count."""
        self._expect(OPEN)
        for line in self.lines:
            if line.product.code == product.code:
                line.count += count
                return line
        line = Line(product, count)
        self.lines.append(line)
        return line

    def apply_coupon(self, percent):
        """Use a coupon; only the best one counts."""
        self._expect(OPEN)
        if not 0 < percent <= 100:
            raise ValueError("a coupon is worth between 0 and 100 percent")
        self.coupon = better_coupon(self.coupon, percent)

    def subtotal(self):
        """The sum of all lines."""
        return sum((line.total() for line in self.lines), Decimal(0))

    def total(self):
        """What the customer pays for the goods."""
        percent = self.coupon or 0
        return rounded(self.subtotal() * (100 - percent) / 100)

    def weight(self):
        """The weight of all items, in grams."""
        return sum(line.product.weight * line.count for line in self.lines)

    def reserve(self, warehouse):
        """Reserve every line, or nothing when one of them is out of stock."""
        self._expect(OPEN)
        done = []
        try:
            for line in self.lines:
                warehouse.reserve(line.product.code, line.count)
                done.append(line)
        except Exception:
            for line in done:
                warehouse.release(line.product.code, line.count)
            raise
        self.state = RESERVED

    def ship(self, warehouse):
        """Hand out everything that was reserved."""
        self._expect(RESERVED)
        for line in self.lines:
            warehouse.ship(line.product.code, line.count)
        self.state = SHIPPED

    def cancel(self, warehouse):
        """Give back what was reserved; shipped orders cannot be cancelled."""
        if self.state == SHIPPED:
            raise WrongState("already shipped")
        if self.state == RESERVED:
            for line in self.lines:
                warehouse.release(line.product.code, line.count)
        self.state = CANCELLED

    def _expect(self, state):
        if self.state != state:
            raise WrongState("order is {}, not {}".format(self.state, state))


def shipping_cost(weight, express=False):
    """Shipping in cents: the first kilogram is 490, each further one begun is 120; express doubles it."""
    if weight <= 0:
        return 0
    kilograms = -(-weight // 1000)
    cost = 490 + 120 * (kilograms - 1)
    return cost * 2 if express else cost

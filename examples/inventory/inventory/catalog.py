"""The catalogue: what can be sold, how it is found, and what it costs."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


class UnknownProduct(KeyError):
    """Raised when a code is not in the catalogue."""


class Product:
    """Something that can be sold, identified by its code."""

    def __init__(self, code, name, price, tags=(), weight=0):
        if not code:
            raise ValueError("a product needs a code")
        self.code = code
        self.name = name
        self.price = Decimal(str(price))
        self.tags = frozenset(tags)
        self.weight = weight

    def __repr__(self):
        return "Product({!r}, {!r})".format(self.code, self.name)


class Catalog:
    """All products, in the order they were added."""

    def __init__(self, products=()):
        self._products = {}
        for product in products:
            self.add(product)

    def __len__(self):
        return len(self._products)

    def __iter__(self):
        return iter(self._products.values())

    def __contains__(self, code):
        return code in self._products

    def add(self, product):
        """Add a product; a code can be used only once."""
        if product.code in self._products:
            raise ValueError("duplicate code: " + product.code)
        self._products[product.code] = product

    def get(self, code):
        """The product with this code."""
        try:
            return self._products[code]
        except KeyError:
            raise UnknownProduct(code) from None

    def search(self, text):
        """Products whose name or code contains the text, ignoring case."""
        needle = text.strip().lower()
        if not needle:
            return []
        return [p for p in self if needle in p.name.lower() or needle in p.code.lower()]

    def tagged(self, *tags):
        """Products that carry all of the given tags."""
        wanted = set(tags)
        return [p for p in self if wanted <= p.tags]

    def cheapest(self, count=1):
        """The given number of products with the lowest prices, cheapest first."""
        return sorted(self, key=lambda p: (p.price, p.code))[:count]

    def between(self, low, high):
        """Products that cost at least `low` and at most `high`."""
        return [p for p in self if Decimal(str(low)) <= p.price < Decimal(str(high))]


def rounded(amount):
    """An amount of money in whole cents."""
    return Decimal(amount).quantize(CENT, rounding=ROUND_HALF_UP)


def with_tax(price, rate):
    """The price including a tax of `rate` percent."""
    return rounded(Decimal(str(price)) * (100 + Decimal(str(rate))) / 100)

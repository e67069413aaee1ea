import unittest
from decimal import Decimal

from inventory.catalog import Catalog, Product, UnknownProduct, rounded, with_tax


def sample():
    return Catalog([
        Product("P1", "Pencil", "0.90", tags=["office"], weight=10),
        Product("P2", "Notebook", "3.50", tags=["office", "paper"], weight=250),
        Product("P3", "Desk lamp", "24.00", tags=["light"], weight=1200),
        Product("P4", "Poster paper", "3.50", tags=["paper"], weight=400),
    ])


def codes(products):
    return [product.code for product in products]


class ProductTest(unittest.TestCase):
    def test_needs_a_code(self):
        with self.assertRaises(ValueError):
            Product("", "Nothing", 1)

    def test_price_is_exact(self):
        self.assertEqual(Product("X", "X", 0.1).price * 3, Decimal("0.3"))


class CatalogTest(unittest.TestCase):
    def setUp(self):
        self.catalog = sample()

    def test_keeps_the_order_of_adding(self):
        self.assertEqual(codes(self.catalog), ["P1", "P2", "P3", "P4"])
        self.assertEqual(len(self.catalog), 4)

    def test_get(self):
        self.assertEqual(self.catalog.get("P2").name, "Notebook")
        self.assertIn("P2", self.catalog)

    def test_get_unknown(self):
        with self.assertRaises(UnknownProduct):
            self.catalog.get("P9")

    def test_codes_are_unique(self):
        with self.assertRaises(ValueError):
            self.catalog.add(Product("P1", "Other pencil", 1))

    def test_search_ignores_case(self):
        self.assertEqual(codes(self.catalog.search(" PAPER ")), ["P4"])
        self.assertEqual(codes(self.catalog.search("p3")), ["P3"])

    def test_search_for_nothing_finds_nothing(self):
        self.assertEqual(self.catalog.search("  "), [])

    def test_tagged_with_all(self):
        self.assertEqual(codes(self.catalog.tagged("paper")), ["P2", "P4"])
        self.assertEqual(codes(self.catalog.tagged("paper", "office")), ["P2"])

    def test_cheapest(self):
        self.assertEqual(codes(self.catalog.cheapest()), ["P1"])
        self.assertEqual(codes(self.catalog.cheapest(3)), ["P1", "P2", "P4"])

    def test_between_inside(self):
        self.assertEqual(codes(self.catalog.between(1, 10)), ["P2", "P4"])

    def test_between_includes_both_ends(self):
        self.assertEqual(codes(self.catalog.between("0.90", "3.50")), ["P1", "P2", "P4"])
        self.assertEqual(codes(self.catalog.between(24, 24)), ["P3"])


class MoneyTest(unittest.TestCase):
    def test_rounds_half_up(self):
        self.assertEqual(rounded("0.125"), Decimal("0.13"))
        self.assertEqual(rounded("0.124"), Decimal("0.12"))

    def test_tax(self):
        self.assertEqual(with_tax("10.00", 19), Decimal("11.90"))
        self.assertEqual(with_tax("0.99", 7), Decimal("1.06"))

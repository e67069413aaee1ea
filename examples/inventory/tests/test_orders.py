import unittest
from decimal import Decimal

from inventory.catalog import Product
from inventory.orders import (
    CANCELLED,
    OPEN,
    RESERVED,
    SHIPPED,
    Line,
    Order,
    WrongState,
    quantity_discount,
    shipping_cost,
)
from inventory.warehouse import OutOfStock, Warehouse

PENCIL = Product("P1", "Pencil", "0.90", weight=10)
LAMP = Product("P3", "Desk lamp", "24.00", weight=1200)


class LineTest(unittest.TestCase):
    def test_total_without_discount(self):
        self.assertEqual(Line(PENCIL, 3).total(), Decimal("2.70"))

    def test_total_with_discount(self):
        self.assertEqual(Line(PENCIL, 10).total(), Decimal("8.55"))

    def test_needs_items(self):
        with self.assertRaises(ValueError):
            Line(PENCIL, 0)

    def test_discount_steps(self):
        found = [quantity_discount(count) for count in (1, 9, 10, 49, 50, 99, 100, 1000)]
        self.assertEqual(found, [0, 0, 5, 5, 10, 10, 15, 15])


class OrderTest(unittest.TestCase):
    def setUp(self):
        self.order = Order("Ada")
        self.warehouse = Warehouse()
        self.warehouse.receive("P1", 20)
        self.warehouse.receive("P3", 2)

    def test_starts_empty(self):
        self.assertEqual((self.order.state, self.order.total()), (OPEN, 0))

    def test_same_product_joins_its_line(self):
        self.order.add(PENCIL, 2)
        self.order.add(LAMP)
        self.order.add(PENCIL, 3)
        self.assertEqual([line.count for line in self.order.lines], [5, 1])

    def test_total(self):
        self.order.add(PENCIL, 2)
        self.order.add(LAMP)
        self.assertEqual(self.order.total(), Decimal("25.80"))

    def test_coupon(self):
        self.order.add(LAMP, 2)
        self.order.apply_coupon(25)
        self.assertEqual(self.order.total(), Decimal("36.00"))

    def test_only_the_best_coupon_counts(self):
        self.order.add(LAMP)
        self.order.apply_coupon(10)
        self.order.apply_coupon(50)
        self.order.apply_coupon(20)
        self.assertEqual(self.order.total(), Decimal("12.00"))

    def test_coupons_have_limits(self):
        for percent in (0, -5, 101):
            with self.assertRaises(ValueError):
                self.order.apply_coupon(percent)

    def test_weight(self):
        self.order.add(PENCIL, 5)
        self.order.add(LAMP, 2)
        self.assertEqual(self.order.weight(), 2450)

    def test_reserve_and_ship(self):
        self.order.add(PENCIL, 5)
        self.order.reserve(self.warehouse)
        self.assertEqual((self.order.state, self.warehouse.available("P1")), (RESERVED, 15))
        self.order.ship(self.warehouse)
        self.assertEqual((self.order.state, self.warehouse.quantity("P1")), (SHIPPED, 15))

    def test_reserve_all_or_nothing(self):
        self.order.add(PENCIL, 5)
        self.order.add(LAMP, 3)
        with self.assertRaises(OutOfStock):
            self.order.reserve(self.warehouse)
        self.assertEqual((self.order.state, self.warehouse.reserved("P1")), (OPEN, 0))

    def test_cancel_gives_back(self):
        self.order.add(LAMP, 2)
        self.order.reserve(self.warehouse)
        self.order.cancel(self.warehouse)
        self.assertEqual((self.order.state, self.warehouse.available("P3")), (CANCELLED, 2))

    def test_shipped_orders_stay_shipped(self):
        self.order.add(LAMP)
        self.order.reserve(self.warehouse)
        self.order.ship(self.warehouse)
        with self.assertRaises(WrongState):
            self.order.cancel(self.warehouse)
        with self.assertRaises(WrongState):
            self.order.add(PENCIL)


class ShippingTest(unittest.TestCase):
    def test_by_begun_kilogram(self):
        costs = [shipping_cost(weight) for weight in (0, 1, 1000, 1001, 2500)]
        self.assertEqual(costs, [0, 490, 490, 610, 730])

    def test_express_doubles(self):
        self.assertEqual(shipping_cost(1500, express=True), 1220)

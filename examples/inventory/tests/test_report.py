import unittest
from decimal import Decimal

from inventory.catalog import Catalog, Product
from inventory.orders import Order
from inventory.report import median, moving_average, reorder_suggestions, sales_by_product, stock_value, table
from inventory.warehouse import Warehouse

PENCIL = Product("P1", "Pencil", "0.90")
LAMP = Product("P3", "Desk lamp", "24.00")


def stocked():
    warehouse = Warehouse()
    warehouse.receive("P1", 100)
    warehouse.receive("P3", 4)
    return warehouse


class StockReportTest(unittest.TestCase):
    def test_value(self):
        self.assertEqual(stock_value(Catalog([PENCIL, LAMP]), stocked()), Decimal("186.00"))

    def test_value_of_nothing(self):
        self.assertEqual(stock_value(Catalog(), stocked()), 0)

    def test_suggestions(self):
        self.assertEqual(reorder_suggestions(stocked(), {"P1": 3, "P3": 1}, 30), {"P3": 26})


class SalesTest(unittest.TestCase):
    def test_only_shipped_orders_count(self):
        warehouse = stocked()
        orders = []
        for product, count in ((LAMP, 1), (PENCIL, 7), (LAMP, 2)):
            order = Order("Ada")
            order.add(product, count)
            order.reserve(warehouse)
            orders.append(order)
        for order in orders[:2]:
            order.ship(warehouse)
        self.assertEqual(list(sales_by_product(orders).items()), [("P1", 7), ("P3", 1)])


class StatisticsTest(unittest.TestCase):
    def test_moving_average(self):
        self.assertEqual(moving_average([2, 4, 6, 8], 2), [3, 5, 7])

    def test_moving_average_over_everything(self):
        self.assertEqual(moving_average([2, 4, 6], 3), [4])

    def test_moving_average_of_too_little(self):
        self.assertEqual(moving_average([2], 3), [])

    def test_moving_average_needs_a_window(self):
        with self.assertRaises(ValueError):
            moving_average([1], 0)

    def test_median(self):
        self.assertEqual(median([5, 1, 3]), 3)
        self.assertEqual(median([4, 1, 3, 2]), 2.5)

    def test_median_of_nothing(self):
        with self.assertRaises(ValueError):
            median([])


class TableTest(unittest.TestCase):
    def test_aligns_columns(self):
        text = table([("Pencil", 5), ("Desk lamp", 12)], ["Name", "Count"])
        self.assertEqual(text, "Name       Count\nPencil         5\nDesk lamp     12")

    def test_without_rows(self):
        self.assertEqual(table([], ["A", "B"]), "A  B")

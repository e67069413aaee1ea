import unittest

from inventory.warehouse import OutOfStock, Warehouse, nearest_shelf, pack


class BookkeepingTest(unittest.TestCase):
    def setUp(self):
        self.warehouse = Warehouse()
        self.warehouse.receive("P1", 10)
        self.warehouse.receive("P2", 3)

    def test_receive_adds_up(self):
        self.warehouse.receive("P1", 5)
        self.assertEqual(self.warehouse.quantity("P1"), 15)

    def test_receive_needs_items(self):
        with self.assertRaises(ValueError):
            self.warehouse.receive("P1", 0)

    def test_unknown_products_are_not_there(self):
        self.assertEqual(self.warehouse.quantity("P9"), 0)
        self.assertEqual(self.warehouse.available("P9"), 0)

    def test_reserve(self):
        self.warehouse.reserve("P1", 4)
        self.assertEqual(self.warehouse.reserved("P1"), 4)
        self.assertEqual(self.warehouse.available("P1"), 6)
        self.assertEqual(self.warehouse.quantity("P1"), 10)

    def test_reserve_everything(self):
        self.warehouse.reserve("P2", 3)
        self.assertEqual(self.warehouse.available("P2"), 0)

    def test_reserve_more_than_there_is(self):
        with self.assertRaises(OutOfStock) as caught:
            self.warehouse.reserve("P2", 4)
        self.assertEqual((caught.exception.wanted, caught.exception.available), (4, 3))

    def test_nothing_is_promised_twice(self):
        self.warehouse.reserve("P1", 7)
        with self.assertRaises(OutOfStock):
            self.warehouse.reserve("P1", 4)
        self.assertEqual(self.warehouse.available("P1"), 3)

    def test_release(self):
        self.warehouse.reserve("P1", 5)
        self.assertEqual(self.warehouse.release("P1", 2), 2)
        self.assertEqual(self.warehouse.reserved("P1"), 3)
        self.assertEqual(self.warehouse.release("P1", 9), 3)
        self.assertEqual(self.warehouse.reserved("P1"), 0)

    def test_ship(self):
        self.warehouse.reserve("P1", 4)
        self.warehouse.ship("P1", 4)
        self.assertEqual(self.warehouse.quantity("P1"), 6)
        self.assertEqual(self.warehouse.available("P1"), 6)
        self.assertEqual(self.warehouse.history[-1], ("ship", "P1", 4))

    def test_ship_only_what_is_reserved(self):
        self.warehouse.reserve("P1", 1)
        with self.assertRaises(OutOfStock):
            self.warehouse.ship("P1", 2)

    def test_low_stock(self):
        self.warehouse.receive("P3", 1)
        self.assertEqual(self.warehouse.low_stock(5), ["P3", "P2"])
        self.assertEqual(self.warehouse.low_stock(1), [])


class PackTest(unittest.TestCase):
    def test_nothing_to_pack(self):
        self.assertEqual(pack(0, [6, 12]), [])

    def test_less_than_a_box(self):
        self.assertEqual(pack(2, [6, 12]), [(6, 1)])

    def test_largest_boxes_first(self):
        self.assertEqual(pack(30, [6, 12]), [(12, 2), (6, 1)])

    def test_the_rest_needs_one_more_box(self):
        self.assertEqual(pack(31, [6, 12]), [(12, 2), (6, 2)])
        self.assertEqual(pack(25, [6, 12]), [(12, 2), (6, 1)])

    def test_negative(self):
        with self.assertRaises(ValueError):
            pack(-1, [6])


class ShelfTest(unittest.TestCase):
    def test_nearest(self):
        self.assertEqual(nearest_shelf([10, 40, 25], 30), 25)

    def test_ties_go_to_the_lower(self):
        self.assertEqual(nearest_shelf([40, 20], 30), 20)

    def test_no_shelves(self):
        self.assertIsNone(nearest_shelf([], 5))

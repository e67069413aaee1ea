//! The projects: a small shop in Python, with the standard library's unittest, and the bugs that it may have.

use crate::support::Bench;

/// The shop as it should be.
pub const SHOP: &str = r#""""Prices of a small shop."""


def discount(quantity):
    """Ten or more are cheaper."""
    if quantity >= 10:
        return 20
    return 0


def total(prices):
    """The sum of the prices."""
    result = 0
    for price in prices:
        result = result + price
    return result


def grade(stars):
    """What the stars of a customer mean."""
    if stars >= 4:
        return "good"
    if stars >= 2:
        return "fair"
    return "poor"
"#;

const TESTS: &str = r#"import unittest

from shop import discount, grade, total


class DiscountTest(unittest.TestCase):
    def test_nine(self):
        self.assertEqual(discount(9), 0)

    def test_ten(self):
        self.assertEqual(discount(10), 20)

    def test_eleven(self):
        self.assertEqual(discount(11), 20)


class TotalTest(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual(total([]), 0)

    def test_some(self):
        self.assertEqual(total([2, 3]), 5)


class GradeTest(unittest.TestCase):
    def test_five(self):
        self.assertEqual(grade(5), "good")

    def test_four(self):
        self.assertEqual(grade(4), "good")

    def test_three(self):
        self.assertEqual(grade(3), "fair")

    def test_two(self):
        self.assertEqual(grade(2), "fair")

    def test_one(self):
        self.assertEqual(grade(1), "poor")


if __name__ == "__main__":
    unittest.main()
"#;

/// Tests of the shop.
pub const SHOP_TESTS: u64 = 10;

/// A bug: what is right, and what is there instead.
pub type Bug = (&'static str, &'static str);

/// `test_ten` fails.
pub const DISCOUNT: Bug = ("quantity >= 10", "quantity > 10");
/// `test_some` fails.
pub const TOTAL: Bug = ("result + price", "result - price");
/// `test_four` fails.
pub const GOOD: Bug = ("stars >= 4", "stars > 4");
/// `test_two` fails.
pub const FAIR: Bug = ("stars >= 2", "stars > 2");

/// The shop with these bugs.
pub fn shop(bugs: &[Bug]) -> Bench {
    let source = bugs.iter().fold(SHOP.to_owned(), |source, (right, wrong)| {
        assert!(source.contains(right), "{right}");
        source.replace(right, wrong)
    });
    Bench::new(&[("shop.py", source.as_str()), ("test_shop.py", TESTS), ("README.md", "A small shop.\n")])
}

/// A function that nobody has written yet; no small edit makes one of it.
pub const UNWRITTEN: &str =
    "def roman(number):\n    \"\"\"In Roman numerals.\"\"\"\n    raise NotImplementedError\n";

/// The body that it should have.
pub const WRITTEN: &str = r#"letters = [
        (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]
    result = ""
    for value, letter in letters:
        while number >= value:
            result += letter
            number -= value
    return result"#;

const UNWRITTEN_TESTS: &str = r#"import unittest

from numerals import roman


class RomanTest(unittest.TestCase):
    def test_four(self):
        self.assertEqual(roman(4), "IV")

    def test_eighteen(self):
        self.assertEqual(roman(18), "XVIII")
"#;

/// The project with the function that nobody has written yet.
pub fn unwritten() -> Bench {
    Bench::new(&[("numerals.py", UNWRITTEN), ("test_numerals.py", UNWRITTEN_TESTS)])
}

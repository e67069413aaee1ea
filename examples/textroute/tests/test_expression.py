import pytest

from textroute.expression import ExpressionError, evaluate, tokenize


@pytest.mark.parametrize("text, expected", [
    ("7", 7),
    ("1 + 2", 3),
    ("2 * 3 + 4", 10),
    ("4 + 2 * 3", 10),
    ("(4 + 2) * 3", 18),
    ("-3 + 5", 2),
    ("-(2 + 3)", -5),
    (".5 + .25", 0.75),
])
def test_sums_and_products(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize("text, expected", [
    ("10 - 4 - 3", 3),
    ("12 / 4", 3),
    ("17 % 5", 2),
    ("2 ^ 3 ^ 2", 512),
    ("-2 ^ 2", -4),
])
def test_order_matters(text, expected):
    assert evaluate(text) == expected


@pytest.mark.parametrize("text, expected", [
    ("max(1, 2, 3)", 3),
    ("min(4, 2 + 1)", 3),
    ("abs(-4)", 4),
    ("round(2.4)", 2),
])
def test_functions(text, expected):
    assert evaluate(text) == expected


def test_variables():
    assert evaluate("width * height", width=3, height=4) == 12


@pytest.mark.parametrize("text", ["", "1 +", "(1", "1 2", "x", "sqrt(2)", "1 $ 2", "max(1"])
def test_errors(text):
    with pytest.raises(ExpressionError):
        evaluate(text)


def test_tokens():
    assert tokenize("a1+2.5") == [("name", "a1"), ("symbol", "+"), ("number", 2.5)]

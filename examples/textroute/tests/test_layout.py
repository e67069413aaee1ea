import pytest

from textroute.layout import dedent, indent_level, justify, shorten, wrap

TEXT = "the quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize("width, expected", [
    (100, [TEXT]),
    (12, ["the quick", "brown fox", "jumps over", "the lazy dog"]),
    (10, ["the quick", "brown fox", "jumps over", "the lazy", "dog"]),
])
def test_wrap(width, expected):
    assert wrap(TEXT, width) == expected


def test_wrap_long_words():
    assert wrap("a extraordinary b", 5) == ["a", "extraordinary", "b"]


def test_wrap_nothing():
    assert wrap("   ", 5) == []


def test_wrap_needs_a_width():
    with pytest.raises(ValueError):
        wrap("a", 0)


@pytest.mark.parametrize("line, width, expected", [
    ("a b c", 9, "a   b   c"),
    ("a b c", 10, "a    b   c"),
    ("ab cd", 5, "ab cd"),
    ("ab cd", 3, "ab cd"),
    ("word", 10, "word"),
])
def test_justify(line, width, expected):
    assert justify(line, width) == expected


@pytest.mark.parametrize("text, width, expected", [
    ("short", 10, "short"),
    ("exactly", 7, "exactly"),
    ("a longer text", 10, "a longe..."),
    ("ab cdefgh", 6, "ab..."),
    ("abcdef", 2, ".."),
])
def test_shorten(text, width, expected):
    assert shorten(text, width) == expected


@pytest.mark.parametrize("line, columns", [("x", 0), ("  x", 2), ("\tx", 4), ("  \tx", 4), ("\t x", 5)])
def test_indent_level(line, columns):
    assert indent_level(line) == columns


def test_dedent_even_lines():
    assert dedent("  a\n  b") == "a\nb"


def test_dedent_keeps_relative_indentation():
    assert dedent("  a\n\n    b\n  c") == "a\n\n  b\nc"


def test_dedent_nothing_to_do():
    assert dedent("a\n  b") == "a\n  b"

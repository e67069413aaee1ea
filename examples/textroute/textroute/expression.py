"""Evaluates arithmetic such as ``2 * (width + 1) ^ 2``.

Operators by rising precedence: ``+ -``, ``* / %``, unary ``-``, ``^`` (which groups to the right).
"""

import operator

OPERATORS = {
    "+": (1, operator.add),
    "-": (1, operator.sub),
    "*": (2, operator.mul),
    "/": (2, operator.truediv),
    "%": (2, operator.mod),
    "^": (4, operator.pow),
}
UNARY_PRECEDENCE = 3
RIGHT_ASSOCIATIVE = {"^"}
FUNCTIONS = {"min": min, "max": max, "abs": abs, "round": round}


class ExpressionError(ValueError):
    """An expression that cannot be understood."""


def tokenize(text):
    """Numbers, names and symbols, in order."""
    tokens = []
    position = 0
    while position < len(text):
        char = text[position]
        if char.isspace():
            position += 1
        elif char.isdigit() or char == ".":
            start = position
            while position < len(text) and (text[position].isdigit() or text[position] == "."):
                position += 1
            tokens.append(("number", float(text[start:position])))
        elif char.isalpha() or char == "_":
            start = position
            while position < len(text) and (text[position].isalnum() or text[position] == "_"):
                position += 1
            tokens.append(("name", text[start:position]))
        elif char in "+-*/%^(),":
            tokens.append(("symbol", char))
            position += 1
        else:
            raise ExpressionError("unexpected {!r} at {}".format(char, position))
    return tokens


class Parser:
    """Precedence climbing over a list of tokens."""

    def __init__(self, tokens, variables):
        self.tokens = tokens
        self.variables = variables
        self.position = 0

    def peek(self):
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        return ("end", None)

    def advance(self):
        token = self.peek()
        self.position += 1
        return token

    def expect(self, symbol):
        token = self.advance()
        if token != ("symbol", symbol):
            raise ExpressionError("expected {!r}".format(symbol))

    def expression(self, minimum=1):
        value = self.operand()
        while True:
            kind, symbol = self.peek()
            if kind != "symbol" or symbol not in OPERATORS:
                return value
            precedence, function = OPERATORS[symbol]
            if precedence < minimum:
                return value
            self.advance()
            tighter = precedence if symbol in RIGHT_ASSOCIATIVE else precedence + 1
            right = self.expression(tighter)
            value = function(right, value)

    def operand(self):
        kind, value = self.advance()
        if kind == "number":
            return value
        if kind == "name":
            if self.peek() == ("symbol", "("):
                return self.call(value)
            if value not in self.variables:
                raise ExpressionError("unknown name " + value)
            return self.variables[value]
        if (kind, value) == ("symbol", "-"):
            return -self.expression(UNARY_PRECEDENCE)
        if (kind, value) == ("symbol", "("):
            inner = self.expression()
            self.expect(")")
            return inner
        raise ExpressionError("expected a value")

    def call(self, name):
        if name not in FUNCTIONS:
            raise ExpressionError("unknown function " + name)
        self.expect("(")
        arguments = [self.expression()]
        while self.peek() == ("symbol", ","):
            self.advance()
            arguments.append(self.expression())
        self.expect(")")
        return FUNCTIONS[name](*arguments)


def evaluate(text, **variables):
    """The value of an expression with these variables."""
    parser = Parser(tokenize(text), variables)
    value = parser.expression()
    if parser.peek()[0] != "end":
        raise ExpressionError("unexpected input after the expression")
    return value

"""Compares code objects by what they do, not by where they stand in the file."""

import dis
import sys
import types

CO_OPTIMIZED = 0x1
CO_HAS_DOCSTRING = 0x4000000


def is_function(code):
    """True for functions, lambdas and generator expressions; false for module and class bodies."""
    return bool(code.co_flags & CO_OPTIMIZED)


def nested(code):
    """The code objects directly inside, in order."""
    return [const for const in code.co_consts if isinstance(const, types.CodeType)]


def _const_key(const):
    """A key that tells 1 from 1.0, True and -0.0, which compare equal."""
    if isinstance(const, types.CodeType):
        return ("code", const.co_name)
    if isinstance(const, tuple):
        return ("tuple",) + tuple(_const_key(part) for part in const)
    if isinstance(const, frozenset):
        return ("frozenset",) + tuple(sorted(repr(_const_key(part)) for part in const))
    return (type(const).__name__, repr(const))


def own_key(code):
    """What the code itself does, without the bodies of the functions and classes inside it and without positions."""
    return (
        code.co_name,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_code,
        tuple(_const_key(const) for const in code.co_consts),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        getattr(code, "co_exceptiontable", b""),
    )


def full_key(code):
    """What the code does, the functions and classes inside it included."""
    return (own_key(code), tuple(full_key(inner) for inner in nested(code)))


def same_body(old, new):
    """Whether both do the same, leaving aside what is nested inside them."""
    if own_key(old) == own_key(new):
        return True
    if is_function(old) or sys.version_info < (3, 13):
        return False
    return _class_statements(old) == _class_statements(new)


def _class_statements(code):
    """The instructions of a class body without the tuple of attribute names that Python 3.13 derives from the methods."""
    found = []
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_NAME" and instruction.argval == "__static_attributes__" and found:
            found.pop()
        argument = instruction.argval
        key = _const_key(argument) if instruction.opname.startswith("LOAD_") else argument
        found.append((instruction.opname, key if not isinstance(argument, types.CodeType) else argument.co_name))
    return found


def signature(code):
    """What decorators may have looked at when the function was made: parameters and kind (generator, coroutine)."""
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x4) + bool(code.co_flags & 0x8)
    return (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_varnames[:count],
        code.co_flags,
        code.co_freevars,
    )


def docstring(code):
    """The documentation string kept with the code: it was copied into the function when that was made."""
    first = code.co_consts[0] if code.co_consts else None
    if sys.version_info >= (3, 14) and not code.co_flags & CO_HAS_DOCSTRING:
        return None
    return first if isinstance(first, str) else None


class Changes:
    """How two versions of one piece of code differ.

    `bodies`    pairs (old, new) that differ themselves; a body without counterpart has None in its place
    `carriers`  pairs of functions that are the same but hold a differing body: calling them makes new functions of it
    """

    def __init__(self, old, new):
        self.bodies = []
        self.carriers = []
        self._compare(old, new)

    def _compare(self, old, new):
        known = len(self.bodies)
        same = same_body(old, new)
        if not same:
            self.bodies.append((old, new))
        for before, after in _paired(nested(old), nested(new)):
            if before is None or after is None:
                self.bodies.append((before, after))
            else:
                self._compare(before, after)
        if same and is_function(old) and len(self.bodies) > known:
            self.carriers.append((old, new))


def _paired(old, new):
    """Pairs the nested bodies by name and order of appearance; a name that occurs a different number of times pairs with None."""
    pairs = []
    for name in dict.fromkeys([code.co_name for code in old] + [code.co_name for code in new]):
        before = [code for code in old if code.co_name == name]
        after = [code for code in new if code.co_name == name]
        if len(before) == len(after):
            pairs.extend(zip(before, after))
        else:
            pairs.extend((code, None) for code in before)
            pairs.extend((None, code) for code in after)
    return pairs


def everything_in(code):
    """The code and all code nested inside it."""
    yield code
    for inner in nested(code):
        yield from everything_in(inner)

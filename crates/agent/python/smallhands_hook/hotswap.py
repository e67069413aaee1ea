"""Decides how an edit can be tried: by exchanging the code of living functions, or only by a fresh import.

Exchanging is allowed only where it is the same as editing the file: the difference lies inside functions that have not run
yet, and whose parameters, kind, closure and documentation stay what they were. Everything else is given a fresh import.
"""

import gc
import types

from . import codekey
from .sources import Reshaped, SourceFile, splice

DUPLICATE, INVALID, SWAP, FRESH, UNSUPPORTED = "duplicate", "invalid", "swap", "fresh", "unsupported"


class Plan:
    """How to try one request's edits. `swaps` are (function, new code) pairs; `reason` says why not the fast way."""

    def __init__(self, verdict, swaps=(), reason=None):
        self.verdict = verdict
        self.swaps = swaps
        self.reason = reason


class Planner:
    """Knows the sources, the living functions, and which candidates were tried before."""

    def __init__(self, environment, watch):
        self._environment = environment
        self._watch = watch
        self._functions = _living_functions(environment)
        self._sources = {}
        self._tried = {}
        self._codes = {}

    def plan(self, edits):
        """The way to try these edits. Asking twice for the very same edits is no duplicate."""
        if not edits:
            return Plan(SWAP)
        by_file = {}
        for edit in edits:
            by_file.setdefault(edit["file"], []).append(edit)
        parts = [self._plan_file(relative, part) for relative, part in sorted(by_file.items())]
        verdicts = [plan.verdict for plan, _ in parts]
        if INVALID in verdicts:
            return Plan(INVALID)
        if all(verdict == DUPLICATE for verdict in verdicts) or self._tried_before(edits, [key for _, key in parts]):
            return Plan(DUPLICATE)
        for verdict in (UNSUPPORTED, FRESH):
            if verdict in verdicts:
                return Plan(verdict, reason=next(plan.reason for plan, _ in parts if plan.verdict == verdict))
        return Plan(SWAP, [swap for plan, _ in parts for swap in plan.swaps])

    def _tried_before(self, edits, keys):
        text = repr([(edit["file"], edit["start"], edit["end"], edit["text"]) for edit in edits])
        return self._tried.setdefault(repr(keys), text) != text

    def _plan_file(self, relative, edits):
        """The plan for one file and a key of what the file becomes."""
        source = self._source(relative)
        if source is None:
            return Plan(FRESH, reason="%s cannot be read" % relative), (relative, repr(edits))
        if not relative.endswith((".py", ".pyw")):
            return self._plan_data(relative, source, edits)
        piece = source.piece_around(edits)
        new = source.edited_code(piece, edits)
        if new is None:
            return Plan(INVALID), None
        if isinstance(new, Reshaped):
            return self._fresh(relative, new.reason), (relative, codekey.full_key(new.code))
        key = (relative, piece.start, piece.end, codekey.full_key(new))
        old = source.base_code(piece)
        if old is None:
            return self._fresh(relative, "the file did not compile"), key
        if codekey.full_key(old) == key[3]:
            return Plan(DUPLICATE), key
        return self._plan_change(relative, old, new), key

    def _plan_data(self, relative, source, edits):
        new = splice(source.data, edits)
        verdict = DUPLICATE if new == source.data else FRESH
        return Plan(verdict, reason="%s is no Python file" % relative), (relative, new)

    def _source(self, relative):
        if relative not in self._sources:
            path = self._environment.absolute(relative)
            try:
                with open(path, "rb") as file:
                    self._sources[relative] = SourceFile(path, file.read())
            except OSError:
                self._sources[relative] = None
        return self._sources[relative]

    def _fresh(self, relative, reason):
        if self._watch.loaded_before(relative):
            return Plan(UNSUPPORTED, reason="%s is imported before the tests are collected" % relative)
        return Plan(FRESH, reason=reason)

    def _plan_change(self, relative, old, new):
        """Exchanges what differs, where that is the same as a fresh import."""
        if not self._watch.loaded(relative):
            return Plan(SWAP)  # not imported yet: whatever imports it later reads the edited file
        running = self._running_codes(relative)
        if running is None:
            return self._fresh(relative, "the running code was not compiled from the plain text")
        functions = self._functions.get(relative, {})
        changes = codekey.Changes(old, new)
        obstacles = [self._obstacle(relative, functions, before, after) for before, after in changes.bodies]
        compared = [before for before, _ in changes.bodies + changes.carriers if before is not None]
        obstacles += ["a piece compiles differently on its own" for before in compared if before not in running]
        obstacles += ["a living function has altered code" for before, _ in changes.carriers if _altered_copy(functions, before)]
        if not changes.bodies or any(obstacles):
            return self._fresh(relative, next(filter(None, obstacles), "a difference outside functions"))
        return Plan(SWAP, [
            (function, after)
            for before, after in changes.bodies + changes.carriers
            for function in functions.get(before, ())
        ])

    def _running_codes(self, relative):
        """All code of the file, if importing it ran exactly what it compiles to; else None. Test modules, for one, run with
        their assertions rewritten."""
        if relative not in self._codes:
            whole = self._source(relative).whole_code()
            as_compiled = whole is not None and self._watch.ran(relative, whole)
            self._codes[relative] = frozenset(codekey.everything_in(whole)) if as_compiled else None
        return self._codes[relative]

    def _obstacle(self, relative, functions, before, after):
        """Why this pair cannot be exchanged; None if it can."""
        if before is None:
            return None if codekey.is_function(after) else "a new class body"
        if after is None:
            gone = list(codekey.everything_in(before))
            alive = any(code in functions or self._watch.ran(relative, code) for code in gone)
            return "a living function lost its counterpart" if alive else None
        if not codekey.is_function(before):
            return "code outside functions differs"
        if self._watch.ran(relative, before):
            return "%s ran while the tests were collected" % before.co_name
        if _altered_copy(functions, before):
            return "a living function has altered code"
        if before in functions and codekey.signature(before) != codekey.signature(after):
            return "the parameters or the kind of %s differ" % before.co_name
        if before in functions and codekey.docstring(before) != codekey.docstring(after):
            return "the documentation of %s differs" % before.co_name
        return None


def _altered_copy(functions, code):
    """Whether some decorator made a function with a changed copy of this code: it would keep the old behaviour."""
    return any(
        other.co_firstlineno == code.co_firstlineno and other.co_name == code.co_name and other != code for other in functions
    )


def _living_functions(environment):
    """All functions compiled from the project's files: relative path -> code -> functions."""
    found = {}
    for thing in gc.get_objects():
        if type(thing) is not types.FunctionType:
            continue
        relative = environment.relative(thing.__code__.co_filename)
        if relative is not None:
            found.setdefault(relative, {}).setdefault(thing.__code__, []).append(thing)
    return found


def apply(swaps):
    """Gives the living functions their new code."""
    for function, code in swaps:
        function.__code__ = code

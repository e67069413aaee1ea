"""Runs collected `unittest` tests, with their class and module fixtures."""

import unittest

from .failure import bounded, frames_of, message_of, with_syntax_error
from .suite import Suite
from .unittest_listener import Listening, Quiet, tests_in

_FAILED_IMPORT = "unittest.loader._FailedTest."


class UnittestSuite(Suite):
    """The tests that the user's own `python -m unittest` command would run."""

    kind = "warm-unittest"

    def __init__(self, environment, loaded):
        self._environment = environment
        self._tests = {}
        self.errors = {}
        for test in tests_in(loaded):
            name = test.id()
            if name.startswith(_FAILED_IMPORT):
                self.errors[name] = self._failed_import(test)
            else:
                self._tests.setdefault(name, test)
        self.names = list(self._tests)

    def _failed_import(self, test):
        """What went wrong is kept as text by the loader; importing once more gives the exception itself."""
        try:
            __import__(test.id()[len(_FAILED_IMPORT):])
        except BaseException as error:
            frames = frames_of(self._environment, error.__traceback__)
            return ["errored", None, message_of(error), with_syntax_error(self._environment, error, frames)]
        return ["errored", None, bounded(str(getattr(test, "_exception", "cannot be imported"))), []]

    def has(self, name):
        return name in self._tests

    def file_of(self, name):
        """Modules are found by name: the module of a test, or of a failed import."""
        if name in self._tests:
            return type(self._tests[name]).__module__
        return name[len(_FAILED_IMPORT):] if name.startswith(_FAILED_IMPORT) else None

    def tests_within(self, name):
        if not name.startswith(_FAILED_IMPORT) or name in self.errors:
            return None
        module = name[len(_FAILED_IMPORT):]
        return [other for other, test in self._tests.items() if type(test).__module__ == module]

    def error_hiding(self, name):
        hiding = [error for place, error in self.errors.items() if name == place or name.startswith(place[len(_FAILED_IMPORT):] + ".")]
        return hiding[0] if hiding else None

    def run(self, tests, reporter, quick=False):
        numbers = {name: number for number, name in tests}
        result = _Result()
        result.listen(self._environment, _Reports(reporter, numbers), numbers)
        unittest.TestSuite(self._tests[name] for _, name in tests).run(result)
        for name in [] if result.shouldStop else result.waiting():
            if reporter.result(numbers[name], ["errored", None, "the test did not start", []]):
                return


class _Result(Listening, Quiet):
    """Only listens."""


class _Reports:
    """Passes on what is heard, by the numbers that the tests have in the request."""

    def __init__(self, reporter, numbers):
        self._reporter = reporter
        self._numbers = numbers

    def started(self, name):
        self._reporter.started(self._numbers[name])

    def finished(self, name, outcome, message, frames):
        return self._reporter.finished(self._numbers[name], outcome, message, frames)

    def result(self, name, outcome, message, frames):
        return self._reporter.result(self._numbers[name], [outcome, None, message, frames])


def modules_loader(modules):
    """A loader that discovers only the files of these modules; without modules, an ordinary one."""
    loader = unittest.TestLoader()
    if modules:
        wanted = {module.rpartition(".")[2] + ".py" for module in modules}
        ordinary = loader._match_path
        loader._match_path = lambda path, full_path, pattern: path in wanted and ordinary(path, full_path, pattern)
    return loader


def module_of(name):
    """The module that holds a test of this name: what stands before the class and the method."""
    return name[len(_FAILED_IMPORT):] if name.startswith(_FAILED_IMPORT) else ".".join(name.split(".")[:-2])

"""Turns what `unittest` tells a result object into one outcome per test."""

import unittest

from .failure import bounded, frames_of, message_of


class Listening:
    """Mixed into a result class. `audience` hears started(name), finished(name, outcome, message, frames) for tests that
    ran, and result(name, outcome, message, frames) for tests that could not; the latter two say whether to stop.
    """

    def listen(self, environment, audience, names):
        self._environment = environment
        self._audience = audience
        self._waiting = dict.fromkeys(names)
        self._running = None
        self._last = None
        self._result = None

    def startTest(self, test):
        self._running = self._last = test.id()
        self._result = None
        self._waiting.pop(self._running, None)
        self._audience.started(self._running)
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        name, self._running = self._running, None
        if name is None:
            return  # Python 3.12.1 does not start tests that are skipped as a whole
        if self._audience.finished(name, *(self._result or ("passed", None, []))):
            self.stop()

    def waiting(self):
        """The tests that were not heard of."""
        return list(self._waiting)

    def _note(self, test, outcome, error):
        kind, value, traceback = error
        outcome = "crashed" if issubclass(kind, MemoryError) else outcome
        result = (outcome, message_of(value), frames_of(self._environment, traceback))
        if self._running is None:
            self._note_fixture(test, result)
        elif self._result is None or self._result[0] == "skipped":
            self._result = result

    def _note_fixture(self, holder, result):
        """A class or module that cannot be set up takes its tests along; one that cannot be torn down, the last of them."""
        place = holder.id().rpartition("(")[2].rstrip(")")
        hit = [name for name in self._waiting if name == place or name.startswith(place + ".")]
        if not hit and self._last is not None and result[0] != "skipped":
            hit = [self._last]
        for name in hit:
            self._waiting.pop(name, None)
            if self._audience.result(name, *result):
                self.stop()
                return

    def addError(self, test, error):
        self._note(test, "errored", error)
        super().addError(test, error)

    def addFailure(self, test, error):
        self._note(test, "failed", error)
        super().addFailure(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self._note(test, "failed" if issubclass(error[0], test.failureException) else "errored", error)
        super().addSubTest(test, subtest, error)

    def addSkip(self, test, reason):
        result = ("skipped", bounded(str(reason)), [])
        if self._running is None:
            self._note_fixture(test, result)
        else:
            self._result = self._result or result
        super().addSkip(test, reason)

    def addExpectedFailure(self, test, error):
        self._result = ("skipped", message_of(error[1]), [])
        super().addExpectedFailure(test, error)

    def addUnexpectedSuccess(self, test):
        self._result = ("failed", "passed, although it is marked as an expected failure", [])
        super().addUnexpectedSuccess(test)


class Quiet(unittest.TestResult):
    """A result that keeps nothing: rendering tracebacks takes longer than small tests."""

    def addError(self, test, error):
        """Heard by the listener."""

    addFailure = addExpectedFailure = addSkip = addError

    def addSubTest(self, test, subtest, error):
        """Heard by the listener."""

    def addUnexpectedSuccess(self, test):
        """Heard by the listener."""

    def addDuration(self, test, elapsed):
        """Python 3.12 and later; durations are measured elsewhere."""


def tests_in(suite):
    """The tests of nested suites, in order."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_in(test)
        elif test is not None:
            yield test

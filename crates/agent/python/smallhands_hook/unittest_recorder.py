"""Runs `python -m unittest` as it is and records what becomes of each test."""

import os
import sys
import time
import unittest

from . import environment as settings
from .recording import Recorder
from .unittest_listener import Listening, tests_in


class _Clerk:
    """Hears what becomes of the tests and writes it down; never stops anything."""

    def __init__(self, path):
        self._recorder = Recorder(path)
        self._began = 0.0

    def started(self, name):
        self._began = time.perf_counter()
        self._recorder.started(name)

    def finished(self, name, outcome, message, frames):
        spent = round((time.perf_counter() - self._began) * 1000, 3)
        self._recorder.finished(name, outcome, spent, message, frames)

    def result(self, name, outcome, message, frames):
        self._recorder.finished(name, outcome, None, message, frames)


class _Result(Listening, unittest.TextTestResult):
    """The ordinary result, overheard."""


def recording_runner(environment):
    """The ordinary runner with an overheard result."""

    class Runner(unittest.TextTestRunner):
        resultclass = _Result

        def run(self, test):
            self._names = [each.id() for each in tests_in(test)]
            return super().run(test)

        def _makeResult(self):
            result = super()._makeResult()
            result.listen(environment, _Clerk(environment.record), self._names)
            return result

    return Runner


def main():
    environment = settings.take()
    runner = recording_runner(environment) if environment is not None and environment.record else None
    sys.argv[0] = os.path.basename(sys.executable) + " -m unittest"
    unittest.main(module=None, testRunner=runner)


main()

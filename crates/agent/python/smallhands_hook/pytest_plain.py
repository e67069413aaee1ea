"""Recognises tests for which pytest's machinery makes no difference, and runs them without it.

Most candidates fail the first small test they meet. For a plain function without fixtures, marks or foreign hooks, setting
up, reporting and tearing down takes ten times as long as the test; the outcome is that of calling the function.
"""

import contextlib
import inspect
import os
import sys
import unittest
import warnings

import pytest
from _pytest import outcomes
from _pytest.unittest import TestCaseFunction

from .failure import bounded, frames_of, message_of
from .unittest_listener import Listening, Quiet

# Plugins whose hooks do nothing to a plain test.
_HARMLESS = (
    "_pytest", "smallhands_hook", "xdist", "pytest_cov", "anyio", "pytest_asyncio", "pytest_mock", "pytest_rerunfailures",
    "_hypothesis_pytestplugin",
)
_HOOKS = (
    "pytest_runtest_protocol", "pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown",
    "pytest_runtest_makereport", "pytest_pyfunc_call", "pytest_fixture_setup", "pytest_runtest_logreport",
)
_CLASS_FIXTURES = ("_unittest_setUpClass_fixture", "_UnitTestCase__pytest_class_setup")
_SKIPS = (outcomes.Skipped, unittest.SkipTest, outcomes.XFailed)


def hooks_allow(config):
    """Whether no plugin and no setting of this session takes part in running plain tests."""
    if config.getini("filterwarnings") or config.getoption("pythonwarnings", None):
        return False
    for name in _HOOKS:
        for implementation in getattr(config.hook, name).get_hookimpls():
            module = getattr(implementation.function, "__module__", None) or ""
            if module.split(".")[0] not in _HARMLESS:
                return False
    return True


def runner_of(item):
    """The function that runs this item and returns (outcome, message, frames); None where the item needs pytest itself."""
    try:
        if type(item) is pytest.Function and _has_no_extras(item):
            return _call_function
        if type(item) is TestCaseFunction and _case_has_no_extras(item):
            return _call_case
    except Exception:
        pass
    return None


def _has_no_extras(item):
    if any(mark.name != "parametrize" for mark in item.iter_markers()):
        return False
    function = item.obj
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return False
    if hasattr(function, "is_hypothesis_test") or hasattr(function, "hypothesis") or hasattr(function, "pytestmark_timeout"):
        return False
    info = item._fixtureinfo
    direct = _direct_arguments(item)
    if any(name not in direct for name in info.argnames):
        return False
    return all(name in direct for name in item.fixturenames if name != "request")


def _case_has_no_extras(item):
    """No fixtures but the one by which pytest calls `setUpClass`, and that one does nothing."""
    cls, base = item.parent.obj, unittest.TestCase
    unchanged = [getattr(cls, name).__func__ is getattr(base, name).__func__ for name in ("setUpClass", "tearDownClass")]
    ordinary = all(unchanged) and not hasattr(cls, "setup_method") and not hasattr(cls, "teardown_method")
    if not ordinary or any(parent.__module__.startswith("twisted") for parent in cls.__mro__):
        return False
    fixtures = [name for name in item.fixturenames if not name.startswith(_CLASS_FIXTURES) and name != "request"]
    return not fixtures and not any(item.iter_markers())


def _direct_arguments(item):
    """The arguments that parametrization gives to the function itself."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return {}
    if hasattr(callspec, "funcargs"):
        return callspec.funcargs  # before pytest 8
    definitions = item._fixtureinfo.name2fixturedefs
    return {
        name: value for name, value in callspec.params.items()
        if all(made.func.__name__ == "get_direct_param_fixture_func" for made in definitions.get(name, ()))
    }


def _call_function(environment, item):
    os.environ["PYTEST_CURRENT_TEST"] = "%s (call)" % item.nodeid
    direct = _direct_arguments(item)
    try:
        with _warnings_as_in_pytest():
            item.obj(**{name: direct[name] for name in item._fixtureinfo.argnames})
    except _SKIPS as skip:
        return "skipped", bounded(str(skip)) or None, []
    except BaseException as error:
        outcome = "crashed" if isinstance(error, MemoryError) else "failed"
        return outcome, message_of(error), frames_of(environment, error.__traceback__)
    return "passed", None, []


class _Result(Listening, Quiet):
    """Only listens."""


class _Outcome:
    """Keeps what is heard of the one test. What is an error to `unittest` is a failure to pytest."""

    def __init__(self):
        self.heard = ("skipped", None, [])

    def started(self, name):
        """Nothing to do."""

    def finished(self, name, outcome, message, frames):
        self.heard = ("failed" if outcome == "errored" else outcome), message, frames

    result = finished


def _call_case(environment, item):
    os.environ["PYTEST_CURRENT_TEST"] = "%s (call)" % item.nodeid
    case = item.parent.obj(item.name)
    outcome, result = _Outcome(), _Result()
    result.listen(environment, outcome, [case.id()])
    with _warnings_as_in_pytest():
        case(result)
    return outcome.heard


@contextlib.contextmanager
def _warnings_as_in_pytest():
    with warnings.catch_warnings(record=True):
        if not sys.warnoptions:
            warnings.filterwarnings("always", category=DeprecationWarning)
            warnings.filterwarnings("always", category=PendingDeprecationWarning)
        yield

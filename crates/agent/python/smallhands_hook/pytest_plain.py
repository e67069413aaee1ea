"""Recognises tests for which pytest's machinery makes no difference, and runs them without it.

Most candidates fail the first small test they meet. For a plain function without fixtures, marks or foreign hooks, setting
up, reporting and tearing down takes ten times as long as the test; the outcome is that of calling the function.
"""

import inspect
import os
import sys
import unittest
import warnings

import pytest
from _pytest import outcomes

# Plugins whose hooks do nothing to a plain test.
_HARMLESS = (
    "_pytest", "smallhands_hook", "xdist", "pytest_cov", "anyio", "pytest_asyncio", "pytest_mock", "pytest_rerunfailures",
    "_hypothesis_pytestplugin",
)
_HOOKS = (
    "pytest_runtest_protocol", "pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown",
    "pytest_runtest_makereport", "pytest_pyfunc_call", "pytest_fixture_setup", "pytest_runtest_logreport",
)
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


def is_plain(item):
    """Whether calling the test function is all there is to this item."""
    try:
        return type(item) is pytest.Function and _has_no_extras(item)
    except Exception:
        return False


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


def call(item):
    """Calls the function. Returns None when it passed, the exception otherwise."""
    os.environ["PYTEST_CURRENT_TEST"] = "%s (call)" % item.nodeid
    direct = _direct_arguments(item)
    try:
        with warnings.catch_warnings(record=True):
            if not sys.warnoptions:  # as pytest does
                warnings.filterwarnings("always", category=DeprecationWarning)
                warnings.filterwarnings("always", category=PendingDeprecationWarning)
            item.obj(**{name: direct[name] for name in item._fixtureinfo.argnames})
    except BaseException as error:
        return error
    return None


def is_skip(error):
    """Whether the exception says that the test does not count."""
    return isinstance(error, _SKIPS)

"""Runs collected pytest items one by one, without the cost of reporting to a terminal."""

from pathlib import Path

import pytest
from _pytest import runner
from _pytest.assertion import util as assertions
from _pytest.reports import TestReport

from . import pytest_plain
from .failure import bounded, frames_of, message_of, with_syntax_error
from .scratch import own_scratch
from .suite import Suite


class PytestSuite(Suite):
    """The items of a session, and a plugin of that session: it listens to collection and makes the reports."""

    kind = "warm-pytest"

    def __init__(self, environment):
        self._environment = environment
        self._items = {}
        self._collected = set()
        self._paths = {}
        self._reports = []
        self._plain = {}
        self.names = []
        self.errors = {}

    def adopt(self, session):
        """Called once the session has collected its items."""
        for item in session.items:
            self._items.setdefault(item.nodeid, item)
            self._paths[item.nodeid] = _path_of(item)
        self.names = list(self._items)
        if pytest_plain.hooks_allow(session.config):
            runners = {name: pytest_plain.runner_of(item) for name, item in self._items.items()}
            self._plain = {name: runner for name, runner in runners.items() if runner is not None}

    # what the rest of the server asks

    def has(self, name):
        return name in self._items

    def file_of(self, name):
        return self._paths.get(name)

    def tests_within(self, name):
        if name not in self._collected:
            return None
        return [item.nodeid for item in self._items.values() if name in (part.nodeid for part in item.listchain())]

    def error_hiding(self, name):
        return next((error for place, error in self.errors.items() if name == place or name.startswith(place + "::")), None)

    def run(self, tests, reporter, quick=False):
        _explain_less()
        if tests:
            give_scratch(self._items[tests[0][1]].config, own_scratch(self._environment))
        plain = self._plain if quick else {}
        full = [self._items[name] for _, name in tests if name not in plain]
        for number, name in tests:
            reporter.started(number)
            if name in plain:
                outcome = plain[name](self._environment, self._items[name])
            else:
                item = full.pop(0)
                outcome = self._run_item(item, full[0] if full else None)
            if reporter.finished(number, *outcome):
                if name not in plain:
                    _tear_down(item)
                return

    def _run_item(self, item, following):
        self._reports = []
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            return _summary(self._reports)
        except BaseException as error:
            return "errored", message_of(error), frames_of(self._environment, error.__traceback__)

    # what pytest tells

    def pytest_collectreport(self, report):
        if not report.failed:
            self._collected.add(report.nodeid)

    def pytest_make_collect_report(self, collector):
        """Only notes where the collector lives; pytest itself makes the report."""
        path = _path_of(collector)
        if path is not None:
            self._paths.setdefault(collector.nodeid, path)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_exception_interact(self, node, call, report):
        if isinstance(node, pytest.Collector) and call.excinfo is not None:
            error = call.excinfo.value
            # pytest has already said what matters about an import that failed, as one text
            words = message_of(error.__cause__ or error) if error.__cause__ is not None else bounded(str(error) or type(error).__name__)
            frames = frames_of(self._environment, (error.__cause__ or error).__traceback__)
            self.errors[report.nodeid] = ["errored", None, words, with_syntax_error(self._environment, error.__cause__ or error, frames)]
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        _explain_less()  # pytest prepares explanations anew for every item
        self._reports.extend(runner.runtestprotocol(item, log=False, nextitem=nextitem))
        return True

    def pytest_runtest_logreport(self, report):
        """Reports that are made on the way, for parts of a test."""
        if not report.passed:
            self._reports.append(report)

    def pytest_runtest_makereport(self, item, call):
        """The report without pytest's own rendering of the failure, which can take longer than the test."""
        excinfo = call.excinfo
        outcome, longrepr, crash = "passed", None, []
        if excinfo is not None and isinstance(getattr(excinfo, "value", None), BaseException):
            if isinstance(excinfo.value, pytest.skip.Exception):
                outcome = "skipped"
                longrepr = (str(_path_of(item)), 0, str(excinfo.value))
            else:
                outcome, longrepr = "failed", _words(item, excinfo)
                crash = frames_of(self._environment, excinfo.tb)
        report = TestReport(
            nodeid=item.nodeid, location=item.location, keywords={}, outcome=outcome, longrepr=longrepr, when=call.when,
            sections=(), duration=getattr(call, "duration", 0.0),
        )
        report.smallhands_frames = crash
        report.smallhands_memory = outcome == "failed" and isinstance(excinfo.value, MemoryError)
        return report


def _words(item, excinfo):
    if isinstance(item, getattr(pytest, "DoctestItem", ())) or type(item).__name__ == "DoctestItem":
        try:
            return bounded(str(item.repr_failure(excinfo)))
        except Exception:
            pass
    return message_of(excinfo.value)


def _summary(reports):
    """One outcome from the reports on setup, call and teardown."""
    failed = [report for report in reports if report.failed]
    if failed:
        first = failed[0]
        outcome = "failed" if first.when == "call" else "errored"
        if getattr(first, "smallhands_memory", False):
            outcome = "crashed"
        return outcome, bounded(str(first.longrepr or "")), getattr(first, "smallhands_frames", [])
    skipped = [report for report in reports if report.skipped]
    if skipped:
        longrepr = skipped[0].longrepr
        reason = getattr(skipped[0], "wasxfail", None) or (longrepr[2] if isinstance(longrepr, tuple) else longrepr)
        return "skipped", bounded(str(reason or "")) or None, []
    return "passed", None, []


def _explain_less():
    """Explaining why two large values differ can take seconds; the values themselves are in the message anyway."""
    assertions._reprcompare = None
    assertions._assertion_pass = None


def _tear_down(item):
    """Finishes the fixtures that live longer than one test, when the run ends early."""
    state = getattr(item.session, "_setupstate", None)
    if state is None:
        return
    try:
        state.teardown_exact(None)
    except TypeError:
        state.teardown_exact(item, None)
    except BaseException:
        pass


def _path_of(node):
    path = getattr(node, "path", None) or getattr(node, "fspath", None)
    return None if path is None else str(path)


def quieten(config):
    """Output of tests goes nowhere, and their temporary folders are ours to remove."""
    manager = config.pluginmanager.getplugin("capturemanager")
    try:
        from _pytest.capture import MultiCapture, SysCapture

        if manager._global_capturing is not None:
            manager.stop_global_capturing()
            manager._global_capturing = MultiCapture(in_=SysCapture(0), out=None, err=None)
            manager._global_capturing.start_capturing()
    except (ImportError, AttributeError, TypeError):
        pass


def give_scratch(config, folder):
    """Temporary folders of tests are made below `folder`, which is made when it is needed; its parent has to exist."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None and hasattr(factory, "_given_basetemp"):
        factory._given_basetemp = Path(folder)
        factory._basetemp = None

"""A pytest plugin for plain runs: records what becomes of each test and changes nothing."""

import sys

import pytest

from . import environment as settings
from .failure import bounded, frames_of, with_syntax_error
from .pytest_files import collect_only_files_of
from .recording import Recorder

_OUTCOMES = {"failed": 3, "errored": 2, "skipped": 1, "passed": 0}


class Recording:
    """Listens to the session's reports. Parts of a test are merged into one outcome when it is over."""

    def __init__(self, environment):
        self._environment = environment
        self._recorder = Recorder(environment.record)
        self._open = {}
        self._frames = {}

    def pytest_runtest_logstart(self, nodeid, location):
        self._open[nodeid] = ["passed", 0.0, None, []]
        self._recorder.started(nodeid)

    def pytest_runtest_logreport(self, report):
        result = self._open.setdefault(report.nodeid, ["passed", 0.0, None, []])
        result[1] += getattr(report, "duration", 0.0) * 1000
        outcome = report.outcome
        if outcome == "failed" and report.when != "call":
            outcome = "errored"
        if _OUTCOMES.get(outcome, 0) > _OUTCOMES[result[0]]:
            result[0] = outcome
            result[2] = _words(report)
            result[3] = self._frames.pop(report.nodeid, [])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        yield
        if call.excinfo is not None:
            self._frames[item.nodeid] = frames_of(self._environment, call.excinfo.tb)

    def pytest_runtest_logfinish(self, nodeid, location):
        result = self._open.pop(nodeid, None)
        if result is not None:
            self._recorder.finished(nodeid, result[0], round(result[1], 3), result[2], result[3])

    def pytest_exception_interact(self, node, call, report):
        """A file that cannot be collected; its report came before the exception is shown to us."""
        if not isinstance(node, pytest.Collector) or call.excinfo is None:
            return
        error = call.excinfo.value.__cause__ or call.excinfo.value
        frames = with_syntax_error(self._environment, error, frames_of(self._environment, error.__traceback__))
        self._recorder.finished(report.nodeid, "errored", None, _words(report), frames)


def _words(report):
    """What pytest itself says in one line, or the end of its longer account."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return bounded(str(crash.message))
    if report.skipped:
        reason = getattr(report, "wasxfail", None) or (report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        return bounded(str(reason or "")) or None
    return bounded(str(report.longrepr or ""))


def _install():
    """Takes the settings away from the environment. A worker of a parallel run finds none: it reports to the main process."""
    environment = settings.take()
    if environment is None or not environment.record:
        return

    def pytest_configure(config):
        config.pluginmanager.register(Recording(environment), "smallhands-recording")

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(config):
        collect_only_files_of(config, environment.only)

    module = sys.modules[__name__]
    module.pytest_configure = pytest_configure
    module.pytest_cmdline_main = pytest_cmdline_main


_install()

"""Lets smallhands into the user's own pytest command: loaded through `PYTEST_PLUGINS`, it turns the process into a server
at the moment the tests would run. All options and settings of the command apply as they are."""

import os
import sys
import time

import pytest

from . import environment as settings
from .imported import ImportWatch
from .pytest_files import collect_only_files_of
from .pytest_suite import PytestSuite, quieten
from .server import Server
from .suite import run_fresh
from .zygote import Fresh, split


class Hijack:
    """The part of the plugin that leads pytest to the server."""

    def __init__(self, environment):
        self._environment = environment
        self._suite = PytestSuite(environment)
        self._nursery = None
        self._fresh = None
        self._watch = ImportWatch(environment)
        self._began = 0.0

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config):
        """Nothing of the project has been loaded yet: the moment to keep a process that stays so."""
        early_config.known_args_namespace.no_cov = True
        side = split(self._environment)
        self._began = time.monotonic()
        if isinstance(side, Fresh):
            self._fresh = side
        else:
            self._nursery = side
            self._watch.start()
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config):
        """One process runs the tests, all of them, and measures no coverage."""
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", []), ("no_cov", True), ("maxfail", 0), ("usepdb", False)):
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        if self._fresh is None:
            collect_only_files_of(config, self._environment.only)
        elif self._fresh.files:
            config.args = list(self._fresh.files)
        config.pluginmanager.register(self._suite, "smallhands-suite")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Never returns."""
        self._suite.adopt(session)
        quieten(session.config)
        if self._fresh is not None:
            self._fresh.run(lambda tests, reporter: run_fresh(self._suite, tests, reporter))
        self._watch.stop()
        Server(self._environment, self._suite, self._nursery, self._watch, time.monotonic() - self._began).serve()


def _install():
    """Takes the settings away from the environment; a pytest started by a test finds none and stays itself."""
    environment = settings.take()
    if environment is None:
        return
    if not environment.claim():
        os._exit(1)  # a second test program of the same command: the first one serves already
    module = sys.modules[__name__]
    hijack = Hijack(environment)
    for name in ("pytest_load_initial_conftests", "pytest_cmdline_main", "pytest_runtestloop"):
        setattr(module, name, getattr(hijack, name))


_install()

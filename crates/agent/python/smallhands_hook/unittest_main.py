"""Stands in for `python -m unittest`: the same arguments, the same tests, but the process becomes a server."""

import os
import sys
import time
import unittest

from . import environment as settings
from .imported import ImportWatch
from .server import Server
from .suite import run_fresh
from .unittest_suite import UnittestSuite, module_of, modules_loader
from .zygote import Fresh, split


class _Loading(unittest.TestProgram):
    """Does everything that `unittest.main` does, up to running the tests."""

    def runTests(self):
        pass


def main():
    environment = settings.take()
    if environment is None or not environment.claim():
        sys.exit("smallhands: this program is started by smallhands only")
    side = split(environment)
    fresh = side if isinstance(side, Fresh) else None
    watch = ImportWatch(environment)
    began = time.monotonic()
    if fresh is None:
        watch.start()
    modules = fresh.files if fresh else [module_of(name) for name in environment.only]
    sys.argv[0] = os.path.basename(sys.executable) + " -m unittest"
    program = _Loading(module=None, testLoader=modules_loader(modules))
    suite = UnittestSuite(environment, program.test)
    if fresh is not None:
        fresh.run(lambda tests, reporter: run_fresh(suite, tests, reporter))
    watch.stop()
    Server(environment, suite, side, watch, time.monotonic() - began).serve()


main()

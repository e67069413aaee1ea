"""The first process: it has loaded the test framework and nothing of the project.

It forks the process that becomes the warm server, and later, on its demand, processes that import the project afresh.
"""

import os
import socket
import traceback

from . import channel, child
from .processes import Children
from .supervisor import Job, Supervisor


class Fresh:
    """Handed to a process that must import the project and then run these tests."""

    def __init__(self, files, tests, reporter, begin_trace):
        self.files = files
        self.tests = tests
        self.reporter = reporter
        self.begin_trace = begin_trace

    def run(self, how):
        """Runs `how(tests, reporter)` and ends the process."""
        finish(lambda: how(self.tests, self.reporter), self.reporter, self.begin_trace)


class _Begin(BaseException):
    """Unwinds the first process's loop in a process that was forked from inside it."""

    def __init__(self, fresh):
        super().__init__()
        self.fresh = fresh


def finish(run, reporter, begin_trace):
    """The last thing a process that runs tests does; nothing after it, no exit handlers."""
    try:
        begin_trace()
        run()
        reporter.done()
    except BaseException:
        try:
            reporter.broken(traceback.format_exc()[-2000:])
        except OSError:
            pass
        os._exit(70)
    os._exit(0)


class Nursery:
    """The warm server's line to the first process."""

    def __init__(self, connection):
        self._channel = channel.Channel(connection.fileno(), connection.fileno())
        self._connection = connection
        self._replies = iter(self._channel)

    def run(self, message):
        """Runs a job in freshly importing processes and waits for the outcome, which the first process bounds."""
        self._channel.send(message)
        return next(self._replies)


def split(environment):
    """Forks. Returns a `Nursery` in the process that becomes warm, and a `Fresh` in each process forked for one job.
    The first process itself never returns from here."""
    ours, theirs = socket.socketpair()
    pid = child.fork()
    if pid == 0:
        ours.close()
        child.adopt_orphans()
        return Nursery(theirs)
    theirs.close()
    child.adopt_orphans()
    try:
        _serve(environment, ours, Children(keep=[pid]))
    except _Begin as begin:
        ours.close()
        return begin.fresh
    os._exit(_exit_code(os.waitpid(pid, 0)[1]))


def _exit_code(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1


def _serve(environment, connection, children):
    """Runs jobs until the warm server is gone."""
    line = channel.Channel(connection.fileno(), connection.fileno())
    for message in line:
        limits = child.Limits(*message["limits"])
        job = Job(message["names"], limits, message["stop_first"], message["trace"], 1, *message["prepare"])

        def spawn(tests, reporter, begin_trace, files=message["files"]):
            raise _Begin(Fresh(files, tests, reporter, begin_trace))

        supervisor = Supervisor(environment, children, job, spawn)
        ended = supervisor.run()
        line.send({
            "ended": ended,
            "names": supervisor.names,
            "results": list(supervisor.results.items()),
            "lines": list(supervisor.lines.items()),
        })
        children.settle()

"""What a forked process does to itself before it runs tests, and how it reports on them."""

import faulthandler
import fcntl
import os
import resource
import signal
import time
import warnings

from . import channel
from .lines import LineTracer

CPU_SIGNAL = signal.SIGPROF
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _load_prctl():
    try:
        import ctypes

        return ctypes.CDLL(None, use_errno=True).prctl
    except (ImportError, OSError, AttributeError):
        return None


_prctl = _load_prctl()


def adopt_orphans():
    """Processes that a test leaves behind become ours, so that they can be found and ended (Linux)."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def fork():
    """`os.fork` without the warning about threads: whoever forks here has made sure that there are none of Python's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


class Limits:
    """Per test: seconds of processor time and on the clock. `address_space` bounds the process, in bytes; 0 for no bound."""

    def __init__(self, cpu, wall, address_space):
        self.cpu = cpu
        self.wall = wall
        self.address_space = address_space


def prepare_parent(limits):
    """What children inherit is set once in the process that forks them; setting it in each child would cost more."""
    if signal.getsignal(CPU_SIGNAL) is not signal.SIG_DFL:
        signal.signal(CPU_SIGNAL, signal.SIG_DFL)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_AS, limits.address_space or resource.RLIM_INFINITY)


def _lower(kind, value):
    """Sets the limit that is in force, as far as it may go."""
    soft, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    if soft != value:
        resource.setrlimit(kind, (value, hard))


def confine(parent):
    """Called first in the child: its own process group; it ends with its parent."""
    os.setpgid(0, 0)
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def address_space():
    """Bytes of address space that this process uses; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


class Reporter:
    """Tells the watching process, test by test, so that nothing is lost when this process is killed.

    Every record is a line [kind, ...]; the kinds are the `_on_` methods of the supervisor.
    """

    def __init__(self, fd, limits, stop_first, count):
        # A high number, because tests close ranges of low ones.
        self._fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200)
        os.close(fd)
        self._limits = limits
        self._stop_first = stop_first
        self._count = count
        self._held = b""
        self._tracer = None
        self._began = 0.0

    def trace(self, environment, line_map, stack_fd):
        """Lines are recorded from here on, and the stack is written to `stack_fd` when the process is ended."""
        faulthandler.enable(stack_fd)
        faulthandler.register(CPU_SIGNAL, stack_fd, all_threads=True, chain=True)
        self._tracer = LineTracer(environment, line_map, lambda *file: self._send(["file"] + list(file)))
        self._tracer.start()

    def _send(self, record):
        channel.write_all(self._fd, self._held + channel.encode(record))
        self._held = b""

    def arm(self, seconds):
        """After so many seconds of processor time the process dies, whatever it catches."""
        signal.setitimer(signal.ITIMER_PROF, seconds)

    def started(self, number):
        """The test begins; its clock starts."""
        if self._tracer is not None:
            self._tracer.take()
        self._send(["started", number])
        self._began = time.perf_counter()
        self.arm(self._limits.cpu)

    def finished(self, number, outcome, message=None, frames=()):
        """The test has ended. Returns whether to stop here."""
        self.arm(self._limits.cpu)
        spent = round((time.perf_counter() - self._began) * 1000, 3)
        lines = self._tracer.take() if self._tracer is not None else None
        return self.result(number, [outcome, spent, message, list(frames)], lines)

    def result(self, number, result, lines=None):
        """What became of a test, whether it was started or not. Returns whether to stop here."""
        record = ["finished", number, result, lines]
        if self._stop_first and result[0] not in ("passed", "skipped"):
            self._send(record)
            return True
        self._held += channel.encode(record)  # goes out together with what comes next
        return False

    def found(self, name):
        """A test that nobody asked for by name, but which belongs to what was asked for. Returns its number."""
        self._count += 1
        self._send(["found", self._count - 1, name])
        return self._count - 1

    def broken(self, words):
        """Something went wrong that is no test's failure."""
        self._send(["broken", words])

    def done(self):
        self._send(["done"])

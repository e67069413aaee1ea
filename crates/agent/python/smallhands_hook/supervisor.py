"""Watches the processes that run tests: collects what they report, ends them in time, cleans up behind them."""

import collections
import json
import os
import select
import signal
import tempfile
import time

from . import channel, child
from .failure import frames_of_dump
from .lines import LineMap
from .processes import interrupt

_TICK_MS = 20
_LAST_WORDS_S = 0.2
_PARALLEL_AFTER = 2


class Job:
    """What to run: the tests' names in order, and how. `prepare_wall` and `prepare_cpu` are granted before the first test."""

    def __init__(self, names, limits, stop_first=False, trace=False, jobs=1, prepare_wall=0.0, prepare_cpu=0.0):
        self.names = list(names)
        self.limits = limits
        self.stop_first = stop_first
        self.trace = trace
        self.jobs = jobs
        self.prepare_wall = prepare_wall
        self.prepare_cpu = prepare_cpu


class _Watched:
    """One running process and the tests that it still has to finish."""

    def __init__(self, pid, fd, numbers, deadline):
        self.pid = pid
        self.fd = fd
        self.lines = channel.Lines(fd)
        self.left = list(numbers)
        self.deadline = deadline
        self.started_any = False
        self.running = None
        self.done = False
        self.failed = False
        self.late = False
        self.exited = False
        self.own_words = None
        self.line_map = None
        self.stack = None


class Supervisor:
    """Runs one job to its end. Tests are numbered by their place in the job; tests found on the way get further numbers."""

    def __init__(self, environment, children, job, spawn):
        """`spawn(tests, reporter, begin_trace)` is called in a fresh process with (number, name) pairs, and must not return."""
        self._environment = environment
        self._children = children
        self._job = job
        self._spawn = spawn
        self._queue = collections.deque([list(range(len(job.names)))] if job.names else [])
        self._active = []
        self._poll = select.poll()
        child.prepare_parent(job.limits)
        self._deaths = 0
        self.names = list(job.names)
        self.results = {}
        self.lines = {}

    def run(self):
        """Returns "completed", "timed_out" or "crashed": how the first process ended that did not end well."""
        ended = "completed"
        try:
            while self._queue or self._active:
                while self._queue and len(self._active) < self._width():
                    self._start(self._queue.popleft())
                self._wait()
                for watched in [each for each in self._active if each.done or each.exited or each.late]:
                    how = self._finish(watched)
                    ended = how if ended == "completed" else ended
        finally:
            for watched in self._active:
                self._children.end(watched.pid)
        return ended

    def _width(self):
        """One at a time, as in a plain run, until tests turn out to hang: then side by side, so as not to wait for each."""
        return self._job.jobs if self._deaths >= _PARALLEL_AFTER else 1

    def _start(self, numbers):
        job = self._job
        read_fd, write_fd = os.pipe()
        line_map = LineMap() if job.trace else None
        stack = tempfile.TemporaryFile(buffering=0) if job.trace else None
        parent = os.getpid()
        pid = child.fork()
        if pid == 0:
            os.close(read_fd)
            self._active = []
            child.confine(parent)
            reporter = child.Reporter(write_fd, job.limits, job.stop_first, len(self.names))
            reporter.arm(job.limits.cpu + job.prepare_cpu)
            self._spawn([(number, self.names[number]) for number in numbers], reporter, self._tracing(reporter, line_map, stack))
        os.close(write_fd)
        os.set_blocking(read_fd, False)
        watched = _Watched(pid, read_fd, numbers, time.monotonic() + job.limits.wall + job.prepare_wall)
        watched.line_map, watched.stack = line_map, stack
        self._active.append(watched)
        self._poll.register(read_fd, select.POLLIN)

    def _tracing(self, reporter, line_map, stack):
        """What the process calls once the tests are about to begin."""
        if line_map is None:
            return lambda: None
        return lambda: reporter.trace(self._environment, line_map, stack.fileno())

    def _wait(self):
        """Waits for news of any process, a deadline, or a short while: the end of a process does not always show on its pipe."""
        nearest = min(watched.deadline for watched in self._active)
        patience = (nearest - time.monotonic()) * 1000 + 1
        events = dict(self._poll.poll(max(0, min(_TICK_MS, patience))))
        for watched in self._active:
            if not events:
                watched.exited = self._children.reaped(watched.pid)
            if watched.fd in events or watched.exited:
                lines, closed = watched.lines.read_available()
                self._take(watched, lines)
                watched.exited = watched.exited or closed
            watched.late = not watched.done and time.monotonic() > watched.deadline

    def _take(self, watched, lines):
        for line in lines:
            record = json.loads(line)
            getattr(self, "_on_" + record[0])(watched, *record[1:])

    def _on_started(self, watched, number):
        watched.running = number
        watched.started_any = True
        watched.deadline = time.monotonic() + self._job.limits.wall

    def _on_finished(self, watched, number, result, lines):
        self.results[number] = result
        if lines:
            self.lines[number] = lines
        if number in watched.left:
            watched.left.remove(number)
        watched.running = None
        watched.started_any = True
        watched.failed = watched.failed or result[0] not in ("passed", "skipped")
        watched.deadline = time.monotonic() + self._job.limits.wall

    def _on_found(self, watched, number, name):
        self.names.append(name)
        watched.left.append(number)

    def _on_file(self, watched, relative, base, end):
        watched.line_map.declare(relative, base, end)

    def _on_broken(self, watched, words):
        watched.own_words = words

    def _on_done(self, watched):
        watched.done = True

    def _finish(self, watched):
        """Takes leave of a process; what it did not get to is given to another one."""
        if watched.late and watched.stack is not None:
            self._ask_to_die(watched.pid)
        self._active.remove(watched)
        self._poll.unregister(watched.fd)
        how = "completed"
        if watched.done:
            self._children.end_soon(watched.pid)
        else:
            status = self._children.end(watched.pid)
            self._take(watched, watched.lines.drain())
            how = "completed" if watched.done else self._note_death(watched, status)
        os.close(watched.fd)
        if watched.stack is not None:
            watched.stack.close()
        if self._job.stop_first and (watched.failed or how != "completed"):
            self._queue.clear()
        return how

    def _ask_to_die(self, pid):
        """Where stacks are wanted, a late process gets the signal that makes it write its stack before it dies."""
        interrupt(pid, child.CPU_SIGNAL)
        until = time.monotonic() + _LAST_WORDS_S
        while time.monotonic() < until and not self._children.reaped(pid):
            time.sleep(0.005)

    def _note_death(self, watched, status):
        """The test that was running gets the blame; all of them where the preparations never came to an end."""
        timed_out = watched.late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == child.CPU_SIGNAL)
        outcome = "timed_out" if timed_out else "crashed"
        culprits = watched.left[:1] if watched.running is None else [watched.running]
        if not watched.started_any:
            culprits = list(watched.left)
        for number in culprits:
            watched.left.remove(number)
            self.results[number] = [outcome, None, self._last_words(watched, status, timed_out), self._last_frames(watched)]
        if culprits and watched.line_map is not None:
            self.lines[culprits[0]] = watched.line_map.take()
        self._deaths += 1
        self._queue.extend(_shared_out(watched.left, self._width()))
        return outcome

    def _last_words(self, watched, status, timed_out):
        limits = self._job.limits
        if watched.late:
            return "no result within %g s" % limits.wall
        if timed_out:
            return "no result within %g s of processor time" % limits.cpu
        if watched.own_words:
            return watched.own_words
        if os.WIFSIGNALED(status):
            return "the process was ended by %s" % signal.Signals(os.WTERMSIG(status)).name
        return "the process ended itself with status %d" % os.WEXITSTATUS(status)

    def _last_frames(self, watched):
        if watched.stack is None:
            return []
        watched.stack.seek(0)
        return frames_of_dump(self._environment, watched.stack.read(1 << 20))


def _shared_out(numbers, parts):
    """Consecutive parts of about equal size."""
    size = max(1, -(-len(numbers) // parts))
    return [numbers[start:start + size] for start in range(0, len(numbers), size)]

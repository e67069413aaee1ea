"""The warm process: the project is imported, its tests are collected; it answers requests until its input ends."""

import gc
import os
import sys
import threading
import time

from . import channel, child, hotswap, scratch, zygote
from .disk import EditedFiles
from .processes import Children
from .supervisor import Job, Supervisor

PROTOCOL = 1
_PLUGIN_THREADS = ("pytest_rerunfailures", "xdist", "execnet")


class Server:
    """Answers one request after the other."""

    def __init__(self, environment, suite, nursery, watch, collected_in):
        self._environment = environment
        self._suite = suite
        self._nursery = nursery
        self._children = Children()
        self._planner = hotswap.Planner(environment, watch)
        self._collected_in = collected_in
        self._own_size = child.address_space()
        self._threads = _project_threads()

    def serve(self):
        """Never returns."""
        line = channel.Channel(os.open(self._environment.requests, os.O_RDONLY), os.open(self._environment.replies, os.O_WRONLY))
        scratch.prepare(self._environment)
        _silence()
        gc.collect()
        gc.freeze()
        line.send(self._greeting())
        try:
            for message in line:
                line.send(self._answer(message))
                self._children.settle()
                scratch.clear(self._environment)
        finally:
            os._exit(0)

    def _greeting(self):
        return {
            "event": "ready",
            "protocol": PROTOCOL,
            "kind": self._suite.kind,
            "python": "%d.%d.%d" % sys.version_info[:3],
            "tests": list(self._suite.names),
            "collection_errors": self._suite.errors,
            "collected_in": self._collected_in,
            "elsewhere": _imported_from_elsewhere(self._environment),
        }

    def _answer(self, message):
        began = time.perf_counter()
        try:
            reply = self._run(message)
        except Exception as error:
            reply = {"ended": "unsupported", "reason": "%s: %s" % (type(error).__name__, error)}
        reply["event"] = "ran"
        reply["id"] = message["id"]
        reply["spent"] = round((time.perf_counter() - began) * 1000, 3)
        return reply

    def _run(self, message):
        plan = self._planner.plan(message["edits"])
        if plan.verdict in (hotswap.DUPLICATE, hotswap.INVALID):
            return {"ended": plan.verdict}
        if plan.verdict == hotswap.UNSUPPORTED:
            return {"ended": "unsupported", "reason": plan.reason}
        room = self._own_size + message["memory"] if self._own_size and message["memory"] else 0
        limits = child.Limits(message["cpu"], message["wall"], room)
        job = Job(message["tests"], limits, message["stop_first"], message["trace"], message.get("jobs") or _processors())
        reason = plan.reason or self._reason_for_fresh_import(job.names)
        with EditedFiles(self._environment, message["edits"]):
            if reason:
                return dict(self._run_fresh(job), level=1, reason=reason)
            return dict(self._run_swapped(job, plan.swaps), level=2)

    def _reason_for_fresh_import(self, names):
        """Why even an edit that could be exchanged must not be; None if it may."""
        if self._threads:
            return "the project starts threads when it is imported"
        if not all(self._suite.has(name) for name in names):
            return "some tests were not collected"
        return None

    def _run_swapped(self, job, swaps):
        def spawn(tests, reporter, begin_trace):
            def run():
                hotswap.apply(swaps)
                self._suite.run(tests, reporter, quick=not job.trace)

            zygote.finish(run, reporter, begin_trace)

        supervisor = Supervisor(self._environment, self._children, job, spawn)
        ended = supervisor.run()
        return _outcome(ended, supervisor.names, supervisor.results.items(), supervisor.lines.items())

    def _run_fresh(self, job):
        files = {self._suite.file_of(name) for name in job.names}
        outcome = self._nursery.run({
            "names": job.names,
            "files": sorted(files) if None not in files else [],
            "limits": [job.limits.cpu, job.limits.wall, job.limits.address_space],
            "stop_first": job.stop_first,
            "trace": job.trace,
            # Importing again should take about as long as it took before.
            "prepare": [5.0 + 5 * self._collected_in, 2.0 + 3 * self._collected_in],
        })
        return _outcome(outcome["ended"], outcome["names"], outcome["results"], outcome["lines"])


def _outcome(ended, names, results, lines):
    return {
        "ended": ended,
        "results": [[names[number]] + result for number, result in sorted(results)],
        "lines": [[names[number], found] for number, found in sorted(lines)],
    }


def _project_threads():
    """Threads that a forked process would miss; those of test plugins are of no use to tests."""
    return [
        thread for thread in threading.enumerate()
        if thread is not threading.main_thread()
        and (getattr(getattr(thread, "_target", None), "__module__", None) or "").split(".")[0] not in _PLUGIN_THREADS
    ]


def _imported_from_elsewhere(environment):
    """[name, path] of packages that were imported from another place although the copy has them: an installation that
    points to the user's own folder. Edits of the copy then have no effect."""
    found = []
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if "." in name or not isinstance(path, str) or environment.relative(path) is not None:
            continue
        inside = [os.path.join(environment.root, *place, name) for place in ((), ("src",), ("lib",))]
        if any(os.path.exists(os.path.join(place, "__init__.py")) or os.path.exists(place + ".py") for place in inside):
            found.append([name, path])
    return found


def _processors():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _silence():
    """From here on nothing is read from or written to the descriptors that the command was started with."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)

"""The processes that a server started, and those that they left behind."""

import os
import signal


class Children:
    """Ends processes with their groups, and remembers how they ended."""

    def __init__(self, keep=()):
        self._statuses = {}
        self._ending = []
        self._keep = set(keep)

    def reaped(self, pid):
        """Whether the process has ended. Never waits."""
        if pid not in self._statuses:
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                found, status = pid, 0
            if found:
                self._statuses[pid] = status
        return pid in self._statuses

    def end(self, pid):
        """Kills the process and its group and waits for it. A process that had ended by itself keeps its own status."""
        if not self.reaped(pid):
            _send(os.kill, pid, signal.SIGKILL)
        _send(os.killpg, pid, signal.SIGKILL)
        if pid not in self._statuses:
            try:
                self._statuses[pid] = os.waitpid(pid, 0)[1]
            except ChildProcessError:
                self._statuses[pid] = 0
        return self._statuses.pop(pid)

    def end_soon(self, pid):
        """The same for a process that has nothing more to say: it is waited for when there is time, in `settle`."""
        _send(os.kill, pid, signal.SIGKILL)
        _send(os.killpg, pid, signal.SIGKILL)
        self._ending.append(pid)

    def settle(self):
        """Waits for the processes that are ending, and ends those that they left behind."""
        while self._ending:
            self.end(self._ending.pop())
        self._end_orphans()

    def _end_orphans(self, rounds=20):
        """Ends what tests left behind: orphans become ours (see `child.adopt_orphans`). A few rounds, as the dying leave orphans too."""
        for _ in range(rounds):
            strays = [pid for pid in self._list() if pid not in self._keep]
            if not strays:
                return
            for pid in strays:
                self.end(pid)

    def _list(self):
        """Whether there are children at all costs one call; the list is read only when there are."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return []
            if not pid:
                break
            if pid in self._keep:
                self._statuses[pid] = status
        try:
            with open("/proc/self/task/%d/children" % os.getpid(), "rb") as file:
                return [int(part) for part in file.read().split()]
        except OSError:
            return []


def _send(how, pid, number):
    try:
        how(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def interrupt(pid, number):
    """Sends a signal to one process that may be gone already."""
    _send(os.kill, pid, number)

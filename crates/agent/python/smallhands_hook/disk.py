"""Puts edited files on the disk for the time of one request: tests may start programs that read them."""

import itertools
import os

from .channel import write_all
from .sources import splice

# Compiled caches are matched by whole seconds of the modification time and by size; times long past, that no other version
# of a file has, keep a stale cache from being taken for the edited file.
_SECONDS = itertools.count(400_000_000 + (os.getpid() % 20_000) * 20_000)


class EditedFiles:
    """A context in which the files have the edits applied."""

    def __init__(self, environment, edits):
        self._environment = environment
        self._by_file = {}
        for edit in edits:
            self._by_file.setdefault(edit["file"], []).append(edit)
        self._saved = []

    def __enter__(self):
        try:
            for relative, edits in self._by_file.items():
                self._edit(self._environment.absolute(relative), edits)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self._saved:
            path, data, status = self._saved.pop()
            _replace(path, data, status.st_mode, (status.st_atime_ns, status.st_mtime_ns))

    def _edit(self, path, edits):
        status = os.stat(path)
        with open(path, "rb") as file:
            data = file.read()
        self._saved.append((path, data, status))
        when = next(_SECONDS) * 1_000_000_000
        _replace(path, splice(data, edits), status.st_mode, (when, when))


def _replace(path, data, mode, times):
    """Writes beside the file and renames: a hard link to the old content elsewhere stays what it was."""
    path = os.path.realpath(path)
    beside = "%s.smallhands-%d" % (path, os.getpid())
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode & 0o7777)
    try:
        write_all(descriptor, data)
        os.fchmod(descriptor, mode & 0o7777)
    finally:
        os.close(descriptor)
    os.utime(beside, ns=times)
    os.replace(beside, path)

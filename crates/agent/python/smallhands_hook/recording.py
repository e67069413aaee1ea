"""Writes down, line by line, what becomes of each test in a plain run: a run that is killed still tells which test hung."""

import os

from . import channel


class Recorder:
    """Appends ["started", name] and ["finished", name, outcome, ms, message, frames] to a file."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def started(self, name):
        self._write(["started", name])

    def finished(self, name, outcome, milliseconds=None, message=None, frames=()):
        self._write(["finished", name, outcome, milliseconds, message, list(frames)])

    def _write(self, record):
        try:
            channel.write_all(self._fd, channel.encode(record))
        except OSError:
            pass  # the run matters more than its record

"""JSON lines over file descriptors."""

import json
import os


class Lines:
    """Splits what is read from a descriptor into lines; an unfinished last line is never handed out."""

    def __init__(self, fd):
        self.fd = fd
        self._buffer = b""

    def read_available(self):
        """Reads once. Returns (complete lines, whether the other end is closed)."""
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return [], False
        return self._split(data), not data

    def _split(self, data):
        parts = (self._buffer + data).split(b"\n")
        self._buffer = parts.pop()
        return parts

    def drain(self):
        """All complete lines that are there already; the descriptor must not block."""
        found = []
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                data = b""
            if not data:
                return found
            found.extend(self._split(data))

    def __iter__(self):
        closed = False
        while not closed:
            lines, closed = self.read_available()
            for line in lines:
                yield line


def encode(message):
    """One message as one line."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def write_all(fd, data):
    """Writes everything, also to a pipe that takes only part of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


class Channel:
    """Two directions, one message per line."""

    def __init__(self, read_fd, write_fd):
        self._lines = Lines(read_fd)
        self._write_fd = write_fd

    def send(self, message):
        write_all(self._write_fd, encode(message))

    def __iter__(self):
        return (json.loads(line) for line in self._lines if line.strip())

"""Which lines of the project run, kept in memory shared with the watching process so that a killed test keeps its lines."""

import mmap
import re
import sys
import threading

MONITORING = getattr(sys, "monitoring", None)
CAPACITY = 4 << 20
_TOUCHED = re.compile(rb"[^\0]+")


class LineMap:
    """One byte per line; every file has a range of its own, given out when the file is first seen."""

    def __init__(self):
        self._bytes = mmap.mmap(-1, CAPACITY)
        self._files = {}
        self._used = 0

    def add_file(self, relative, count):
        """The place of the file's line 0, or None when the map is full."""
        if self._used + count + 1 > CAPACITY:
            return None
        base = self._used
        self._files[relative] = base
        self._used += count + 1
        return base

    def declare(self, relative, base, end):
        """Learns about a file that the other process added."""
        self._files[relative] = base
        self._used = max(self._used, end)

    def end_of(self):
        return self._used

    def buffer(self):
        return self._bytes

    def take(self):
        """The lines marked so far as {file: [first, last, first, last, ...]}; all marks are removed."""
        marks = self._bytes[:self._used]
        found = {}
        bounds = sorted(self._files.items(), key=lambda item: item[1])
        ends = [base for _, base in bounds[1:]] + [self._used]
        for (relative, base), end in zip(bounds, ends):
            runs = []
            for match in _TOUCHED.finditer(marks, base, end):
                runs.extend((match.start() - base, match.end() - 1 - base))
            if runs:
                found[relative] = runs
        self._bytes[:self._used] = bytes(self._used)
        return found


class LineTracer:
    """Marks lines in a `LineMap` from inside the tested process. `declare` tells the watcher about a new file."""

    def __init__(self, environment, line_map, declare):
        self._environment = environment
        self._map = line_map
        self._declare = declare
        self._bases = {}
        self._tool = None

    def start(self):
        if MONITORING is not None:
            self._tool = next((tool for tool in (1, 0, 3, 4) if MONITORING.get_tool(tool) is None), None)
        if self._tool is None:
            threading.settrace(self._on_call)
            sys.settrace(self._on_call)
            return
        events = MONITORING.events
        MONITORING.use_tool_id(self._tool, "smallhands")
        MONITORING.register_callback(self._tool, events.PY_START, self._on_start)
        MONITORING.register_callback(self._tool, events.PY_RESUME, self._on_start)
        MONITORING.register_callback(self._tool, events.LINE, self._on_line)
        MONITORING.set_events(self._tool, events.PY_START | events.PY_RESUME)

    def take(self):
        """The lines since the last call."""
        found = self._map.take()
        if self._tool is not None:
            MONITORING.restart_events()
        return found

    def _base(self, filename):
        base = self._bases.get(filename, self)
        if base is self:
            base = self._bases[filename] = self._add(filename)
        return base

    def _add(self, filename):
        relative = self._environment.relative(filename)
        if relative is None:
            return None
        try:
            with open(filename, "rb") as file:
                count = file.read().count(b"\n") + 2
        except OSError:
            return None
        base = self._map.add_file(relative, count)
        if base is not None:
            self._declare(relative, base, self._map.end_of())
        return base

    def _on_call(self, frame, event, argument):
        base = self._base(frame.f_code.co_filename)
        if base is None:
            return None
        marks = self._map.buffer()

        def on_line(frame, event, argument):
            if event == "line":
                marks[base + frame.f_lineno] = 1
            return on_line

        return on_line

    def _on_start(self, code, offset):
        if self._base(code.co_filename) is not None:
            MONITORING.set_local_events(self._tool, code, MONITORING.events.LINE)
        return MONITORING.DISABLE

    def _on_line(self, code, line):
        base = self._bases.get(code.co_filename)
        if base is not None:
            self._map.buffer()[base + line] = 1
        return MONITORING.DISABLE

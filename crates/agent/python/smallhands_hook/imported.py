"""Notes which of the project's code runs while its tests are collected.

A function that ran by then has left results behind (a constant it computed, a class it decorated), so exchanging its code
afterwards would not be the same as editing the file. Such functions are given a fresh import instead.
"""

import sys

MONITORING = getattr(sys, "monitoring", None)


class ImportWatch:
    """Collects the code objects that start between `start` and `stop`, by the file they were compiled from."""

    def __init__(self, environment):
        self._environment = environment
        self._ours = {}
        self._tool = None

    def start(self):
        """Begins to watch; the cheap way where the interpreter has one."""
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and self._environment.relative(path) is not None:
                self._ours.setdefault(self._environment.relative(path), None)
        if MONITORING is not None:
            self._tool = next((tool for tool in (4, 3, 1, 0) if MONITORING.get_tool(tool) is None), None)
        if self._tool is None:
            sys.settrace(self._on_call)
            return
        MONITORING.use_tool_id(self._tool, "smallhands")
        MONITORING.register_callback(self._tool, MONITORING.events.PY_START, self._on_start)
        MONITORING.set_events(self._tool, MONITORING.events.PY_START)

    def stop(self):
        """Ends it."""
        if self._tool is None:
            sys.settrace(None)
            return
        MONITORING.set_events(self._tool, 0)
        MONITORING.register_callback(self._tool, MONITORING.events.PY_START, None)
        MONITORING.free_tool_id(self._tool)

    def _on_call(self, frame, event, argument):
        self._note(frame.f_code)

    def _on_start(self, code, offset):
        self._note(code)
        return MONITORING.DISABLE

    def _note(self, code):
        relative = self._environment.relative(code.co_filename)
        if relative is None:
            return
        seen = self._ours.setdefault(relative, set())
        if seen is not None:
            seen.add(code)

    def loaded(self, relative):
        """Whether any code of this file ran: the file was imported."""
        return relative in self._ours

    def ran(self, relative, code):
        """Whether this code ran; true also where that is not known."""
        seen = self._ours.get(relative, ())
        return seen is None or code in seen

    def loaded_before(self, relative):
        """Whether the file was already imported when watching began: a fresh import is not possible then."""
        return relative in self._ours and self._ours[relative] is None

"""What the launching side passed in, and how every trace of it is removed again before the project runs."""

import json
import os
import sys


class Environment:
    """The settings of this server, read once from the variables that `launch.sh` sets."""

    def __init__(self, variables):
        self.hook = variables["SMALLHANDS_HOOK"]
        self.root = os.path.realpath(variables["SMALLHANDS_ROOT"])
        self.requests = variables.get("SMALLHANDS_REQUESTS")
        self.replies = variables.get("SMALLHANDS_REPLIES")
        self.record = variables.get("SMALLHANDS_RECORD")
        self.only = self._read_only(variables.get("SMALLHANDS_ONLY"))
        self._relative = {}

    @staticmethod
    def _read_only(path):
        """The tests to collect; empty means all of them."""
        if not path:
            return []
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def claim(self):
        """True for the first process that asks. A command may start several test programs, also from inside tests;
        only the first of them is ours."""
        try:
            os.close(os.open(os.path.join(self.hook, "claimed"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True

    def relative(self, path):
        """The path below the project's root with "/" between its parts, or None for a file that is not the project's.
        Answers are kept: processes forked later have them at no cost."""
        if path not in self._relative:
            self._relative[path] = self._below_root(path)
        return self._relative[path]

    def _below_root(self, path):
        if path.startswith("<"):
            return None  # made by the interpreter, not read from a file
        absolute = os.path.realpath(path)
        if not absolute.startswith(self.root + os.sep):
            return None
        relative = absolute[len(self.root) + 1:].replace(os.sep, "/")
        return None if _is_installed(relative) else relative

    def absolute(self, relative):
        return os.path.join(self.root, *relative.split("/"))


def _is_installed(relative):
    """Whether a file below the root belongs to an installed package (a virtual environment inside the project)."""
    return any(part in ("site-packages", "dist-packages", ".tox", ".nox", "node_modules") for part in relative.split("/"))


def take(variables=os.environ):
    """Reads the settings and removes them, so that programs started by tests see the user's own environment.
    Returns None where this process was not started by smallhands."""
    if "SMALLHANDS_HOOK" not in variables:
        return None
    environment = Environment(variables)
    for name in [name for name in variables if name.startswith("SMALLHANDS_") and not name.startswith("SMALLHANDS_USER_")]:
        del variables[name]
    for name in ("PYTHONPATH", "PYTEST_PLUGINS"):
        original = variables.pop("SMALLHANDS_USER_" + name, None)
        if original:
            variables[name] = original
        else:
            variables.pop(name, None)
    sys.path[:] = [entry for entry in sys.path if entry != environment.hook]
    return environment

"""Runs the smallhands binary and reads its machine-readable output. Shared by the benchmark scripts."""
from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path


class Result:
    """What one run said, and how long it took (seconds)."""

    def __init__(self, exit_code: int, events: list, seconds: float, stderr: str):
        self.exit_code = exit_code
        self.events = events
        self.seconds = seconds
        self.stderr = stderr

    @property
    def finished(self) -> dict:
        """The `run.finished` event, or an empty one."""
        last = self.events[-1] if self.events else {}
        return last if last.get("type") == "run.finished" else {}

    @property
    def verdict(self) -> str:
        return self.finished.get("verdict", "error")

    @property
    def validations(self) -> int:
        return self.finished.get("validations", 0)

    def patch(self) -> str:
        path = self.finished.get("patch")
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape") if path else ""


def run(binary: str, repo: Path, state: Path, arguments: list, limit: float) -> Result:
    """One `smallhands run --json`, killed after `limit` seconds."""
    command = [binary, "run", "--repo", str(repo), "--state-dir", str(state), "--json", *arguments]
    begin = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        out = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        code, err = -1, f"killed after {limit} s"
    return Result(code, parse(out), time.monotonic() - begin, err)


def parse(text: str) -> list:
    """Events of a JSON-lines output; a torn last line is ignored."""
    events = []
    for line in text.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            pass
    return events


def apply_patch(folder: Path, patch: str) -> bool:
    """Applies a git patch to a plain copy of a repository."""
    done = subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=patch, text=True,
                          capture_output=True, check=False)
    return done.returncode == 0


def geometric_mean(values: list) -> float:
    """Geometric mean of positive numbers; 0 for none."""
    import math
    logs = [math.log(max(value, 1)) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else 0.0


def summary(seconds: list, validations: list) -> str:
    """One line of figures for those that were repaired."""
    if not seconds:
        return "nothing repaired"
    ordered = sorted(seconds)
    median = ordered[len(ordered) // 2]
    within = ", ".join(f"{sum(s <= limit for s in seconds)} within {limit} s" for limit in (5, 20, 60, 120))
    return (f"{len(seconds)} repaired; {within}; median {median:.1f} s, mean {sum(seconds) / len(seconds):.1f} s; "
            f"validations geo-mean {geometric_mean(validations):.0f}, median {sorted(validations)[len(validations) // 2]}")

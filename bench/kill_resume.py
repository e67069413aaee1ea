#!/usr/bin/env python3
"""Kills a run with SIGKILL at random moments, resumes it each time, and looks at what is left.

    python3 bench/kill_resume.py REPO target/release/smallhands [--kills 5] [--check CMD] [--seed 1]

Passes when the verdict is the one of an undisturbed run, no finished task was started again, and neither a process nor a sandbox is left.
"""
from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from runner import parse, run


def main() -> int:
    options = arguments()
    rng = random.Random(options.seed)
    extra = [part for check in options.check for part in ("--check", check)]
    with tempfile.TemporaryDirectory(prefix="kill-resume-") as temporary:
        folder = Path(temporary)
        calm = run(options.smallhands, options.repo, folder / "calm", extra, 900)
        print(f"undisturbed: {calm.verdict} in {calm.seconds:.1f} s, {calm.finished.get('tests')}")
        state = folder / "state"
        last, kills = disturbed(options, state, extra, rng, calm.seconds)
        finished = last[-1] if last else {}
        repeated = repeated_tasks(options.smallhands, state, finished["run"])
        left = leftovers(state)
        print(f"disturbed:   {finished.get('verdict')} after {kills} kills, {finished.get('tests')}")
        print(f"finished tasks started again: {repeated or 'none'}; processes or sandboxes left: {left or 'none'}")
        good = finished.get("verdict") == calm.verdict and kills == options.kills and not repeated and not left
        print("PASS" if good else "FAIL")
        return 0 if good else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo", type=Path)
    parser.add_argument("smallhands")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--check", action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def disturbed(options, state: Path, extra: list, rng: random.Random, whole: float):
    """Starts, kills, resumes; returns the events of the last process and how often it was killed."""
    command = [options.smallhands, "run", "--repo", str(options.repo), "--state-dir", str(state), "--json", *extra]
    kills, name = 0, None
    while True:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        events = []
        if kills < options.kills:
            name = name or first_run(process, events)
            time.sleep(rng.uniform(0, whole / (options.kills + 1)))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
        out, _ = process.communicate(timeout=900)
        events += parse(out)
        if events and events[-1].get("type") == "run.finished":
            return events, kills
        command = [options.smallhands, "resume", name, "--state-dir", str(state), "--json"]


def first_run(process, events: list) -> str:
    """Reads until the run has a name."""
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["type"] == "run.started":
            return events[-1]["run"]
    raise SystemExit(f"the run never began: {process.stderr.read()}")


def repeated_tasks(smallhands: str, state: Path, run: str) -> list:
    """Tasks with an attempt that began after one that was done; read from the event log."""
    command = [smallhands, "events", run, "--state-dir", str(state), "--json"]
    done, repeated = set(), []
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        listed = json.loads(line)
        kind, event = listed["kind"], listed["payload"]
        task = str(event.get("attempt", "")).rsplit("#", 1)[0]
        if kind == "attempt_started" and task in done:
            repeated.append(task)
        if kind == "attempt_finished" and event["result"].get("result") == "done":
            done.add(task)
    return repeated


def leftovers(state: Path) -> Counter:
    """Sandboxes on disk and processes that work below the state directory."""
    left = Counter(sandboxes=len(list((state / "sandboxes").glob("*"))))
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(state) in str((entry / "cwd").resolve()) or str(state) in (entry / "environ").read_text(errors="replace"):
                left[(entry / "comm").read_text().strip()] += 1
        except OSError:
            pass
    return +left


if __name__ == "__main__":
    raise SystemExit(main())

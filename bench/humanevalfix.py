#!/usr/bin/env python3
"""HumanEvalFix (Python): one run per task, each as a small repository with one test per assertion of the task's own tests.

    python3 bench/humanevalfix.py humanevalpack.jsonl target/release/smallhands [--every 4]

The tests are the benchmark's hidden ones, used as the oracle of the search; so the figures say how often a plausible patch is found,
and cannot be compared with those of systems that never see the tests.
"""
from __future__ import annotations

import argparse
import ast
import json
import subprocess
import tempfile
from pathlib import Path

from runner import run, summary


def main() -> int:
    options = arguments()
    tasks = [json.loads(line) for line in options.tasks.read_text().splitlines()][:: options.every]
    seconds, validations, tried = [], [], 0
    with tempfile.TemporaryDirectory(prefix="humanevalfix-") as temporary:
        for task in tasks:
            name = task["task_id"].replace("/", "-")
            repo = repository(task, Path(temporary) / name)
            if options.only and name not in options.only:
                continue
            tried += 1
            limit = int(options.limit)
            result = run(options.smallhands, repo, Path(temporary) / "state", ["--timeout", f"{limit}s"], limit + 30)
            if result.verdict == "verified" and result.finished.get("changes"):
                seconds.append(result.seconds)
                validations.append(result.validations)
            changes = "; ".join(f"{c['kind']}: {c['summary']}" for c in result.finished.get("changes", []))[:100]
            print(f"{name:12} {task['bug_type']:18} {result.verdict:11} {result.seconds:6.1f} {result.validations:7}  {changes}", flush=True)
    print(f"{tried} tasks; {summary(seconds, validations)}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("smallhands")
    parser.add_argument("--every", type=int, default=1, help="take every n-th task")
    parser.add_argument("--limit", type=float, default=60, help="seconds per run")
    parser.add_argument("--only", nargs="*", default=None)
    return parser.parse_args()


def repository(task: dict, folder: Path) -> Path:
    """A repository with the faulty module and its tests."""
    folder.mkdir(parents=True)
    (folder / "solution.py").write_text(task["prompt"] + task["buggy_solution"])
    (folder / "test_solution.py").write_text(tests(task))
    subprocess.run("git init -q && git add -A && git -c user.name=b -c user.email=b@b commit -q -m base", shell=True, cwd=folder, check=True)
    return folder


def tests(task: dict) -> str:
    """The task's `check` function, one test per assertion where it is a plain list of them."""
    header = f"from solution import *\nfrom solution import {task['entry_point']} as candidate\n\n"
    tree = ast.parse(task["test"])
    check = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"), None)
    if check and all(isinstance(node, ast.Assert) for node in check.body):
        others = [node for node in tree.body if node is not check and not is_call(node)]
        cases = [f"def test_{index}():\n    {ast.unparse(node)}\n" for index, node in enumerate(check.body)]
        return header + "\n\n".join([*map(ast.unparse, others), *cases])
    return header + task["test"].replace(f"check({task['entry_point']})", "") + "\n\ndef test_check():\n    check(candidate)\n"


def is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


if __name__ == "__main__":
    raise SystemExit(main())

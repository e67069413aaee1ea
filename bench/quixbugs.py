#!/usr/bin/env python3
"""QuixBugs (Python): one run per program, or one run over the whole repository.

    python3 bench/quixbugs.py CLONE target/release/smallhands            # program by program
    python3 bench/quixbugs.py CLONE target/release/smallhands --whole    # one run over all

Each patch is checked a second time against the reference solution on random inputs (`quixbugs_inputs.py`), which smallhands never sees:
the copies that it works on have no `correct_python_programs`.
"""
from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from runner import apply_patch, run, summary

HERE = Path(__file__).resolve().parent


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="quixbugs-") as temporary:
        folder = Path(temporary)
        repo = without_solutions(options.clone, folder / "repo")
        action = whole if options.whole else one_by_one
        return action(options, repo, folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=Path)
    parser.add_argument("smallhands")
    parser.add_argument("--whole", action="store_true", help="one run over the whole repository")
    parser.add_argument("--agents", default=None, help="passed on; 30 for --whole")
    parser.add_argument("--limit", type=float, default=None, help="seconds per run: 120, or 900 for --whole")
    parser.add_argument("--only", nargs="*", default=None, help="programs to run")
    return parser.parse_args()


def without_solutions(clone: Path, to: Path) -> Path:
    """A copy of the repository in which the answers are not lying about."""
    shutil.copytree(clone, to, ignore=shutil.ignore_patterns(".git", "correct_python_programs", "*java*", "Java*", "__pycache__"))
    subprocess.run("git init -q && git add -A && git -c user.name=b -c user.email=b@b commit -q -m base", shell=True, cwd=to, check=True)
    return to


def programs(repo: Path) -> list:
    return sorted(path.stem[len("test_"):] for path in (repo / "python_testcases").glob("test_*.py"))


def one_by_one(options, repo: Path, folder: Path) -> int:
    limit = options.limit or 120
    seconds, validations, correct = [], [], 0
    print(f"{'program':32} {'verdict':11} {'s':>7} {'valid.':>7}  patch", flush=True)
    for program in options.only or programs(repo):
        check = f"pytest python_testcases/test_{program}.py"
        extra = ["--agents", options.agents] if options.agents else []
        result = run(options.smallhands, repo, folder / "state", ["--check", check, "--timeout", f"{int(limit)}s", *extra], limit + 30)
        note = ""
        if result.verdict == "verified":
            seconds.append(result.seconds)
            validations.append(result.validations)
            right = agrees(options.clone, repo, folder, program, result.patch())
            correct += right
            note = describe(result) + ("" if right else "   <- differs from the reference")
        print(f"{program:32} {result.verdict:11} {result.seconds:7.1f} {result.validations:7}  {note}", flush=True)
    print(summary(seconds, validations))
    print(f"{correct} of {len(seconds)} patches agree with the reference on random inputs")
    return 0


def whole(options, repo: Path, folder: Path) -> int:
    limit = options.limit or 900
    arguments = ["--check", "pytest python_testcases", "--agents", options.agents or "30", "--timeout", f"{int(limit)}s"]
    result = run(options.smallhands, repo, folder / "state", arguments, limit + 120)
    fixed = tree(repo, folder / "fixed", result.patch())
    changed = sorted(set(changed_files(result.patch())))
    passing = [program for program in programs(repo) if passes(fixed, program)]
    right = [program for program in passing if agrees(options.clone, repo, folder, program, result.patch())]
    other = [path for path in changed if not path.startswith("python_programs/")]
    print(f"verdict {result.verdict} in {result.seconds:.0f} s, {result.validations} validations, exit {result.exit_code}")
    print(f"tests {result.finished.get('tests')}")
    print(f"{len(passing)} of {len(programs(repo))} programs pass their tests: {' '.join(passing)}")
    print(f"{len(right)} of them agree with the reference on random inputs")
    print(f"{len(changed)} files changed, outside python_programs: {other or 'none'}")
    return 0


def describe(result) -> str:
    changes = result.finished.get("changes", [])
    return "; ".join(f"{change['kind']}: {change['summary']}" for change in changes)[:110]


def changed_files(patch: str):
    return (line[len("+++ b/"):] for line in patch.splitlines() if line.startswith("+++ b/"))


def tree(repo: Path, to: Path, patch: str) -> Path:
    """A plain copy with the patch applied."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(repo, to, ignore=shutil.ignore_patterns(".git", "__pycache__", ".pytest_cache"))
    if patch and not apply_patch(to, patch):
        raise SystemExit("the patch does not apply to the repository it was made for")
    return to


def passes(folder: Path, program: str) -> bool:
    test = f"python_testcases/test_{program}.py"
    try:
        return subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=folder, capture_output=True, timeout=60, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def agrees(clone: Path, repo: Path, folder: Path, program: str, patch: str) -> bool:
    """Whether the patched program does on random inputs what the reference does."""
    fixed = tree(repo, folder / "checked", patch)
    command = [sys.executable, str(HERE / "quixbugs_inputs.py"), str(clone), str(fixed), program]
    try:
        return subprocess.run(command, capture_output=True, timeout=600, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


if __name__ == "__main__":
    raise SystemExit(main())

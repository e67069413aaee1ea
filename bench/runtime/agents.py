#!/usr/bin/env python3
"""mini-SWE-agent with its deterministic model on a server, through SWE-ReX's RemoteRuntime, several at once.

    agents.py --ours target/release/swerex-remote [--agents 8] [--json FILE]       # or: --url URL --token T

Needs a Python with mini-swe-agent, swe-rex and aiohttp. The environment is mini-SWE-agent's own `swerex_docker`, unchanged: only
the container that it would start is replaced by a deployment that points at the server. Each agent gets a folder with a broken
program, follows a fixed trajectory (look, test, a command that times out, repair, test, submit the patch) and must submit it.
"""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import tempfile
import time
import urllib.parse

import wire

os.environ.setdefault("SWE_REX_LOG_STREAM_LEVEL", "60")
os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")
os.environ.setdefault("MSWEA_COST_TRACKING", "ignore_errors")

PROGRAM = "def middle(values):\n\tvalues = sorted(values)\n\treturn values[len(values)]\n"
TEST = "from program import middle\nassert middle([3, 1, 2]) == 2\nprint('passed')\n"
COMMANDS = [
    "ls; cat program.py",
    "cat > test.py <<'EOF'\n" + TEST + "EOF\ncp program.py before.py",
    "python3 test.py",
    "sleep 60",
    "sed -i 's/values\\[len(values)\\]/values[len(values) \\/\\/ 2]/' program.py && python3 test.py",
    "diff -u before.py program.py > patch; echo \"COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT\"; cat patch",
]
LIMIT_S = 30


def deployment_factory(host, port, token):
    from swerex.deployment.remote import RemoteDeployment

    return lambda image, **_: RemoteDeployment(host=host, port=port, auth_token=token, timeout=5)


def one_agent(number, folder):
    """Runs one agent; what is wrong with its result, or None, and its seconds."""
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.environments.extra.swerex_docker import SwerexDockerEnvironment
    from minisweagent.models.test_models import DeterministicModel, make_output

    place = pathlib.Path(folder, f"agent{number}")
    place.mkdir()
    (place / "program.py").write_text(PROGRAM)
    environment = SwerexDockerEnvironment(image="none", cwd=str(place), timeout=5)
    outputs = [make_output(f"step {step}", [{"command": command}], cost=0.0) for step, command in enumerate(COMMANDS)]
    templates = {"system_template": "You repair programs.", "instance_template": "{{task}}"}
    agent = DefaultAgent(DeterministicModel(outputs=outputs), environment, **templates, wall_time_limit_seconds=LIMIT_S)
    begin = time.perf_counter()
    result = agent.run("middle() fails")
    return wrong_in(result, agent.messages), time.perf_counter() - begin


def wrong_in(result, messages):
    observations = [message["content"] for message in messages if message["role"] == "user"][1:]
    checks = {
        "it did not submit": result.get("exit_status") == "Submitted",
        "the patch is not what it should be": "+\treturn values[len(values) // 2]\n" in result.get("submission", ""),
        "the first test did not fail": "IndexError" in observations[2] and "<returncode>1</returncode>" in observations[2],
        "the long command did not time out": "<returncode>-1</returncode>" in observations[3] and "imeout" in observations[3],
        "the second test did not pass": "passed" in observations[4] and "<returncode>0</returncode>" in observations[4],
    }
    return next((problem for problem, holds in checks.items() if not holds), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours")
    parser.add_argument("--url")
    parser.add_argument("--token", default=wire.TOKEN)
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--json")
    args = parser.parse_args()
    from minisweagent.environments.extra import swerex_docker

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="agents-"))
        if args.url:
            parts = urllib.parse.urlsplit(args.url)
            host, port = f"{parts.scheme}://{parts.hostname}", parts.port
        else:
            host, port = "http://127.0.0.1", stack.enter_context(wire.Server([args.ours])).port
        swerex_docker.DockerDeployment = deployment_factory(host, port, args.token)
        begin = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(args.agents) as pool:
            results = list(pool.map(one_agent, range(args.agents), [folder] * args.agents))
        taken = time.perf_counter() - begin
    right = sum(problem is None for problem, _ in results)
    for number, (problem, seconds) in enumerate(results):
        print(f"agent {number}: {problem or 'submitted'} in {seconds:.2f} s")
    print(f"{right} of {args.agents} agents submitted their patch, all in {taken:.2f} s (5 s of it a command that times out)")
    wire.write_json(args.json, {"machine": wire.machine(), "right": right, "agents": args.agents, "seconds": [s for _, s in results]})
    raise SystemExit(0 if right == args.agents else 1)


if __name__ == "__main__":
    main()

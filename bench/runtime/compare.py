#!/usr/bin/env python3
"""Measures SWE-ReX's server and ours, one after the other on this machine, and prints theirs | ours | ratio | goal.

    compare.py --original /path/of/venv/bin/python --ours target/release/swerex-remote [--client both] [--quick] [--json FILE]

The Python that runs this needs nothing else for the keep-alive client; with `swe-rex` and `aiohttp` installed in it the same
is measured through SWE-ReX's own RemoteRuntime. Both servers start without TERM, so that the original is at its best.
"""

import argparse
import asyncio
import importlib.util
import pathlib
import sys
import tempfile
import time

import wire

MEGABYTES = 50
# What is measured, its unit, whether more is better, and the goal (a factor, or an absolute number of seconds).
MEASURES = {
    "echo_ms": ("run echo hi, median", "ms", False, "100x"),
    "echo_p99_ms": ("run echo hi, p99", "ms", False, None),
    "create_ms": ("session creation, median", "ms", False, "25x"),
    "commands_per_s": ("30 sessions x 20 commands", "/s", True, "300x"),
    "sleeps_s": ("30 x sleep 1 at once", "s", False, "< 1.3 s"),
    "seq_mb_per_s": ("seq 1 1000000, exact", "MB/s", True, "100x"),
    "start_ms": ("start to is_alive, median", "ms", False, "50x"),
    "idle_rss_mb": ("idle memory", "MB", False, "5x"),
    "execute_ms": ("/execute true, median", "ms", False, "3x"),
    "upload_s": (f"upload of {MEGABYTES} MB", "s", False, "3x"),
    "read_s": (f"read_file of {MEGABYTES} MB", "s", False, "3x"),
    "write_s": (f"write_file of {MEGABYTES} MB", "s", False, "3x"),
}
SEQ = "".join(f"{number}\n" for number in range(1, 1_000_001))


async def timed(call):
    begin = time.perf_counter()
    result = await call
    return time.perf_counter() - begin, result


async def repeated(count, call):
    return [(await timed(call(number)))[0] for number in range(count)]


def exact(got, wanted, what):
    if got != wanted:
        raise SystemExit(f"{what}: the answer is not exact ({len(got)} characters instead of {len(wanted)})")


async def latency(client, count):
    await client.create("latency")
    for _ in range(3):
        exact(await client.run("latency", "echo hi"), "hi\n", "echo hi")
    samples = await repeated(count, lambda _: client.run("latency", "echo hi"))
    await client.close_session("latency")
    return {"echo_ms": wire.median(samples) * 1e3, "echo_p99_ms": wire.quantile(samples, 0.99) * 1e3}


async def creation(client, count):
    samples = await repeated(count, lambda number: client.create(f"c{number}"))
    for number in range(count):
        await client.close_session(f"c{number}")
    return {"create_ms": wire.median(samples) * 1e3}


async def parallel(client, commands):
    """Throughput and the sleeps; the original takes so long that fewer commands have to do where `commands` says so."""
    names = [f"p{number}" for number in range(30)]
    for name in names:
        await client.create(name)

    async def worker(name):
        for number in range(commands):
            exact(await client.run(name, f"echo {name} {number}"), f"{name} {number}\n", "throughput")

    taken, _ = await timed(asyncio.gather(*map(worker, names)))
    sleeps, _ = await timed(asyncio.gather(*(client.run(name, "sleep 1") for name in names)))
    for name in names:
        await client.close_session(name)
    return {"commands_per_s": len(names) * commands / taken, "sleeps_s": sleeps}


async def output(client, count):
    await client.create("output")
    samples = []
    for _ in range(count):
        taken, got = await timed(client.run("output", "seq 1 1000000"))
        exact(got, SEQ, "seq")
        samples.append(taken)
    await client.close_session("output")
    return {"seq_mb_per_s": len(SEQ) / 1e6 / wire.median(samples)}


async def execution(client, count):
    samples = await repeated(count, lambda _: client.execute("true"))
    return {"execute_ms": wire.median(samples) * 1e3}


async def files(client, count, folder):
    text = ("0123456789abcde\n" * (MEGABYTES * 62500))[: MEGABYTES * 1_000_000]
    source, target = pathlib.Path(folder, "source"), str(pathlib.Path(folder, "target"))
    source.write_text(text)
    result = {"upload_s": wire.median(await repeated(count, lambda _: client.upload(source, target)))}
    exact(pathlib.Path(target).read_text(), text, "upload")
    samples = []
    for _ in range(count):
        taken, got = await timed(client.read_file(target))
        exact(got, text, "read_file")
        samples.append(taken)
    result["read_s"] = wire.median(samples)
    result["write_s"] = wire.median(await repeated(count, lambda _: client.write_file(target, text)))
    exact(pathlib.Path(target).read_text(), text, "write_file")
    return result


def starts(words, count):
    result = []
    for _ in range(count):
        with wire.Server(words) as server:
            result.append(server.start_s)
    return {"start_ms": wire.median(result) * 1e3}


async def measured(words, make_client, effort, with_server_figures):
    """All figures of one server; `effort` scales how often what is quick is repeated."""
    figures = starts(words, max(3, effort // 10)) if with_server_figures else {}
    with tempfile.TemporaryDirectory(prefix="compare-") as folder, wire.Server(words, folder) as server:
        client = make_client(server.port)
        if with_server_figures:
            time.sleep(0.5)
            figures["idle_rss_mb"] = sum(map(wire.rss_kb, [server.pid, *wire.descendants(server.pid)])) / 1024
        figures |= await latency(client, effort * 20)
        figures |= await creation(client, effort)
        figures |= await parallel(client, min(20, effort))
        figures |= await output(client, max(1, effort // 30))
        figures |= await execution(client, effort * 3)
        figures |= await files(client, max(1, effort // 30), folder)
        await client.aclose()
    return figures


def table(theirs, ours):
    lines = [f"{'':28} {'theirs':>12} {'ours':>12} {'ratio':>9}  {'goal':>8}"]
    for key, (title, unit, more_is_better, goal) in MEASURES.items():
        a, b = theirs.get(key), ours.get(key)
        if a is None or b is None:
            continue
        ratio = b / a if more_is_better else a / b
        met = "" if goal is None else "met" if reached(goal, ratio, b) else "MISSED"
        lines.append(f"{title:28} {a:>9.4g} {unit:4}{b:>8.4g} {unit:4}{ratio:>8.1f}x  {goal or '':>8} {met}")
    return "\n".join(lines)


def reached(goal, ratio, ours):
    return ours < float(goal.split()[1]) if goal.startswith("<") else ratio >= float(goal.rstrip("x"))


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--original", help="a Python with swe-rex installed")
    parser.add_argument("--ours", help="the swerex-remote of smallhands")
    parser.add_argument("--client", choices=["raw", "rex", "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    parser.add_argument("--json")
    args = parser.parse_args()
    wire.raise_limits()
    sys.setswitchinterval(1)
    servers = {"theirs": [args.original, "-m", "swerex"] if args.original else None, "ours": [args.ours] if args.ours else None}
    # The original needs a third of a second for each command: repeating it often shows nothing new.
    effort = {"theirs": 2 if args.quick else 5, "ours": 20 if args.quick else 100}
    clients = [wire.Client] if args.client != "rex" else []
    if args.client != "raw" and importlib.util.find_spec("swerex"):
        clients.append(wire.RexClient)
    result = {"machine": wire.machine(), "clients": {}}
    print(result["machine"])
    for number, client in enumerate(clients):
        figures = {}
        for who, words in servers.items():
            if words:
                figures[who] = await measured(words, client, effort[who], number == 0)
        result["clients"][client.name] = figures
        print(f"\n{client.name}\n" + table(figures.get("theirs", {}) or figures["ours"], figures.get("ours", {}) or figures["theirs"]))
    wire.write_json(args.json, result)


if __name__ == "__main__":
    asyncio.run(main())

#!/usr/bin/env python3
"""A thousand concurrent sessions, each running commands: latency, is_alive meanwhile, and memory beyond bash itself.

    thousand.py --ours target/release/swerex-remote [--sessions 1000] [--seconds 20] [--every 1.0] [--json FILE]

Memory is counted by share (PSS). What belongs to the server: its own growth and every process below it that runs the server's
program (the small parents of the shells). What belongs to bash: everything else.
"""

import argparse
import asyncio
import random
import time

import wire


async def created(client, count):
    gate, begin = asyncio.Semaphore(32), time.perf_counter()

    async def one(number):
        async with gate:
            await client.create(f"t{number}")

    await asyncio.gather(*map(one, range(count)))
    return time.perf_counter() - begin


async def exercised(client, count, seconds, every):
    """Each session runs a command about once in `every` seconds (0: as fast as it gets answers); samples in seconds."""
    loop = asyncio.get_running_loop()
    end, samples = loop.time() + seconds, []

    async def session(number):
        await asyncio.sleep(random.random() * every)
        while loop.time() < end:
            begin = time.perf_counter()
            got = await client.run(f"t{number}", f"echo {number} $((n+=1)) >/dev/null; echo {number}")
            samples.append(time.perf_counter() - begin)
            if got != f"{number}\n":
                raise SystemExit(f"session {number} answered {got!r}")
            if every:
                await asyncio.sleep(max(0, random.uniform(0.5, 1.5) * every - samples[-1]))

    async def watcher(alive):
        other = wire.Client(client.address[1])
        while loop.time() < end:
            begin = time.perf_counter()
            assert await other.is_alive()
            alive.append(time.perf_counter() - begin)
            await asyncio.sleep(0.02)
        await other.aclose()

    alive = []
    await asyncio.gather(watcher(alive), *map(session, range(count)))
    return samples, alive


def memory(server):
    own = wire.program(server.pid)
    below = wire.descendants(server.pid)
    small = [pid for pid in below if wire.program(pid) == own]
    rest = [pid for pid in below if pid not in set(small)]
    pss = lambda pids: sum(map(wire.pss_kb, pids))
    return {"server_rss": wire.rss_kb(server.pid), "server": pss([server.pid]), "parents": pss(small), "shells": pss(rest),
            "parent_processes": len(small), "shell_processes": len(rest), "descriptors": wire.descriptors(server.pid)}  # fmt: skip


def figures(samples, seconds):
    milliseconds = {f"p{int(share * 100)}_ms": wire.quantile(samples, share) * 1e3 for share in (0.5, 0.99)}
    return {"commands_per_s": len(samples) / seconds, **milliseconds, "max_ms": max(samples) * 1e3}


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two commands of a session")
    parser.add_argument("--json")
    args = parser.parse_args()
    wire.raise_limits()
    with wire.Server([args.ours]) as server:
        client, before = wire.Client(server.port), memory(server)
        creating = await created(client, args.sessions)
        after = memory(server)
        paced, alive = await exercised(client, args.sessions, args.seconds, args.every)
        busy, alive_busy = await exercised(client, args.sessions, args.seconds / 2, 0)
        loaded = memory(server)
        begin = time.perf_counter()
        await client.call("/close")
        closing = time.perf_counter() - begin
        left = wire.descendants(server.pid)
        await client.aclose()
    per_session = lambda now: (now["server"] - before["server"] + now["parents"] - before["parents"]) / args.sessions
    result = {
        "machine": wire.machine(), "sessions": args.sessions, "create_all_s": creating, "close_all_s": closing,
        "kb_per_session_beyond_bash": per_session(after), "kb_per_session_after_load": per_session(loaded),
        "kb_per_bash": after["shells"] / args.sessions, "idle": before, "created": after, "loaded": loaded,
        "paced": figures(paced, args.seconds), "saturated": figures(busy, args.seconds / 2),
        "is_alive_p99_ms": wire.quantile(alive, 0.99) * 1e3, "is_alive_p99_saturated_ms": wire.quantile(alive_busy, 0.99) * 1e3,
        "processes_left": len([pid for pid in left if wire.program(pid) != wire.program(server.pid)]),
    }  # fmt: skip
    print(result["machine"])
    print(f"{args.sessions} sessions created in {creating:.2f} s, closed in {closing:.2f} s, {result['processes_left']} processes left")
    print(f"memory: {result['kb_per_session_beyond_bash']:.0f} kB per session beyond bash ({result['kb_per_session_after_load']:.0f} kB "
          f"after the load); bash itself {result['kb_per_bash']:.0f} kB")  # fmt: skip
    for name in ("paced", "saturated"):
        print(f"{name:10} " + ", ".join(f"{key} {value:.4g}" for key, value in result[name].items()))
    print(f"is_alive   p99 {result['is_alive_p99_ms']:.3g} ms, saturated {result['is_alive_p99_saturated_ms']:.3g} ms")
    wire.write_json(args.json, result)


if __name__ == "__main__":
    asyncio.run(main())

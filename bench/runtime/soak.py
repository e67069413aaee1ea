#!/usr/bin/env python3
"""Full load for a long time; fails if memory, descriptors or processes grow.

    soak.py --ours target/release/swerex-remote --minutes 30 [--workers 16] [--seed 1] [--json FILE]

Workers do everything that clients do, in a random order: commands, long output, timeouts, interrupts, one-shot commands and
their timeouts, daemons, files, uploads, wrong requests, clients that go away, sessions that exit, sessions created and closed.
Every second is sampled. After a warm-up (the first fifth) a line is fitted: it may not rise by more than the tolerance.
"""

import argparse
import asyncio
import collections
import json
import os
import pathlib
import random
import tempfile
import time

import wire

TOLERANCE = {"memory_mb": (4.0, 0.10), "descriptors": (24.0, 0.15), "processes": (12.0, 0.25)}


class Worker:
    """One client with one session of its own at a time."""

    def __init__(self, number, port, folder, seed, done):
        self.number, self.port, self.folder = number, port, folder
        self.random, self.done, self.session, self.count = random.Random(seed * 1000 + number), done, None, 0
        self.client = wire.Client(port)

    async def live(self, end):
        acts = [(self.command, 40), (self.output, 6), (self.timeout, 6), (self.execute, 14), (self.execute_timeout, 3),
                (self.daemons, 3), (self.files, 10), (self.upload, 4), (self.wrong, 6), (self.vanish, 4), (self.leave, 3),
                (self.renew, 8)]  # fmt: skip
        choices, weights = zip(*acts)
        await self.renew()
        while time.monotonic() < end:
            act = self.random.choices(choices, weights)[0]
            await asyncio.wait_for(act(), 60)
            self.done[act.__name__] += 1
        await self.client.call("/close_session", session_type="bash", session=self.session)
        await self.client.aclose()

    async def expect(self, command, wanted):
        got = await self.client.run(self.session, command, 30)
        if got != wanted:
            raise SystemExit(f"{command!r} answered {got[:300]!r}")

    async def fails(self, endpoint, /, **fields):
        status, body = await self.client.request("POST", endpoint, json.dumps(fields).encode())
        if status == 200:
            raise SystemExit(f"{endpoint} {fields} should have failed, but: {body[:300]}")

    async def command(self):
        self.count += 1
        await self.expect(f"x={self.count}; echo $x\tand 'é' | cat", f"{self.count} and é\n")

    async def output(self):
        lines = self.random.randrange(1, 60000)
        await self.expect(f"seq 1 {lines}", "".join(f"{number}\n" for number in range(1, lines + 1)))

    async def timeout(self):
        command = self.random.choice(["sleep 100", "while :; do sleep 0.01; done", "cat", "bash -c \"trap '' INT TSTP; sleep 100\""])
        await self.fails("/run_in_session", action_type="bash", session=self.session, command=command, timeout=0.05)
        await self.client.interrupt(self.session)
        # What had to be killed is said in front of the next output.
        await self.client.run(self.session, ":", 30)
        await self.command()

    async def execute(self):
        if await self.client.execute("echo a | cat; (exit 0)") != "a\n":
            raise SystemExit("execute answered something else")

    async def execute_timeout(self):
        await self.fails("/execute", command="sleep 100 & setsid sleep 100 & sleep 100", shell=True, timeout=0.1)

    async def daemons(self):
        await self.client.run(self.session, "(setsid nohup sleep 1000 >/dev/null 2>&1 &) ; true")

    async def files(self):
        path, text = str(self.folder / f"f{self.number}"), "line é\n" * self.random.randrange(1, 20000)
        await self.client.write_file(path, text)
        if await self.client.read_file(path) != text:
            raise SystemExit("a file came back differently")

    async def upload(self):
        source = self.folder / f"u{self.number}"
        source.write_bytes(os.urandom(self.random.randrange(1, 2_000_000)))
        await self.client.upload(source, str(self.folder / f"t{self.number}"))
        if source.read_bytes() != (self.folder / f"t{self.number}").read_bytes():
            raise SystemExit("an upload arrived differently")

    async def wrong(self):
        await self.fails("/run_in_session", action_type="bash", session="none", command="x")
        await self.fails("/run_in_session", action_type="bash", session=self.session, command="(", check="silent")
        await self.fails("/read_file", path="/none/such")
        await self.fails("/execute", command=5)

    async def vanish(self):
        """A client that closes its connection in the middle of a command."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = json.dumps({"command": "sleep 100; true", "shell": True}).encode()
        head = f"POST /execute HTTP/1.1\r\nHost: x\r\nX-API-Key: {wire.TOKEN}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    async def leave(self):
        """The shell ends; its name is used again."""
        await self.fails("/run_in_session", action_type="bash", session=self.session, command="exit 3", timeout=20)
        await self.client.create(self.session)

    async def renew(self):
        if self.session:
            await self.client.close_session(self.session)
        self.session = f"w{self.number}-{self.count % 3}"
        await self.client.create(self.session)


def sample(server, begun):
    below = wire.descendants(server.pid)
    own = [pid for pid in below if wire.program(pid) == wire.program(server.pid)]
    return {"t": time.monotonic() - begun, "memory_mb": wire.rss_kb(server.pid) / 1024, "processes": len(below),
            "parents_mb": sum(map(wire.pss_kb, own)) / 1024, "descriptors": wire.descriptors(server.pid)}  # fmt: skip


async def watch(server, begun, end, samples):
    while time.monotonic() < end:
        await asyncio.sleep(1)
        samples.append(sample(server, begun))
        if len(samples) % 60 == 0:
            print({key: round(value, 1) for key, value in samples[-1].items()}, flush=True)


def growth(samples, key):
    """Rise of the fitted line over all samples after the warm-up, and the mean."""
    late = samples[len(samples) // 5 :]
    xs, ys = [one["t"] for one in late], [one[key] for one in late]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs) or 1
    slope = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / spread
    return slope * (xs[-1] - xs[0]), mean_y


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    args = parser.parse_args()
    wire.raise_limits()
    print(wire.machine(), flush=True)
    done, samples, begun = collections.Counter(), [], time.monotonic()
    end = begun + args.minutes * 60
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, wire.Server([args.ours], folder) as server:
        workers = [Worker(number, server.port, pathlib.Path(folder), args.seed, done) for number in range(args.workers)]
        idle = sample(server, begun)
        await asyncio.gather(watch(server, begun, end, samples), *(worker.live(end) for worker in workers))
        await asyncio.sleep(2)
        after = sample(server, begun)
    verdict = {}
    for key, (absolute, share) in TOLERANCE.items():
        rise, mean = growth(samples, key)
        verdict[key] = {"mean": mean, "rise": rise, "allowed": max(absolute, share * mean), "idle": idle[key], "after": after[key]}
    grew = [key for key, one in verdict.items() if one["rise"] > one["allowed"]]
    leaked = [key for key in ("processes", "descriptors") if after[key] > idle[key] + 4]
    print(f"{sum(done.values())} acts in {args.minutes} minutes: {dict(done)}")
    for key, one in verdict.items():
        print(f"{key:12} " + ", ".join(f"{name} {value:.2f}" for name, value in one.items()))
    wire.write_json(args.json, {"machine": wire.machine(), "acts": dict(done), "verdict": verdict, "samples": samples})
    if grew or leaked:
        raise SystemExit(f"FAILED: grew {grew}, left {leaked}")
    print("no growth")


if __name__ == "__main__":
    asyncio.run(main())

#!/usr/bin/env python3
"""Files over both servers with curl as the client, which unlike a client in Python costs next to nothing itself.

    transfers.py --original /path/of/venv/bin/python --ours target/release/swerex-remote [--megabytes 50] [--json FILE]

Two kinds of text are moved: lines of 16 characters (a seventeenth of it are escapes in JSON) and source-like lines of 60.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import wire

LINES = {"lines of 16": "0123456789abcde\n", "lines of 60": "    return [(await timed(call(number)))[0] for n in range(8)]\n"}
GOAL = 3


def curl(server, path, *arguments):
    words = ["curl", "-sS", "-f", "-o", "/dev/null", "-w", "%{time_total}", "-H", f"X-API-Key: {wire.TOKEN}", "-H", "Expect:"]
    url = f"http://127.0.0.1:{server.port}{path}"
    return float(subprocess.run([*words, *arguments, url], check=True, capture_output=True, text=True).stdout)


def posted(server, path, file):
    return curl(server, path, "-H", "Content-Type: application/json", "--data-binary", f"@{file}")


def transfers(server, folder, text, rounds):
    source, target = folder / "source", folder / "target"
    source.write_text(text)
    (folder / "write.json").write_text(json.dumps({"path": str(target), "content": text}))
    (folder / "read.json").write_text(json.dumps({"path": str(source)}))
    calls = {
        "upload": lambda: curl(server, "/upload", "-F", f"file=@{source}", "-F", f"target_path={target}", "-F", "unzip=false"),
        "write_file": lambda: posted(server, "/write_file", folder / "write.json"),
        "read_file": lambda: posted(server, "/read_file", folder / "read.json"),
    }
    figures = {}
    for name, call in calls.items():
        target.unlink(missing_ok=True)
        figures[name] = wire.median([call() for _ in range(rounds)])
        if name != "read_file" and target.read_text() != text:
            raise SystemExit(f"{name}: the file is not what was sent")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--original", required=True, help="a Python with swe-rex installed")
    parser.add_argument("--ours", required=True)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json")
    args = parser.parse_args()
    result = {"machine": wire.machine(), "megabytes": args.megabytes}
    print(result["machine"])
    with tempfile.TemporaryDirectory(prefix="transfers-") as folder:
        for kind, line in LINES.items():
            text = (line * (args.megabytes * 1_000_000 // len(line) + 1))[: args.megabytes * 1_000_000]
            for who, words in {"theirs": [args.original, "-m", "swerex"], "ours": [args.ours]}.items():
                with wire.Server(words, folder) as server:
                    result.setdefault(kind, {})[who] = transfers(server, pathlib.Path(folder), text, args.rounds)
            for name, ours in result[kind]["ours"].items():
                theirs = result[kind]["theirs"][name]
                met = "met" if theirs / ours >= GOAL else "MISSED"
                print(f"{kind:12} {name:11} theirs {theirs:6.3f} s  ours {ours:6.3f} s  {theirs / ours:5.1f}x  {GOAL}x {met}")
    wire.write_json(args.json, result)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What a shell server cannot be faster than: bash, the terminal and the loopback by themselves, without any server.

    floor.py [--json FILE]

Each figure has the overhead of this Python in it (some ten microseconds), like the figures of compare.py.
"""

import argparse
import asyncio
import os
import pty
import select
import socket
import subprocess
import tempfile
import termios
import threading
import time

import wire

LOOP = b"while IFS= read -r -u 3 c; do eval \"$c\"; printf '%s\\0' $? >&4; done\n"


class BareBash:
    """bash on a terminal that takes commands from one pipe and reports their end on another."""

    def __init__(self):
        self.master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        orders_out, self.orders = os.pipe()
        self.reports, reports_in = os.pipe()
        script, script_in = os.pipe()
        os.write(script_in, LOOP)
        os.close(script_in)

        def adopt():
            os.setsid()
            os.dup2(orders_out, 3)
            os.dup2(reports_in, 4)

        words = ["bash", "--norc", "--noprofile", "-s"]
        self.process = subprocess.Popen(words, stdin=script, stdout=slave, stderr=slave, pass_fds=(3, 4, orders_out, reports_in), preexec_fn=adopt)
        for descriptor in (orders_out, reports_in, script, slave):
            os.close(descriptor)

    def run(self, command):
        os.write(self.orders, command.encode() + b"\n")
        pieces, reported = [], False
        while True:
            ready, _, _ = select.select([self.master, self.reports], [], [], 0 if reported else 30)
            if self.reports in ready:
                reported = os.read(self.reports, 64).endswith(b"\0")
            if self.master in ready:
                pieces.append(os.read(self.master, 1 << 16))
            elif reported:
                return b"".join(pieces)

    def end(self):
        os.close(self.orders)
        self.process.wait(10)
        os.close(self.master)
        os.close(self.reports)


def samples(count, call):
    taken = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return wire.median(taken)


def bash_figures():
    bash = BareBash()
    assert bash.run("echo hi") == b"hi\r\n"
    figures = {"bash_echo_ms": samples(2000, lambda: bash.run("echo hi")) * 1e3}
    begin = time.perf_counter()
    size = len(bash.run("seq 1 1000000").replace(b"\r\n", b"\n"))
    figures["pty_seq_mb_per_s"] = size / 1e6 / (time.perf_counter() - begin)
    bash.end()

    def session():
        fresh = BareBash()
        fresh.run("echo hi")
        fresh.end()

    figures["bash_start_ms"] = samples(50, session) * 1e3
    figures["sh_true_ms"] = samples(200, lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True)) * 1e3
    return figures


def answer_forever(listener):
    """The least that an HTTP server can do: read to the end of the head, send a constant."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"is_alive\":true}"
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while connection.recv(65536):
            connection.sendall(answer)


async def loopback_figures():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            answer_forever(listener)
            os._exit(0)
        client = wire.Client(listener.getsockname()[1])
        taken = []
        for _ in range(3000):
            begin = time.perf_counter()
            assert await client.is_alive()
            taken.append(time.perf_counter() - begin)
        await client.aclose()
    await asyncio.get_running_loop().run_in_executor(None, os.waitpid, child, 0)
    return {"loopback_http_ms": wire.median(taken) * 1e3, "loopback_50mb_to_file_s": transfer(50_000_000)}


def transfer(size):
    """Bytes over the loopback into a file, as an upload does."""

    def receive(listener, path):
        connection, _ = listener.accept()
        with connection, open(path, "wb") as file:
            while piece := connection.recv(1 << 20):
                file.write(piece)

    data = bytes(size)
    with tempfile.NamedTemporaryFile() as target, socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=receive, args=(listener, target.name))
        begin = time.perf_counter()
        thread.start()
        with socket.create_connection(listener.getsockname()) as connection:
            connection.sendall(data)
        thread.join()
        return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    args = parser.parse_args()
    figures = bash_figures() | asyncio.run(loopback_figures())
    titles = {
        "bash_echo_ms": "echo hi in a bare bash on a terminal, ms",
        "loopback_http_ms": "an HTTP exchange over the loopback, ms",
        "bash_start_ms": "start of a bare bash, first answer and end, ms",
        "sh_true_ms": "sh -c true by subprocess, ms",
        "pty_seq_mb_per_s": "seq 1 1000000 through a terminal, MB/s",
        "loopback_50mb_to_file_s": "50 MB over the loopback into a file, s",
    }
    print(wire.machine())
    for key, title in titles.items():
        print(f"{title:50} {figures[key]:10.4g}")
    wire.write_json(args.json, {"machine": wire.machine(), **figures})


if __name__ == "__main__":
    main()

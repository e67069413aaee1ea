#!/usr/bin/env python3
"""Performs the fault cases (crates/runtime-server/tests/faults/*.json) against any server that speaks SWE-ReX's protocol.

    faults.py http://127.0.0.1:8000 --token T                       # a server that is running
    faults.py --start 'swerex-remote --auth-token T --port {port}' --token T   # started here, and again when it is stuck

Needs Python 3 only. Prints every wrong answer and "N of M correct"; `--json FILE` keeps the details. Extensions of smallhands
are left out unless `--extensions` is given. The server runs with this machine's files and processes, which the cases look at.
"""

import argparse
import concurrent.futures
import glob
import http.client
import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import zlib

CASES = pathlib.Path(__file__).resolve().parents[2] / "crates/runtime-server/tests/faults"
FOR_RUNNER = {"call", "want", "background", "times", "headers", "key", "abandon_after_s", "path", "method", "body"}
ENDPOINTS = {"run": "/run_in_session", "interrupt": "/run_in_session", "create": "/create_session"}
NUMBERS = itertools.count(50_000)


class Wrong(Exception):
    """A step's answer is not what it should be."""


class Stuck(Wrong):
    """No answer came in time."""


# ---------------------------------------------------------------------------------------------------- texts


def fill(text, names):
    for name, value in names.items():
        if "@" not in text:
            break
        text = text.replace(name, value)
    return text


def is_generator(value):
    return isinstance(value, dict) and any(key in value for key in ("repeat", "concat", "lines", "numbers"))


def text_of(value, names):
    if isinstance(value, str):
        return fill(value, names)
    if "repeat" in value:
        return text_of(value["repeat"], names) * value["times"]
    if "concat" in value:
        return "".join(text_of(part, names) for part in value["concat"])
    if "lines" in value:
        return "\n".join(text_of(part, names) for part in value["lines"])
    first, last = value["numbers"]
    return "".join(f"{number}\n" for number in range(first, last + 1))


def bytes_of(value, names):
    if isinstance(value, dict) and "hex" in value:
        return bytes.fromhex(value["hex"])
    return text_of(value, names).encode("utf-8", "surrogatepass")


def expand(value, names):
    if is_generator(value):
        return text_of(value, names)
    if isinstance(value, dict):
        return {fill(key, names): expand(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, names) for item in value]
    return fill(value, names) if isinstance(value, str) else value


# ------------------------------------------------------------------------------------------------- archives


def archive(entries, cut, names):
    """A zip archive as described; entries that lie have their headers patched afterwards."""
    out, directory, shared = bytearray(), bytearray(), None
    for entry in entries:
        name = text_of(entry["name"], names)
        if shared is not None and entry.get("shared"):
            offset, fields, attributes = shared
        else:
            zeros = entry.get("zeros")
            content = bytes(zeros) if zeros is not None else text_of(entry.get("text", entry.get("link", "")), names).encode()
            squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
            data = squeeze.compress(content) + squeeze.flush() if zeros is not None else content
            crc = entry.get("crc", zlib.crc32(content))
            size = entry.get("claim", len(content))
            fields = struct.pack("<HHHHHIII", 20, 0x800, 8 if zeros is not None else 0, 0, 0x5821, crc, len(data), size)
            attributes = mode_of(entry) << 16
            offset = len(out)
            encoded = name.encode()
            out += b"PK\x03\x04" + fields + struct.pack("<HH", len(encoded), 0) + encoded + data
            if entry.get("shared"):
                shared = offset, fields, attributes
        encoded = name.encode()
        directory += b"PK\x01\x02" + struct.pack("<BB", 20, 3) + fields + struct.pack("<HH", len(encoded), 0)
        directory += struct.pack("<HHHII", 0, 0, 0, attributes, offset) + encoded
    count = len(entries)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0)
    whole = bytes(out + directory + end)
    return whole[: len(whole) - cut]


def mode_of(entry):
    if "link" in entry:
        return stat.S_IFLNK | 0o777
    mode = int(entry["mode"], 8) if "mode" in entry else None
    if entry["name"].endswith("/"):
        return stat.S_IFDIR | (mode or 0o755)
    return stat.S_IFREG | (mode or 0o644)


def form(step, names):
    boundary, body = "----smallhands-faults", bytearray()
    for field in step.get("order", ["file", "target_path", "unzip"]):
        head = f'name="{field}"'
        if field == "file":
            if "zip" in step:
                content = archive(step["zip"], step.get("cut", 0), names)
            elif step.get("content") is not None:
                content = bytes_of(step["content"], names)
            else:
                continue
            head += '; filename="f"\r\nContent-Type: application/octet-stream'
        elif field == "unzip":
            if "unzip" not in step:
                continue
            said = step["unzip"]
            content = (str(said).lower() if isinstance(said, bool) else said).encode()
        else:
            if step.get(field) is None:
                continue
            content = text_of(step[field], names).encode()
        body += f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(body)


# ------------------------------------------------------------------------------------------------- comparing


class Answer:
    def __init__(self, status, headers, body, elapsed):
        self.status, self.headers, self.bytes, self.elapsed = status, headers, body, elapsed
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    @property
    def text(self):
        return self.bytes.decode("utf-8", "replace")

    @property
    def exception(self):
        found = self.json.get("swerexception") if isinstance(self.json, dict) else None
        return found if isinstance(found, dict) else {}

    def field(self, name):
        if name == "body":
            return self.text
        if name == "message":
            return str(self.exception.get("message", ""))
        value = self.json.get(name) if isinstance(self.json, dict) else None
        return value if isinstance(value, str) else ""

    def pointer(self, at):
        value = self.json
        for part in at.split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value


def each(wanted):
    return [wanted] if isinstance(wanted, str) else list(wanted)


def short(value, most=400):
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= most else f"{shown[:most]}... ({len(shown)} characters)"


def kind(value):
    names = [(bool, "boolean"), (str, "string"), ((int, float), "number"), (list, "array"), (dict, "object")]
    return next((name for types, name in names if isinstance(value, types)), "null")


def same(wanted, got):
    return wanted == got and isinstance(wanted, bool) == isinstance(got, bool)


def compare(key, wanted, answer):
    """What is wrong, or None."""

    def differs(expected, got):
        return f"{key}: expected {short(expected)!r}, got {short(got)!r} (status {answer.status})"

    for ending, wrong in (
        ("_contains", lambda text, part: part not in text),
        ("_lacks", lambda text, part: part in text),
    ):
        if key.endswith(ending) and key != "header_contains":
            text = answer.field(key.removesuffix(ending))
            bad = [part for part in each(wanted) if wrong(text, part)]
            return differs(f"{ending[1:]} {bad[0]}", text) if bad else None
    if key.endswith("_regex"):
        text = answer.field(key.removesuffix("_regex"))
        return None if re.search(wanted, text) else differs(wanted, text)
    if key in ("header", "header_contains"):
        bad = [name for name, value in wanted.items() if value not in answer.headers.get(name.lower(), "")]
        return differs(wanted, answer.headers) if bad else None
    if key == "status":
        return None if answer.status == wanted else differs(wanted, f"{answer.status} {answer.text}")
    if key == "any_of":
        results = [differences(alternative, answer, None) for alternative in wanted]
        return None if any(not result for result in results) else f"none of the alternatives: {results}"
    if key == "within_s":
        return None if answer.elapsed <= wanted else differs(f"at most {wanted} s", f"{answer.elapsed:.1f} s")
    if key == "error":
        got = answer.exception.get("class_path", "")
        return None if got in each(wanted) else differs(wanted, got or answer.text)
    if key == "error_prefix":
        got = answer.exception.get("class_path", "")
        return None if got and got.startswith(wanted) else differs(wanted, got or answer.text)
    if key == "extra_info":
        info = answer.exception.get("extra_info") or {}
        bad = [name for name, part in wanted.items() if part not in str(info.get(name, "\0"))]
        return differs(wanted, info) if bad else None
    if key == "json":
        for at, value in wanted.items():
            try:
                got = answer.pointer(at)
            except (KeyError, IndexError, TypeError, ValueError):
                return differs(f"{at}: {value}", answer.text)
            fits = kind(got) == value["type"] if isinstance(value, dict) and "type" in value else same(value, got)
            if not fits:
                return differs(f"{at}: {value}", got)
        return None
    if key in ("exit_code", "expect_string"):
        return compare("json", {f"/{key}": wanted}, answer)
    got = answer.field(key)
    return None if got == wanted else differs(wanted, got)


def differences(want, answer, implied_exit_code):
    found = [difference for key, wanted in want.items() if (difference := compare(key, wanted, answer))]
    fails = "error" in want or "error_prefix" in want
    if "status" not in want and "any_of" not in want:
        wrong = compare("status", 511 if fails else 200, answer)
        found += [wrong] if wrong else []
    implied = implied_exit_code is not None and not found and not fails and "any_of" not in want
    if implied and "exit_code" not in want and want.get("status", 200) == 200:
        wrong = compare("exit_code", implied_exit_code, answer)
        found += [wrong] if wrong else []
    return found


# ------------------------------------------------------------------------------------------------ performing


class Server:
    """Where the cases are sent: a given address, or a process that can be started anew."""

    def __init__(self, url, token, start):
        self.token, self.start_with, self.process, self.home = token, start, None, None
        self.host, self.port = "127.0.0.1", 0
        if url:
            parts = urllib.parse.urlsplit(url if "//" in url else "http://" + url)
            self.host, self.port = parts.hostname, parts.port or 80
        else:
            self.restart()

    def restart(self):
        self.stop()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        words = [word.replace("{port}", str(self.port)).replace("{token}", self.token) for word in shlex.split(self.start_with)]
        self.home = self.home or tempfile.mkdtemp(prefix="faults-home-")
        # Nobody's start-up files and variables: both servers get the same. TERM is that of this program, or unset.
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        environment = {"PATH": path, "LANG": "C.UTF-8", "HOME": self.home, "FAULTS_PROBE": "a probe é"}
        if "TERM" in os.environ:
            environment["TERM"] = os.environ["TERM"]
        log = subprocess.DEVNULL
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home, start_new_session=True)
        deadline = time.monotonic() + 30
        while not self.is_alive(1):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("the server does not start")
            time.sleep(0.05)

    def is_alive(self, patience):
        try:
            return self.send("GET", "/is_alive", {"x-api-key": self.token}, None, patience).status == 200
        except OSError:
            return False

    def send(self, method, path, headers, body, patience):
        begin = time.monotonic()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=patience)
        try:
            encoded = {name: value.encode() if isinstance(value, str) else value for name, value in headers.items()}
            connection.request(method, path, body=body, headers={"connection": "close", **encoded})
            response = connection.getresponse()
            content = response.read()
            known = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, known, content, time.monotonic() - begin)
        except http.client.HTTPException as error:
            raise OSError(f"no valid answer: {error!r}") from error
        finally:
            connection.close()

    def stop(self):
        if self.process:
            for kill in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, kill)
                    self.process.wait(3)
                    break
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue
            self.process = None


class Performance:
    """One case being performed."""

    def __init__(self, server, patience):
        number = next(NUMBERS)
        self.server, self.patience, self.sent, self.held, self.sessions = server, patience, {}, [], []
        self.folder = tempfile.mkdtemp(prefix=f"faults-{number}-")
        os.chmod(self.folder, 0o777)
        self.names = {"@DIR@": self.folder, "@SESSION@": f"s{number}", "@N@": str(number), "@TOKEN@": server.token,
                      "@token@": server.token.lower()}  # fmt: skip

    def perform(self, step, names):
        times = step.get("times", 1) if step["call"] != "parallel" else 1
        for _ in range(times):
            getattr(self, "do_" + step["call"], self.request)(step, names)

    def build(self, step, names):
        call, headers = step["call"], expand(step.get("headers", {}), names)
        method, path, body = "POST", ENDPOINTS.get(call, "/" + call), None
        if call == "get":
            method, path = "GET", text_of(step["path"], names)
        elif call == "raw":
            method, path = step["method"], text_of(step["path"], names)
            if "body" in step:
                body = json.dumps(expand(step["body"], names)).encode()
            elif "text" in step:
                body = bytes_of(step["text"], names)
            elif method == "POST":
                body = b""
            if body is not None:
                headers.setdefault("content-type", "application/json")
        elif call == "upload":
            headers["content-type"], body = form(step, names)
        elif call == "close":
            body = b""
        else:
            body = json.dumps(self.fields(step, names)).encode()
            headers["content-type"] = "application/json"
        key = step.get("key", self.server.token)
        if key != "none":
            headers["x-api-key"] = fill(key, names)
        return method, urllib.parse.quote(path, safe="/%?=&*(),.:;+-_~@!$'[]"), headers, body

    def fields(self, step, names):
        call, session = step["call"], names["@SESSION@"]
        fields = {
            "run": {"action_type": "bash", "session": session, "timeout": 15, "check": "silent"},
            "interrupt": {"action_type": "bash_interrupt", "session": session},
            "create": {"session_type": "bash", "session": session, "startup_timeout": 15},
            "close_session": {"session_type": "bash", "session": session},
            "execute": {"shell": isinstance(step.get("command"), (str, dict)), "timeout": 15},
        }.get(call, {})
        skip = FOR_RUNNER - {"path"} if call in ("read_file", "write_file") else FOR_RUNNER
        fields.update({key: expand(value, names) for key, value in step.items() if key not in skip})
        if call == "create":
            self.sessions.append(fields["session"])
        return fields

    def request(self, step, names):
        built = self.build(step, names)
        limit = step.get("timeout")
        limit = limit if isinstance(limit, (int, float)) and 0 < limit < 100 else 0
        patience = self.patience + limit
        if "abandon_after_s" in step:
            return self.abandon(built, step["abandon_after_s"])
        if "background" in step:
            pool = concurrent.futures.ThreadPoolExecutor(1)
            self.sent[step["background"]] = pool.submit(self.server.send, *built, patience * 2)
            pool.shutdown(wait=False)
            return None
        try:
            answer = self.server.send(*built, patience)
        except OSError as error:
            raise Stuck(f"no answer: {error}") from error
        return self.judge(answer, step, names)

    def judge(self, answer, step, names):
        unusual = any(key in step for key in ("check", "expect", "is_interactive_command", "is_interactive_quit"))
        implied = 0 if step["call"] == "run" and not unusual else None
        found = differences(expand(step.get("want", {}), names), answer, implied)
        if found:
            raise Wrong("; ".join(found))

    def abandon(self, built, after):
        method, path, headers, body = built
        head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with socket.create_connection((self.server.host, self.server.port), timeout=5) as connection:
            connection.sendall(head.encode() + b"\r\n" + body)
            time.sleep(after)

    def do_pause(self, step, names):
        time.sleep(step["seconds"])

    def do_join(self, step, names):
        begin = time.monotonic()
        try:
            answer = self.sent.pop(step["of"]).result(self.patience * 2)
        except (OSError, concurrent.futures.TimeoutError) as error:
            raise Stuck(f"no answer: {error!r}") from error
        answer.elapsed = time.monotonic() - begin
        self.judge(answer, step, names)

    def do_parallel(self, step, names):
        begin, failures = time.monotonic(), []

        def copy(number):
            try:
                for inner in step["steps"]:
                    self.perform(inner, {**names, "@I@": str(number)})
            except Wrong as error:
                failures.append(error)

        threads = [threading.Thread(target=copy, args=(number,), daemon=True) for number in range(step.get("times", 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.patience * 3)
        if failures:
            raise failures[0]
        self.judge(Answer(200, {}, b"", time.monotonic() - begin), step, names)

    def do_processes(self, step, names):
        want = step["want"]
        if "disk" in step:
            total = sum(path.lstat().st_size for path in pathlib.Path(text_of(step["disk"], names)).rglob("*") if path.is_file())
            if total > want["bytes_at_most"]:
                raise Wrong(f"{total} bytes, expected at most {want['bytes_at_most']}")
            return
        if "state" in step:
            return  # only for a server of which the process is known
        pattern, deadline = text_of(step["pattern"], names), time.monotonic() + want.get("within_s", 10)
        while True:
            count = running(pattern)
            if count >= want.get("count_at_least", 0) and want.get("count", count) == count:
                return
            if time.monotonic() > deadline:
                raise Wrong(f"{count} processes like {pattern!r}, expected {want}")
            time.sleep(0.02)

    def do_file(self, step, names):
        path = pathlib.Path(text_of(step["path"], names))
        if "make" in step:
            path.write_bytes(bytes_of(step["make"], names))
            path.chmod(int(step.get("mode", "666"), 8))
            return
        for what, wanted in expand(step["want"], names).items():
            try:
                got = LOOK[what](path)
            except OSError:
                got = None
            if got != wanted:
                raise Wrong(f"{what} of {path}: expected {short(wanted)!r}, got {short(got)!r}")

    def do_bytes(self, step, names):
        send, begin = bytes_of(step["send"], names), time.monotonic()
        also, received = step.get("also", "").encode(), b""
        with socket.create_connection((self.server.host, self.server.port), timeout=8) as connection:
            try:
                if "slowly_s" in step:
                    for byte in send:
                        time.sleep(step["slowly_s"])
                        connection.sendall(bytes([byte]))
                else:
                    connection.sendall(send)
                if step.get("hang_up"):
                    return
                while not (complete(received) and also in received):
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    received += piece
            except ConnectionError:
                pass
            except OSError as error:
                raise Wrong(f"no answer: {error}") from error
        status = int(received.split(b" ")[1]) if received.startswith(b"HTTP/") else 0
        self.judge(Answer(status, {}, received.partition(b"\r\n\r\n")[2], time.monotonic() - begin), step, names)

    def do_hold(self, step, names):
        for number in range(step["connections"]):
            connection = socket.create_connection((self.server.host, self.server.port), timeout=self.patience)
            if number % 2 == 0:
                connection.sendall(step.get("half", "").encode())
            self.held.append(connection)

    def do_release(self, step, names):
        while self.held:
            self.held.pop().close()

    def do_kill_server(self, step, names):
        if not self.server.process:
            raise Wrong("the server was not started here")
        self.server.process.kill()
        self.server.process.wait()

    def tidy_up(self):
        self.do_release(None, None)
        for session in dict.fromkeys([*self.sessions, self.names["@SESSION@"]]):
            body = json.dumps({"session_type": "bash", "session": session}).encode()
            headers = {"x-api-key": self.server.token, "content-type": "application/json"}
            try:
                self.server.send("POST", "/close_session", headers, body, 3)
            except OSError:
                break
        kill_left(f"300.{self.names['@N@']}")
        shutil.rmtree(self.folder, ignore_errors=True)


LOOK = {
    "exists": lambda path: os.path.lexists(path),
    "directory": lambda path: path.is_dir(),
    "size": lambda path: path.lstat().st_size,
    "mode": lambda path: f"{stat.S_IMODE(path.lstat().st_mode):o}",
    "link": lambda path: os.readlink(path),
    "hex": lambda path: path.read_bytes().hex(),
    "content": lambda path: path.read_bytes().decode("utf-8", "replace"),
}


def complete(received):
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n") or head.startswith(b"HTTP/1.1 1")


def command_lines():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            pid = int(path.split("/")[2])
            if pid != os.getpid():
                yield pid, pathlib.Path(path).read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue


def running(pattern):
    return sum(pattern in line for _, line in command_lines())


def kill_left(pattern):
    for _ in range(20):
        left = [pid for pid, line in command_lines() if pattern in line and "python" not in line]
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass


# --------------------------------------------------------------------------------------------------- running


def load(args):
    cases = []
    for path in sorted(CASES.glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            case["title"] = f"{path.stem}/{case['name']}"
            cases.append(case)
    wanted = args.only.split(",") if args.only else [""]
    return [case for case in cases if any(word in case["title"] for word in wanted)]


def why_not(case, args):
    if case.get("extension") and not args.extensions:
        return "an extension"
    if case.get("not_for_original") and not args.extensions:
        return case["not_for_original"]
    if case.get("only") == "user" and os.geteuid() == 0:
        return "for an ordinary user"
    missing = [program for program in case.get("needs", []) if not shutil.which(program)]
    if missing:
        return f"{missing[0]} is not installed"
    if case.get("own_server") and not args.start:
        return "needs a server of its own (--start)"
    return None


def creates_session(case):
    if case.get("session") is False:
        return False
    uses = ("create", "run", "interrupt", "close_session", "parallel", "raw")
    first = next((step["call"] for step in case["steps"] if step["call"] in uses and "session" not in step), "create")
    return first != "create"


def performed(case, server, args):
    """None, or what is wrong."""
    performance = Performance(server, args.patience)
    begin = time.monotonic()
    try:
        if creates_session(case):
            performance.perform({"call": "create"}, performance.names)
        for number, step in enumerate(case["steps"], 1):
            try:
                performance.perform(step, performance.names)
            except Wrong as error:
                shown = step["command"] if isinstance(step.get("command"), str) else json.dumps(step, ensure_ascii=False)
                raise type(error)(f"step {number} {step['call']} {short(shown, 160)!r}: {error}") from error
            if time.monotonic() - begin > args.limit:
                raise Stuck(f"step {number}: the case takes longer than {args.limit} s")
    except Wrong as error:
        return str(error)
    except OSError as error:
        return f"no connection: {error}"
    finally:
        performance.tidy_up()
    return None


def run_one(case, server, args):
    own = Server(None, case.get("token", args.token), args.start) if case.get("own_server") else None
    try:
        wrong = performed(case, own or server, args)
    finally:
        if own:
            own.stop()
    if not own and wrong and not server.is_alive(3):
        wrong += "  [the server is stuck afterwards]"
        if args.start:
            server.restart()
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--token", default="")
    parser.add_argument("--start", help="command that starts a server; {port} and {token} are filled in")
    parser.add_argument("--extensions", action="store_true", help="also the cases of smallhands' extensions")
    parser.add_argument("--only", help="words, separated by commas: cases whose name has one of them")
    parser.add_argument("--jobs", type=int, default=1, help="cases at the same time (a server that blocks needs 1)")
    parser.add_argument("--patience", type=float, default=12, help="seconds to wait for an answer beyond its own limit")
    parser.add_argument("--limit", type=float, default=40, help="seconds for a whole case")
    parser.add_argument("--json", help="write the results to this file")
    args = parser.parse_args()
    if bool(args.url) == bool(args.start):
        parser.error("give either the address of a server or --start")
    server = Server(args.url, args.token, args.start)
    results, begin = {}, time.monotonic()

    def one(case):
        reason = why_not(case, args)
        wrong = None if reason else run_one(case, server, args)
        results[case["title"]] = {"skipped": reason} if reason else {"correct": wrong is None, "wrong": wrong}
        if wrong or reason:
            print(f"{'skipped' if reason else 'WRONG  '} {case['title']}: {reason or wrong}", flush=True)

    cases = load(args)
    try:
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(one, cases))
    finally:
        server.stop()
    counted = [result for result in results.values() if not result.get("skipped")]
    correct = sum(result["correct"] for result in counted)
    print(f"{correct} of {len(counted)} correct, {len(results) - len(counted)} not counted, {time.monotonic() - begin:.0f} s")
    if args.json:
        summary = {"correct": correct, "of": len(counted), "TERM": os.environ.get("TERM"), "cases": results}
        pathlib.Path(args.json).write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    return 0 if correct == len(counted) else 1


if __name__ == "__main__":
    sys.exit(main())

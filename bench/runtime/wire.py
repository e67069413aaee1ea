"""What the benchmarks of this folder share: a keep-alive client of the protocol, servers started here, and /proc.

Standard library only. The client is an asyncio protocol without streams, because it shares the machine with what it measures.
"""

import asyncio
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import time
import uuid

TOKEN = "bench-" + uuid.uuid4().hex


class Failed(Exception):
    """The server answered with an error."""


class Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self):
        self.received, self.wanted, self.answer, self.transport = bytearray(), None, None, None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, error):
        if self.answer and not self.answer.done():
            self.answer.set_exception(error or ConnectionResetError("the server closed the connection"))

    def data_received(self, data):
        self.received += data
        if self.wanted is None:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            at = self.received.lower().find(b"content-length:", 0, end)
            if at < 0:
                raise ConnectionError("an answer without a length")
            self.wanted = end + 4 + int(self.received[at + 15 : self.received.find(b"\r", at)])
            self.head = end + 4
        if len(self.received) >= self.wanted:
            status, body = int(self.received[9:12]), bytes(self.received[self.head : self.wanted])
            self.received.clear()
            self.wanted = None
            self.answer.set_result((status, body))

    def send(self, data):
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self.answer


class Client:
    """Requests of the protocol over as many connections as are needed at once."""

    name = "keep-alive"

    def __init__(self, port, token=TOKEN, host="127.0.0.1"):
        self.address, self.token, self.idle = (host, port), token, []

    async def request(self, method, path, body=b"", content_type="application/json"):
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {self.token}\r\nContent-Length: {len(body)}\r\n"
        data = f"{head}Content-Type: {content_type}\r\n\r\n".encode() + body
        while True:
            connection = self.idle.pop() if self.idle else None
            fresh = connection is None
            if fresh:
                _, connection = await asyncio.get_running_loop().create_connection(Connection, *self.address)
            try:
                answer = await connection.send(data)
            except ConnectionError:
                if fresh:
                    raise
                continue
            except BaseException:
                connection.transport.abort()
                raise
            if not connection.transport.is_closing():
                self.idle.append(connection)
            return answer

    async def call(self, path, **fields):
        status, body = await self.request("POST", path, json.dumps(fields).encode())
        return decoded(status, body)

    async def is_alive(self):
        try:
            status, body = await self.request("GET", "/is_alive")
        except OSError:
            return False
        return status == 200 and json.loads(body)["is_alive"]

    async def create(self, session):
        return await self.call("/create_session", session_type="bash", session=session, startup_timeout=60)

    async def run(self, session, command, timeout=120):
        fields = {"action_type": "bash", "session": session, "command": command, "timeout": timeout, "check": "silent"}
        return (await self.call("/run_in_session", **fields))["output"]

    async def interrupt(self, session):
        return await self.call("/run_in_session", action_type="bash_interrupt", session=session)

    async def close_session(self, session):
        return await self.call("/close_session", session_type="bash", session=session)

    async def execute(self, command, timeout=120):
        return (await self.call("/execute", command=command, shell=True, timeout=timeout))["stdout"]

    async def read_file(self, path):
        return (await self.call("/read_file", path=path))["content"]

    async def write_file(self, path, content):
        return await self.call("/write_file", path=path, content=content)

    async def upload(self, source, target):
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
        fields = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="target_path"\r\n\r\n{target}\r\n--{boundary}--\r\n'
        body = head + pathlib.Path(source).read_bytes() + fields.encode()
        return decoded(*await self.request("POST", "/upload", body, f"multipart/form-data; boundary={boundary}"))

    async def aclose(self):
        for connection in self.idle:
            connection.transport.close()
        self.idle.clear()


def decoded(status, body):
    if status != 200:
        raise Failed(f"{status}: {body[:300].decode(errors='replace')}")
    return json.loads(body)


class RexClient:
    """The same calls by SWE-ReX's own RemoteRuntime, which opens a connection for each."""

    name = "RemoteRuntime"

    def __init__(self, port, token=TOKEN):
        os.environ.setdefault("SWE_REX_LOG_STREAM_LEVEL", "60")
        from swerex.runtime import abstract
        from swerex.runtime.remote import RemoteRuntime

        self.types, self.runtime = abstract, RemoteRuntime(host="http://127.0.0.1", port=port, auth_token=token)

    async def create(self, session):
        return await self.runtime.create_session(self.types.CreateBashSessionRequest(session=session, startup_timeout=60))

    async def run(self, session, command, timeout=120):
        action = self.types.BashAction(session=session, command=command, timeout=timeout, check="silent")
        return (await self.runtime.run_in_session(action)).output

    async def close_session(self, session):
        return await self.runtime.close_session(self.types.CloseBashSessionRequest(session=session))

    async def execute(self, command, timeout=120):
        return (await self.runtime.execute(self.types.Command(command=command, shell=True, timeout=timeout))).stdout

    async def read_file(self, path):
        return (await self.runtime.read_file(self.types.ReadFileRequest(path=path))).content

    async def write_file(self, path, content):
        return await self.runtime.write_file(self.types.WriteFileRequest(path=path, content=content))

    async def upload(self, source, target):
        return await self.runtime.upload(self.types.UploadRequest(source_path=str(source), target_path=str(target)))

    async def aclose(self):
        pass


# ---------------------------------------------------------------------------------------------------- servers


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Server:
    """A server process; `words` are its command without port and token."""

    def __init__(self, words, folder=None):
        self.port = free_port()
        words = [*words, "--host", "127.0.0.1", "--port", str(self.port), "--auth-token", TOKEN]
        environment = {key: value for key, value in os.environ.items() if key != "TERM"}
        null = subprocess.DEVNULL
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(words, env=environment, stdin=null, stdout=null, stderr=null, cwd=folder, start_new_session=True)
        self.start_s = self._wait()

    def _wait(self):
        request = f"GET /is_alive HTTP/1.1\r\nHost: x\r\nX-API-Key: {TOKEN}\r\nConnection: close\r\n\r\n".encode()
        while time.perf_counter() < self.begun + 60:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    connection.sendall(request)
                    if connection.recv(4096).startswith(b"HTTP/1.1 200"):
                        return time.perf_counter() - self.begun
            except ConnectionError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended with {self.process.returncode}")
            time.sleep(0.0005)
        raise SystemExit("the server does not answer")

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        for kill in (signal.SIGTERM, signal.SIGKILL):
            try:
                self.process.send_signal(kill)
                self.process.wait(10)
                return
            except subprocess.TimeoutExpired:
                continue

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


# ------------------------------------------------------------------------------------------------------ /proc


def status_kb(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def rss_kb(pid):
    return status_kb(pid, "VmRSS")


def pss_kb(pid):
    """Memory of a process in which shared pages count by their share."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def parents():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = int(pathlib.Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def descendants(pid):
    children = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found, ahead = [], [pid]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


# ---------------------------------------------------------------------------------------------------- figures


def quantile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(samples):
    return quantile(samples, 0.5)


def raise_limits(descriptors_wanted=20000):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(descriptors_wanted, hard), hard))


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{os.cpu_count()} x {model}, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}"


def write_json(path, value):
    if path:
        pathlib.Path(path).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")

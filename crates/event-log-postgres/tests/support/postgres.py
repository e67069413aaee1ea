"""Starts a throw-away PostgreSQL server, prints its address, and stops it when its own input ends.

The programs come from the Python package `pgserver` (`pip install pgserver`) or from PATH. PostgreSQL does not run as
root, so root starts it as the user `nobody`. The server listens on a socket in a temporary folder only.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote


def programs():
    """The folder with initdb and postgres."""
    try:
        import pgserver
        return Path(pgserver.__file__).parent / "pginstall" / "bin"
    except ImportError:
        found = shutil.which("initdb")
        candidates = [Path(found).resolve().parent] if found else []
        candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        for folder in candidates:
            if (folder / "postgres").exists():
                return folder
    sys.exit("no PostgreSQL: `pip install pgserver`, or put initdb and postgres on PATH")


def main():
    folder, bin_folder = Path(tempfile.mkdtemp(prefix="shel-pg-", dir="/tmp")), programs()
    data, identity = folder / "data", {}
    if os.getuid() == 0:
        identity = {"user": 65534, "group": 65534, "extra_groups": []}
        os.chown(folder, 65534, 65534)
    environment = {**os.environ, "HOME": str(folder)}
    server = None
    try:
        subprocess.run([bin_folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"],
                       check=True, stdout=sys.stderr, cwd=folder, env=environment, **identity)
        server = subprocess.Popen([bin_folder / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="],
                                  stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=folder, env=environment, **identity)
        deadline = time.monotonic() + 60
        while not list(folder.glob(".s.PGSQL.*[0-9]")):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start")
            time.sleep(0.02)
        print(f"postgresql://postgres@{quote(str(folder), safe='')}/postgres", flush=True)
        sys.stdin.read()
    finally:
        if server:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

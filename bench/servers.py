"""The servers that are measured: each started by its own command, stopped by its own handle.

Both are set up as a new user would, but for what would measure something else:
rate limits are off, registration is open, and passwords are hashed at low cost,
because thousands of people must be registered before anything can be measured.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

import msgspec

from bench.client import HOST

ROOT = Path(__file__).resolve().parent.parent
WORKSHOP = ROOT / "var" / "bench"
PEER_VENV = ROOT / "var" / "peer" / "venv"
PEER_VERSION = "1.163.2"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 20

NO_LIMIT = {"per_second": 1_000_000, "burst_count": 1_000_000}
PEER_SETTINGS = {
    "enable_registration": True,
    "enable_registration_without_verification": True,
    "bcrypt_rounds": 4,
    "federation_domain_whitelist": [],
    "trusted_key_servers": [],
    "rc_message": NO_LIMIT,
    "rc_registration": NO_LIMIT,
    "rc_login": {"address": NO_LIMIT, "account": NO_LIMIT, "failed_attempts": NO_LIMIT},
    "rc_joins": {"local": NO_LIMIT, "remote": NO_LIMIT},
    "rc_joins_per_room": NO_LIMIT,
    "rc_invites": {"per_room": NO_LIMIT, "per_user": NO_LIMIT, "per_issuer": NO_LIMIT},
    "rc_room_creation": NO_LIMIT,
}


class DidNotStart(Exception):
    """The server ended, or never answered; the message has the end of its log."""


class Server:
    """One server program with its data directory; `start` and `stop` may alternate."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Make the program available if it isn't."""

    def version(self) -> str:
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def home(self) -> Path:
        """The folder in which it is started."""
        return self.folder

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log().open("ab") as output:
            self.process = self.launch(output)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise DidNotStart(f"{self.name} did not start:\n{self.log().read_text()[-2000:]}")
            time.sleep(0.1)

    def launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(), cwd=self.home(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )

    def answers(self) -> bool:
        address = f"http://{HOST}:{self.port}/_matrix/client/versions"
        try:
            with urllib.request.urlopen(address, timeout=2) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def log(self) -> Path:
        return self.folder / "output.log"

    def pids(self) -> list[int]:
        """The server's process and all its descendants."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def memory(self) -> float:
        """Resident memory of all its processes, in MiB."""
        return sum(resident_kib(pid) for pid in self.pids()) / 1024

    def cpu_seconds(self) -> float:
        """Processor time used by all its processes since they started."""
        return sum(cpu_seconds(pid) for pid in self.pids())


class Synapse(Server):
    """The peer: from PyPI, one process, SQLite, its generated configuration."""

    name = "synapse"

    def install(self) -> None:
        if self.python().exists():
            return
        subprocess.run([sys.executable, "-m", "venv", PEER_VENV], check=True)
        wanted = f"matrix-synapse=={PEER_VERSION}"
        subprocess.run([self.python(), "-m", "pip", "install", "--quiet", wanted], check=True)

    def python(self) -> Path:
        return PEER_VENV / "bin" / "python"

    def version(self) -> str:
        question = (
            "import sqlite3, platform; from importlib.metadata import version;"
            "print(f\"Synapse {version('matrix-synapse')}, Twisted {version('twisted')},"
            ' SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}")'
        )
        return words_of([str(self.python()), "-c", question])

    def command(self) -> list[str]:
        if not (self.folder / "homeserver.yaml").exists():
            self.configure()
        return [*self.homeserver(), "-c", "homeserver.yaml", "-c", "bench.yaml"]

    def homeserver(self) -> list[str]:
        return [str(self.python()), "-m", "synapse.app.homeserver"]

    def configure(self) -> None:
        generate = ["-c", "homeserver.yaml", "--generate-config", "-H", "bench.localhost"]
        generate += ["--report-stats", "no", "--data-directory", str(self.folder)]
        with self.log().open("ab") as output:
            subprocess.run(
                [*self.homeserver(), *generate],
                cwd=self.folder,
                check=True,
                stdout=output,
                stderr=output,
            )
        listener = {
            "port": self.port,
            "bind_addresses": [HOST],
            "type": "http",
            "tls": False,
            "resources": [{"names": ["client", "federation"], "compress": False}],
        }
        # JSON is YAML.
        settings = msgspec.json.encode(PEER_SETTINGS | {"listeners": [listener]})
        (self.folder / "bench.yaml").write_bytes(settings)


class Qingxin(Server):
    """Ours: one process with its embedded store."""

    name = "qingxin"

    def home(self) -> Path:
        return ROOT  # so that Python finds this checkout first

    def version(self) -> str:
        revision = words_of(["git", "-C", str(ROOT), "describe", "--always", "--dirty"])
        return f"Qingxin {revision}, Python {sys.version.split()[0]}"

    def command(self) -> list[str]:
        settings = {"registration": "open", "rate_limits": "off", "password_cost": "low"}
        sets = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        where = ["--data", str(self.folder / "data"), "--listen", f"{HOST}:{self.port}"]
        return [sys.executable, "-m", "qingxin", "serve", *where, *sets]


SERVERS: dict[str, type[Server]] = {kind.name: kind for kind in (Qingxin, Synapse)}


def free_port() -> int:
    with socket.socket() as plug:
        plug.bind((HOST, 0))
        return int(plug.getsockname()[1])


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid: int) -> float:
    # The scheduler's nanoseconds of each thread: /proc/<pid>/stat counts in hundredths of a second.
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def words_of(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

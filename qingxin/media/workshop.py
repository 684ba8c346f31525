"""The worker that makes thumbnails, seen from the server: one process, started when it is needed.

It ends after some idle time, so that nobody pays for its memory, and is killed when an order
takes too long: the next order gets a new one.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import msgspec

from qingxin.media.orders import LARGEST, LENGTH, Answer, Order, packed

logger = logging.getLogger("qingxin.media")

MEMORY = 1024 * 1024 * 1024  # bytes of the worker's address space, libraries included
SECONDS = 10  # of processor time for one order
PATIENCE = 60.0  # seconds for one order, waiting included
IDLE = 60.0  # seconds without orders until the worker ends
# How a file ends the worker: too much processor time, or a decoder's mistake.
BY_THE_FILE = {
    signal.SIGXCPU,
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGILL,
    signal.SIGFPE,
}
HOME = Path(__file__).parents[2]
# Nothing of ours: settings in the environment are secrets to whoever takes over a decoder.
ENVIRONMENT = {
    "PYTHONPATH": str(HOME),
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class Failed(Exception):
    """The worker died or hung. `again` says whether it may go better another time."""

    def __init__(self, *, again: bool) -> None:
        super().__init__("the worker ended" if again else "the worker was killed by this file")
        self.again = again


class Workshop:
    """Takes one order at a time."""

    def __init__(
        self,
        *,
        memory: int = MEMORY,
        seconds: int = SECONDS,
        patience: float = PATIENCE,
        idle: float = IDLE,
    ) -> None:
        self._limits = str(memory), str(seconds)
        self._patience = patience
        self._idle = idle
        self._turn = asyncio.Lock()
        self._worker: Process | None = None
        self._rest: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._worker.pid if self._worker else None

    async def make(self, order: Order) -> tuple[Answer, bytes]:
        """The answer and the encoded picture. Raises Failed."""
        async with self._turn:
            if self._rest:
                self._rest.cancel()
            if self._worker is None or self._worker.returncode is not None:
                self._worker = await self._start()
            worker = self._worker
            try:
                async with asyncio.timeout(self._patience):
                    return await _ask(worker, order)
            except TimeoutError:
                await self._end()
                raise Failed(again=True) from None
            except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
                raise Failed(again=-await self._end() not in BY_THE_FILE) from None
            except BaseException:  # whoever asked has gone, but the answer would still come
                await asyncio.shield(self._end())
                raise
            finally:
                self._rest = asyncio.get_running_loop().call_later(self._idle, self._dismiss)

    async def close(self) -> None:
        if self._rest:
            self._rest.cancel()
        await self._end()

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "qingxin.media.worker", *self._limits),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=LARGEST,
            cwd="/",
            env=ENVIRONMENT,
        )

    async def _end(self) -> int:
        """Kill the worker, if there is one; how it ended."""
        worker, self._worker = self._worker, None
        if worker is None:
            return 0
        if worker.returncode is None:
            # Not worker.kill(), which would reap one that has just died and lose how it died.
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        code = await worker.wait()
        logger.debug("The worker that makes thumbnails has ended with %d.", code)
        return code

    def _dismiss(self) -> None:
        """Let the worker end by itself: it has nothing more to read."""
        if self._worker and not self._turn.locked() and self._worker.stdin:
            self._worker.stdin.close()
            self._worker = None


async def _ask(worker: Process, order: Order) -> tuple[Answer, bytes]:
    assert worker.stdin and worker.stdout
    worker.stdin.write(packed(order))
    await worker.stdin.drain()
    length = int.from_bytes(await worker.stdout.readexactly(LENGTH), "big")
    if length > LARGEST:
        raise msgspec.DecodeError
    answer = msgspec.json.decode(await worker.stdout.readexactly(length), type=Answer)
    return answer, await worker.stdout.readexactly(min(answer.length, LARGEST))

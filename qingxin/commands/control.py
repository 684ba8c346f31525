"""The socket in the data directory through which commands reach the running server.

One line of JSON asks for an act; lines of JSON answer: progress as often as there is some,
then the result or the refusal. Whoever may write into the directory may ask.
"""

import argparse
import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from qingxin.app import App
from qingxin.commands.console import Problem, Progress, Report
from qingxin.commands.desk import Desk
from qingxin.commands.options import settings_of
from qingxin.errors import MatrixError
from qingxin.store.database import Unusable

NAME = "control.sock"
LONGEST_LINE = 1 << 24


class Wish(Struct):
    """What a command asks for."""

    act: str
    details: dict[str, Any] = {}


class Answer(Struct, omit_defaults=True):
    """Progress while `total` is set; otherwise the end, with a result or a problem."""

    done: int = 0
    total: int = 0
    result: Any = None
    problem: str = ""


@asynccontextmanager
async def answering(app: App, data: Path) -> AsyncIterator[None]:
    """Perform acts for whoever asks through the socket, until the context closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(answer: Answer) -> None:
            writer.write(msgspec.json.encode(answer) + b"\n")

        with suppress(ConnectionError):
            if not (line := await reader.readline()):
                return writer.close()  # somebody wanted to know whether we are there
            wish = msgspec.json.decode(line, type=Wish)
            desk = Desk(app, lambda done, total: say(Answer(done=done, total=max(total, 1))))
            say(await _outcome(desk, wish))
            await writer.drain()
        writer.close()

    with _reachable(data) as path:
        (data / NAME).unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, path)
        (data / NAME).chmod(stat.S_IRUSR | stat.S_IWUSR)
        try:
            yield
        finally:
            server.close()
            (data / NAME).unlink(missing_ok=True)


async def _outcome(desk: Desk, wish: Wish) -> Answer:
    try:
        return Answer(result=await desk.perform(wish.act, wish.details))
    except (Problem, MatrixError, Unusable, OSError) as problem:
        return Answer(problem=str(problem))


def perform(chosen: argparse.Namespace, act: str, title: str = "", **details: Any) -> Any:
    """Have an act done by the running server, or here if there is none. Raises Problem."""
    return asyncio.run(_perform(chosen, Wish(act, details), Progress(title or act)))


async def _perform(chosen: argparse.Namespace, wish: Wish, progress: Report) -> Any:
    data: Path = chosen.data
    if not data.is_dir() or not any(data.iterdir()):
        raise Problem(f"There is no Qingxin data in {data}: make it with `qingxin init`.")
    with _reachable(data) as path:
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
        except (FileNotFoundError, ConnectionRefusedError):
            return await _perform_here(chosen, wish, progress)
    writer.write(msgspec.json.encode(wish) + b"\n")
    try:
        return await _result(reader, progress)
    finally:
        writer.close()


async def _result(reader: asyncio.StreamReader, progress: Report) -> Any:
    while line := await reader.readline():
        answer = msgspec.json.decode(line, type=Answer)
        if answer.problem:
            raise Problem(answer.problem)
        if not answer.total:
            return answer.result
        progress(answer.done, answer.total)
    raise Problem("The server stopped before it had answered.")


async def _perform_here(chosen: argparse.Namespace, wish: Wish, progress: Report) -> Any:
    try:
        async with App.open(settings_of(chosen), chosen.data) as app:
            answer = await _outcome(Desk(app, progress), wish)
    except Unusable as problem:
        raise Problem(str(problem)) from problem
    if answer.problem:
        raise Problem(answer.problem)
    return answer.result


async def is_running(data: Path) -> bool:
    """Whether a server answers for this data directory."""
    with _reachable(data) as path:
        try:
            _, writer = await asyncio.open_unix_connection(path)
        except OSError:
            return False
    writer.close()
    return True


@contextmanager
def _reachable(data: Path) -> Iterator[str]:
    """The socket's address. Unix allows 107 bytes: a long path is reached by its descriptor."""
    path = str(data / NAME)
    if len(os.fsencode(path)) < 100:
        yield path
        return
    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)

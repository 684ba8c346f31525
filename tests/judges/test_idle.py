"""Thousands who wait and some who hardly read leave the server to those who talk."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judges.child import Child
from tests.stories.cast import Person
from tests.stories.wire import Wire

PEOPLE, POLLS = 1_000, 5  # each of them waits so many times
IDLE = PEOPLE * POLLS
IN_THE_ROOM = 20  # people who hear what is said
SLOW = 20  # read one byte a second
AT_ONCE = 40  # requests while the crowd gathers
MOST_PER_POLL = 100_000  # bytes
TEXT = "x" * 30_000
QUIETLY = "%7B%22presence%22:%7B%22types%22:[]%7D%7D"  # who comes and goes is no news

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def open_files() -> Iterator[None]:
    """Ours and, since it inherits the limit, the server's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = IDLE + 1_000
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.fail(f"This needs {needed:,} open files; the hard limit is {hard:,} (ulimit -Hn).")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Waiting:
    """Somebody with a /sync that waits for news."""

    def __init__(self, child: Child, person: Person, since: str) -> None:
        self._wire = Wire(child.url, person.token)
        self._path = f"/_matrix/client/v3/sync?since={since}&timeout=600000&filter={QUIETLY}"

    async def begin(self) -> "Waiting":
        await self._wire.__aenter__()
        self.answer = asyncio.create_task(self._wire.ask("GET", self._path))
        return self

    async def leave(self) -> None:
        self.answer.cancel()
        await asyncio.gather(self.answer, return_exceptions=True)
        await self._wire.__aexit__()


class Slow:
    """Somebody who asks for far more than fits into the buffers, and reads a byte a second."""

    async def ask(self, child: Child, person: Person, room: str) -> None:
        host, port = child.url.removeprefix("http://").split(":")
        plug = socket.socket()
        plug.setblocking(False)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        loop = asyncio.get_running_loop()
        with plug:
            await loop.sock_connect(plug, (host, int(port)))
            path = f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=200"
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n\r\n"
            await loop.sock_sendall(plug, head.encode())
            while await loop.sock_recv(plug, 1):
                await asyncio.sleep(1)


async def arrives(child: Child, gate: asyncio.Semaphore) -> tuple[Person, str]:
    async with gate:
        person = await child.register("idler")
        return person, (await person.sync()).token


def memory(child: Child) -> int:
    """Bytes of the server's process that are in memory."""
    status = Path(f"/proc/{child.processes()[0]}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)


@pytest.mark.parametrize("child", ["sqlite"], indirect=True)
async def test_thousands_who_wait_and_some_who_hardly_read_disturb_nobody(child: Child) -> None:
    alice, bob = await child.register("alice"), await child.register("bob")
    room = await alice.opens(bob)
    for _ in range(100):
        await alice.says(room, TEXT)
    audience = [await child.register("listener") for _ in range(IN_THE_ROOM)]
    for person in audience:
        await person.joins(room)
    gate = asyncio.Semaphore(AT_ONCE)
    people = await asyncio.gather(*(arrives(child, gate) for _ in range(PEOPLE)))
    since = (await bob.sync()).token

    before = memory(child)
    crowd = [await Waiting(child, *person).begin() for person in people for _ in range(POLLS)]
    await until_it_rests(child)
    each = (memory(child) - before) / IDLE
    print(f"\n{IDLE:,} idle polls; {each:,.0f} bytes of memory for each")
    listening = [await Waiting(child, person, since).begin() for person in audience]
    slow = [asyncio.create_task(Slow().ask(child, bob, room)) for _ in range(SLOW)]
    await asyncio.sleep(1)

    for number in range(20):
        message = await alice.says(room, f"still there? {number}")
        assert message in [e["event_id"] for e in (await bob.sync(since)).timeline(room)]
    heard = await asyncio.gather(*(waiting.answer for waiting in listening))
    assert all(answer.status == 200 and b"still there? 0" in answer.body for answer in heard)
    assert not any(waiting.answer.done() for waiting in crowd)
    assert not any(task.done() for task in slow)
    assert each < MOST_PER_POLL

    for task in slow:
        task.cancel()
    await asyncio.gather(
        *(waiting.leave() for waiting in [*crowd, *listening]), *slow, return_exceptions=True
    )
    assert await alice.says(room, "good night")
    assert await child.stop() == 0


async def until_it_rests(child: Child) -> None:
    """Wait until the server has taken every connection and done what there was to do."""
    while await busy(child):
        pass


async def busy(child: Child) -> bool:
    """Whether the server works more than every now and then."""
    before = processor_time(child)
    await asyncio.sleep(1)
    return processor_time(child) - before > 0.1


def processor_time(child: Child) -> float:
    """Seconds."""
    fields = Path(f"/proc/{child.processes()[0]}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

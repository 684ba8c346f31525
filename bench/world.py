"""The people and rooms of one server, made over HTTP when a measurement first asks for them.

They outlive restarts of the server, so that every round finds the same world.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from time import perf_counter
from typing import NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Struct

from bench.client import Connection, Item, connect, request, share_out
from bench.servers import Server
from bench.sizes import Sizes

V3 = "/_matrix/client/v3"
WORDS = {
    "msgtype": "m.text",
    "body": "The ferry leaves at ten, we meet at the pier at a quarter to.",
}
BUILDERS = 32
# A server is idle when it uses less than a tenth of a core for half a second.
IDLE = 0.1
SETTLING_STEP = 0.5
SETTLING = 40

# Syncs say "offline" so that no server spends the measurement on presence.
QUIETLY = "set_presence=offline"
# What apps on phones ask for: members only as far as the timeline needs them.
LAZY = quote('{"room":{"state":{"lazy_load_members":true}}}')

transaction_ids = count()


class Person(NamedTuple):
    """A registered user."""

    user_id: str
    token: str


class Registered(Struct):
    user_id: str
    access_token: str


class RoomMade(Struct):
    room_id: str


class Sent(Struct):
    event_id: str


class Synced(Struct):
    """All that a loop of syncs needs to know of its answers."""

    next_batch: str


class Saying:
    """One person's message into one room, prepared but for its transaction id."""

    def __init__(self, person: Person, room_id: str) -> None:
        path = f"{V3}/rooms/{quote(room_id)}/send/m.room.message/@"
        self.before, self.after = request("PUT", path, token=person.token, content=WORDS).split(
            b"@ ", 1
        )

    def message(self) -> bytes:
        return b"%bb%d %b" % (self.before, next(transaction_ids), self.after)


def sync_request(person: Person, since: str = "", *, timeout: int = 0, filter: str = "") -> bytes:
    """A sync that waits at most `timeout` ms; without `since`, a first sync."""
    query = f"{QUIETLY}&timeout={timeout}"
    query += f"&filter={filter}" if filter else ""
    query += f"&since={quote(since)}" if since else ""
    return request("GET", f"{V3}/sync?{query}", token=person.token)


def join_request(person: Person, room_id: str) -> bytes:
    return request("POST", f"{V3}/join/{quote(room_id)}", token=person.token, content={})


class World:
    """One server's people and rooms."""

    def __init__(self, server: Server, sizes: Sizes) -> None:
        self.server = server
        self.sizes = sizes
        self.port = server.port
        self.people: dict[str, list[Person]] = {}
        self.rooms: dict[str, str] = {}
        # Where everybody's sync stands.
        self.places: dict[Person, str] = {}

    async def crowd(self, name: str, size: int) -> list[Person]:
        """The people of that name, so many: each measurement has its own, in no other's rooms."""
        people = self.people.setdefault(name, [])
        missing = range(len(people), size)
        if missing:
            with self.progress(f"register {len(missing)} {name}"):
                await self.each(missing, lambda line, number: self.register(line, name, number))
        return people[:size]

    async def register(self, line: Connection, name: str, number: int) -> None:
        content = {
            "username": f"{name}{number}",
            "password": f"a long password {number}",
            "auth": {"type": "m.login.dummy"},
        }
        made = await line.read(request("POST", f"{V3}/register", content=content), Registered)
        self.people[name].append(Person(made.user_id, made.access_token))

    async def room(self, name: str, members: Sequence[Person]) -> str:
        """The public room of that name, made by the first of its members."""
        if name not in self.rooms:
            owner, *others = members
            with self.progress(f"make room {name} of {len(members)}"):
                [line] = await connect(self.port, 1)
                self.rooms[name] = await self.make_room(line, owner, name)
                line.close()
                await self.join(self.rooms[name], others)
        return self.rooms[name]

    async def many_rooms(self, name: str, companies: Sequence[Sequence[Person]]) -> list[str]:
        """A public room for each of these companies, the first of whom makes it."""
        wanted = {f"{name} {number}": company for number, company in enumerate(companies)}
        missing = [name for name in wanted if name not in self.rooms]
        if missing:
            with self.progress(f"make {len(missing)} rooms of {len(companies[0])}"):
                await self.each(missing, lambda line, name: self.furnish(line, name, wanted[name]))
        return [self.rooms[name] for name in wanted]

    async def furnish(self, line: Connection, name: str, company: Sequence[Person]) -> None:
        owner, *others = company
        room_id = await self.make_room(line, owner, name)
        for person in others:
            await line.need(join_request(person, room_id))
        self.rooms[name] = room_id

    async def make_room(self, line: Connection, owner: Person, name: str) -> str:
        content = {"preset": "public_chat", "name": name}
        order = request("POST", f"{V3}/createRoom", token=owner.token, content=content)
        return (await line.read(order, RoomMade)).room_id

    async def join(self, room_id: str, people: Sequence[Person]) -> None:
        async def enter(line: Connection, person: Person) -> None:
            await line.need(join_request(person, room_id))

        await self.each(people, enter)

    async def fill(self, rooms: Sequence[str], speakers: Sequence[Person], size: int) -> None:
        """Write so many messages into each of the rooms, room after room in turn."""
        sayings = [Saying(person, room_id) for person in speakers for room_id in rooms]

        async def say(line: Connection, number: int) -> None:
            await line.need(sayings[number % len(sayings)].message())

        await self.each(range(size * len(rooms)), say)

    async def catch_up(self, people: Sequence[Person]) -> None:
        """Bring everybody's sync up to now: a first sync for whom it is the first."""

        async def sync(line: Connection, person: Person) -> None:
            since = self.places.get(person, "")
            answer = await line.need(sync_request(person, since, filter=LAZY))
            self.places[person] = next_batch(answer)

        with self.progress(f"sync {len(people)} people"):
            await self.each(people, sync)

    async def each(
        self, items: Iterable[Item], act: Callable[[Connection, Item], Awaitable[object]]
    ) -> None:
        """Build with a few connections at a time."""
        lines = await connect(self.port, BUILDERS)
        await share_out(lines, items, act)
        for line in lines:
            line.close()

    async def settle(self) -> None:
        """Wait, within limits, until the server has done what the last measurement left it."""
        for _ in range(SETTLING):
            before = self.server.cpu_seconds()
            await asyncio.sleep(SETTLING_STEP)
            if self.server.cpu_seconds() - before < IDLE * SETTLING_STEP:
                return

    @contextmanager
    def progress(self, what: str) -> Iterator[None]:
        """Say on standard error what is under way, and how long it took."""
        start = perf_counter()
        if sys.stderr.isatty():
            print(f"  {self.server.name}: {what} …", end="\r", file=sys.stderr, flush=True)
        yield
        seconds = perf_counter() - start
        print(f"  {self.server.name}: {what}, {seconds:.1f} s", file=sys.stderr, flush=True)


def next_batch(body: bytes) -> str:
    return msgspec.json.decode(body, type=Synced).next_batch


def messages_in(body: bytes) -> int:
    """How many messages a sync brings, without decoding them."""
    return body.count(b'"m.room.message"')

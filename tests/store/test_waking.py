"""The wire between processes, and who is woken by it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from qingxin.store import waking as waking_module
from qingxin.store import wire as wire_module
from qingxin.store.database import sql
from qingxin.store.line import Line
from qingxin.store.postgres import Postgres
from qingxin.store.waking import Waking
from qingxin.store.wire import Wire
from tests.nats import NatsServer
from tests.store.table import TABLE, thing

Work = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@pytest.fixture
async def nats() -> AsyncIterator[NatsServer]:
    server = await NatsServer().start()
    yield server
    server.stop()


@pytest.fixture
async def at_work() -> AsyncIterator[Work]:
    """Let something run until the end of the test."""
    running: list[asyncio.Task[None]] = []
    yield lambda run: running.append(asyncio.create_task(run()))
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.005)


class Ear:
    """A process on the wire, and what it has heard about cake."""

    def __init__(self, nats: NatsServer, name: str = "example.org") -> None:
        self.wire = Wire(nats.url, name)
        self.heard: list[bytes] = []
        self.wire.on("cake", self.heard.append)


async def connected(at_work: Work, *ears: Ear) -> None:
    for ear in ears:
        at_work(ear.wire.run)
    await until(lambda: all(ear.wire.connected for ear in ears))


async def test_what_one_tells_all_others_hear(nats: NatsServer, at_work: Work) -> None:
    alice, bob, carol = Ear(nats), Ear(nats), Ear(nats)
    await connected(at_work, alice, bob, carol)
    said = [b"%d" % n for n in range(100)]
    for each in said:
        alice.wire.tell("cake", each)
    await until(lambda: len(bob.heard) == len(carol.heard) == 100)
    assert (bob.heard, carol.heard, alice.heard) == (said, said, [])


async def test_servers_of_another_name_are_not_disturbed(nats: NatsServer, at_work: Work) -> None:
    alice, bob, stranger = Ear(nats), Ear(nats), Ear(nats, "example.com")
    await connected(at_work, alice, bob, stranger)
    stranger.wire.tell("cake", b"from far away")
    alice.wire.tell("cake", b"from here")
    await until(lambda: bool(bob.heard))
    assert (bob.heard, stranger.heard) == ([b"from here"], [])


async def test_what_is_not_understood_does_no_harm(
    nats: NatsServer, at_work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = Ear(nats), Ear(nats)

    def hear(message: bytes) -> None:
        bob.heard.append(b"%d" % int(message))

    bob.wire.on("cake", hear)
    await connected(at_work, alice, bob)
    for each in (b"1", b"cake", b"2"):
        alice.wire.tell("cake", each)
    await until(lambda: len(bob.heard) == 2)
    assert "was not understood" in caplog.text


async def test_a_nats_that_goes_is_missed_once_and_found_again(
    nats: NatsServer, at_work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    alice, bob = Ear(nats), Ear(nats)
    met = []
    bob.wire.on_connect(lambda: met.append(True))
    await connected(at_work, alice, bob)
    nats.stop()
    await until(lambda: not (alice.wire.connected or bob.wire.connected))
    alice.wire.tell("cake", b"nobody hears this")
    await nats.start()
    await until(lambda: alice.wire.connected and bob.wire.connected)
    alice.wire.tell("cake", b"hello again")
    await until(lambda: bool(bob.heard))
    assert bob.heard == [b"hello again"]
    assert len(met) == 2
    assert caplog.text.count("cannot be reached") == 2
    assert caplog.text.count("NATS is back") == 2


async def test_without_an_address_there_is_no_wire() -> None:
    wire = Wire("", "example.org")
    wire.tell("cake", b"")
    await wire.run()
    assert not wire.connected


async def test_a_wire_without_nats_ends_whenever_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire_module, "PAUSE", 0)
    for steps in range(60):
        running = asyncio.create_task(Wire(NatsServer().url, "example.org").run())
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled() or running.result() is None


async def test_a_line_is_woken_by_another_ones_commit(
    postgres: Postgres, nats: NatsServer, at_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking_module, "LOOK_SELDOM", 10**9)
    await postgres.write(sql(TABLE))
    lines = [Line(postgres), Line(postgres)]
    for line in lines:
        ear = Ear(nats)
        at_work(Waking(line, ear.wire).run)
        await connected(at_work, ear)
        at_work(line.run)
    await asyncio.gather(*(lines[0].append(thing(f"{n}")) for n in range(50)))
    await until(lambda: lines[1].number == 50)


async def test_a_line_looks_by_itself_where_nobody_tells(
    postgres: Postgres, at_work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking_module, "LOOK_EVERY", 0.01)
    await postgres.write(sql(TABLE))
    here, there = Line(postgres), Line(postgres)
    at_work(Waking(there, Wire("", "example.org")).run)
    at_work(here.run)
    number = await here.append(thing("cake"))
    await until(lambda: there.number == number)


async def test_many_words_are_one_look(postgres: Postgres, at_work: Work) -> None:
    await postgres.write(sql(TABLE))
    line, looks = Line(postgres), []
    waking = Waking(line, Wire("", "example.org"))

    async def refresh() -> None:
        looks.append(line.number)
        await asyncio.sleep(0)

    line.refresh = refresh  # type: ignore[assignment, method-assign]
    at_work(waking.run)
    for _ in range(100):
        waking._hear(b"[0,7]")
    await until(lambda: bool(looks))
    for _ in range(100):
        waking._hear(b"[0,7]")
    await until(lambda: len(looks) == 2)
    waking._hear(b"[0,0]")  # known already
    waking._hear(b"[1,9]")  # another shard's
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(looks) == 2

"""Killing any process at any moment loses nothing that was acknowledged and doubles nothing."""

import asyncio
from random import Random

import httpx
import pytest

from tests.judges.child import Child
from tests.stories.cast import Person

ROUNDS = 20
SENDERS = 6

pytestmark = pytest.mark.slow


class Sender:
    """Says 0, 1, 2 … and repeats each with its transaction id until it is acknowledged."""

    def __init__(self, person: Person, room: str) -> None:
        self.person = person
        self.room = room
        self.acknowledged: dict[int, str] = {}

    async def say_until_killed(self) -> None:
        while True:
            number = len(self.acknowledged)
            try:
                self.acknowledged[number] = await self.say(number)
            except (httpx.TransportError, AssertionError):
                return

    async def say(self, number: int) -> str:
        body = {"msgtype": "m.text", "body": f"{self.person.localpart} {number}"}
        path = f"/rooms/{self.room}/send/m.room.message/{number}"
        return str((await self.person.put(path, body))["event_id"])


async def test_nothing_is_lost_or_doubled(child: Child) -> None:
    random = Random(7)
    people = [await child.register(f"sender{n}") for n in range(SENDERS)]
    listener = await child.register("listener")
    room = await listener.opens(*people)
    senders = [Sender(person, room) for person in people]
    heard: list[tuple[str, str]] = []
    since = (await listener.sync()).token
    for number in range(ROUNDS):
        talking = [asyncio.create_task(sender.say_until_killed()) for sender in senders]
        await asyncio.sleep(random.uniform(0.05, 0.6))
        if number % 4 == 3:
            child.kill_children()
            await asyncio.sleep(random.uniform(0.05, 0.6))
        await child.kill()
        await asyncio.gather(*talking)
        await child.start()
        since = await listen(listener, room, since, heard)
    for sender in senders:
        sender.acknowledged[len(sender.acknowledged)] = await sender.say(len(sender.acknowledged))
    await listen(listener, room, since, heard)
    assert await child.stop() == 0

    assert sum(len(sender.acknowledged) for sender in senders) > ROUNDS * SENDERS
    assert len({event_id for event_id, _ in heard}) == len(heard)
    for sender in senders:
        name = sender.person.localpart
        mine = [(event_id, body) for event_id, body in heard if body.startswith(f"{name} ")]
        assert mine == [(sender.acknowledged[n], f"{name} {n}") for n in sender.acknowledged]


async def listen(listener: Person, room: str, since: str, heard: list[tuple[str, str]]) -> str:
    """Hear everything after `since`, gaps included; where to go on."""
    news = await listener.sync(since)
    events = news.timeline(room)
    if news.limited(room):
        events = await between(listener, room, since, news.gap(room)) + events
    heard += [
        (event["event_id"], event["content"]["body"])
        for event in events
        if event["type"] == "m.room.message"
    ]
    return news.token


async def between(listener: Person, room: str, since: str, until: str) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    place: str | None = until
    while place:
        page = await listener.get(
            f"/rooms/{room}/messages", **{"from": place, "to": since, "dir": "b", "limit": 500}
        )
        events += page.body["chunk"]
        place = page.body.get("end")
    return events[::-1]

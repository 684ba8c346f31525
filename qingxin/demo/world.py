"""The sample world: its people, spaces and rooms, made through the API in the order of time."""

from datetime import datetime
from pathlib import Path
from time import time

import msgspec
from msgspec import Struct

from qingxin.app import App
from qingxin.config import Settings
from qingxin.demo import pictures
from qingxin.demo.cast import CAST, PASSWORD, SPACES
from qingxin.demo.play import DAY, Play, plays
from qingxin.demo.scene import Scene
from qingxin.demo.stage import Actor, PlayClock, Report


class Made(Struct, frozen=True):
    """How much of a world there is."""

    people: int
    rooms: int
    events: int


async def make(settings: Settings, data: Path, report: Report, now: int | None = None) -> Made:
    """Make the sample world in an empty store, as if it had grown until `now`."""
    settings = msgspec.structs.replace(settings, rate_limits="off", password_cost="low")
    now = int(time() * 1000) if now is None else now
    script = list(plays())
    midnight = midnight_after(now, min(line.ago for play in script for line in play.lines))
    first = midnight - max(line.ago for play in script for line in play.lines)
    clock = PlayClock(first - 2 * DAY)
    async with App.open(settings, data, clock) as app:
        return await World(app, clock, midnight, report).grow(script)


async def is_here(app: App) -> bool:
    """Whether the store holds the sample world, so that everybody may know its passwords."""
    return await app.accounts.check(app.accounts.named(CAST[0].name), PASSWORD) is not None


def midnight_after(now: int, latest: int) -> int:
    """The midnight that plays count back from: the latest for which nothing is in the future."""
    today = datetime.fromtimestamp(now / 1000).replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = int(today.timestamp() * 1000) + DAY
    return midnight if midnight - latest <= now else midnight - DAY


class World:
    """The sample world while it is being made."""

    def __init__(self, app: App, clock: PlayClock, midnight: int, report: Report) -> None:
        self._app = app
        self._clock = clock
        self._midnight = midnight
        self._report = report
        self._done = self._steps = 0
        self._actors: dict[str, Actor] = {}
        self._spaces: dict[str, str] = {}
        self._directs: dict[str, dict[str, list[str]]] = {}

    async def grow(self, script: list[Play]) -> Made:
        """Everybody arrives, the rooms are made, everything is said, everybody reads and goes."""
        self._steps = len(CAST) + len(script) + sum(len(play.lines) for play in script)
        await self._gather()
        for key, place in SPACES.items():
            people = {
                person
                for play in script
                if play.about.get("space") == key
                for person in play.people()
            }
            self._spaces[key] = await self._open_space(
                place.owner, place.title, place.topic, people
            )
        scenes = [await self._open(play) for play in script]
        await self._perform(scenes)
        for scene in scenes:
            await scene.read()
        await self._leave(scenes)
        return Made(len(CAST), len(scenes) + len(SPACES), sum(scene.events for scene in scenes))

    async def _gather(self) -> None:
        """Make the accounts, with names and avatars, and sign everybody in."""
        accounts = self._app.accounts
        for person in CAST:
            user_id = accounts.user_id(person.name)
            hashed = await accounts.hash(PASSWORD)
            await accounts.register(user_id, hashed, moderator=person.moderator)
            actor = self._actors[person.name] = Actor(self._app.router, user_id)
            await actor.sign_in(PASSWORD)
            await actor.set_profile("displayname", person.display_name)
            avatar = await actor.upload("avatar.png", "image/png", pictures.avatar(person.name))
            await actor.set_profile("avatar_url", avatar)
            self._step()

    async def _open_space(self, owner: str, title: str, topic: str, people: set[str]) -> str:
        space_id = await self._actors[owner].create_room(
            name=title,
            topic=topic,
            preset="public_chat",
            visibility="public",
            creation_content={"type": "m.space"},
        )
        for person in sorted(people - {owner}):
            await self._actors[person].join(space_id)
        return space_id

    async def _open(self, play: Play) -> Scene:
        """Make the room of a play, with everybody in it."""
        owner, *others = (self._actors[person] for person in play.people())
        if "direct" in play.about:
            room_id = await self._open_direct(owner, others[0])
        else:
            room_id = await self._open_group(play, owner, others)
        for other in others:
            await other.join(room_id)
        if space := play.about.get("space"):
            await self._put_into(self._spaces[space], SPACES[space].owner, room_id)
        self._step()
        return Scene(play, room_id, self._actors)

    async def _open_direct(self, owner: Actor, other: Actor) -> str:
        room_id = await owner.create_room(
            is_direct=True, preset="trusted_private_chat", invite=[other.user_id]
        )
        for one, another in ((owner, other), (other, owner)):
            rooms = self._directs.setdefault(one.user_id, {})
            rooms.setdefault(another.user_id, []).append(room_id)
            await one.keep("m.direct", rooms)
        return room_id

    async def _open_group(self, play: Play, owner: Actor, others: list[Actor]) -> str:
        public = "public" in play.about
        wish = {"room_alias_name": play.about["alias"]} if "alias" in play.about else {}
        room_id = await owner.create_room(
            name=play.about["title"],
            topic=play.about["topic"],
            preset="public_chat" if public else "private_chat",
            visibility="public" if public else "private",
            invite=[] if public else [other.user_id for other in others],
            **wish,
        )
        avatar = await owner.upload("room.png", "image/png", pictures.avatar(play.name))
        await owner.set_state(room_id, "m.room.avatar", {"url": avatar})
        if "quiet" in play.about:
            await self._quieten(room_id, play, owner)
        return room_id

    async def _quieten(self, room_id: str, play: Play, owner: Actor) -> None:
        """Let only those write who do in the play; reactions are everybody's."""
        levels = await owner.state(room_id, "m.room.power_levels")
        writers = {line.person for line in play.lines if line.act != "reacts"}
        for writer in writers - {play.people()[0]}:
            levels.setdefault("users", {})[self._actors[writer].user_id] = 50
        levels.setdefault("events", {})["m.reaction"] = 0
        await owner.set_state(room_id, "m.room.power_levels", levels | {"events_default": 50})

    async def _put_into(self, space_id: str, owner: str, room_id: str) -> None:
        via = {"via": [self._app.settings.server_name]}
        await self._actors[owner].set_state(space_id, "m.space.child", via, room_id)

    async def _perform(self, scenes: list[Scene]) -> None:
        """Say every line of every play, in the order of time."""
        lines = [(line, scene) for scene in scenes for line in scene.play.lines]
        lines.sort(key=lambda each: -each[0].ago)
        for line, scene in lines:
            self._clock.set(self._midnight - line.ago)
            await scene.perform(line)
            self._step()

    def _step(self) -> None:
        self._done += 1
        self._report(self._done, self._steps)

    async def _leave(self, scenes: list[Scene]) -> None:
        """What is left to do: invitations, favourites, signing out."""
        for scene in scenes:
            owner = self._actors[scene.play.people()[0]]
            for invited in scene.play.words("invited"):
                await owner.invite(scene.room_id, self._actors[invited].user_id)
            if favourites := scene.play.words("favourite"):
                for person in favourites:
                    await self._actors[person].tag(scene.room_id, "m.favourite", 0.5)
        for actor in self._actors.values():
            await actor.sign_out()

"""One play performed in one room: what is said is said through the API."""

from msgspec import Struct

from qingxin.demo import pictures, speech
from qingxin.demo.play import Line, Play
from qingxin.demo.stage import Actor


class Said(Struct, frozen=True):
    """An event that later lines may be about."""

    person: str
    event_id: str


class Scene:
    """A room while its play is performed, line after line."""

    def __init__(self, play: Play, room_id: str, actors: dict[str, Actor]) -> None:
        self.play = play
        self.room_id = room_id
        self.events = 0
        self._actors = actors
        self._said: list[Said] = []
        self._root = ""  # the line that asides are about
        self._newest = ""  # what was said last
        self._poll = ""
        self._pinned: list[str] = []

    async def perform(self, line: Line) -> None:
        """Do what a line says, as the person who does it."""
        self.events += 1
        await getattr(self, f"_{line.act}")(self._actors[line.person], line)

    async def read(self) -> None:
        """Everybody reads everything, but for the last few in rooms where they are behind."""
        behind = self.play.words("unread")
        unread = dict(zip(behind[::2], map(int, behind[1::2]), strict=True))
        for person in self.play.people():
            read = self._said[: len(self._said) - unread.get(person, 0)]
            if read:
                await self._actors[person].read_to(self.room_id, read[-1].event_id)

    async def _says(self, actor: Actor, line: Line) -> None:
        await self._say(actor, line, speech.message(line.text))

    async def _replies(self, actor: Actor, line: Line) -> None:
        await self._say(actor, line, speech.reply(line.text, self._newest))

    async def _answers(self, actor: Actor, line: Line) -> None:
        await self._say(actor, line, speech.answer(line.text, self._root, self._newest))

    async def _shows(self, actor: Actor, line: Line) -> None:
        image, name = pictures.picture(line.what), f"{line.what}.jpg"
        uri = await actor.upload(name, "image/jpeg", image)
        content = speech.picture(line.text, name, uri, pictures.SIZE, len(image))
        await self._say(actor, line, content)

    async def _asks(self, actor: Actor, line: Line) -> None:
        await self._say(actor, line, speech.poll(line.text), speech.POLL)
        self._poll = self._newest

    async def _votes(self, actor: Actor, line: Line) -> None:
        await actor.send(self.room_id, speech.VOTE, speech.vote(line.what, self._poll))

    async def _reacts(self, actor: Actor, line: Line) -> None:
        await actor.send(self.room_id, "m.reaction", speech.reaction(line.what, self._newest))

    async def _edits(self, actor: Actor, line: Line) -> None:
        await actor.send(self.room_id, "m.room.message", speech.edit(line.text, self._newest))

    async def _removes(self, actor: Actor, line: Line) -> None:
        await actor.redact(self.room_id, self._newest)
        self._said.pop()

    async def _pins(self, actor: Actor, line: Line) -> None:
        self._pinned.append(self._root)
        await actor.set_state(self.room_id, "m.room.pinned_events", {"pinned": self._pinned})

    async def _say(
        self, actor: Actor, line: Line, content: speech.Content, type: str = "m.room.message"
    ) -> None:
        self._newest = await actor.send(self.room_id, type, content)
        self._said.append(Said(line.person, self._newest))
        if not line.aside:
            self._root = self._newest

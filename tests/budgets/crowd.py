"""Large rooms and many rooms, made by a short way."""

from qingxin.log.event import MEMBER, Draft
from qingxin.rooms.create import Wish
from tests.stories.cast import Person, fresh
from tests.stories.server import Server


async def crowd_joins(server: Server, room: str, size: int) -> None:
    """So many people enter a public room; they have no accounts and never come online."""
    drafts = []
    for _ in range(size):
        user_id = f"@{fresh('extra')}:example.org"
        content = {"membership": "join", "displayname": "Extra"}
        drafts.append(
            Draft(room_id=room, sender=user_id, type=MEMBER, state_key=user_id, content=content)
        )
    await server.app.log.append_all(drafts)


async def quiet_rooms(server: Server, person: Person, number: int) -> None:
    """Rooms in which nothing happens any more."""
    for _ in range(number):
        await server.app.rooms.create(person.user_id, Wish(name="quiet"))

"""What a room looks like from outside, and who may look.

The public list, the hierarchy of spaces and the summary of one room all show this.
spec: client-server-api/#get_matrixclientv1room_summaryroomidoralias
"""

from typing import Any

from msgspec import Struct

from qingxin import ids
from qingxin.errors import NotFound
from qingxin.log import access
from qingxin.log.state import RoomState, States
from qingxin.rooms.membership import Membership


class Summary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room in brief (spec: definitions/room_summary.yaml)."""

    room_id: str
    num_joined_members: int
    world_readable: bool
    guest_can_join: bool
    join_rule: str
    room_version: str
    name: str | None = None
    topic: str | None = None
    avatar_url: str | None = None
    canonical_alias: str | None = None
    room_type: str | None = None
    encryption: str | None = None
    allowed_room_ids: list[str] = []


def summarise(state: RoomState) -> Summary:
    """What there is to say about a room; what is ill-formed is left out."""
    avatar = state.text("m.room.avatar", "url")
    alias = state.text("m.room.canonical_alias", "alias")
    return Summary(
        room_id=state.room_id,
        num_joined_members=state.joined,
        world_readable=is_world_readable(state),
        guest_can_join=state.text("m.room.guest_access", "guest_access") == "can_join",
        join_rule=access.join_rule(state),
        room_version=state.version.name,
        name=state.text("m.room.name", "name") or None,
        topic=_topic(state) or None,
        avatar_url=avatar if avatar and avatar.startswith("mxc://") else None,
        canonical_alias=alias if alias and ids.is_alias(alias) else None,
        room_type=state.type,
        encryption=state.text("m.room.encryption", "algorithm"),
        allowed_room_ids=neighbours(state),
    )


def is_world_readable(state: RoomState) -> bool:
    setting = state.text("m.room.history_visibility", "history_visibility")
    return setting == "world_readable"


def neighbours(state: RoomState) -> list[str]:
    """The rooms whose members may join a restricted room (spec: rooms/v8, rooms/v10)."""
    if not is_restricted(state):
        return []
    rules = state.get("m.room.join_rules")
    allow = rules.decoded().get("allow") if rules else None
    named = [
        condition.get("room_id")
        for condition in (allow if isinstance(allow, list) else ())
        if isinstance(condition, dict) and condition.get("type") == "m.room_membership"
    ]
    return [room_id for room_id in named if isinstance(room_id, str) and room_id.startswith("!")]


def is_restricted(state: RoomState) -> bool:
    """Whether the members of some other rooms may join."""
    rule, version = access.join_rule(state), state.version
    return (rule == "restricted" and version.restricted) or (
        rule == "knock_restricted" and version.knock_restricted
    )


def is_open_to_strangers(state: RoomState) -> bool:
    """Whether anybody may see that the room is there: to join it, to knock, or to read it."""
    rule, version = access.join_rule(state), state.version
    return (
        rule == "public"
        or (rule == "knock" and version.knocking)
        or (rule == "knock_restricted" and version.knock_restricted)
        or is_world_readable(state)
    )


def _topic(state: RoomState) -> str | None:
    """The plain text of the topic (spec: #mroomtopic)."""
    event = state.get("m.room.topic")
    block: Any = event.decoded().get("m.topic") if event else None
    texts = block.get("m.text") if isinstance(block, dict) else None
    for text in texts if isinstance(texts, list) else ():
        if isinstance(text, dict) and text.get("mimetype", "text/plain") == "text/plain":
            if isinstance(body := text.get("body"), str):
                return body
    return state.text("m.room.topic", "topic")


class Summaries:
    """Shows rooms to those who may see them."""

    def __init__(self, states: States, membership: Membership) -> None:
        self._states = states
        self._membership = membership

    async def visible(self, room_id: str, user_id: str | None) -> RoomState:
        """The state of a room that this user, or None for a stranger, may know of.

        Raises NotFound for the others and for rooms that are not there.
        """
        state = await self._states.of(room_id, (user_id,) if user_id else ())
        if is_open_to_strangers(state):
            return state
        if user_id is not None and state.membership(user_id) in ("join", "invite"):
            return state
        if user_id is not None and is_restricted(state):
            if await self._membership.is_neighbour(state, user_id):
                return state
        raise NotFound("There is no such room, or it is not for you to see.")

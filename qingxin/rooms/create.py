"""Making a room: all its first events, in the spec's order, in one act.

spec: client-server-api/#post_matrixclientv3createroom
"""

from typing import Any

from msgspec import Struct

from qingxin import ids
from qingxin.errors import BadJson, InvalidParam, InvalidRoomState, MatrixError
from qingxin.log.append import Log
from qingxin.log.event import Draft
from qingxin.log.versions import VERSIONS, Version
from qingxin.people.profiles import Profiles
from qingxin.rooms.birth import Birth, birth, creators_among, version_named
from qingxin.rooms.directory import Directory
from qingxin.rooms.kinds import PRESETS, Preset, first_levels, kind_of
from qingxin.rooms.listing import Listing
from qingxin.rooms.membership import Membership, member_content


class FirstState(Struct, frozen=True):
    """One of `initial_state`."""

    type: str
    content: dict[str, Any]
    state_key: str = ""


class ThirdPartyInvite(Struct, frozen=True):
    """One of `invite_3pid`; refused, since there is no identity server here."""

    id_server: str
    id_access_token: str
    medium: str
    address: str


class Wish(Struct, frozen=True):
    """Body of POST /createRoom."""

    visibility: str | None = None
    room_alias_name: str | None = None
    name: str | None = None
    topic: str | None = None
    invite: list[str] = []
    invite_3pid: list[ThirdPartyInvite] = []
    room_version: str | None = None
    creation_content: dict[str, Any] = {}
    initial_state: list[FirstState] = []
    preset: str | None = None
    is_direct: bool = False
    power_level_content_override: dict[str, Any] = {}


class Rooms:
    """Makes rooms."""

    def __init__(
        self,
        log: Log,
        profiles: Profiles,
        directory: Directory,
        listing: Listing,
        membership: Membership,
        server_name: str,
    ) -> None:
        self._log = log
        self._profiles = profiles
        self._directory = directory
        self._listing = listing
        self._membership = membership
        self._server_name = server_name

    async def create(self, creator: str, wish: Wish) -> str:
        """Make the room; its id. Raises BadJson, InvalidRoomState, RoomInUse, Forbidden."""
        version = version_named(wish.room_version)
        preset = _preset(wish)
        _check_invited(wish)
        for user_id in wish.invite:
            await self._membership.check_exists(user_id)
        alias = self._alias(wish)
        if alias:
            await self._directory.check_free(alias)
        born = birth(creator, _wished(wish, version), version, self._server_name)
        room_id = born.room_id
        drafts = await self._drafts(born, wish, preset, alias)
        try:
            await self._log.append_all(drafts, born.founding())
        except MatrixError as error:
            if type(error) is BadJson or error.status == 403:
                raise InvalidRoomState(error.message) from error
            raise
        if alias:
            await self._directory.point(alias, room_id, creator)
        if wish.visibility == "public":
            await self._listing.add(room_id)
        for user_id in dict.fromkeys(wish.invite):
            await self._membership.invite(room_id, creator, user_id, is_direct=wish.is_direct)
        return room_id

    def _alias(self, wish: Wish) -> str | None:
        if wish.room_alias_name is None:
            return None
        alias = f"#{wish.room_alias_name}:{self._server_name}"
        if ":" in wish.room_alias_name or not ids.is_alias(alias):
            raise InvalidParam("This alias name has a character that it may not have.")
        return alias

    async def _drafts(
        self, born: Birth, wish: Wish, preset: Preset, alias: str | None
    ) -> list[Draft]:
        creator, create, version = born.creator, born.content, VERSIONS[born.version]
        drafts: dict[tuple[str, str], dict[str, Any]] = {("m.room.create", ""): create}
        profile = await self._profiles.of(creator)
        drafts["m.room.member", creator] = member_content("join", profile)
        drafts["m.room.power_levels", ""] = _levels(creator, wish, version, preset)
        if alias:
            drafts["m.room.canonical_alias", ""] = {"alias": alias}
        drafts |= _settings(preset, kind_history=kind_of(create.get("type")).history)
        for first in wish.initial_state:
            if (first.type, first.state_key) == ("m.room.create", ""):
                continue
            drafts[first.type, first.state_key] = first.content
        drafts |= _words(wish)
        return [born.draft(type, key, content) for (type, key), content in drafts.items()]


def _preset(wish: Wish) -> Preset:
    if wish.visibility not in (None, "public", "private"):
        raise InvalidParam("The visibility is public or private.")
    name = wish.preset or ("public_chat" if wish.visibility == "public" else "private_chat")
    if name not in PRESETS:
        raise InvalidParam(f"There is no preset {name!r}: {', '.join(PRESETS)}.")
    return PRESETS[name]


def _check_invited(wish: Wish) -> None:
    if wish.invite_3pid:
        raise MatrixError("There is no identity server here: invite people by their user ids.")
    for user_id in wish.invite:
        if not ids.is_user_id(user_id):
            raise InvalidParam(f"{user_id!r} is no user id.")


def _wished(wish: Wish, version: Version) -> dict[str, Any]:
    """What the create event shall say; in version 12 also who else stands above all levels."""
    if not version.creators_rule:
        return wish.creation_content
    more = creators_among(wish.creation_content.get("additional_creators", []))
    if wish.preset == "trusted_private_chat":
        more = creators_among([*more, *wish.invite])
    return wish.creation_content | ({"additional_creators": more} if more else {})


def _levels(creator: str, wish: Wish, version: Version, preset: Preset) -> dict[str, Any]:
    kind = kind_of(
        wish.creation_content.get("type")
        if isinstance(wish.creation_content.get("type"), str)
        else None
    )
    levels = first_levels(creator, kind, creator_above_all=version.creators_rule)
    if preset.invited_are_equal and not version.creators_rule:
        levels["users"] |= dict.fromkeys(wish.invite, 100)
    return levels | wish.power_level_content_override


def _settings(preset: Preset, kind_history: str) -> dict[tuple[str, str], dict[str, Any]]:
    history = kind_history if kind_history != "shared" else preset.history
    return {
        ("m.room.join_rules", ""): {"join_rule": preset.join_rule},
        ("m.room.history_visibility", ""): {"history_visibility": history},
        ("m.room.guest_access", ""): {"guest_access": preset.guest_access},
    }


def _words(wish: Wish) -> dict[tuple[str, str], dict[str, Any]]:
    words: dict[tuple[str, str], dict[str, Any]] = {}
    if wish.name is not None:
        words["m.room.name", ""] = {"name": wish.name}
    if wish.topic is not None:
        text = {"m.text": [{"body": wish.topic, "mimetype": "text/plain"}]}
        words["m.room.topic", ""] = {"topic": wish.topic, "m.topic": text}
    return words

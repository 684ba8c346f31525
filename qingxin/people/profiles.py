"""Profiles: display name, avatar, time zone and whatever else people say about themselves.

A profile is one row, changed while its place in the line is held, so that two changes at
once both stay. spec: client-server-api/#profiles
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from qingxin import ids
from qingxin.errors import BadJson, InvalidParam, KeyTooLarge, NotFound, ProfileTooLarge
from qingxin.people.directory import folded
from qingxin.people.remembered import Remembered
from qingxin.store.database import Database, Insert, Write
from qingxin.store.line import Entry, Line

DISPLAY_NAME, AVATAR_URL, TIME_ZONE = "displayname", "avatar_url", "m.tz"
IN_MEMBER_EVENTS = frozenset({DISPLAY_NAME, AVATAR_URL})
KNOWN = IN_MEMBER_EVENTS | {TIME_ZONE}
# spec: appendices/#common-namespaced-identifier-grammar
CUSTOM = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+\Z")
LONGEST_NAME = 255  # bytes of a field's name
LONGEST = {DISPLAY_NAME: 256, AVATAR_URL: 1000, TIME_ZONE: 255}  # letters of these values
LARGEST = 64 * 1024  # bytes of a whole profile
REMEMBERED = 20_000  # profiles

COLUMNS = ("user_id", "fields", "display_name", "avatar_url", "folded", "position")
UPSERT = """(user_id) DO UPDATE SET fields = excluded.fields,
    display_name = excluded.display_name, avatar_url = excluded.avatar_url,
    folded = excluded.folded, position = excluded.position"""
FIND = "SELECT fields FROM profiles WHERE user_id = :user_id"

encode = msgspec.json.encode
Fields = dict[str, Any]
Promise = Callable[[str], Sequence[Write]]
Revise = Callable[[Fields], Fields]


class ProfileChanged(Struct, frozen=True):
    """News for the line: a user has changed or removed these fields of their profile."""

    user_id: str
    fields: frozenset[str]


def first_profile(user_id: str) -> Write:
    """The profile of a new account: called by the local part until they say otherwise."""
    return profile_row(user_id, {DISPLAY_NAME: ids.localpart(user_id)}, 0)


def profile_row(user_id: str, fields: Fields, position: int) -> Write:
    name, avatar = fields.get(DISPLAY_NAME), fields.get(AVATAR_URL)
    searched = folded(ids.localpart(user_id), name or "")
    row = (user_id, encode(fields), name, avatar, searched, position)
    return Insert("profiles", COLUMNS, [row], UPSERT)


class Change(Entry):
    """One profile's change on its way into the line."""

    def __init__(
        self, database: Database, user_id: str, changed: Iterable[str], revise: Revise
    ) -> None:
        self.also: Sequence[Write] = ()  # to be kept together with it
        self.user_id = user_id
        self.news = ProfileChanged(user_id, frozenset(changed))
        self._database = database
        self._revise = revise

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        key = (Change, self.news.user_id)
        fields: Fields | None = at_once.get(key)
        if fields is None:
            fields = await _read(self._database, self.news.user_id)
        fields = self._revise(fields)
        if len(encode(fields)) > LARGEST:
            raise ProfileTooLarge
        at_once[key] = fields
        return [profile_row(self.news.user_id, fields, number), *self.also]


class Profiles:
    """Reads and changes profiles; keeps the ones in use in memory.

    `promise` gives what is to be kept together with a change that rooms have to show.
    """

    def __init__(self, database: Database, line: Line, promise: Promise = lambda _: ()) -> None:
        self._database = database
        self._line = line
        self._promise = promise
        self._remembered: Remembered[str, Fields] = Remembered(REMEMBERED)
        line.on(ProfileChanged, lambda _, entry: self._remembered.forget(entry.news.user_id))
        line.on_gap(lambda _: self._remembered.clear())

    async def of(self, user_id: str) -> Fields:
        """Everything in a user's profile; {} when there is none. Not to be changed in place."""
        fields = self._remembered.get(user_id)
        if fields is not None:
            return fields
        with self._remembered.reading(user_id) as reading:
            return reading.keep(await _read(self._database, user_id))

    async def set(self, user_id: str, field: str, value: Any) -> bool:
        """Set a field; whether it was another before. Raises InvalidParam, BadJson, too large."""
        check_name(field)
        check_value(field, value)
        if field in KNOWN and not value:
            return await self.remove(user_id, field)
        before = (await _read(self._database, user_id)).get(field, msgspec.UNSET)
        # As JSON, since to Python 1 and true are the same.
        if before is not msgspec.UNSET and encode(before) == encode(value):
            return False
        await self._append(user_id, [field], lambda fields: {**fields, field: value})
        return True

    async def remove(self, user_id: str, field: str) -> bool:
        """Remove a field; whether it was there. Raises InvalidParam."""
        check_name(field)
        if field not in await _read(self._database, user_id):
            return False
        await self._append(
            user_id,
            [field],
            lambda fields: {name: fields[name] for name in fields if name != field},
        )
        return True

    async def field(self, user_id: str, field: str) -> Any:
        """One field's value. Raises InvalidParam, NotFound."""
        check_name(field)
        try:
            return (await self.of(user_id))[field]
        except KeyError:
            raise NotFound("This profile has no such field.") from None

    async def erase(self, user_id: str) -> None:
        """Remove everything that a user says about themselves."""
        await self._append(user_id, await self.of(user_id), lambda fields: {})

    async def _append(self, user_id: str, changed: Iterable[str], revise: Revise) -> None:
        change = Change(self._database, user_id, changed, revise)
        if change.news.fields & IN_MEMBER_EVENTS:
            change.also = self._promise(user_id)
        await self._line.append(change)


async def _read(database: Database, user_id: str) -> Fields:
    row = await database.one(FIND, user_id=user_id)
    return msgspec.json.decode(row[0], type=Fields) if row else {}


def check_name(field: str) -> None:
    """Raises KeyTooLarge, InvalidParam."""
    if len(field.encode()) > LONGEST_NAME:
        raise KeyTooLarge
    if field not in KNOWN and not CUSTOM.match(field):
        raise InvalidParam("A profile field is called like m.tz or org.example.job_title.")


def check_value(field: str, value: Any) -> None:
    """Known fields hold text, or null to remove them. Raises BadJson, InvalidParam."""
    if field not in KNOWN or value is None:
        return
    if not isinstance(value, str):
        raise BadJson(f"{field} must be a string.")
    if len(value) > LONGEST[field] or "\0" in value:
        raise InvalidParam(f"{field} may have at most {LONGEST[field]} letters, and no NUL.")

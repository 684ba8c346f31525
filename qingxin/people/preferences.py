"""What people keep for themselves: account data, for all rooms or one, tags, whom they ignore.

Every change has a position in the line, by which /sync hands it out. A change that depends
on what was there before is worked out while its place in the line is held.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from qingxin.errors import TooLarge
from qingxin.people.remembered import Remembered
from qingxin.store.database import Database, Insert, Write, sql
from qingxin.store.line import Entry, Line

IGNORED_USERS, TAG = "m.ignored_user_list", "m.tag"
LARGEST = 256 * 1024  # bytes of one piece
REMEMBERED = 20_000  # lists of ignored users
NOBODY: frozenset[str] = frozenset()

COLUMNS = ("user_id", "room_id", "type", "content", "position")
UPSERT = """(user_id, room_id, type) DO UPDATE
    SET content = excluded.content, position = excluded.position"""
FIND = """
    SELECT content FROM account_data
    WHERE user_id = :user_id AND room_id = :room_id AND type = :type
"""
ALL = "SELECT room_id, type, content FROM account_data WHERE user_id = :user_id ORDER BY position"
CHANGED = """
    SELECT room_id, type, content FROM account_data
    WHERE user_id = :user_id AND position > :after AND position <= :until
    ORDER BY position
"""

Tags = dict[str, dict[str, Any]]
Revise = Callable[[bytes | None], bytes]


class AccountData(Struct, frozen=True):
    """One piece, encoded; `room_id` is None where it is about no room in particular."""

    room_id: str | None
    type: str
    content: bytes


class AccountDataChanged(Struct, frozen=True):
    """News for the line: of which type a piece is that somebody has changed."""

    user_id: str
    type: str


class Change(Entry):
    """One piece of account data on its way into the line."""

    def __init__(
        self, database: Database, user_id: str, room_id: str | None, type: str, revise: Revise
    ) -> None:
        self.user_id: str = user_id
        self.room_id = room_id
        self.news = AccountDataChanged(user_id, type)
        self._database = database
        self._type = type
        self._revise = revise

    async def prepare(self, number: int, at_once: dict[Any, Any]) -> Sequence[Write]:
        room_id = self.room_id or ""
        key = (Change, self.user_id, room_id, self._type)
        before: bytes | None = at_once.get(key)
        if before is None:
            before = await _read(self._database, self.user_id, room_id, self._type)
        content = self._revise(before)
        if len(content) > LARGEST:
            raise TooLarge(f"One piece of account data may have at most {LARGEST:,} bytes.")
        at_once[key] = content
        row = (self.user_id, room_id, self._type, content, number)
        return [Insert("account_data", COLUMNS, [row], UPSERT)]


class Preferences:
    """Reads and changes account data."""

    def __init__(self, database: Database, line: Line) -> None:
        self._database = database
        self._line = line
        self._ignored: Remembered[str, frozenset[str]] = Remembered(REMEMBERED)
        self.on_change(IGNORED_USERS, self._ignored.forget, self._ignored.clear)

    def on_change(
        self, type: str, forget: Callable[[str], None], forget_all: Callable[[], None]
    ) -> None:
        """Call `forget` with the owner of each piece of this type that changes anywhere.

        `forget_all` is called where it is not known whose have changed.
        """

        def notice(number: int, entry: Entry) -> None:
            if entry.news.type == type:
                forget(entry.news.user_id)

        self._line.on(AccountDataChanged, notice)
        self._line.on_gap(lambda number: forget_all())

    async def get(self, user_id: str, type: str, *, room_id: str | None = None) -> bytes | None:
        """The encoded content, if there is any."""
        return await _read(self._database, user_id, room_id or "", type)

    async def put(
        self,
        user_id: str,
        type: str,
        content: dict[str, Any] | bytes,
        *,
        room_id: str | None = None,
    ) -> int:
        """Set the content, an object or its JSON; the position. Raises TooLarge."""
        encoded = content if isinstance(content, bytes) else msgspec.json.encode(content)
        return await self._append(user_id, room_id, type, lambda before: encoded)

    async def revise(
        self, user_id: str, type: str, revise: Revise, *, room_id: str | None = None
    ) -> int:
        """Set what `revise` makes of the content, while nobody else can change it.

        Returns the position. Raises what `revise` raises, and TooLarge.
        """
        return await self._append(user_id, room_id, type, revise)

    async def changed(self, user_id: str, after: int, until: int) -> list[AccountData]:
        """What changed at the positions after `after` up to `until`, in that order."""
        rows = await self._database.all(CHANGED, user_id=user_id, after=after, until=until)
        return [AccountData(room_id or None, type, content) for room_id, type, content in rows]

    async def all(self, user_id: str) -> list[AccountData]:
        """Everything that somebody keeps."""
        rows = await self._database.all(ALL, user_id=user_id)
        return [AccountData(room_id or None, type, content) for room_id, type, content in rows]

    async def ignored(self, user_id: str) -> frozenset[str]:
        """Whom this user ignores (spec: client-server-api/#ignoring-users)."""
        ignored = self._ignored.get(user_id)
        if ignored is not None:
            return ignored
        with self._ignored.reading(user_id) as reading:
            return reading.keep(_ignored(await self.get(user_id, IGNORED_USERS)))

    async def tags(self, user_id: str, room_id: str) -> Tags:
        """How somebody has tagged a room (spec: client-server-api/#room-tagging)."""
        return _tags(await self.get(user_id, TAG, room_id=room_id))

    async def tag(self, user_id: str, room_id: str, tag: str, content: dict[str, Any]) -> None:
        def revise(before: bytes | None) -> bytes:
            return msgspec.json.encode({"tags": {**_tags(before), tag: content}})

        await self._append(user_id, room_id, TAG, revise)

    async def untag(self, user_id: str, room_id: str, tag: str) -> None:
        def revise(before: bytes | None) -> bytes:
            tags = _tags(before)
            tags.pop(tag, None)
            return msgspec.json.encode({"tags": tags})

        if tag in await self.tags(user_id, room_id):
            await self._append(user_id, room_id, TAG, revise)

    async def erase(self, user_id: str) -> None:
        """Forget everything that somebody keeps."""
        await self._database.write(
            sql("DELETE FROM account_data WHERE user_id = :user_id", user_id=user_id),
            sql("DELETE FROM filters WHERE user_id = :user_id", user_id=user_id),
        )
        self._ignored.forget(user_id)

    async def _append(self, user_id: str, room_id: str | None, type: str, revise: Revise) -> int:
        return await self._line.append(Change(self._database, user_id, room_id, type, revise))


async def _read(database: Database, user_id: str, room_id: str, type: str) -> bytes | None:
    row = await database.one(FIND, user_id=user_id, room_id=room_id, type=type)
    return row[0] if row else None


def _ignored(content: bytes | None) -> frozenset[str]:
    """Clients write this themselves, so it can be anything."""
    decoded = msgspec.json.decode(content) if content else {}
    users = decoded.get("ignored_users")
    return frozenset(users) if isinstance(users, dict) else NOBODY


def _tags(content: bytes | None) -> Tags:
    decoded = msgspec.json.decode(content) if content else {}
    tags = decoded.get("tags")
    if not isinstance(tags, dict):
        return {}
    return {name: tag for name, tag in tags.items() if isinstance(tag, dict)}

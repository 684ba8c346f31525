"""Who is signed in: devices, and the tokens by which they prove it.

Tokens are stored hashed. An access token with its refresh token is one row of `tokens`;
refreshing adds a second row, whose first use deletes the first (spec:
client-server-api/#refreshing-access-tokens). What was read is remembered for `RECHECK`.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.errors import UnknownToken, UserLocked
from qingxin.people.sightings import Sightings
from qingxin.store.database import Database, NothingReturned, Write, must, sql
from qingxin.store.line import Line, Record

REMEMBERED = 50_000  # sessions
RECHECK = 10_000  # ms; bounds how long a change can go unnoticed of which no word arrived
MINUTE = 60_000

FIND_TOKEN = """
    SELECT t.user_id, t.device_id, t.expires, t.replaces, u.moderator, u.locked, u.suspended
    FROM tokens t JOIN users u ON u.user_id = t.user_id
    WHERE t.access_hash = :hashed AND u.closed = 0
"""
INSERT_TOKENS = """
    INSERT INTO tokens
        (access_hash, refresh_hash, replaces, user_id, device_id, expires, created)
    VALUES (:access_hash, :refresh_hash, :replaces, :user_id, :device_id, :expires, :now)
"""
KEEP_DEVICE = """
    INSERT INTO devices (user_id, device_id, display_name, created)
    VALUES (:user_id, :device_id, :display_name, :now)
    ON CONFLICT (user_id, device_id) DO NOTHING
"""
FIRST_USE = "UPDATE tokens SET replaces = NULL WHERE {column} = :hashed RETURNING user_id"


class Session(Struct, frozen=True):
    """A signed-in device as its access token shows it."""

    user_id: str
    device_id: str
    token_hash: str
    expires: int = 0  # ms since 1970; 0: never
    moderator: bool = False
    locked: bool = False
    suspended: bool = False


class Tokens(Struct, frozen=True):
    """What a client gets to keep."""

    access_token: str
    refresh_token: str | None = None
    expires_in_ms: int | None = None


class DevicesChanged(Struct, frozen=True):
    """News for the line: these devices of a user were renamed, or are `gone`."""

    user_id: str
    device_ids: tuple[str, ...]
    gone: bool


Also = Callable[[DevicesChanged, int], Sequence[Write]]


class Sessions:
    """Opens, recognises, renews and ends sessions.

    `also` gives further writes for the same commit, e.g. to delete a device's keys.
    `announce` tells other processes' `forget` about a user whose sessions changed.
    """

    def __init__(
        self,
        database: Database,
        line: Line,
        clock: Clock,
        sightings: Sightings,
        *,
        access_token_minutes: int,
        also: Also = lambda change, position: (),
        announce: Callable[[str], None] = lambda user_id: None,
    ) -> None:
        self._database = database
        self._line = line
        self._clock = clock
        self._sightings = sightings
        self._life = access_token_minutes * MINUTE
        self._also = also
        self._announce = announce
        # By the token itself, in memory only: hashing it is most of the work of recognising it.
        self._known: OrderedDict[str, tuple[Session, int]] = OrderedDict()
        self._by_user: dict[str, set[str]] = {}
        self._changes = 0  # so that what was read before a change is not remembered after it
        line.on(DevicesChanged, lambda _, entry: self.forget(entry.news.user_id))
        line.on_gap(lambda _: self.forget_all())

    def opening(
        self, user_id: str, device_id: str | None, name: str | None, *, refreshable: bool
    ) -> tuple[Tokens, str, list[Write]]:
        """A new session's tokens, its device's id, and the writes that make it so.

        A device that signs in again keeps its name and loses its earlier tokens.
        """
        device_id = device_id or ids.opaque(10).upper()
        now = self._clock.now()
        tokens, insert = self._pair(user_id, device_id, refreshable=refreshable)
        device = sql(KEEP_DEVICE, user_id=user_id, device_id=device_id, display_name=name, now=now)
        return tokens, device_id, [device, self._void(user_id, device_id), insert]

    async def open(
        self, user_id: str, device_id: str | None, name: str | None, *, refreshable: bool = False
    ) -> tuple[Tokens, str]:
        """Sign a device in: its tokens and its id."""
        tokens, device_id, writes = self.opening(user_id, device_id, name, refreshable=refreshable)
        await self._database.write(*writes)
        self.changed(user_id)
        return tokens, device_id

    async def recognise(self, access_token: str) -> Session:
        """Whose token this is. Raises UnknownToken, with `soft_logout` where it has expired."""
        session = self.remembered(access_token) or await self._read(access_token)
        if session.expires and session.expires <= self._clock.now():
            raise UnknownToken("This access token has expired.", soft_logout=True)
        return session

    def remembered(self, access_token: str) -> Session | None:
        """Whose token this is, if that was looked up a moment ago and still holds."""
        known = self._known.get(access_token)
        if known is None or self._clock.now() >= known[1]:
            return None
        self._known.move_to_end(access_token)
        return known[0]

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for old; the old pair lasts until the new one is used. Raises UnknownToken."""
        hashed = ids.digest(refresh_token)
        row = await self._database.one(
            """
            SELECT t.user_id, t.device_id, t.replaces, u.locked
            FROM tokens t JOIN users u ON u.user_id = t.user_id WHERE t.refresh_hash = :hashed
            """,
            hashed=hashed,
        )
        if row is None:
            raise UnknownToken("This refresh token is not, or no longer, valid.")
        user_id, device_id, replaces, locked = row
        if locked:
            raise UserLocked(soft_logout=True)
        tokens, insert = self._pair(user_id, device_id, refreshable=True, replaces=hashed)
        unused = sql("DELETE FROM tokens WHERE replaces = :hashed", hashed=hashed)
        await self._used("refresh_hash", hashed, replaces, unused, insert)
        self.changed(user_id)
        return tokens

    async def end(self, user_id: str, device_ids: Sequence[str]) -> None:
        """Sign these devices out and delete them; ids of no device are passed over."""
        known = await self._devices(user_id)
        device_ids = [device_id for device_id in known if device_id in set(device_ids)]
        change = DevicesChanged(user_id, tuple(device_ids), gone=True)

        def writes(position: int) -> list[Write]:
            return [
                sql(
                    f"DELETE FROM {table} WHERE user_id = :user_id AND device_id IN :device_ids",
                    user_id=user_id,
                    device_ids=list(device_ids),
                )
                for table in ("tokens", "sightings", "devices")
            ] + list(self._also(change, position))

        if device_ids:
            await self._line.append(Record(writes, user_id=user_id, news=change))
            self._sightings.forget(user_id, device_ids)
            self.changed(user_id)

    async def end_all(self, user_id: str, *, but: str | None = None) -> None:
        """Sign out every device of a user, or every one but one."""
        await self.end(user_id, [each for each in await self._devices(user_id) if each != but])

    def forget(self, user_id: str) -> None:
        """Ask the database again about this user's tokens."""
        self._changes += 1
        for access_token in self._by_user.pop(user_id, ()):
            self._known.pop(access_token, None)

    def forget_all(self) -> None:
        """Ask the database again about everybody's tokens."""
        self._changes += 1
        self._known.clear()
        self._by_user.clear()

    def changed(self, user_id: str) -> None:
        """Something about this user's tokens or rights is different now: tell everybody."""
        self.forget(user_id)
        self._announce(user_id)

    async def _devices(self, user_id: str) -> list[str]:
        rows = await self._database.all(
            "SELECT device_id FROM devices WHERE user_id = :user_id ORDER BY created, device_id",
            user_id=user_id,
        )
        return [device_id for (device_id,) in rows]

    async def _read(self, access_token: str) -> Session:
        changes, hashed = self._changes, ids.digest(access_token)
        row = await self._database.one(FIND_TOKEN, hashed=hashed)
        if row is None:
            raise UnknownToken
        user_id, device_id, expires, replaces, moderator, locked, suspended = row
        if replaces is not None and not 0 < expires <= self._clock.now():
            await self._used("access_hash", hashed, replaces)
            self.changed(user_id)
            changes = self._changes
        session = Session(
            user_id, device_id, hashed, expires, bool(moderator), bool(locked), bool(suspended)
        )
        if changes == self._changes:
            self._remember(access_token, session)
        return session

    def _remember(self, access_token: str, session: Session) -> None:
        until = self._clock.now() + RECHECK
        if session.expires:
            until = min(until, session.expires)
        self._known[access_token] = session, until
        self._known.move_to_end(access_token)
        self._by_user.setdefault(session.user_id, set()).add(access_token)
        if len(self._known) > REMEMBERED:
            oldest_token, (oldest, _) = self._known.popitem(last=False)
            held = self._by_user[oldest.user_id]
            held.discard(oldest_token)
            if not held:
                del self._by_user[oldest.user_id]

    async def _used(self, column: str, hashed: str, replaces: str | None, *also: Write) -> None:
        """A new pair is used for the first time, so the one it replaces is void."""
        older = sql("DELETE FROM tokens WHERE refresh_hash = :replaces", replaces=replaces)
        try:
            await self._database.write(
                must(FIRST_USE.format(column=column), hashed=hashed), older, *also
            )
        except NothingReturned:
            raise UnknownToken from None

    def _void(self, user_id: str, device_id: str) -> Write:
        return sql(
            "DELETE FROM tokens WHERE user_id = :user_id AND device_id = :device_id",
            user_id=user_id,
            device_id=device_id,
        )

    def _pair(
        self, user_id: str, device_id: str, *, refreshable: bool, replaces: str | None = None
    ) -> tuple[Tokens, Write]:
        access, now = ids.secret("qxa_"), self._clock.now()
        refresh = ids.secret("qxr_") if refreshable else None
        insert = sql(
            INSERT_TOKENS,
            access_hash=ids.digest(access),
            refresh_hash=ids.digest(refresh) if refresh else None,
            replaces=replaces,
            user_id=user_id,
            device_id=device_id,
            expires=now + self._life if refresh else 0,
            now=now,
        )
        return Tokens(access, refresh, self._life if refresh else None), insert

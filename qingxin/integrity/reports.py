"""What people report: rooms, people, and messages they can see.

A report of a message is the one door into what is private, and it opens just that message:
its content is kept as the reporter saw it. spec: client-server-api/#reporting-content
"""

from msgspec import Struct

from qingxin import ids
from qingxin.clock import Clock
from qingxin.log.event import Event, Reader, encode
from qingxin.store.database import Database, sql

# Whoever reports the same thing again only changes their reason.
KEEP = """
    INSERT INTO reports
        (report_id, reporter, room_id, event_id, user_id, reason, evidence, reported)
    VALUES (:report_id, :reporter, :room_id, :event_id, :user_id, :reason, :evidence, :reported)
    ON CONFLICT (report_id) DO UPDATE SET reason = excluded.reason
"""
NEWEST = """
    SELECT report_id, reporter, room_id, event_id, user_id, reason, evidence, reported
    FROM reports ORDER BY reported DESC, report_id LIMIT :limit
"""


class Report(Struct, frozen=True):
    """One report: of a room, of a person, or of an event with its room and sender."""

    report_id: str
    reporter: str
    room_id: str | None
    event_id: str | None
    user_id: str | None
    reason: str
    evidence: bytes
    reported: int


class Reports:
    """Takes reports and keeps them for those who decide."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of_room(self, reporter: str, room_id: str, reason: str) -> None:
        await self._keep(reporter, reason, room_id=room_id)

    async def of_user(self, reporter: str, user_id: str, reason: str) -> None:
        await self._keep(reporter, reason, user_id=user_id)

    async def of_event(self, reporter: str, event: Event, reason: str) -> None:
        """Report an event that the reporter can see."""
        evidence = encode(event, Reader(now=self._clock.now()))
        await self._keep(
            reporter,
            reason,
            room_id=event.room_id,
            event_id=event.event_id,
            user_id=event.sender,
            evidence=evidence,
        )

    async def newest(self, limit: int) -> list[Report]:
        return [Report(*row) for row in await self._database.all(NEWEST, limit=limit)]

    async def _keep(
        self,
        reporter: str,
        reason: str,
        *,
        room_id: str | None = None,
        event_id: str | None = None,
        user_id: str | None = None,
        evidence: bytes = b"",
    ) -> None:
        name = ids.digest("report", reporter, room_id or "", event_id or "", user_id or "")
        await self._database.write(
            sql(
                KEEP, report_id=name, reporter=reporter, room_id=room_id, event_id=event_id,
                user_id=user_id, reason=reason, evidence=evidence, reported=self._clock.now(),
            )
        )  # fmt: skip

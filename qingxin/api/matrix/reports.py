"""Reporting rooms, people and messages (spec: client-server-api/#reporting-content)."""

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.errors import NotFound
from qingxin.integrity.reports import Reports
from qingxin.log.event import Event
from qingxin.log.read import History
from qingxin.people.accounts import Accounts

V3 = "/_matrix/client/v3"
LONGEST = 2_000  # letters of a reason


class Complaint(Struct, frozen=True):
    """Body of a report of a room or a person."""

    reason: str


class EventComplaint(Struct, frozen=True):
    """Body of a report of an event."""

    reason: str | None = None


class ReportEndpoints:
    """Takes reports from whoever may know of what they report."""

    def __init__(self, reports: Reports, history: History, accounts: Accounts) -> None:
        self._reports = reports
        self._history = history
        self._accounts = accounts

    @route("POST", *also_r0(f"{V3}/rooms/{{room_id}}/report"), limit="report")
    async def room(self, call: Call, room_id: str) -> None:
        body = await call.json(Complaint)
        check_text(body.reason, "A reason", LONGEST)
        await self._history.states.of(room_id)
        await self._reports.of_room(call.caller.user_id, room_id, body.reason)

    @route("POST", *also_r0(f"{V3}/rooms/{{room_id}}/report/{{event_id}}"), limit="report")
    async def event(self, call: Call, room_id: str, event_id: str) -> None:
        body = await call.json(EventComplaint, empty=True)
        check_text(body.reason, "A reason", LONGEST)
        event = await self._seen(call.caller.user_id, room_id, event_id)
        await self._reports.of_event(call.caller.user_id, event, body.reason or "")

    @route("POST", *also_r0(f"{V3}/users/{{user_id}}/report"), limit="report")
    async def user(self, call: Call, user_id: str) -> None:
        body = await call.json(Complaint)
        check_text(body.reason, "A reason", LONGEST)
        if not await self._accounts.exists(user_id):
            raise NotFound("There is no such user here.")
        await self._reports.of_user(call.caller.user_id, user_id, body.reason)

    async def _seen(self, user_id: str, room_id: str, event_id: str) -> Event:
        """An event that a member can see. Raises NotFound, also for rooms one is not in."""
        sight = await self._history.sight(room_id, user_id)
        if sight.membership != "join":
            raise NotFound("There is no such event, or you are not in its room.")
        event = await self._history.event(room_id, event_id)
        if not sight.sees(event):
            raise NotFound("There is no such event, or you are not in its room.")
        return event

"""Telling one person something in the name of the server."""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.text import check_text
from qingxin.errors import BadJson
from qingxin.rooms.notices import Notices


class Notice(Struct, frozen=True):
    """Body of POST /_qingxin/v1/notices: a message, as in m.room.message."""

    user_id: str
    content: dict[str, Any]
    transaction_id: str | None = None


class NoticeEndpoint:
    """Sends notices."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    @route("POST", "/_qingxin/v1/notices", who=Who.MODERATOR, limit="send")
    async def send(self, call: Call) -> dict[str, Any]:
        notice = await call.json(Notice)
        check_text(notice.user_id, "A user id")
        check_text(notice.transaction_id, "A transaction id")
        if not isinstance(notice.content.get("body"), str):
            raise BadJson("The content needs a body, which is text.")
        content = {"msgtype": "m.text", **notice.content}
        event_id = await self._notices.send(notice.user_id, content, notice.transaction_id)
        return {"event_id": event_id}

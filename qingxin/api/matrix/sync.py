"""/sync (spec: client-server-api/#syncing)."""

import msgspec

from qingxin.api.http import Call, decode, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import InvalidParam
from qingxin.people.filters import Filters
from qingxin.people.presence import Presence
from qingxin.sync.filters import EVERYTHING, Filter
from qingxin.sync.stream import Request, Stream
from qingxin.sync.token import Token

LONGEST = 300  # seconds that a device may wait


class SyncEndpoint:
    """Hands out the log, as each device sees it."""

    def __init__(self, stream: Stream, filters: Filters, presence: Presence) -> None:
        self._stream = stream
        self._filters = filters
        self._presence = presence
        self._parsed: dict[bytes, Filter] = {}

    @route("GET", *also_r0("/_matrix/client/v3/sync"), limit="sync")
    async def sync(self, call: Call) -> bytes:
        caller = call.caller
        since = call.query("since")
        is_state_after = call.flag("use_state_after") or call.flag(
            "org.matrix.msc4222.use_state_after"
        )
        request = Request(
            user_id=caller.user_id,
            device_id=caller.device_id,
            since=Token.parse(since) if since else None,
            filter=await self._filter(call),
            full_state=call.flag("full_state"),
            timeout=min(call.number("timeout", 0) / 1000, LONGEST),
            state_after=is_state_after,
        )
        seen_as = call.choice("set_presence", ("online", "unavailable", "offline"), "online")
        self._presence.seen(caller.user_id, seen_as or "online", caller.device_id)
        return await self._stream.changes(request)

    async def _filter(self, call: Call) -> Filter:
        text = call.query("filter")
        if not text:
            return EVERYTHING
        if text.startswith("{"):
            return decode(text.encode(), Filter)
        stored = await self._filters.get(call.caller.user_id, text)
        if stored is None:
            raise InvalidParam("There is no such filter.")
        if stored not in self._parsed:
            if len(self._parsed) > 1000:
                self._parsed.clear()
            self._parsed[stored] = msgspec.json.decode(stored, type=Filter)
        return self._parsed[stored]

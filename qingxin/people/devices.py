"""The devices of a user as they are listed and named; `sessions` opens and ends them."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from qingxin.errors import NotFound
from qingxin.people.sessions import Also, DevicesChanged
from qingxin.people.sightings import Sighting, Sightings
from qingxin.store.database import Database, Write, sql
from qingxin.store.line import Line, Record


class Device(Struct, frozen=True):
    """spec: GET /devices"""

    device_id: str
    display_name: str | UnsetType = UNSET
    last_seen_ip: str | UnsetType = UNSET
    last_seen_ts: int | UnsetType = UNSET


class Devices:
    """Lists and renames. `also`: further writes in the commit of a new name."""

    def __init__(
        self,
        database: Database,
        line: Line,
        sightings: Sightings,
        *,
        also: Also = lambda change, position: (),
    ) -> None:
        self._database = database
        self._line = line
        self._sightings = sightings
        self._also = also

    async def of(self, user_id: str) -> list[Device]:
        """A user's devices, the oldest first."""
        rows = await self._database.all(
            "SELECT device_id, display_name FROM devices WHERE user_id = :user_id"
            " ORDER BY created, device_id",
            user_id=user_id,
        )
        seen = await self._sightings.of(user_id)
        return [_device(device_id, name, seen.get(device_id)) for device_id, name in rows]

    async def one(self, user_id: str, device_id: str) -> Device:
        """Raises NotFound."""
        for device in await self.of(user_id):
            if device.device_id == device_id:
                return device
        raise NotFound("You have no such device.")

    async def names(self, user_ids: Sequence[str]) -> dict[tuple[str, str], str | None]:
        """The display names of all devices of these users, by user and device."""
        rows = await self._database.all(
            "SELECT user_id, device_id, display_name FROM devices WHERE user_id IN :user_ids",
            user_ids=list(user_ids),
        )
        return {(user_id, device_id): name for user_id, device_id, name in rows}

    async def rename(self, user_id: str, device_id: str, name: str) -> None:
        """Raises NotFound."""
        await self.one(user_id, device_id)
        change = DevicesChanged(user_id, (device_id,), gone=False)

        def writes(position: int) -> list[Write]:
            rename = sql(
                "UPDATE devices SET display_name = :name"
                " WHERE user_id = :user_id AND device_id = :device_id",
                user_id=user_id,
                device_id=device_id,
                name=name,
            )
            return [rename, *self._also(change, position)]

        await self._line.append(Record(writes, user_id=user_id, news=change))


def _device(device_id: str, name: str | None, seen: Sighting | None) -> Device:
    return Device(
        device_id,
        UNSET if name is None else name,
        seen.address if seen else UNSET,
        seen.seen if seen else UNSET,
    )

"""One's devices: listed, named, signed out (spec: client-server-api/#device-management)."""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.api.matrix.text import check_text
from qingxin.api.matrix.uia import Confirmation, Proof, Proven
from qingxin.people.devices import Device, Devices
from qingxin.people.sessions import Sessions

DEVICE = also_r0("/_matrix/client/v3/devices/{device_id}")


class NewName(Struct, frozen=True):
    """Body of PUT /devices/{deviceId}."""

    display_name: str | None = None


class Departing(Struct, frozen=True):
    """Body of POST /delete_devices."""

    devices: list[str]
    auth: Proof | None = None


class DeviceEndpoints:
    """What people see and do about the devices they are signed in with."""

    def __init__(self, devices: Devices, sessions: Sessions, confirmation: Confirmation) -> None:
        self._devices = devices
        self._sessions = sessions
        self._confirmation = confirmation

    @route("GET", *also_r0("/_matrix/client/v3/devices"))
    async def all(self, call: Call) -> dict[str, Any]:
        return {"devices": await self._devices.of(call.caller.user_id)}

    @route("GET", *DEVICE)
    async def one(self, call: Call, device_id: str) -> Device:
        return await self._devices.one(call.caller.user_id, device_id)

    @route("PUT", *DEVICE, limit="account")
    async def rename(self, call: Call, device_id: str) -> None:
        body = await call.json(NewName)
        check_text(body.display_name, "display_name")
        await self._devices.one(call.caller.user_id, device_id)
        if body.display_name is not None:
            await self._devices.rename(call.caller.user_id, device_id, body.display_name)

    @route("DELETE", *DEVICE, limit="account")
    async def delete(self, call: Call, device_id: str) -> None:
        body = await call.json(Proven, empty=True)
        user_id = await self._confirmation.owner(call, body.auth)
        await self._sessions.end(user_id, [device_id])

    @route("POST", *also_r0("/_matrix/client/v3/delete_devices"), limit="account")
    async def delete_many(self, call: Call) -> None:
        body = await call.json(Departing)
        for device_id in body.devices:
            check_text(device_id, "A device_id")
        user_id = await self._confirmation.owner(call, body.auth)
        await self._sessions.end(user_id, body.devices)

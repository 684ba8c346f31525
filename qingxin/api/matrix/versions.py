"""What this server is: versions of the specification, capabilities, where it is found."""

from collections.abc import Mapping, Sequence
from typing import Any

from qingxin.api.http import Call, Who, route
from qingxin.api.matrix.paths import also_r0
from qingxin.errors import NotFound, Unrecognized

VERSIONS = ("r0.6.1", *(f"v1.{minor}" for minor in range(1, 20)))

# Proposals that became part of the specification and still go by their first names in clients.
FEATURES: Mapping[str, bool] = {
    "m.lazy_load_members": True,
    "m.require_identity_server": False,
    "m.separate_add_and_bind": True,
    "org.matrix.label_based_filtering": False,
    "org.matrix.msc2285.stable": True,  # private read receipts
    "org.matrix.msc3440.stable": True,  # threads
    "org.matrix.msc3827.stable": True,  # public rooms by type
    "org.matrix.msc3916.stable": True,  # media for members only
    "org.matrix.msc4222": True,  # state after the timeline in /sync
    "uk.tcpip.msc4133.stable": True,  # profile fields
}


class Discovery:
    """Tells clients what they can expect.

    `room_versions` are those that rooms can have, `features` further unstable ones that are
    served, `support` the contacts of /.well-known/matrix/support.
    """

    def __init__(
        self,
        public_url: str,
        *,
        room_versions: Sequence[str] = ("10", "11", "12"),
        default_room_version: str = "11",
        features: Mapping[str, bool] | None = None,
        support: Mapping[str, Any] | None = None,
    ) -> None:
        self._public_url = public_url
        self._rooms = {
            "default": default_room_version,
            "available": dict.fromkeys(room_versions, "stable"),
        }
        self._features = {**FEATURES, **(features or {})}
        self._support = support

    @route("GET", "/_matrix/client/versions", who=Who.ANYONE)
    async def versions(self, call: Call) -> dict[str, Any]:
        return {"versions": VERSIONS, "unstable_features": self._features}

    @route("GET", *also_r0("/_matrix/client/v3/capabilities"))
    async def capabilities(self, call: Call) -> dict[str, Any]:
        yes, no = {"enabled": True}, {"enabled": False}
        capabilities: dict[str, Any] = {
            "m.room_versions": self._rooms,
            "m.change_password": yes,
            "m.set_displayname": yes,
            "m.set_avatar_url": yes,
            "m.3pid_changes": no,
            "m.get_login_token": yes,
            "m.profile_fields": yes,
            "m.forget_forced_upon_leave": no,
        }
        if call.caller.moderator:
            capabilities["m.account_moderation"] = {"suspend": True, "lock": True}
        return {"capabilities": capabilities}

    @route("GET", "/.well-known/matrix/client", who=Who.ANYONE)
    async def client(self, call: Call) -> dict[str, Any]:
        return {"m.homeserver": {"base_url": self._public_url or _asked(call)}}

    @route("GET", "/.well-known/matrix/support", who=Who.ANYONE)
    async def support(self, call: Call) -> Mapping[str, Any]:
        if self._support is None:
            raise NotFound("The operator has published no contacts.")
        return self._support

    @route("GET", "/_matrix/client/v1/auth_metadata", who=Who.ANYONE)
    async def auth_metadata(self, call: Call) -> None:
        # The answer of a server without OAuth 2.0 (spec: #authentication-api-discovery).
        raise Unrecognized


def _asked(call: Call) -> str:
    """The address that the client used."""
    host = call.header(b"host") or "localhost"
    return f"{call.scope.get('scheme', 'http')}://{host}"

"""Credentials for the TURN server (spec: client-server-api/#voice-over-ip).

They are made from a secret shared with the server and end by themselves
(draft-uberti-behave-turn-rest), so nothing is stored.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.clock import Clock
from qingxin.errors import NotFound

LASTS = 86_400  # seconds


class TurnEndpoints:
    """Says where the TURN server is and how to sign in to it."""

    def __init__(self, clock: Clock, uris: Sequence[str], secret: str) -> None:
        self._clock = clock
        self._uris = uris
        self._secret = secret.encode()

    @route("GET", *also_r0("/_matrix/client/v3/voip/turnServer"))
    async def credentials(self, call: Call) -> dict[str, Any]:
        if not self._uris:
            # An empty list of addresses would be an error in browsers and break calls.
            raise NotFound("This server has no TURN server.")
        username = f"{self._clock.now() // 1000 + LASTS}:{call.caller.user_id}"
        digest = hmac.new(self._secret, username.encode(), hashlib.sha1).digest()
        return {
            "username": username,
            "password": base64.b64encode(digest).decode(),
            "uris": self._uris,
            "ttl": LASTS,
        }

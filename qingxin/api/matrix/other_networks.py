"""Bridges to other networks (spec: client-server-api/#third-party-networks): there are none.

Clients ask at every start which there are and take an error for a fault.
"""

from typing import Any

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0


class OtherNetworks:
    """Says to which networks this server has bridges."""

    @route("GET", *also_r0("/_matrix/client/v3/thirdparty/protocols"))
    async def protocols(self, call: Call) -> dict[str, Any]:
        return {}

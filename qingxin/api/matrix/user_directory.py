"""Finding people (spec: client-server-api/#user-directory)."""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import also_r0
from qingxin.people.directory import UserDirectory


class Search(Struct, frozen=True):
    """Body of POST /user_directory/search."""

    search_term: str
    limit: int = 10


class UserDirectoryEndpoints:
    """Searches people."""

    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory

    @route("POST", *also_r0("/_matrix/client/v3/user_directory/search"), limit="search")
    async def search(self, call: Call) -> dict[str, Any]:
        search = await call.json(Search)
        found, limited = await self._directory.search(search.search_term, search.limit)
        return {"results": found, "limited": limited}

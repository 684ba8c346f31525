"""The user directory: finding people by a part of their name or id, in any case.

On a server of one organisation everybody may find everybody who has not left it.
"""

import unicodedata
from typing import Any

from msgspec import Struct

from qingxin.store.database import Database

MOST = 50  # people in one answer
MOST_WORDS = 5
MOST_LETTERS = 100  # of a word; SQLite takes no pattern of more than 50,000 bytes

SEARCH = """
    SELECT p.user_id, p.display_name, p.avatar_url
    FROM profiles p JOIN users u ON u.user_id = p.user_id
    WHERE u.closed = 0 AND {matches}
    ORDER BY
        CASE WHEN p.folded LIKE :at_start ESCAPE '!' THEN 0
             WHEN p.folded LIKE :at_name ESCAPE '!' THEN 0 ELSE 1 END,
        p.user_id
    LIMIT :limit
"""


class Found(Struct, frozen=True, omit_defaults=True):
    """One person in an answer of POST /user_directory/search."""

    user_id: str
    display_name: str | None = None
    avatar_url: str | None = None


def fold(text: str) -> str:
    """Text as it is compared: width, composition and case make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()


def folded(localpart: str, name: str) -> str:
    """What a person is found by."""
    return f"{fold(localpart)}\n{fold(name)}"


class UserDirectory:
    """Searches the profiles."""

    def __init__(self, database: Database, server_name: str) -> None:
        self._database = database
        self._suffix = f":{server_name}".casefold()

    async def search(self, term: str, limit: int) -> tuple[list[Found], bool]:
        """People whose name or id has every word of `term` in it, and whether there are more."""
        words = self._words(term)
        limit = min(limit, MOST)
        if not words or limit < 1:
            return [], False
        patterns: dict[str, Any] = {f"word{n}": f"%{_plain(w)}%" for n, w in enumerate(words)}
        rows = await self._database.scan(
            SEARCH.format(matches=" AND ".join(f"p.folded LIKE :{n} ESCAPE '!'" for n in patterns)),
            at_start=f"{_plain(words[0])}%",
            at_name=f"%\n{_plain(words[0])}%",
            limit=limit + 1,
            **patterns,
        )
        return [_found(*row) for row in rows[:limit]], len(rows) > limit

    def _words(self, term: str) -> list[str]:
        term = fold(term.replace("\0", " ")).strip()
        if term.startswith("@"):
            term = term[1:].removesuffix(self._suffix)
        return [word[:MOST_LETTERS] for word in term.split()[:MOST_WORDS]]


def _plain(word: str) -> str:
    """A word in which nothing stands for anything else in LIKE."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _found(user_id: str, name: str | None, avatar: str | None) -> Found:
    # The specification has only mxc:// here; a profile can hold whatever its owner wrote.
    is_media = avatar is not None and avatar.startswith("mxc://")
    return Found(user_id, name, avatar if is_media else None)

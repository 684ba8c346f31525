"""Tokens: how far a device has read, as text that it hands back.

`q12` stands behind position 12 of the only shard; `q12.34` also behind change 34 of what is
fleeting (typing, presence). More shards will add `_n` after the first number.
"""

from msgspec import Struct

from qingxin.errors import InvalidParam

LARGEST = 2**62


class Token(Struct, frozen=True):
    """A place in the line, and one in what is fleeting."""

    position: int
    fleeting: int = 0

    def __str__(self) -> str:
        return f"q{self.position}.{self.fleeting}" if self.fleeting else f"q{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Token":
        """Raises InvalidParam for anything that no server of ours has given out."""
        position, _, fleeting = text[1:].partition(".")
        numbers = (position, fleeting or "0")
        if not text.startswith("q") or not all(
            n.isascii() and n.isdigit() and len(n) < 20 for n in numbers
        ):
            raise InvalidParam("This token is not one of this server's.")
        return cls(min(int(position), LARGEST), int(fleeting or "0"))

"""What the server asks of the process that makes thumbnails, and what it answers.

Both sides send a length, a header and, back, the encoded picture.
"""

import msgspec
from msgspec import Struct

LENGTH = 4  # bytes of the number that goes ahead of each header
LARGEST = 8 * 1024 * 1024  # bytes of an encoded thumbnail


class Order(Struct, frozen=True):
    """One thumbnail of the file at `path`: `method` is crop or scale."""

    path: str
    width: int
    height: int
    method: str
    animated: bool = False


class Answer(Struct, frozen=True):
    """What came of it. `kind` is image or video; none: no picture; huge: too much work; or
    empty: this server cannot tell. `width` and `height` are the original's, as it is seen.
    """

    kind: str
    content_type: str = ""
    width: int = 0
    height: int = 0
    length: int = 0  # bytes that follow


def packed(header: Order | Answer) -> bytes:
    raw = msgspec.json.encode(header)
    return len(raw).to_bytes(LENGTH, "big") + raw

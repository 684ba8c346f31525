"""Patterns and words of push rules, matched in time linear in the text whatever the pattern.

Everything here works on lower-cased text; the caller lowers both sides once.
spec: appendices/#glob-style-matching, client-server-api/#conditions
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

Matcher = Callable[[str], bool]

WORD = "[a-z0-9_]"
# A substring stands alone where it does not cut a word in two: on at least one side of each of
# its ends there is no word character.
START = END = f"(?:(?<!{WORD})|(?!{WORD}))"
WILD = re.compile(r"[*?]")
words = re.compile(f"{WORD}+").findall
is_word = re.compile(f"{WORD}+").fullmatch


def whole(pattern: str) -> Matcher:
    """Whether all of a text is what `pattern` describes."""
    if not WILD.search(pattern):
        return pattern.__eq__
    first, *rest = _pieces(pattern)
    if not rest:
        return _found(re.compile(first + r"\Z", re.DOTALL).match)
    return _chain([r"\A" + first, *rest[:-1], rest[-1] + r"\Z"])


def within(pattern: str) -> Matcher:
    """Whether some part of a text that begins and ends at word boundaries fits `pattern`."""
    first, *rest = _pieces(pattern)
    if not rest:
        return _found(re.compile(START + first + END, re.DOTALL).search)
    # A star at an end reaches to the end of the text, which is a boundary.
    return _chain([START + first if first else "", *rest[:-1], rest[-1] + END if rest[-1] else ""])


@lru_cache(4096)
def phrase(text: str) -> Matcher:
    """Whether `text`, taken literally, stands in a text between word boundaries."""
    return _found(re.compile(START + re.escape(text) + END).search)


def _pieces(pattern: str) -> list[str]:
    """What lies between the stars, as regular expressions without repetition."""
    return [
        ".".join(re.escape(literal) for literal in piece.split("?"))
        for piece in re.sub(r"\*+", "*", pattern).split("*")
    ]


def _chain(pieces: Sequence[str]) -> Matcher:
    """One piece after the other, each at its earliest place: never any backtracking."""
    searches = [re.compile(piece, re.DOTALL).search for piece in pieces if piece]

    def match(text: str) -> bool:
        at = 0
        for search in searches:
            if (found := search(text, at)) is None:
                return False
            at = found.end()
        return True

    return match


def _found(search: Callable[[str], object]) -> Matcher:
    return lambda text: search(text) is not None

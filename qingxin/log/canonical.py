"""What no room may hold, whatever its rules: too long, not canonical, too deep.

spec: client-server-api/#size-limits, appendices/#canonical-json
"""

from typing import Any

from qingxin import ids
from qingxin.errors import BadJson, TooLarge
from qingxin.log.event import Draft

DEEPEST = 100  # levels of nesting in a content
TOO_BIG = 2**53


def validate(draft: Draft) -> None:
    """Raises BadJson or TooLarge."""
    for name, text in (("type", draft.type), ("state key", draft.state_key or "")):
        if "\0" in text:
            raise BadJson(f"The {name} may not contain NUL.")
        try:
            if len(text.encode()) > ids.MAX_LENGTH:
                raise TooLarge(f"The {name} may have at most {ids.MAX_LENGTH} bytes.")
        except UnicodeEncodeError:
            raise BadJson(f"The {name} is no valid Unicode.") from None
    _check(draft.content, 0)


def _check(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -TOO_BIG < value < TOO_BIG:
            raise BadJson("Integers in events lie between -(2^53)+1 and (2^53)-1.")
    elif kind is float:
        raise BadJson("Events hold no fractions: only whole numbers.")
    elif depth > DEEPEST:
        raise BadJson("The JSON is nested too deeply.")
    else:
        for inner in value.values() if kind is dict else value:
            _check(inner, depth + 1)

"""Text that comes in and is stored: no NUL, which PostgreSQL cannot hold, and not too long."""

from qingxin.errors import InvalidParam

MOST_LETTERS = 255


def check_text(text: str | None, what: str, most: int = MOST_LETTERS) -> None:
    """Raises InvalidParam, in which `what` names the field."""
    if text is None:
        return
    if "\0" in text:
        raise InvalidParam(f"{what} may not contain NUL.")
    if len(text) > most:
        raise InvalidParam(f"{what} may have at most {most} letters.")

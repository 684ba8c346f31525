"""Every refusal a client can receive, as Matrix error codes with a sentence for a person.

MatrixError
 ├─ BadRequest 400   NotJson · BadJson · InvalidParam · MissingParam · TooDeep …
 ├─ Unauthorized 401 MissingToken · UnknownToken
 ├─ Forbidden 403
 ├─ NotFound 404     Unrecognized
 ├─ TooLarge 413
 ├─ LimitExceeded 429
 └─ Unavailable 503
spec: client-server-api/#standard-error-response
"""

from typing import Any


class MatrixError(Exception):
    """A refusal: HTTP `status`, Matrix `code`, a sentence, and further fields of the body."""

    status = 400
    code = "M_UNKNOWN"

    def __init__(self, message: str = "", **fields: Any) -> None:
        super().__init__(message or self.__doc__ or "")
        self.message = message or (self.__doc__ or "").strip()
        self.fields = fields

    def body(self) -> dict[str, Any]:
        return {"errcode": self.code, "error": self.message, **self.fields}


class BadRequest(MatrixError):
    """The request could not be understood."""


class NotJson(BadRequest):
    """The body is not valid JSON."""

    code = "M_NOT_JSON"


class BadJson(BadRequest):
    """The JSON is well-formed, but a field is missing or of the wrong type."""

    code = "M_BAD_JSON"


class InvalidParam(BadRequest):
    """A parameter has an unusable value."""

    code = "M_INVALID_PARAM"


class MissingParam(BadRequest):
    """A required parameter is missing."""

    code = "M_MISSING_PARAM"


class UserInUse(BadRequest):
    """This user name is taken."""

    code = "M_USER_IN_USE"


class InvalidUsername(BadRequest):
    """A user name consists of a-z, 0-9 and . _ = / + -"""

    code = "M_INVALID_USERNAME"


class RoomInUse(BadRequest):
    """This room alias is taken."""

    code = "M_ROOM_IN_USE"


class UnsupportedRoomVersion(BadRequest):
    """This server does not know that room version."""

    code = "M_UNSUPPORTED_ROOM_VERSION"


class BadAlias(BadRequest):
    """An alias does not point to this room."""

    code = "M_BAD_ALIAS"


class InvalidRoomState(BadRequest):
    """The requested state cannot be set."""

    code = "M_INVALID_ROOM_STATE"


class Unauthorized(MatrixError):
    """This needs a signed-in user."""

    status = 401


class MissingToken(Unauthorized):
    """An access token is needed: send `Authorization: Bearer …`."""

    code = "M_MISSING_TOKEN"


class UnknownToken(Unauthorized):
    """This access token is not, or no longer, valid. Sign in again."""

    code = "M_UNKNOWN_TOKEN"


class Forbidden(MatrixError):
    """You may not do this."""

    status, code = 403, "M_FORBIDDEN"


class UserDeactivated(Forbidden):
    """This account has been closed."""

    code = "M_USER_DEACTIVATED"


class NotFound(MatrixError):
    """There is nothing here."""

    status, code = 404, "M_NOT_FOUND"


class Unrecognized(MatrixError):
    """This server does not know that endpoint."""

    status, code = 404, "M_UNRECOGNIZED"


class MethodNotAllowed(Unrecognized):
    """This endpoint does not take that method."""

    status = 405


class Conflict(MatrixError):
    """Somebody else changed this first."""

    status, code = 409, "M_CONFLICT"


class TooLarge(MatrixError):
    """This is too large."""

    status, code = 413, "M_TOO_LARGE"


class LimitExceeded(MatrixError):
    """Too many requests. Wait a moment and try again."""

    status, code = 429, "M_LIMIT_EXCEEDED"


class Unavailable(MatrixError):
    """The server cannot store anything right now. Reading still works; try again later."""

    status, code = 503, "M_UNKNOWN"

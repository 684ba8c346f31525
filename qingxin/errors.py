"""Every refusal a client can receive, as Matrix error codes with a sentence for a person.

MatrixError
 ├─ BadRequest 400   NotJson · BadJson · InvalidParam · MissingParam · TooDeep …
 ├─ Unauthorized 401 MissingToken · UnknownToken · UserLocked · AuthenticationNeeded
 ├─ Forbidden 403
 ├─ NotFound 404     Unrecognized
 ├─ Conflict 409    AliasTaken · CannotOverwriteMedia
 ├─ TooLarge 413
 ├─ LimitExceeded 429
 ├─ Unavailable 503
 └─ NotYetUploaded 504
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


class ServerControlled(BadJson):
    """This kind of account data is changed through endpoints of its own."""

    status = 405


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


class KeyTooLarge(BadRequest):
    """The name of a profile field may have at most 255 bytes."""

    code = "M_KEY_TOO_LARGE"


class ProfileTooLarge(BadRequest):
    """A profile may have at most 64 KiB."""

    code = "M_PROFILE_TOO_LARGE"


class MediumNotSupported(BadRequest):
    """This server keeps no e-mail addresses or phone numbers."""

    code = "M_THREEPID_MEDIUM_NOT_SUPPORTED"


class RoomInUse(BadRequest):
    """This room alias is taken."""

    code = "M_ROOM_IN_USE"


class DuplicateAnnotation(BadRequest):
    """You have reacted to this with the same sign already."""

    code = "M_DUPLICATE_ANNOTATION"


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


class UserLocked(Unauthorized):
    """This account is locked for the time being."""

    code = "M_USER_LOCKED"


class AuthenticationNeeded(Unauthorized):
    """Prove first who you are. The body says by which flows; no code unless an attempt failed."""

    code = ""

    def body(self) -> dict[str, Any]:
        return super().body() if self.code else self.fields


class AuthenticationFailed(AuthenticationNeeded):
    """That did not prove it."""

    code = "M_FORBIDDEN"


class Forbidden(MatrixError):
    """You may not do this."""

    status, code = 403, "M_FORBIDDEN"


class UserDeactivated(Forbidden):
    """This account has been closed."""

    code = "M_USER_DEACTIVATED"


class UserSuspended(Forbidden):
    """This account is suspended: it can read, leave and sign out, but not write or join."""

    code = "M_USER_SUSPENDED"


class GuestAccessForbidden(Forbidden):
    """Guests may not do this."""

    code = "M_GUEST_ACCESS_FORBIDDEN"


class CannotLeaveServerNoticeRoom(Forbidden):
    """In this room the server tells you what you need to know: you cannot decline it."""

    code = "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"


class ThreepidDenied(Forbidden):
    """This server keeps no e-mail addresses or phone numbers."""

    code = "M_THREEPID_DENIED"


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


class AliasTaken(Conflict):
    """This room alias is taken."""

    # spec: client-server-api/#put_matrixclientv3directoryroomroomalias, which names no other
    code = "M_UNKNOWN"


class CannotOverwriteMedia(MatrixError):
    """A file was uploaded to this address already."""

    status, code = 409, "M_CANNOT_OVERWRITE_MEDIA"


class TooLarge(MatrixError):
    """This is too large."""

    status, code = 413, "M_TOO_LARGE"


class LimitExceeded(MatrixError):
    """Too many requests. Wait a moment and try again."""

    status, code = 429, "M_LIMIT_EXCEEDED"


class Unavailable(MatrixError):
    """The server cannot store anything right now. Reading still works; try again later."""

    status, code = 503, "M_UNKNOWN"


class NotYetUploaded(MatrixError):
    """The file has not been uploaded yet. Try again in a while."""

    status, code = 504, "M_NOT_YET_UPLOADED"

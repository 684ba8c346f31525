"""What comes back over HTTP, and how a story says that something is refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

CLIENT = "/_matrix/client/v3"
LONGEST = 60  # seconds until a silent server fails a story


class Answer:
    """`status`, `code` of a refusal, and the fields of the body."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.content = response.content
        self.request = f"{response.request.method} {response.request.url.raw_path.decode()}"

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str | None:
        """The Matrix error code, if there is one."""
        try:
            body = self.body
        except ValueError:
            return None
        return body.get("errcode") if isinstance(body, dict) else None

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    def __repr__(self) -> str:
        return f"<{self.request}: {self.status} {self.content[:2000]!r}>"


class Refused(AssertionError):
    """A verb that the server did not allow; outside `refused` it fails the story."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(repr(answer))
        self.answer = answer


def granted(answer: Answer) -> Answer:
    """The answer, if it is a success. Raises Refused."""
    if answer.status >= 300:
        raise Refused(answer)
    return answer


class Refusal:
    """Filled in by `refused` once the refusal has come."""

    answer: Answer


@contextmanager
def refused(status: int, code: str) -> Iterator[Refusal]:
    """What happens inside is refused in this way: `with refused(403, "M_FORBIDDEN"): …`."""
    refusal = Refusal()
    try:
        yield refusal
    except Refused as error:
        refusal.answer = error.answer
        assert (error.answer.status, error.answer.code) == (status, code), error.answer
    else:
        raise AssertionError(f"Nothing was refused, but {status} {code} was expected.")

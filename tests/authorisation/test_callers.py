"""What becomes of each route's request, whoever sends it."""

import pytest

from tests.authorisation.people import Owner, asks
from tests.authorisation.table import TABLE, Row
from tests.stories.answers import Answer
from tests.stories.cast import Caller, Person
from tests.stories.server import Server

ROWS = [pytest.param(row, id=row.name) for row in TABLE]


def named(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code if "HEAD" not in answer.request else None


def refusal(row: Row, status: int, code: str) -> tuple[int, str | None]:
    return status, code if row.method != "HEAD" else None


@pytest.mark.parametrize("row", ROWS)
async def test_somebody_gets_at_their_own_things_and_others_do_not(
    row: Row, owner: Owner, other: Person, moderator: Person
) -> None:
    assert (await asks(other, owner, row)).status == row.other
    assert (await asks(moderator, owner, row)).status == row.moderator
    assert (await asks(owner.person, owner, row)).status == row.owner


@pytest.mark.parametrize("row", ROWS)
async def test_nobody_gets_in_where_a_token_is_needed(
    row: Row, settled: Owner, nobody: Caller, impostor: Caller
) -> None:
    without, wrong = await asks(nobody, settled, row), await asks(impostor, settled, row)
    if row.who in ("anyone", "maybe"):
        assert without.status < 500
        assert (wrong.status, wrong.code) == (without.status, without.code)
    else:
        assert named(without) == refusal(row, 401, "M_MISSING_TOKEN")
        assert named(wrong) == refusal(row, 401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize("row", ROWS)
async def test_who_is_locked_may_only_sign_out(
    row: Row, settled: Owner, nobody: Caller, locked: Person
) -> None:
    answer = await asks(locked, settled, row)
    if row.who == "anyone":
        assert answer.status == (await asks(nobody, settled, row)).status
    elif row.path.endswith(("/logout", "/logout/all")):
        assert answer.status == 200
    else:
        assert named(answer) == refusal(row, 401, "M_USER_LOCKED")
        assert row.method == "HEAD" or answer["soft_logout"] is True


@pytest.mark.parametrize("row", ROWS)
async def test_who_has_gone_is_nobody(
    row: Row, settled: Owner, nobody: Caller, closed: Person
) -> None:
    answer = await asks(closed, settled, row)
    if row.who in ("anyone", "maybe"):
        assert answer.status == (await asks(nobody, settled, row)).status
    else:
        assert named(answer) == refusal(row, 401, "M_UNKNOWN_TOKEN")


# spec: client-server-api/#account-suspension; what writes for others to see, but redacting.
NOT_WHILE_SUSPENDED = [
    ("PUT", "/rooms/{room_id}/send/"), ("PUT", "/rooms/{room_id}/state/"),
    ("PUT", "/rooms/{room_id}/typing/"), ("POST", "/rooms/{room_id}/join"),
    ("POST", "/rooms/{room_id}/invite"), ("POST", "/rooms/{room_id}/kick"),
    ("POST", "/rooms/{room_id}/ban"), ("POST", "/rooms/{room_id}/unban"),
    ("POST", "/rooms/{room_id}/upgrade"), ("POST", "/join/"), ("POST", "/knock/"),
    ("POST", "/createRoom"), ("PUT", "/profile/"), ("DELETE", "/profile/"),
    ("PUT", "/directory/"), ("DELETE", "/directory/"), ("POST", "/_qingxin/v1/notices"),
    ("POST", "/upload"), ("PUT", "/upload/"), ("POST", "/media/v1/create"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
async def test_who_is_suspended_can_read_redact_leave_and_sign_out(
    row: Row, server: Server, owner: Owner
) -> None:
    await server.app.accounts.mark(owner.person.user_id, suspended=True)
    server.app.sessions.changed(owner.person.user_id)
    answer = await asks(owner.person, owner, row)
    if any(row.method == method and path in row.path for method, path in NOT_WHILE_SUSPENDED):
        assert named(answer) == refusal(row, 403, "M_USER_SUSPENDED")
    else:
        assert answer.status == row.owner

import re
from pathlib import Path

import httpx
import pytest

from tests.commands.conftest import Run, Served


def sign_in(url: str, name: str, password: str) -> httpx.Response:
    return httpx.post(
        f"{url}/_matrix/client/v3/login",
        json={
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": name},
            "password": password,
        },
    )


def whoami(url: str, token: str) -> int:
    answer = httpx.get(
        f"{url}/_matrix/client/v3/account/whoami", headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code


def test_an_account_made_beside_the_running_server_can_sign_in(
    qingxin: Run, served: Served
) -> None:
    made = qingxin("user", "create", "alice", "--generate", "--moderator")
    assert made.code == 0
    password = re.search(r"Password: (\S+)", made.out)
    assert password
    assert sign_in(served.url, "alice", password[1]).status_code == 200
    assert re.search(r"@alice:localhost +moderator", qingxin("user", "list").out)


def test_an_account_made_without_a_server_is_there_when_it_starts(
    qingxin: Run, request: pytest.FixtureRequest
) -> None:
    qingxin("init")
    assert qingxin("user", "create", "bob", "--password", "a secret").code == 0
    served: Served = request.getfixturevalue("served")
    assert sign_in(served.url, "bob", "a secret").status_code == 200


def test_a_new_password_ends_the_sessions(qingxin: Run, served: Served) -> None:
    qingxin("user", "create", "carol", "--password", "the first")
    token = sign_in(served.url, "carol", "the first").json()["access_token"]
    assert whoami(served.url, token) == 200
    assert qingxin("user", "reset-password", "carol", "--password", "the second").code == 0
    assert whoami(served.url, token) == 401
    assert sign_in(served.url, "carol", "the first").status_code == 403
    assert sign_in(served.url, "carol", "the second").status_code == 200


def test_a_closed_account_is_closed_at_once_and_its_name_stays_taken(
    qingxin: Run, served: Served
) -> None:
    qingxin("user", "create", "dave", "--password", "a secret")
    token = sign_in(served.url, "dave", "a secret").json()["access_token"]
    assert qingxin("user", "deactivate", "dave").code == 0
    assert whoami(served.url, token) == 401
    again = qingxin("user", "create", "dave", "--password", "another")
    assert again.code == 1
    assert "taken" in again.err


def test_moderator_is_given_and_taken(qingxin: Run) -> None:
    qingxin("init")
    qingxin("user", "create", "erin", "--password", "a secret")
    qingxin("user", "moderator", "erin", "on")
    assert re.search(r"@erin:localhost +moderator", qingxin("user", "list").out)
    qingxin("user", "moderator", "erin", "off")
    assert re.search(r"@erin:localhost +member", qingxin("user", "list").out)


def test_a_registration_token_is_made_listed_and_withdrawn(qingxin: Run) -> None:
    qingxin("init")
    assert "welcome-2030" in qingxin("user", "token", "welcome-2030", "--uses", "3").out
    assert re.search(r"welcome-2030 +0 +3 +for ever", qingxin("user", "token", "--list").out)
    assert qingxin("user", "token", "welcome-2030", "--withdraw").code == 0
    assert "welcome-2030" not in qingxin("user", "token", "--list").out


def test_refusals_are_sentences(qingxin: Run, data: Path) -> None:
    nowhere = qingxin("user", "list")
    assert nowhere.code == 1
    assert "qingxin init" in nowhere.err
    assert not data.exists()
    qingxin("init")
    assert "a-z" in qingxin("user", "create", "Ünknown", "--password", "x").err
    assert "no account" in qingxin("user", "reset-password", "nobody", "--password", "x").err


def test_only_the_owner_of_the_directory_reaches_the_socket(served: Served) -> None:
    assert (served.data / "control.sock").stat().st_mode & 0o077 == 0


def test_a_second_server_says_who_is_there_already(qingxin: Run, served: Served) -> None:
    second = qingxin("serve", "--listen", "127.0.0.1:0")
    assert second.code == 1
    assert f"process {served.child.pid}" in second.err

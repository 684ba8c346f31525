"""Accounts and passwords."""

import asyncio

import pytest

from qingxin.errors import InvalidParam, LimitExceeded, NotFound
from qingxin.people import passwords
from qingxin.people.accounts import Accounts
from qingxin.people.passwords import COSTS, Passwords
from tests.people.parts import SERVER, People


async def test_passwords_are_hashed_with_argon2id_as_rfc_9106_says(people: People) -> None:
    assert COSTS["standard"].hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    alice = await people.join("alice", "密码 and 🔑")
    account = await people.accounts.find(alice)
    assert account and "密码" not in account.password
    assert await people.accounts.check(alice, "密码 and 🔑") == account
    assert await people.accounts.check(alice, "密码") is None


async def test_a_hash_of_another_cost_is_renewed_when_it_is_used(people: People) -> None:
    alice = people.accounts.user_id("alice")
    old = COSTS["standard"].hash("a good password")
    await people.accounts.register(alice, old)
    assert await people.accounts.check(alice, "a good password")
    account = await people.accounts.find(alice)
    assert account and account.password != old
    assert await people.accounts.check(alice, "a good password")


async def test_an_account_without_a_password_lets_nobody_in(people: People) -> None:
    alice = people.accounts.user_id("alice")
    await people.accounts.register(alice, "")
    for guess in ("", "nobody"):
        assert await people.accounts.check(alice, guess) is None


async def test_a_closed_account_keeps_its_name_and_nothing_else(people: People) -> None:
    alice = await people.join("alice")
    await people.accounts.mark(alice, moderator=True)
    await people.farewell.close(alice)
    account = await people.accounts.find(alice)
    assert account and account.closed and not account.moderator and account.password == ""
    assert await people.accounts.exists(alice) and not await people.accounts.active(alice)
    assert await people.accounts.check(alice, "a good password") is None
    with pytest.raises(NotFound):
        await people.accounts.set_password(alice, "another")
    with pytest.raises(NotFound):
        await people.accounts.mark(alice, moderator=True)


async def test_a_farewell_that_was_interrupted_is_finished(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await people.join("alice")
    await people.preferences.put(alice, "m.direct", {})

    async def crash(user_id: str) -> None:
        raise OSError("the power is gone")

    monkeypatch.setattr(people.profiles, "erase", crash)
    with pytest.raises(OSError):
        await people.farewell.close(alice, erase=True)
    monkeypatch.undo()
    await people.farewell.resume()
    assert people.left == [(alice, True), (alice, True)]
    assert await people.preferences.all(alice) == []
    await people.farewell.resume()
    assert len(people.left) == 2


@pytest.mark.parametrize("password", ["", "x" * 513])
async def test_a_password_has_bounds(people: People, password: str) -> None:
    with pytest.raises(InvalidParam):
        await people.accounts.hash(password)


async def test_too_many_who_wait_are_asked_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", 3)
    hashing = Passwords("low")
    answers = await asyncio.gather(*(hashing.hash("x") for _ in range(5)), return_exceptions=True)
    assert [isinstance(answer, LimitExceeded) for answer in answers] == [False] * 3 + [True] * 2
    hashing.close()


async def test_ids_of_typed_names(people: People) -> None:
    accounts: Accounts = people.accounts
    assert accounts.named("Alice") == accounts.named(f"@ALICE:{SERVER}") == f"@alice:{SERVER}"
    assert accounts.named("@alice:elsewhere.org") == "@alice:elsewhere.org"


async def test_invitations_are_listed_and_withdrawn(people: People) -> None:
    token = await people.invitations.create(uses=3)
    assert [each.token for each in await people.invitations.all()] == [token]
    assert await people.invitations.withdraw(token)
    assert not await people.invitations.withdraw(token)
    assert not await people.invitations.valid(token)
    with pytest.raises(InvalidParam):
        await people.invitations.create("has spaces")

"""Signing in and out with clients of two makes."""

import pytest

from tests.clients.person import Person


async def test_a_second_device_hears_what_the_first_says(
    url: str, make: type[Person], alice: Person, room: str
) -> None:
    await alice.says(room, "before")
    second = await make.signs_in(url, alice.user_id)
    assert second.user_id == alice.user_id
    assert second.device_id != alice.device_id
    await second.hears_of("m.room.message", room, body="before")
    await alice.says(room, "after")
    await second.hears_of("m.room.message", room, body="after")
    assert second.texts(room) == ["before", "after"]
    await second.ends()


async def test_signing_out_ends_one_session(
    url: str, make: type[Person], alice: Person, complaints: list[str]
) -> None:
    second = await make.signs_in(url, alice.user_id)
    await alice.signs_out()
    assert not await alice.is_signed_in()
    complaints.clear()
    assert await second.is_signed_in()
    await second.ends()


async def test_a_wrong_password_is_refused(
    url: str, make: type[Person], alice: Person, complaints: list[str]
) -> None:
    with pytest.raises(AssertionError):
        await make.signs_in(url, alice.user_id, "a bad password")
    complaints.clear()

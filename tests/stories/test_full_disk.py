"""On a full disk nothing new is kept and nothing old is lost; with space, all goes on."""

from pathlib import Path

import pytest

from tests.judges.child import Child
from tests.stories.answers import Refused, refused

MIB = 1024 * 1024
on_sqlite = pytest.mark.parametrize("child", ["sqlite"], indirect=True)


@on_sqlite
async def test_on_a_full_disk_reading_goes_on_and_writing_comes_back(child: Child) -> None:
    alice = await child.register("alice")
    room = await alice.creates()
    await alice.says(room, "before")
    since = (await alice.sync()).token
    with child.full_disk():
        with refused(503, "M_UNKNOWN"):
            await alice.says(room, "too much", txn="t1")
        assert await alice.timeline(room) == ["before"]
        assert (await alice.sync(since)).texts(room) == []
        assert (await alice.get("/account/whoami"))["user_id"] == alice.user_id
    await alice.says(room, "too much", txn="t1")
    await alice.says(room, "after")
    assert (await alice.sync(since)).texts(room) == ["too much", "after"]
    await child.kill()
    await child.start()
    assert await alice.timeline(room) == ["before", "too much", "after"]


@on_sqlite
async def test_on_a_full_disk_every_change_is_refused_in_words(child: Child) -> None:
    alice = await child.register("alice")
    room = await alice.creates(name="before")
    message = await alice.says(room)
    with child.full_disk():
        for change in (
            lambda: child.register("bob"),
            lambda: alice.on_another_device(),
            lambda: alice.creates(),
            lambda: alice.sets(room, "m.room.name", {"name": "after"}),
            lambda: alice.redacts(room, message),
            lambda: alice.reads(room, message),
            lambda: alice.is_called("Alice"),
            lambda: alice.keeps("org.example.type", {"a": 1}),
            lambda: alice.leaves(room),
            lambda: alice.post("/logout"),
        ):
            with refused(503, "M_UNKNOWN") as refusal:
                await change()
            assert "disk" in refusal.answer["error"]
        await alice.types(room)
    assert await alice.state(room, "m.room.name") == {"name": "before"}
    assert await alice.joined_rooms() == [room]
    assert (await alice.event(room, message))["content"]["body"] == "hello"
    await alice.sets(room, "m.room.name", {"name": "after"})
    await alice.reads(room, message)


async def test_on_a_full_disk_files_are_refused_whole_and_old_ones_are_there(child: Child) -> None:
    alice = await child.register("alice")
    old = await alice.uploads(b"old")
    kept = files(child.data / "media")
    with child.full_disk(MIB // 2):
        with pytest.raises(Refused) as refusal:
            await alice.uploads(b"x" * 3 * MIB)
        assert (refusal.value.answer.status, refusal.value.answer.code) == (503, "M_UNKNOWN")
        assert files(child.data / "media") == kept
        assert (await alice.downloads(old)).content == b"old"
    new = await alice.uploads(b"x" * 3 * MIB)
    assert (await alice.downloads(new)).content == b"x" * 3 * MIB


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())

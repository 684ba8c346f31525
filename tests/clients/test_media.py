"""Files of all kinds reach the other client byte for byte."""

import io

import pytest
from PIL import Image

from tests.clients.person import Event, Person
from tests.media import samples

FILES = {
    "m.image": (samples.jpeg, "image/jpeg", "Photo 1.jpg"),
    "m.video": (samples.film, "video/mp4", "Film.mp4"),
    "m.audio": (samples.voice, "audio/ogg", "Voice message.ogg"),
    "m.file": (lambda: bytes(range(256)) * 40, "application/pdf", "请假条 2026（终稿）.pdf"),
}
VOICE = {
    "org.matrix.msc1767.audio": {"duration": 1000, "waveform": [0, 512, 1024]},
    "org.matrix.msc3245.voice": {},
    "org.matrix.msc1767.file": {"name": "Voice message.ogg", "mimetype": "audio/ogg"},
}


def size_of(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


async def shares(person: Person, room: str, kind: str, **more: object) -> tuple[str, bytes]:
    """Upload a file and tell the room; the event and the bytes."""
    make, type, name = FILES[kind]
    data = make()
    mxc = await person.uploads(data, type, name)
    content: Event = {
        "msgtype": kind, "body": name, "filename": name, "url": mxc,
        "info": {"mimetype": type, "size": len(data)},
    }  # fmt: skip
    return await person.sends(room, "m.room.message", content | more), data


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_arrives_as_it_was(alice: Person, bob: Person, room: str, kind: str) -> None:
    event_id, data = await shares(alice, room, kind)
    content = (await bob.hears_event(event_id))["content"]
    assert (content["msgtype"], content["body"]) == (kind, FILES[kind][2])
    assert content["info"]["size"] == len(data)
    assert await bob.downloads(content["url"]) == data


async def test_what_makes_a_voice_message_is_kept(alice: Person, bob: Person, room: str) -> None:
    event_id, data = await shares(alice, room, "m.audio", **VOICE)
    content = (await bob.hears_event(event_id))["content"]
    assert {name: content[name] for name in VOICE} == VOICE
    assert await bob.downloads(content["url"]) == data
    stored = (await bob.event(room, event_id))["content"]
    assert stored["org.matrix.msc1767.audio"] == VOICE["org.matrix.msc1767.audio"]


async def test_the_senders_thumbnail_and_the_servers(alice: Person, bob: Person, room: str) -> None:
    small = samples.jpeg((80, 60))
    own = await alice.uploads(small, "image/jpeg", "thumbnail.jpg")
    info = {"thumbnail_url": own, "thumbnail_info": {"w": 80, "h": 60}}
    event_id, _ = await shares(alice, room, "m.image", info=info)
    content = (await bob.hears_event(event_id))["content"]
    assert await bob.downloads(content["info"]["thumbnail_url"]) == small
    assert size_of(await bob.thumbnail(content["url"], 320, 240)) == (320, 240)


async def test_the_server_makes_a_thumbnail_of_a_video(
    alice: Person, bob: Person, room: str
) -> None:
    event_id, _ = await shares(alice, room, "m.video")
    content = (await bob.hears_event(event_id))["content"]
    assert size_of(await bob.thumbnail(content["url"], 320, 240)) == (320, 180)


async def test_a_part_of_a_file(alice: Person, bob: Person, room: str) -> None:
    event_id, data = await shares(alice, room, "m.video")
    mxc = (await bob.hears_event(event_id))["content"]["url"]
    size = len(data)
    assert await bob.part_of(mxc, "bytes=100-199") == (206, f"bytes 100-199/{size}", data[100:200])
    assert (await bob.part_of(mxc, "bytes=-10"))[2] == data[-10:]

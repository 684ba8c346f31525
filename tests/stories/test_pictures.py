"""Pictures, voices and films in messages: sent, seen, kept from strangers.

spec: client-server-api/#content-repository
"""

import io

from PIL import Image

from tests.media.samples import jpeg, png
from tests.stories.answers import refused
from tests.stories.cast import Person
from tests.stories.server import Server


async def test_a_picture_is_sent_and_seen(alice: Person, bob: Person) -> None:
    room = await alice.creates(bob)
    picture = png((800, 600))
    url = await alice.uploads(picture, "image/png", "tea.png")
    info = {"mimetype": "image/png", "w": 800, "h": 600, "size": len(picture)}
    await alice.says(room, "tea.png", msgtype="m.image", url=url, info=info)
    content = (await bob.sync()).timeline(room)[-1]["content"]
    assert content["url"] == url and content["info"] == info
    seen = await bob.downloads(content["url"])
    assert seen.content == picture
    assert seen.headers["content-type"] == "image/png"
    assert "tea.png" in seen.headers["content-disposition"]


async def test_a_small_picture_is_made_of_a_large_one(alice: Person, bob: Person) -> None:
    url = await alice.uploads(jpeg((1600, 1200)), "image/jpeg")
    answer = await bob.sees_thumbnail(url, width=320, height=240, method="scale")
    small = Image.open(io.BytesIO(answer.content))
    assert small.width <= 640 and small.height <= 480
    assert abs(small.width / small.height - 4 / 3) < 0.02
    square = await bob.sees_thumbnail(url, width=96, height=96, method="crop")
    cut = Image.open(io.BytesIO(square.content))
    assert cut.width == cut.height


async def test_any_file_is_kept_as_it_is(alice: Person, bob: Person) -> None:
    for data in (b"", b"\0" * 100, bytes(range(256)) * 4000):
        url = await alice.uploads(data, "application/x-example")
        assert (await bob.downloads(url)).content == data


async def test_a_name_of_any_script_comes_back(alice: Person, bob: Person) -> None:
    url = await alice.uploads(b"text", "text/plain", "清信 – notes.txt")
    header = (await bob.downloads(url)).headers["content-disposition"]
    assert "filename*=utf-8''%E6%B8%85%E4%BF%A1" in header


async def test_strangers_without_an_account_see_nothing(server: Server, alice: Person) -> None:
    url = await alice.uploads(b"private", "text/plain")
    place = url.removeprefix("mxc://")
    with refused(401, "M_MISSING_TOKEN"):
        await server.stranger.get(f"/_matrix/client/v1/media/download/{place}")
    answer = await server.stranger.call("GET", f"/_matrix/media/v3/download/{place}")
    assert answer.status == 404, answer


async def test_what_a_browser_could_run_is_not_run(alice: Person) -> None:
    for content_type in ("text/html", "image/svg+xml", "application/javascript"):
        url = await alice.uploads(b"<script>alert(1)</script>", content_type)
        headers = (await alice.downloads(url)).headers
        assert "sandbox" in headers["content-security-policy"]
        assert headers["content-disposition"].startswith("attachment")
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_file_that_is_not_there_is_not_found(alice: Person) -> None:
    with refused(404, "M_NOT_FOUND"):
        await alice.downloads("mxc://example.org/nothing")


async def test_a_place_is_kept_for_a_file_that_comes_later(alice: Person, bob: Person) -> None:
    url = (await alice.post("/_matrix/media/v1/create"))["content_uri"]
    answer = await bob.call("GET", f"/_matrix/client/v1/media/download/{url[6:]}", timeout_ms=1)
    assert (answer.status, answer.code) == (504, "M_NOT_YET_UPLOADED"), answer
    place = f"/_matrix/media/v3/upload/{url[6:]}"
    headers = {"Content-Type": "text/plain"}
    with_it = await alice.call("PUT", place, raw=b"here it is", headers=headers)
    assert with_it.status == 200, with_it
    assert (await bob.downloads(url)).content == b"here it is"
    again = await alice.call("PUT", place, raw=b"another", headers=headers)
    assert (again.status, again.code) == (409, "M_CANNOT_OVERWRITE_MEDIA"), again


async def test_the_limit_is_told_and_kept(alice: Person) -> None:
    limit = (await alice.get("/_matrix/client/v1/media/config"))["m.upload.size"]
    assert limit > 0


async def test_part_of_a_file_is_sent_to_players_that_ask_for_it(alice: Person) -> None:
    data = bytes(range(256))
    url = await alice.uploads(data, "video/mp4")
    answer = await alice.call(
        "GET", f"/_matrix/client/v1/media/download/{url[6:]}", headers={"Range": "bytes=10-19"}
    )
    assert (answer.status, answer.content) == (206, data[10:20])
    assert answer.headers["content-range"] == "bytes 10-19/256"

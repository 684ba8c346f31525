"""Who sees which files: members do, strangers do not, nobody sees what is not ours."""

import io

import pytest
from PIL import Image

from tests.api.media.place import CONTENT, MEDIA, NEW, SERVER, MiB, Person, Place, refused
from tests.media import samples
from tests.media.acts import kept


@pytest.mark.parametrize("version", ["v3", "r0", "v1"])
async def test_old_apps_upload_as_they_know_it(alice: Person, version: str) -> None:
    answer = await alice.http.post(f"/_matrix/media/{version}/upload", content=CONTENT)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", [NEW, MEDIA, "/_matrix/media/r0"])
async def test_the_limit_is_told(alice: Person, stranger: Person, path: str) -> None:
    assert (await alice.http.get(path + "/config")).json() == {"m.upload.size": 4 * MiB}
    refused(await stranger.http.get(path + "/config"), 401, "M_MISSING_TOKEN")


async def test_nobody_uploads_without_an_account(stranger: Person, place: Place) -> None:
    for method, path in (
        ("POST", MEDIA + "/upload"),
        ("POST", "/_matrix/media/v1/create"),
        ("PUT", f"{MEDIA}/upload/{SERVER}/x"),
    ):
        refused(await stranger.http.request(method, path), 401, "M_MISSING_TOKEN")
    assert kept(place.directory) == []


async def test_a_stranger_sees_no_file_and_learns_of_none(alice: Person, stranger: Person) -> None:
    address = await alice.upload(samples.png(), "image/png")
    refused(await stranger.download(address), 401, "M_MISSING_TOKEN")
    refused(await stranger.thumbnail(address), 401, "M_MISSING_TOKEN")
    for version in ("v3", "r0", "v1"):
        for path in (f"download/{address}", f"download/{address}/x", f"thumbnail/{address}"):
            answer = await stranger.http.get(f"/_matrix/media/{version}/{path}?width=32&height=32")
            refused(answer, 404, "M_NOT_FOUND")
            missing = await stranger.http.get(f"/_matrix/media/{version}/download/{SERVER}/missing")
            assert missing.content == answer.content


@pytest.mark.parametrize("version", ["v3", "r0", "v1"])
async def test_an_old_app_that_sends_its_token_sees_files(alice: Person, version: str) -> None:
    address = await alice.upload(samples.png(), "image/png")
    old = f"/_matrix/media/{version}"
    answer = await alice.http.get(f"{old}/download/{address}/other.png")
    assert answer.content == samples.png()
    assert answer.headers["content-disposition"] == "inline; filename=other.png"
    answer = await alice.http.get(f"{old}/thumbnail/{address}?width=32&height=32&method=crop")
    assert Image.open(io.BytesIO(answer.content)).size == (32, 32)


async def test_an_operator_may_open_the_old_addresses_to_everybody(
    alice: Person, stranger: Person, place: Place
) -> None:
    place.endpoints._public = True
    address = await alice.upload(CONTENT)
    assert (await stranger.http.get(f"{MEDIA}/download/{address}")).content == CONTENT
    refused(await stranger.download(address), 401, "M_MISSING_TOKEN")


async def test_files_of_other_servers_are_not_found(alice: Person) -> None:
    media_id = (await alice.upload(samples.png())).partition("/")[2]
    for server in ("elsewhere.example", "example.org:8448", "EXAMPLE.ORG"):
        refused(await alice.download(f"{server}/{media_id}"), 404, "M_NOT_FOUND")
        refused(await alice.thumbnail(f"{server}/{media_id}"), 404, "M_NOT_FOUND")
        answer = await alice.http.put(f"{MEDIA}/upload/{server}/{media_id}", content=b"")
        refused(answer, 404, "M_NOT_FOUND")


@pytest.mark.parametrize("media_id", ["missing", "..%2F..%2Fqingxin.db", "%E2%98%95", "x" * 2000])
async def test_files_that_never_were_are_not_found(alice: Person, media_id: str) -> None:
    refused(await alice.download(f"{SERVER}/{media_id}"), 404, "M_NOT_FOUND")
    refused(await alice.thumbnail(f"{SERVER}/{media_id}"), 404, "M_NOT_FOUND")


async def test_a_file_in_quarantine_is_not_found(alice: Person, place: Place) -> None:
    address = await alice.upload(samples.png())
    await place.files.quarantine(address.partition("/")[2])
    refused(await alice.download(address), 404, "M_NOT_FOUND")
    refused(await alice.thumbnail(address), 404, "M_NOT_FOUND")

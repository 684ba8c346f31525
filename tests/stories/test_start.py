"""What clients ask of a server when they sign in and start, beside /sync."""

import pytest

from tests.stories.answers import refused
from tests.stories.cast import Person, part
from tests.stories.server import Server

FILTERS = {
    "Element Web": {
        "room": {
            "timeline": {"limit": 20, "unread_thread_notifications": True},
            "state": {"lazy_load_members": True},
        }
    },
    "FluffyChat": {
        "room": {
            "state": {"lazy_load_members": True},
            "timeline": {"limit": 1},
            "include_leave": True,
        }
    },
    "Cinny": {"room": {"timeline": {"limit": 8}, "state": {"lazy_load_members": True}}},
    "nothing at all": {
        "room": {"rooms": []},
        "presence": {"not_types": ["*"]},
        "account_data": {"types": []},
    },
}
NOT_HERE = (
    "/.well-known/element/element.json",
    "/_matrix/client/v1/auth_metadata",
    "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
    "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports",
    "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device",
    "/_matrix/client/unstable/org.matrix.msc4108/rendezvous",
)


async def test_before_signing_in(server: Server) -> None:
    stranger = server.stranger
    found = await stranger.get("/.well-known/matrix/client")
    assert found["m.homeserver"]["base_url"] == str(server.http.base_url).rstrip("/")
    assert "v1.11" in (await stranger.get("/_matrix/client/versions"))["versions"]
    flows = (await stranger.get("/login"))["flows"]
    assert {"type": "m.login.password"} in flows


async def test_after_signing_in(alice: Person) -> None:
    assert "m.room_versions" in (await alice.get("/capabilities"))["capabilities"]
    assert set((await alice.get("/pushrules/"))["global"]) >= {"override", "underride"}
    assert (await alice.get("/thirdparty/protocols")).body == {}
    assert (await alice.get("/account/3pid")).body == {"threepids": []}
    assert (await alice.get("/joined_rooms")).body == {"joined_rooms": []}
    assert (await alice.get("/_matrix/client/v1/media/config"))["m.upload.size"] > 0
    assert (await alice.get(f"/profile/{part(alice.user_id)}"))["displayname"]
    with refused(404, "M_NOT_FOUND"):
        await alice.get("/voip/turnServer")
    with refused(404, "M_NOT_FOUND"):
        await alice.get(f"/user/{part(alice.user_id)}/account_data/m.direct")


@pytest.mark.parametrize("client", FILTERS)
async def test_filters(alice: Person, client: str) -> None:
    room = await alice.creates(name="Tea")
    path = f"/user/{part(alice.user_id)}/filter"
    kept = (await alice.post(path, FILTERS[client]))["filter_id"]
    assert (await alice.get(f"{path}/{kept}")).body == FILTERS[client]
    news = await alice.get("/sync", filter=kept)
    assert (room in news.body.get("rooms", {}).get("join", {})) == (client != "nothing at all")


@pytest.mark.parametrize("path", NOT_HERE)
async def test_what_is_not_here_says_so(alice: Person, path: str) -> None:
    with refused(404, "M_UNRECOGNIZED"):
        await alice.get(path)

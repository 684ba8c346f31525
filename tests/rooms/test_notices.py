"""What the server tells one person."""

import asyncio
from typing import Any

from tests.rooms.house import Answer, Guest, House, ok, refused

SPEAKER = "@_server:example.org"


async def tell(moderator: Guest, user_id: str, **more: Any) -> Answer:
    body = {"user_id": user_id, "content": {"body": "Maintenance at ten"}} | more
    return await moderator.call("POST", "/_qingxin/v1/notices", body)


async def invitation(guest: Guest) -> str:
    sync = ok(await guest.get("/sync"))
    (room,) = sync["rooms"]["invite"]
    return str(room)


async def test_a_notice_comes_by_a_room_of_its_own(house: House, alice: Guest) -> None:
    carol = await house.register("carol", moderator=True)
    event_id = ok(await tell(carol, alice.user_id))["event_id"]
    room = await invitation(alice)
    await alice.join(room)
    event = ok(await alice.get(f"/rooms/{room}/event/{event_id}"))
    assert event["sender"] == SPEAKER
    assert event["content"] == {"msgtype": "m.text", "body": "Maintenance at ten"}
    tags = ok(await alice.get(f"/user/{alice.user_id}/rooms/{room}/tags"))["tags"]
    assert tags == {"m.server_notice": {}}
    member = await alice.state(room, "m.room.member", SPEAKER)
    assert member["displayname"] == "Server notices"
    answer = await alice.put(f"/rooms/{room}/send/m.room.message/1", {"body": "why?"})
    refused(answer, 403, "M_FORBIDDEN")


async def test_there_is_one_room_for_all_notices(house: House, alice: Guest) -> None:
    carol = await house.register("carol", moderator=True)
    await asyncio.gather(*(tell(carol, alice.user_id) for _ in range(5)))
    room = await invitation(alice)
    await alice.join(room)
    ok(await tell(carol, alice.user_id))
    assert ok(await alice.get("/joined_rooms"))["joined_rooms"] == [room]
    messages = ok(await alice.get(f"/rooms/{room}/messages", dir="b", limit=50))["chunk"]
    assert len([each for each in messages if each["type"] == "m.room.message"]) == 6


async def test_the_same_transaction_tells_it_once(house: House, alice: Guest) -> None:
    carol = await house.register("carol", moderator=True)
    told = [ok(await tell(carol, alice.user_id, transaction_id="1")) for _ in range(2)]
    assert told[0]["event_id"] == told[1]["event_id"]


async def test_nobody_declines_a_notice_but_everybody_may_leave(house: House, alice: Guest) -> None:
    carol = await house.register("carol", moderator=True)
    ok(await tell(carol, alice.user_id))
    room = await invitation(alice)
    code = "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"
    refused(await alice.post(f"/rooms/{room}/leave"), 403, code)
    leave = {"membership": "leave"}
    refused(await alice.set(room, "m.room.member", leave, alice.user_id), 403, code)
    await alice.join(room)
    ok(await alice.post(f"/rooms/{room}/leave"))
    ok(await tell(carol, alice.user_id))
    assert await invitation(alice) == room


async def test_only_moderators_speak_for_the_server(house: House, alice: Guest, bob: Guest) -> None:
    refused(await tell(alice, bob.user_id), 403, "M_FORBIDDEN")
    carol = await house.register("carol", moderator=True)
    refused(await tell(carol, "@nobody:example.org"), 404, "M_NOT_FOUND")
    refused(await tell(carol, bob.user_id, content={}), 400, "M_BAD_JSON")
    refused(await tell(carol, bob.user_id, content={"body": "x", "n": 0.5}), 400, "M_BAD_JSON")
    refused(await tell(carol, bob.user_id, transaction_id="\0"), 400, "M_INVALID_PARAM")

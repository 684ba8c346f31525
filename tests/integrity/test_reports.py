"""Reports: who may report what, and how little they open."""

import msgspec

from qingxin.integrity.reports import Report
from tests.rooms.house import Guest, House, ok, refused


async def kept(house: House) -> list[Report]:
    return await house.app.reports.newest(10)


async def test_a_member_reports_a_message_and_only_that_is_kept(
    house: House, alice: Guest, bob: Guest
) -> None:
    room = await alice.room(invite=[bob.user_id])
    await bob.join(room)
    await alice.say(room, "between us")
    said = await alice.say(room, "buy my coins")
    ok(await bob.post(f"/rooms/{room}/report/{said}", {"reason": "fraud", "score": -100}))
    (report,) = await kept(house)
    assert (report.reporter, report.user_id) == (bob.user_id, alice.user_id)
    assert (report.room_id, report.event_id, report.reason) == (room, said, "fraud")
    evidence = msgspec.json.decode(report.evidence)
    assert evidence["content"]["body"] == "buy my coins"
    assert b"between us" not in report.evidence


async def test_what_was_reported_stays_when_it_is_redacted(house: House, alice: Guest) -> None:
    room = await alice.room()
    said = await alice.say(room, "gone soon")
    ok(await alice.post(f"/rooms/{room}/report/{said}"))
    ok(await alice.put(f"/rooms/{room}/redact/{said}/1", {}))
    assert b"gone soon" in (await kept(house))[0].evidence


async def test_others_cannot_report_a_message_nor_learn_of_it(
    house: House, alice: Guest, bob: Guest
) -> None:
    room = await alice.room(preset="public_chat")
    said = await alice.say(room, "hello")
    refused(await bob.post(f"/rooms/{room}/report/{said}", {"reason": ""}), 404, "M_NOT_FOUND")
    refused(await alice.post(f"/rooms/{room}/report/$no", {"reason": ""}), 404, "M_NOT_FOUND")
    other = await alice.room()
    refused(await alice.post(f"/rooms/{other}/report/{said}"), 404, "M_NOT_FOUND")
    refused(await alice.post(f"/rooms/!no:example.org/report/{said}"), 404, "M_NOT_FOUND")
    assert await kept(house) == []


async def test_a_member_cannot_report_what_was_said_before_they_could_see_it(
    house: House, alice: Guest, bob: Guest
) -> None:
    hidden = {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
    room = await alice.room(preset="public_chat", initial_state=[hidden])
    said = await alice.say(room, "before")
    await bob.join(room)
    refused(await bob.post(f"/rooms/{room}/report/{said}"), 404, "M_NOT_FOUND")


async def test_anybody_reports_rooms_and_people(house: House, alice: Guest, bob: Guest) -> None:
    room = await alice.room()
    ok(await bob.post(f"/rooms/{room}/report", {"reason": "a den"}))
    ok(await bob.post(f"/users/{alice.user_id}/report", {"reason": "a rogue"}))
    of_room, of_alice = sorted(await kept(house), key=lambda report: report.room_id is None)
    assert (of_room.room_id, of_room.user_id, of_room.evidence) == (room, None, b"")
    assert (of_alice.room_id, of_alice.user_id) == (None, alice.user_id)


async def test_the_same_report_twice_is_one(house: House, alice: Guest, bob: Guest) -> None:
    for reason in ("first", "second"):
        ok(await bob.post(f"/users/{alice.user_id}/report", {"reason": reason}))
    assert [report.reason for report in await kept(house)] == ["second"]


async def test_what_cannot_be_reported_is_refused(alice: Guest) -> None:
    room = await alice.room()
    nobody = "/users/@nobody:example.org/report"
    refused(await alice.post(nobody, {"reason": ""}), 404, "M_NOT_FOUND")
    refused(await alice.post("/rooms/!no:example.org/report", {"reason": ""}), 404, "M_NOT_FOUND")
    for path in (f"/rooms/{room}/report", f"/users/{alice.user_id}/report"):
        refused(await alice.post(path, {}), 400, "M_BAD_JSON")
        refused(await alice.post(path, {"reason": "x" * 2001}), 400, "M_INVALID_PARAM")
        refused(await alice.post(path, {"reason": "\0"}), 400, "M_INVALID_PARAM")

"""Push rules over HTTP: what can be set, where it stands, and what is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from qingxin.api.http import Call, Caller, Route, routes_of
from qingxin.api.matrix.pushrules import PushRuleEndpoints
from qingxin.api.router import Router
from qingxin.attention import edits
from qingxin.attention.pushrules import PushRules
from qingxin.attention.rules import Kind, Rule, Rules
from qingxin.people import preferences
from qingxin.people.preferences import Preferences
from qingxin.store.line import Line
from qingxin.store.postgres import Postgres
from tests.people.parts import People

ALICE = "@alice:example.org"
KINDS = ["override", "content", "room", "sender", "underride"]
ROOTS = ["/_matrix/client/v3/pushrules", "/_matrix/client/r0/pushrules"]
NOTIFY = {"actions": ["notify"]}
SAID_TO_BE_A_NOTICE = [{"kind": "event_match", "key": "content.msgtype", "pattern": "m.notice"}]


class Person:
    """A signed-in client."""

    def __init__(self, name: str, web: httpx.AsyncClient) -> None:
        self.user_id = f"@{name}:example.org"
        self._web = web

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        address = path if path.startswith("/_matrix") else f"{ROOTS[0]}/{path}"
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        headers = {"authorization": self.user_id}
        return await self._web.request(
            method, address, content=content, params=query, headers=headers
        )

    async def put(self, path: str, body: Any, **query: str) -> None:
        answer = await self.ask("PUT", path, body, **query)
        assert (answer.status_code, answer.json()) == (200, {}), answer.text

    async def get(self, path: str = "") -> Any:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = await self.ask(method, path, body, **query)
        assert answer.json()["error"]
        return answer.status_code, answer.json()["errcode"]

    async def names(self, kind: str) -> list[str]:
        rules = (await self.get())["global"][kind]
        return [rule["rule_id"] for rule in rules if not rule["default"]]


async def admit(call: Call, route: Route) -> None:
    call.admit(Caller(call.header(b"authorization"), "PHONE"))


@pytest.fixture
def book(people: People) -> PushRules:
    return PushRules(people.preferences)


@pytest.fixture
async def sign_in(book: PushRules) -> AsyncIterator[Callable[[str], Person]]:
    router = Router(routes_of(PushRuleEndpoints(book)), admit)
    transport = httpx.ASGITransport(router)
    async with httpx.AsyncClient(transport=transport, base_url="http://qingxin") as web:
        yield lambda name: Person(name, web)


@pytest.fixture
def alice(sign_in: Callable[[str], Person]) -> Person:
    return sign_in("alice")


@pytest.fixture
def bob(sign_in: Callable[[str], Person]) -> Person:
    return sign_in("bob")


async def test_everyone_starts_with_the_default_rules(alice: Person) -> None:
    rules = (await alice.get())["global"]
    assert list(rules) == KINDS
    assert [rule["rule_id"] for rule in rules["override"]] == [
        ".m.rule.master",
        ".m.rule.suppress_notices",
        ".m.rule.invite_for_me",
        ".m.rule.member_event",
        ".m.rule.is_user_mention",
        ".m.rule.contains_display_name",
        ".m.rule.is_room_mention",
        ".m.rule.roomnotif",
        ".m.rule.tombstone",
        ".m.rule.reaction",
        ".m.rule.room.server_acl",
        ".m.rule.suppress_edits",
        ".org.matrix.msc3930.rule.poll_response",
    ]
    assert [rule["rule_id"] for rule in rules["underride"]][:5] == [
        ".m.rule.call",
        ".m.rule.encrypted_room_one_to_one",
        ".m.rule.room_one_to_one",
        ".m.rule.message",
        ".m.rule.encrypted",
    ]
    assert (rules["room"], rules["sender"]) == ([], [])
    every = [rule for kind in KINDS for rule in rules[kind]]
    assert all(rule["default"] for rule in every)
    assert [rule["rule_id"] for rule in every if not rule["enabled"]] == [".m.rule.master"]


async def test_default_rules_name_their_owner(alice: Person, bob: Person) -> None:
    for person, name in ((alice, "alice"), (bob, "bob")):
        rules = (await person.get())["global"]
        (by_name,) = rules["content"]
        assert by_name["pattern"] == name
        assert rules["override"][4]["conditions"][0] == {
            "kind": "event_property_contains",
            "key": "content.m\\.mentions.user_ids",
            "value": person.user_id,
        }
        assert rules["override"][2]["conditions"][2]["pattern"] == person.user_id


async def test_the_parts_agree_with_the_whole(alice: Person) -> None:
    whole = await alice.get()
    assert await alice.get("global/") == whole["global"]
    for kind in KINDS:
        assert await alice.get(f"global/{kind}/") == whole["global"][kind]
        for rule in whole["global"][kind]:
            path = f"global/{kind}/{rule['rule_id']}"
            assert await alice.get(path) == rule
            assert await alice.get(f"{path}/enabled") == {"enabled": rule["enabled"]}
            assert await alice.get(f"{path}/actions") == {"actions": rule["actions"]}


ADDED: list[tuple[str, str, dict[str, Any]]] = [
    ("room", "!lunch:example.org", {}),
    ("room", "!OnlyAHashAsInRoomVersion12", {}),
    ("room", "#spam:example.org", {}),
    ("sender", "@bob:example.org", {}),
    ("content", "my_content_rule", {"pattern": "my_pattern"}),
    ("content", "茶 & cake", {"pattern": "茶"}),
    ("override", "my_override_rule", {"conditions": SAID_TO_BE_A_NOTICE}),
    ("override", "everything", {"conditions": []}),
    ("underride", "my_underride_rule", {"conditions": SAID_TO_BE_A_NOTICE}),
    (
        "underride",
        "of the future",
        {"conditions": [{"kind": "org.example.moon", "phase": {"is": ["full"]}}]},
    ),
]


@pytest.mark.parametrize("root", ROOTS)
async def test_a_rule_of_every_kind_can_be_added(alice: Person, root: str) -> None:
    for kind, rule_id, more in ADDED:
        path = f"{root}/global/{kind}/{quote(rule_id)}"
        await alice.put(path, {**NOTIFY, **more})
        expected = {"rule_id": rule_id, "default": False, "enabled": True, **NOTIFY, **more}
        assert await alice.get(path) == expected
        assert (await alice.names(kind))[0] == rule_id


async def test_an_override_rule_without_conditions_always_matches(alice: Person) -> None:
    await alice.put("global/override/always", NOTIFY)
    assert (await alice.get("global/override/always"))["conditions"] == []


async def test_new_rules_appear_before_old_ones(alice: Person) -> None:
    await alice.put("global/room/!a:example.org", NOTIFY)
    await alice.put("global/room/!b:example.org", NOTIFY)
    assert await alice.names("room") == ["!b:example.org", "!a:example.org"]


async def test_a_rule_can_be_put_before_or_after_another(alice: Person) -> None:
    await alice.put("global/room/!a:example.org", NOTIFY)
    await alice.put("global/room/!b:example.org", NOTIFY, before="!a:example.org")
    await alice.put("global/room/!c:example.org", NOTIFY, after="!b:example.org")
    assert await alice.names("room") == ["!b:example.org", "!c:example.org", "!a:example.org"]


async def test_a_rule_cannot_stand_next_to_a_default_or_an_unknown_one(alice: Person) -> None:
    for neighbour in (".m.rule.master", "nobody"):
        for side in ("before", "after"):
            refusal = await alice.refused(
                "PUT", "global/override/mine", NOTIFY, **{side: neighbour}
            )
            assert refusal == (400, "M_UNKNOWN")
    assert await alice.names("override") == []


async def test_the_master_rule_stays_first(alice: Person) -> None:
    await alice.put("global/override/mine", NOTIFY)
    rules = (await alice.get())["global"]["override"]
    assert [rule["rule_id"] for rule in rules][:2] == [".m.rule.master", "mine"]


async def test_a_rule_can_be_deleted_once(alice: Person) -> None:
    await alice.put("global/room/!a:example.org", NOTIFY)
    await alice.put("global/room/!b:example.org", NOTIFY)
    answer = await alice.ask("DELETE", "global/room/!a:example.org")
    assert (answer.status_code, answer.json()) == (200, {})
    assert await alice.names("room") == ["!b:example.org"]
    assert await alice.refused("DELETE", "global/room/!a:example.org") == (404, "M_NOT_FOUND")


async def test_default_rules_cannot_be_deleted(alice: Person) -> None:
    for rule_id in (".m.rule.master", ".m.rule.is_user_mention"):
        refusal = await alice.refused("DELETE", f"global/override/{rule_id}")
        assert refusal == (404, "M_NOT_FOUND")
        assert (await alice.get(f"global/override/{rule_id}"))["default"] is True


async def test_every_rule_can_be_turned_off_and_on(alice: Person) -> None:
    await alice.put("global/sender/@bob:example.org", NOTIFY)
    for kind, rules in (await alice.get())["global"].items():
        for rule in rules:
            path = f"global/{kind}/{rule['rule_id']}/enabled"
            for enabled in (True, False, True):
                await alice.put(path, {"enabled": enabled})
                assert await alice.get(path) == {"enabled": enabled}


async def test_the_actions_of_every_rule_can_be_changed(alice: Person) -> None:
    await alice.put("global/sender/@bob:example.org", NOTIFY)
    for kind, rules in (await alice.get())["global"].items():
        for rule in rules:
            path = f"global/{kind}/{rule['rule_id']}"
            # Without effect, but old clients expect it to be there afterwards.
            await alice.put(f"{path}/actions", {"actions": ["dont_notify"]})
            assert await alice.get(f"{path}/actions") == {"actions": ["dont_notify"]}
            assert await alice.get(path) == {**rule, "actions": ["dont_notify"]}


UNKNOWN = ["override/.not.a.default.rule", "sender/@bob:example.org", "content/.m.rule.message"]


async def test_a_rule_that_is_not_there_cannot_be_found(alice: Person) -> None:
    missing = (404, "M_NOT_FOUND")
    for path in UNKNOWN:
        assert await alice.refused("GET", f"global/{path}") == missing
        assert await alice.refused("DELETE", f"global/{path}") == missing
        assert await alice.refused("GET", f"global/{path}/enabled") == missing
        assert await alice.refused("GET", f"global/{path}/actions") == missing
        assert await alice.refused("PUT", f"global/{path}/enabled", {"enabled": True}) == missing
        assert await alice.refused("PUT", f"global/{path}/actions", NOTIFY) == missing


NOWHERE = [
    ("", "M_UNRECOGNIZED"),
    ("/global", "M_UNRECOGNIZED"),
    ("/device/phone/", "M_UNRECOGNIZED"),
    ("/global/override", "M_UNRECOGNIZED"),
    ("/global/sideways/", "M_UNRECOGNIZED"),
    ("/global/sideways/rule", "M_UNRECOGNIZED"),
    ("/global/override/.m.rule.master/colour", "M_UNRECOGNIZED"),
    ("/global/override/nothing", "M_NOT_FOUND"),
]


async def test_paths_that_lead_nowhere(alice: Person) -> None:
    answers = [(path, *await alice.refused("GET", ROOTS[0] + path)) for path, _ in NOWHERE]
    assert answers == [(path, 404, code) for path, code in NOWHERE]


LONG = "x" * 1025
REFUSED: list[tuple[str, Any, str]] = [
    ("override/.mine", NOTIFY, "M_INVALID_PARAM"),
    ("override/.m.rule.master", NOTIFY, "M_INVALID_PARAM"),
    ("override/a%2Fb", NOTIFY, "M_INVALID_PARAM"),
    ("override/a%5Cb", NOTIFY, "M_INVALID_PARAM"),
    (f"override/{LONG}", NOTIFY, "M_INVALID_PARAM"),
    ("override/a%00b", NOTIFY, "M_INVALID_PARAM"),
    ("override/%ff", NOTIFY, "M_INVALID_PARAM"),
    ("sideways/mine", NOTIFY, "M_INVALID_PARAM"),
    ("room/lunch", NOTIFY, "M_INVALID_PARAM"),
    ("room/!", NOTIFY, "M_INVALID_PARAM"),
    ("sender/bob", NOTIFY, "M_INVALID_PARAM"),
    ("content/tea", NOTIFY, "M_MISSING_PARAM"),
    ("content/tea", {**NOTIFY, "pattern": LONG}, "M_INVALID_PARAM"),
    ("content/tea", {**NOTIFY, "pattern": "\0localpart"}, "M_INVALID_PARAM"),
    ("content/tea", {**NOTIFY, "pattern": 3}, "M_BAD_JSON"),
    ("override/mine", {}, "M_BAD_JSON"),
    ("override/mine", [], "M_BAD_JSON"),
    ("override/mine", b"{", "M_NOT_JSON"),
    ("override/mine", b"", "M_NOT_JSON"),
    ("override/mine", {"actions": "notify"}, "M_BAD_JSON"),
    ("override/mine", {"actions": [3]}, "M_BAD_JSON"),
    ("override/mine", {"actions": ["dance"]}, "M_INVALID_PARAM"),
    ("override/mine", {"actions": [{"sound": "loud"}]}, "M_INVALID_PARAM"),
    ("override/mine", {"actions": [{"set_tweak": 3}]}, "M_INVALID_PARAM"),
    ("override/mine", {"actions": [{"set_tweak": "sound", "value": 3}]}, "M_INVALID_PARAM"),
    ("override/mine", {"actions": [{"set_tweak": "highlight", "value": "x"}]}, "M_INVALID_PARAM"),
    ("override/mine", {"actions": ["notify"] * 101}, "M_INVALID_PARAM"),
    ("override/mine", {**NOTIFY, "conditions": {}}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": ["x"]}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": [{}]}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": [{"kind": 3}]}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": [{"kind": "x", "key": 3}]}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": [{"kind": "x", "value": []}]}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": [{"kind": "x", "value": 1.5}]}, "M_BAD_JSON"),
    ("override/mine", {**NOTIFY, "conditions": [{"kind": "x", "is": 2}]}, "M_BAD_JSON"),
    (
        "override/mine",
        {**NOTIFY, "conditions": [{"kind": "event_match", "key": "type", "pattern": "\0user_id"}]},
        "M_INVALID_PARAM",
    ),
    ("override/mine", {**NOTIFY, "conditions": SAID_TO_BE_A_NOTICE * 101}, "M_INVALID_PARAM"),
    ("override/mine/enabled", {}, "M_BAD_JSON"),
    ("override/mine/enabled", {"enabled": "true"}, "M_BAD_JSON"),
    ("override/mine/actions", {}, "M_BAD_JSON"),
    ("override/mine/actions", {"actions": ["dance"]}, "M_INVALID_PARAM"),
    ("sideways/mine/enabled", {"enabled": True}, "M_INVALID_PARAM"),
]


async def test_what_is_no_rule_is_refused(alice: Person) -> None:
    before = await alice.get()
    for path, body, code in REFUSED:
        assert await alice.refused("PUT", f"global/{path}", body) == (400, code), (path, body)
    assert await alice.get() == before


async def test_nobody_can_pile_up_rules_without_end(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences, "LARGEST", 1000)
    await alice.put("global/override/small", NOTIFY)
    big = {**NOTIFY, "conditions": SAID_TO_BE_A_NOTICE * 50}
    assert await alice.refused("PUT", "global/override/big", big) == (413, "M_TOO_LARGE")
    assert await alice.names("override") == ["small"]


async def test_rules_belong_to_one_person(alice: Person, bob: Person) -> None:
    await alice.put("global/room/!a:example.org", NOTIFY)
    await alice.put("global/override/.m.rule.master/enabled", {"enabled": True})
    assert await bob.names("room") == []
    assert await bob.get("global/override/.m.rule.master/enabled") == {"enabled": False}


async def test_two_devices_at_once_lose_nothing(alice: Person) -> None:
    names = [f"!{number}:example.org" for number in range(20)]
    await asyncio.gather(*(alice.put(f"global/room/{name}", NOTIFY) for name in names))
    assert sorted(await alice.names("room")) == sorted(names)


async def test_a_change_holds_for_the_next_event(alice: Person, book: PushRules) -> None:
    before = await book.ruleset(alice.user_id)
    assert await book.ruleset(alice.user_id) is before
    await alice.put("global/override/.m.rule.master/enabled", {"enabled": True})
    after = await book.ruleset(alice.user_id)
    assert after is not before
    assert await book.ruleset(alice.user_id) is after


async def test_another_process_learns_of_a_change(postgres: Postgres) -> None:
    here, there = Line(postgres), Line(postgres)
    running = asyncio.create_task(here.run())
    await there.refresh()
    rules = PushRules(Preferences(postgres, here))
    other = PushRules(Preferences(postgres, there))
    before = await other.ruleset(ALICE)
    assert await other.ruleset(ALICE) is before
    await rules.edit(ALICE, lambda old: edits.enable(old, Kind.OVERRIDE, ".m.rule.master", True))
    await there.refresh()
    assert await other.ruleset(ALICE) is not before
    running.cancel()


async def test_two_machines_at_once_lose_nothing(alice: Person, people: People) -> None:
    line = Line(people.database)
    running = asyncio.create_task(line.run())
    other = PushRules(Preferences(people.database, line))
    names = [f"!{number}:example.org" for number in range(10)]
    theirs = [f"!{number}:example.com" for number in range(10)]

    def add(name: str) -> Callable[[Rules], Rules]:
        return lambda rules: edits.put(rules, Kind.ROOM, Rule(name, []))

    await asyncio.gather(
        *(alice.put(f"global/room/{name}", NOTIFY) for name in names),
        *(other.edit(alice.user_id, add(name)) for name in theirs),
    )
    running.cancel()
    assert sorted(await alice.names("room")) == sorted(names + theirs)


async def test_the_rules_about_a_room_follow_it_to_its_replacement(
    alice: Person, bob: Person, book: PushRules
) -> None:
    await alice.put("global/room/!old:example.org", {"actions": ["dont_notify"]})
    await book.follow([alice.user_id, bob.user_id], "!old:example.org", "!new:example.org")
    assert await alice.names("room") == ["!new:example.org", "!old:example.org"]
    new = await alice.get("global/room/!new:example.org")
    assert new["actions"] == ["dont_notify"]
    assert await bob.names("room") == []

"""The shortcut for those whom an event does not concern never differs from asking every rule."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qingxin.attention.facts import Facts
from qingxin.attention.rules import Change, Kind, Rule, Rules
from qingxin.attention.ruleset import DEFAULT, Ruleset

USERS = ["@alice:example.org", "@bob:example.org", "@BOB:example.org", "@b:o", "@:x", ""]
ROOMS = ["!a:example.org", "!A:example.org", "!b:example.org", ""]
NAMES = ["", "Bob", "bob the builder", "小王", "ΣΑΣ", "İ", "a", "\0", "@room"]

bodies = st.one_of(
    st.lists(st.sampled_from([*NAMES, *USERS, "bob", "cake", "@room", "-"]), max_size=4).map(
        " ".join
    ),
    st.text(max_size=10),
    st.sampled_from([None, 3, ["bob"]]),
)
mentions = st.one_of(
    st.just({}),
    st.builds(
        lambda users, room: {"user_ids": users, "room": room},
        st.lists(st.sampled_from(USERS), max_size=3),
        st.sampled_from([True, False, 1]),
    ),
    st.sampled_from([None, "x", {"user_ids": [3, None]}, {"user_ids": "@bob:example.org"}]),
)


@st.composite
def events(draw: st.DrawFn) -> Facts:
    content: dict[str, Any] = {
        "msgtype": draw(st.sampled_from(["m.text", "m.notice"])),
        "body": draw(bodies),
        "membership": draw(st.sampled_from(["invite", "join"])),
    }
    if draw(st.booleans()):
        content["m.mentions"] = draw(mentions)
    if draw(st.booleans()):
        content["m.relates_to"] = {"rel_type": "m.replace"}
    return Facts(
        type=draw(
            st.sampled_from(
                ["m.room.message", "m.room.encrypted", "m.room.member", "m.call.invite", "x"]
            )
        ),
        sender=draw(st.sampled_from(USERS)),
        room_id=draw(st.sampled_from(ROOMS)),
        content=content,
        state_key=draw(st.sampled_from([None, *USERS])),
        members=draw(st.integers(1, 3)),
        sender_power=draw(st.sampled_from([0, 50])),
        levels=draw(st.sampled_from([None, {"room": 0}])),
    )


def in_room(room: str) -> list[dict[str, Any]]:
    return [{"kind": "event_match", "key": "room_id", "pattern": room}]


own_rules = st.fixed_dictionaries(
    {},
    optional={
        Kind.ROOM: st.lists(st.builds(Rule, st.sampled_from(ROOMS), st.just([]))),
        Kind.SENDER: st.lists(st.builds(Rule, st.sampled_from(USERS), st.just([]))),
        Kind.OVERRIDE: st.lists(
            st.builds(
                Rule,
                st.just("mine"),
                st.just(["notify"]),
                enabled=st.booleans(),
                conditions=st.sampled_from(
                    [
                        [],
                        *map(in_room, ROOMS),
                        [{"kind": "event_match", "key": "room_id", "pattern": "*"}],
                    ]
                ),
            ),
            max_size=2,
        ),
        Kind.CONTENT: st.lists(
            st.builds(Rule, st.just("cake"), st.just([]), pattern=st.just("cake")), max_size=1
        ),
    },
)
changes = st.dictionaries(
    st.sampled_from([".m.rule.master", ".m.rule.message"]),
    st.builds(Change, enabled=st.booleans()),
)
rulesets = st.one_of(
    st.just(DEFAULT), st.builds(Rules, own_rules, st.one_of(st.just({}), changes)).map(Ruleset)
)


@settings(deadline=None)
@given(rulesets, events(), st.sampled_from(USERS), st.sampled_from([None, *NAMES]))
def test_the_shortcut_agrees_with_the_walk(
    ruleset: Ruleset, facts: Facts, user_id: str, name: str | None
) -> None:
    short = ruleset.evaluate(facts, user_id, name)
    assert short == ruleset.walk(facts, user_id, (name or "").lower())


@settings(deadline=None)
@given(rulesets, events(), st.lists(st.sampled_from(USERS), min_size=2))
def test_one_recipient_does_not_change_what_the_next_one_gets(
    ruleset: Ruleset, facts: Facts, user_ids: list[str]
) -> None:
    together = [ruleset.evaluate(facts, user_id, "Bob") for user_id in user_ids]
    assert together == [ruleset.walk(facts, user_id, "bob") for user_id in user_ids]

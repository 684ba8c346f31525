"""Who may say what: the authorisation rules of room versions 6 to 12 as one plain question.

`check(state, draft)` raises Forbidden or returns. It reads nothing but the state it is given.
spec: rooms/v12/#authorization-rules
"""

from collections.abc import Iterator
from typing import Any, Protocol

from qingxin import ids
from qingxin.errors import BadJson, Forbidden
from qingxin.log.event import MEMBER, Draft, Event
from qingxin.log.versions import Version

INFINITE = 2**60  # the power of a creator in room version 12
LARGEST = 2**53 - 1  # spec: appendices/#canonical-json
LEVELS = {
    "users_default": 0, "events_default": 0, "state_default": 50,
    "ban": 50, "kick": 50, "redact": 50, "invite": 0,
}  # fmt: skip


class State(Protocol):
    """The current state of one room, as far as the rules must see it."""

    version: Version

    def get(self, type: str, state_key: str = "") -> Event | None: ...

    def membership(self, user_id: str) -> str: ...


def check(state: State, draft: Draft) -> None:
    """Raises Forbidden where the rules do not allow the draft, BadJson where it is ill-formed."""
    if draft.type == "m.room.create":
        if state.get("m.room.create") is not None:
            raise Forbidden("This room has been created already.")
        return
    if draft.type == MEMBER and draft.state_key is not None:
        return check_member(state, draft, draft.state_key)
    if state.membership(draft.sender) != "join":
        raise Forbidden("You are not in this room.")
    have, need = power(state, draft.sender), needed(state, draft.type, draft.state_key is not None)
    if have < need:
        raise Forbidden(f"That needs a power level of {need}, and yours is {shown(have)}.")
    if (
        draft.state_key is not None
        and draft.state_key.startswith("@")
        and draft.state_key != draft.sender
    ):
        raise Forbidden("State under somebody's user id can be set by that person only.")
    if draft.type == "m.room.power_levels" and draft.state_key == "":
        check_levels(state, draft)


def check_member(state: State, draft: Draft, target: str) -> None:
    """The rules for memberships: join, invite, leave, kick, ban and knock."""
    if not ids.is_user_id(target):
        raise BadJson("The state key of a membership is a user id.")
    rules = {"join": _join, "invite": _invite, "leave": _leave, "ban": _ban, "knock": _knock}
    membership = draft.content.get("membership")
    rule = rules.get(membership) if isinstance(membership, str) else None
    if rule is None:
        raise BadJson("A membership is join, invite, leave, ban or knock.")
    rule(state, draft, target)


def _join(state: State, draft: Draft, target: str) -> None:
    if target != draft.sender:
        raise Forbidden("Nobody can join for somebody else.")
    now = state.membership(target)
    if now == "ban":
        raise Forbidden("You are banned from this room.")
    if now in ("join", "invite") or _is_founding(state, target):
        return
    rule = join_rule(state)
    if rule == "public":
        return
    if rule in ("restricted", "knock_restricted"):
        return _vouched(state, draft.content.get("join_authorised_via_users_server"))
    raise Forbidden("You need an invitation to join this room.")


def _is_founding(state: State, target: str) -> bool:
    """The creator's own join is the second event of every room."""
    create = state.get("m.room.create")
    if create is None or create.sender != target or state.membership(target) != "leave":
        return False
    return state.get("m.room.join_rules") is None and state.get("m.room.power_levels") is None


def _vouched(state: State, voucher: Any) -> None:
    if not isinstance(voucher, str) or state.membership(voucher) != "join":
        raise Forbidden("You are in none of the rooms whose members may join this one.")
    if power(state, voucher) < level(state, "invite"):
        raise Forbidden("Nobody in this room may let its neighbours in.")


def _invite(state: State, draft: Draft, target: str) -> None:
    _be_inside(state, draft.sender)
    if (now := state.membership(target)) in ("join", "ban"):
        raise Forbidden(f"{target} is {'banned' if now == 'ban' else 'in the room already'}.")
    if power(state, draft.sender) < level(state, "invite"):
        raise Forbidden("You may not invite people to this room.")


def _leave(state: State, draft: Draft, target: str) -> None:
    now = state.membership(target)
    if target == draft.sender:
        if now not in ("join", "invite", "knock"):
            raise Forbidden(
                "You are not in this room." if now != "ban" else "You are banned from this room."
            )
        return
    _be_inside(state, draft.sender)
    have = power(state, draft.sender)
    if now == "ban" and have < level(state, "ban"):
        raise Forbidden("You may not unban people in this room.")
    if have < level(state, "kick") or power(state, target) >= have:
        raise Forbidden(f"You may not remove {target} from this room.")


def _ban(state: State, draft: Draft, target: str) -> None:
    _be_inside(state, draft.sender)
    have = power(state, draft.sender)
    if have < level(state, "ban") or power(state, target) >= have:
        raise Forbidden(f"You may not ban {target} from this room.")


def _knock(state: State, draft: Draft, target: str) -> None:
    version, rule = state.version, join_rule(state)
    open_to = {"knock"} if version.knocking else set()
    if version.knock_restricted:
        open_to.add("knock_restricted")
    if rule not in open_to:
        raise Forbidden("This room does not take requests to join.")
    if target != draft.sender:
        raise Forbidden("Nobody can knock for somebody else.")
    if state.membership(target) in ("ban", "invite", "join"):
        raise Forbidden("You cannot knock here: you are banned, invited or in the room already.")


def _be_inside(state: State, user_id: str) -> None:
    if state.membership(user_id) != "join":
        raise Forbidden("You are not in this room.")


def join_rule(state: State) -> str:
    event = state.get("m.room.join_rules")
    rule = event.decoded().get("join_rule") if event else None
    return rule if isinstance(rule, str) else "invite"


def levels(state: State) -> dict[str, Any]:
    event = state.get("m.room.power_levels")
    return event.decoded() if event else {}


def level(state: State, name: str) -> int:
    """One of LEVELS, as this room has set it."""
    if name == "state_default" and state.get("m.room.power_levels") is None:
        return 0
    return _whole(levels(state).get(name), LEVELS[name])


def creators(state: State) -> set[str]:
    """The users above all levels in room version 12; the single creator before."""
    create = state.get("m.room.create")
    if create is None:
        return set()
    more = create.decoded().get("additional_creators") if state.version.creators_rule else None
    return (
        {create.sender, *(u for u in more if isinstance(u, str))}
        if isinstance(more, list)
        else {create.sender}
    )


def power(state: State, user_id: str) -> int:
    """A user's power level."""
    if state.version.creators_rule and user_id in creators(state):
        return INFINITE
    if state.get("m.room.power_levels") is None:
        return 100 if user_id in creators(state) else 0
    users = levels(state).get("users")
    own = users.get(user_id) if isinstance(users, dict) else None
    return _whole(own, level(state, "users_default"))


def needed(state: State, type: str, is_state: bool) -> int:
    """The power level that sending an event of this type takes."""
    events = levels(state).get("events")
    default = level(state, "state_default" if is_state else "events_default")
    return _whole(events.get(type), default) if isinstance(events, dict) else default


def _whole(value: Any, default: int) -> int:
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    if isinstance(value, str):  # before room version 10
        try:
            return int(value.strip())
        except ValueError:
            return default
    return default


def check_levels(state: State, draft: Draft) -> None:
    """New power levels: well-formed, and nothing changed that is above the sender's own."""
    new, old = draft.content, levels(state)
    for where, value in _each_level(new):
        if not _is_level(value, state.version):
            raise BadJson(f"The power level {where} must be an integer.")
    for user_id in new.get("users") or {}:
        if not ids.is_user_id(user_id):
            raise BadJson(f"{user_id!r} is no user id.")
        if state.version.creators_rule and user_id in creators(state):
            raise BadJson("A creator's power cannot be limited in this room version.")
    if state.get("m.room.power_levels") is None:
        return
    have = power(state, draft.sender)
    before, after = dict(_each_level(old)), dict(_each_level(new))
    for where in before.keys() | after.keys():
        was, will = before.get(where), after.get(where)
        if was != will:
            _check_change(where, _bound(was), _bound(will), have, draft.sender)


def _check_change(
    where: tuple[str, str], was: int | None, will: int | None, have: int, sender: str
) -> None:
    if (was is not None and was > have) or (will is not None and will > have):
        raise Forbidden("You may not change power levels above your own.")
    if where[0] == "users" and where[1] != sender and was is not None and was >= have:
        raise Forbidden("You may not change the power of somebody who has as much as you.")


def _bound(value: Any) -> int | None:
    return None if value is None else _whole(value, 0)


def _each_level(content: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for name in LEVELS:
        if name in content:
            yield ("", name), content[name]
    for group in ("events", "users", "notifications"):
        inner = content.get(group, {})
        if not isinstance(inner, dict):
            raise BadJson(f"The power levels' {group} must be an object.")
        for name, value in inner.items():
            yield (group, name), value


def _is_level(value: Any, version: Version) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= LARGEST
    return isinstance(value, str) and not version.integer_levels


def may_redact(state: State, sender: str, target: Event) -> bool:
    """One's own events always, others' with the redact level."""
    return target.sender == sender or power(state, sender) >= level(state, "redact")


def shown(value: int) -> str:
    return "a creator's" if value == INFINITE else str(value)

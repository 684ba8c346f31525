"""The endpoints of push rules.

spec: client-server-api/#push-rules-api
"""

from typing import Any

from msgspec import Struct

from qingxin.api.http import Call, route
from qingxin.api.matrix.paths import V3, also_r0
from qingxin.attention import drafts, edits
from qingxin.attention.drafts import RuleDraft
from qingxin.attention.pushrules import PushRules, everything, shown
from qingxin.attention.rules import Action, Kind
from qingxin.errors import InvalidParam, Unrecognized

RULESETS = also_r0(V3 + "pushrules/")
GLOBAL = also_r0(V3 + "pushrules/global/")
OF_KIND = also_r0(V3 + "pushrules/global/{kind}/")
RULE = also_r0(V3 + "pushrules/global/{kind}/{rule_id}")
ENABLED = also_r0(V3 + "pushrules/global/{kind}/{rule_id}/enabled")
ACTIONS = also_r0(V3 + "pushrules/global/{kind}/{rule_id}/actions")

KINDS = frozenset(kind.value for kind in Kind)


class Enabled(Struct, frozen=True):
    """Body of PUT …/enabled, and what GET answers."""

    enabled: bool


class Actions(Struct, frozen=True):
    """Body of PUT …/actions, and what GET answers."""

    actions: list[Action]


class PushRuleEndpoints:
    """Everybody reads and changes their own push rules."""

    def __init__(self, push_rules: PushRules) -> None:
        self._push_rules = push_rules

    @route("GET", *RULESETS)
    async def rulesets(self, call: Call) -> bytes:
        return await self._push_rules.as_json(call.caller.user_id)

    @route("GET", *GLOBAL)
    async def ruleset(self, call: Call) -> bytes:
        return shown(await self._everything(call), call.caller.user_id)

    @route("GET", *OF_KIND)
    async def of_kind(self, call: Call, kind: str) -> bytes:
        return shown((await self._everything(call))[known(kind)], call.caller.user_id)

    @route("GET", *RULE)
    async def rule(self, call: Call, kind: str, rule_id: str) -> bytes:
        rules = await self._push_rules.rules(call.caller.user_id)
        return shown(edits.find(rules, known(kind), rule_id), call.caller.user_id)

    @route("PUT", *RULE, limit="preferences")
    async def put(self, call: Call, kind: str, rule_id: str) -> None:
        where = writable(kind)
        rule = drafts.accept(where, rule_id, await call.json(RuleDraft))
        before, after = call.query("before"), call.query("after")
        await self._push_rules.edit(
            call.caller.user_id,
            lambda rules: edits.put(rules, where, rule, before=before, after=after),
        )

    @route("DELETE", *RULE, limit="preferences")
    async def remove(self, call: Call, kind: str, rule_id: str) -> None:
        where = known(kind)
        await self._push_rules.edit(
            call.caller.user_id, lambda rules: edits.remove(rules, where, rule_id)
        )

    @route("GET", *ENABLED)
    async def is_enabled(self, call: Call, kind: str, rule_id: str) -> Enabled:
        rules = await self._push_rules.rules(call.caller.user_id)
        return Enabled(edits.find(rules, known(kind), rule_id).enabled)

    @route("PUT", *ENABLED, limit="preferences")
    async def enable(self, call: Call, kind: str, rule_id: str) -> None:
        where, body = writable(kind), await call.json(Enabled)
        await self._push_rules.edit(
            call.caller.user_id, lambda rules: edits.enable(rules, where, rule_id, body.enabled)
        )

    @route("GET", *ACTIONS)
    async def actions(self, call: Call, kind: str, rule_id: str) -> Actions:
        rules = await self._push_rules.rules(call.caller.user_id)
        return Actions(edits.find(rules, known(kind), rule_id).actions)

    @route("PUT", *ACTIONS, limit="preferences")
    async def set_actions(self, call: Call, kind: str, rule_id: str) -> None:
        where, body = writable(kind), await call.json(Actions)
        actions = drafts.accept_actions(body.actions)
        await self._push_rules.edit(
            call.caller.user_id, lambda rules: edits.set_actions(rules, where, rule_id, actions)
        )

    async def _everything(self, call: Call) -> dict[Kind, Any]:
        return everything(await self._push_rules.rules(call.caller.user_id))


def known(kind: str) -> Kind:
    """The kind of rule of that name. Raises Unrecognized."""
    if kind not in KINDS:
        raise Unrecognized(f"There are no {kind} rules.")
    return Kind(kind)


def writable(kind: str) -> Kind:
    """The kind that a rule shall have. Raises InvalidParam."""
    if kind not in KINDS:
        raise InvalidParam(f"There are no {kind} rules.")
    return Kind(kind)

"""Somebody in the middle of a life: rooms, messages of every kind, files. Their ids take the place
of invented ones.
"""

import asyncio
from typing import Any

import requests

from tests.media.samples import png
from tests.stories.cast import PASSWORD, Person, password_login
from tests.stories.server import Town, client_of


class Someone:
    """Signs in anew whenever a request has signed them out.

    `known` has real values by the name of a parameter or field.
    """

    known: dict[str, list[Any]]

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False
        asyncio.run(self._live(name))

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ensure_signed_in(self) -> None:
        client = f"{self.url}/_matrix/client/v3"
        answer = self.http.get(f"{client}/account/whoami", headers=self.headers)
        if answer.status_code == 401:
            login = password_login(self.user_id, PASSWORD)
            self.token = self.http.post(f"{client}/login", json=login).json()["access_token"]

    async def _live(self, name: str) -> None:
        async with client_of(self.url) as http:
            town = Town()
            town.http = http
            me, friend = await town.register_as(name), await town.register_as(f"{name}-friend")
            self.token, self.user_id = me.token, me.user_id
            rooms = [
                await me.opens(friend, name="Square", room_alias_name=name),
                await me.creates(friend, is_direct=True),
                await friend.opens(me, creation_content={"type": "m.space"}),
            ]
            await friend.sets(rooms[2], "m.space.child", {"via": [me.server_name]}, rooms[0])
            await friend.invites(await friend.creates(name="Secret"), me)
            await me.leaves(await friend.opens(me))
            self._name_people_and_rooms(me, friend, rooms)
            await self._talk(me, friend, rooms[0])
            await self._keep(me, rooms[0])

    async def _talk(self, me: Person, friend: Person, room: str) -> None:
        events = [await me.says(room, "one"), await friend.says(room, "two")]
        await friend.edits(room, events[1], "too")
        await friend.reacts(room, events[0])
        await friend.answers_in_thread(room, events[0], "three")
        events.append(await friend.says(room, "four"))
        await friend.redacts(room, events[2])
        await friend.reads(room, events[1])
        names = ("eventId", "event_id", "m.read", "m.fully_read", "m.read.private")
        self.known |= dict.fromkeys(names, events)

    async def _keep(self, me: Person, room: str) -> None:
        picture = await me.uploads(png(), "image/png", "picture.png")
        server_name, media_id = picture.removeprefix("mxc://").split("/")
        await me.shows(picture)
        for where in (room, None):
            await me.keeps("org.example.type", {"a": 1}, where)
        await me.put(f"/user/{me.user_id}/rooms/{room}/tags/u.work", {"order": 0.1})
        filter_id = (await me.post(f"/user/{me.user_id}/filter"))["filter_id"]
        token = (await me.sync()).token
        self.known |= {
            "serverName": [server_name], "mediaId": [media_id], "avatar_url": [picture],
            "filterId": [filter_id], "filter": [filter_id, '{"room":{"timeline":{"limit":2}}}'],
            "since": [token], "from": [token], "to": [token],
        }  # fmt: skip

    def _name_people_and_rooms(self, me: Person, friend: Person, rooms: list[str]) -> None:
        alias = f"#{me.localpart}:{me.server_name}"
        self.known = {
            "userId": [me.user_id, me.user_id, friend.user_id],
            "user_id": [friend.user_id, me.user_id], "deviceId": [me.device_id],
            "roomId": rooms, "room_id": rooms, "roomIdOrAlias": [*rooms, alias],
            "roomAlias": [alias, f"#new-{alias[1:]}"], "new_version": ["10", "11", "12"],
            "eventType": ["m.room.name", "m.room.message", "m.room.member"],
            "stateKey": ["", me.user_id], "type": ["org.example.type", "m.tag"],
            "relType": ["m.annotation", "m.thread", "m.replace"], "tag": ["u.work", "m.low"],
            "receiptType": ["m.read", "m.read.private", "m.fully_read"], "txnId": ["t1", "t2"],
            "keyName": ["displayname", "avatar_url", "m.tz"],
            "ruleId": [".m.rule.master", ".m.rule.message", "mine", rooms[0], friend.user_id],
            "timeout": [0, 1, -1, "soon"],  # nobody has time to wait
        }  # fmt: skip

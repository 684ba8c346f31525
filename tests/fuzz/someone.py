"""Somebody with an account, a room and a file, whose ids fill the documents' paths."""

from typing import Any
from urllib.parse import quote

import requests

from tests.media.samples import png

PASSWORD = "a good password"
CLIENT = "/_matrix/client/v3"
CONTENT = {"msgtype": "m.text", "body": "hello"}


class Someone:
    """Signs in anew whenever a request has signed them out."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.http = requests.Session()
        self._name = name
        dummy = {"type": "m.login.dummy"}
        self._take(self._post("/register", {"username": name, "password": PASSWORD, "auth": dummy}))
        self.known = self._things()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ensure_signed_in(self) -> None:
        answer = self.http.get(f"{self.url}{CLIENT}/account/whoami", headers=self.headers)
        if answer.status_code == 401:
            identifier = {"type": "m.id.user", "user": self._name}
            login = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
            self._take(self._post("/login", login))

    def _take(self, session: dict[str, Any]) -> None:
        self.token: str = session["access_token"]
        self.user_id: str = session["user_id"]
        self.device_id: str = session["device_id"]

    def _things(self) -> dict[str, str]:
        """By the names of path parameters in the documents."""
        alias, kept = f"#{self._name}:{self.user_id.partition(':')[2]}", "org.example.type"
        room: str = self._post("/createRoom", {"room_alias_name": self._name})["room_id"]
        event: str = self._put(f"/rooms/{room}/send/m.room.message/t1", CONTENT)["event_id"]
        user = f"/user/{self.user_id}"
        for where in (user, f"{user}/rooms/{room}"):
            self._put(f"{where}/account_data/{kept}", {})
        self._put(f"/rooms/{room}/state/m.room.name", {"name": "Tea"})
        media = self._file().removeprefix("mxc://").split("/")
        return {
            "roomId": room, "roomIdOrAlias": alias, "roomAlias": quote(alias), "eventId": event,
            "userId": self.user_id, "deviceId": self.device_id, "eventType": "m.room.name",
            "stateKey": "", "relType": "m.annotation", "type": kept, "keyName": "displayname",
            "serverName": media[0], "mediaId": media[1], "kind": "override",
            "ruleId": ".m.rule.master", "receiptType": "m.read", "tag": "u.work", "txnId": "t2",
            "version": "1", "sessionId": "session", "fileName": "file",
            "filterId": self._post(f"{user}/filter", {})["filter_id"],
        }  # fmt: skip

    def _file(self) -> str:
        address = f"{self.url}/_matrix/media/v3/upload"
        headers = {"Content-Type": "image/png"} | self.headers
        return str(self.http.post(address, data=png(), headers=headers).json()["content_uri"])

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._asked("POST", path, body)

    def _put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._asked("PUT", path, body)

    def _asked(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = self.headers if hasattr(self, "token") else {}
        answer = self.http.request(method, f"{self.url}{CLIENT}{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

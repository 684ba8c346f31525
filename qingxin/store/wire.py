"""The wire: short messages between the processes that share a database, over NATS.

They are hints, of which any may be lost: the database has the truth. A NATS that cannot be
reached is tried again for ever, and what is told meanwhile is dropped.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

PAUSE = 1.0  # seconds between attempts to reach NATS
PATIENCE = 2  # seconds for an answer of NATS
PING_EVERY = 10  # seconds; two without an answer mean that the connection is dead
MOST_WAITING = 10_000  # messages that are still to be sent

Hear = Callable[[bytes], Awaitable[None] | None]
logger = logging.getLogger("qingxin.store")


class Wire:
    """What one process tells the others. With an empty `url` there are no others.

    `name` keeps servers apart that share a NATS.
    """

    def __init__(self, url: str, name: str) -> None:
        self._servers = [each.strip() for each in url.split(",") if each.strip()]
        self._prefix = "qingxin." + re.sub(r"[^A-Za-z0-9-]", "_", name)
        self._listeners: dict[str, Hear] = {}
        self._connect_listeners: list[Callable[[], None]] = []
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._due = asyncio.Event()
        self._lost = asyncio.Event()
        self._missing = False  # whether it was said that NATS cannot be reached
        self.connected = False

    def on(self, topic: str, hear: Hear) -> None:
        """Call `hear` with what other processes tell about a topic."""
        self._listeners[topic] = hear

    def on_connect(self, listener: Callable[[], None]) -> None:
        """Call `listener` when messages begin to come, after some may have been missed."""
        self._connect_listeners.append(listener)

    def tell(self, topic: str, message: bytes) -> None:
        """Tell every other process that can be reached now; nobody waits for it."""
        if self.connected:
            self._outgoing.append((f"{self._prefix}.{topic}", message))
            self._due.set()

    async def run(self) -> None:
        """Listen and tell, for ever."""
        task = asyncio.current_task()
        # A timeout may swallow the cancellation that comes with it (asyncio.wait_for before 3.12).
        while self._servers and not (task and task.cancelling()):
            try:
                await self._attend()
            except Exception as error:
                self._miss(error)
            await asyncio.sleep(PAUSE)

    async def _attend(self) -> None:
        """Be connected until the connection is lost."""
        from nats.aio.client import Client  # it takes a while, which most servers need not

        client = Client()
        self._lost.clear()
        try:
            await client.connect(
                self._servers,
                name="qingxin",
                no_echo=True,
                # We try again ourselves; it would go on after we are cancelled.
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=PATIENCE,
                ping_interval=PING_EVERY,
                error_cb=self._complain,
                closed_cb=self._lose,
            )
            await self._subscribe(client)
            await self._send(client)
        finally:
            self.connected = False
            with suppress(Exception):
                await asyncio.wait_for(client.close(), PATIENCE)

    async def _subscribe(self, client: "Client") -> None:
        for topic in self._listeners:
            await client.subscribe(f"{self._prefix}.{topic}", cb=self._receive)
        # The first flush may overtake the subscriptions; the second cannot.
        await client.flush(PATIENCE)
        await client.flush(PATIENCE)
        self.connected = True
        if self._missing:
            logger.info("NATS is back.")
            self._missing = False
        for listener in self._connect_listeners:
            listener()

    async def _send(self, client: "Client") -> None:
        """Send what is told, as it comes, until the connection is lost."""
        try:
            while not self._lost.is_set():
                await self._due.wait()
                self._due.clear()
                await self._empty(client)
            raise ConnectionError("the connection ended")
        except asyncio.CancelledError:
            await self._empty(client)
            raise

    async def _empty(self, client: "Client") -> None:
        while self._outgoing:
            await client.publish(*self._outgoing.popleft())

    async def _receive(self, message: "Msg") -> None:
        hear = self._listeners[message.subject.removeprefix(f"{self._prefix}.")]
        try:
            waiting = hear(message.data)
            if waiting is not None:
                await waiting
        except Exception:
            logger.exception("A message about %s was not understood", message.subject)

    async def _complain(self, error: Exception) -> None:
        if self.connected:
            logger.info("NATS: %s", error)
        else:
            self._miss(error)

    async def _lose(self) -> None:
        self.connected = False
        self._lost.set()
        self._due.set()

    def _miss(self, error: Exception) -> None:
        """Say once that there is no NATS; what it would have brought is then looked for."""
        if not self._missing:
            places = ", ".join(each.rpartition("@")[2] for each in self._servers)
            logger.warning(
                "%s cannot be reached: %s. News of other processes comes later, by looking into"
                " the database.",
                places,
                str(error) or type(error).__name__,
            )
            self._missing = True

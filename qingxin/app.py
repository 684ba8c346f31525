"""The composition root: the only place that builds things and knows who needs whom."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from qingxin.api.auth import Gate
from qingxin.api.http import routes_of
from qingxin.api.limits import Limits
from qingxin.api.matrix.account import OwnAccount
from qingxin.api.matrix.account_data import AccountDataEndpoints
from qingxin.api.matrix.admin import AdminEndpoints
from qingxin.api.matrix.credentials import Credentials
from qingxin.api.matrix.devices import DeviceEndpoints
from qingxin.api.matrix.directory import DirectoryEndpoints
from qingxin.api.matrix.events import EventEndpoints
from qingxin.api.matrix.filters import FilterEndpoints
from qingxin.api.matrix.login import SigningIn
from qingxin.api.matrix.media import MediaEndpoints
from qingxin.api.matrix.openid import OpenIdEndpoints
from qingxin.api.matrix.other_networks import OtherNetworks
from qingxin.api.matrix.presence import PresenceEndpoints
from qingxin.api.matrix.profile import ProfileEndpoints
from qingxin.api.matrix.pushrules import PushRuleEndpoints
from qingxin.api.matrix.receipts import ReceiptEndpoints
from qingxin.api.matrix.register import Registration
from qingxin.api.matrix.relations import RelationEndpoints
from qingxin.api.matrix.reports import ReportEndpoints
from qingxin.api.matrix.rooms import RoomEndpoints
from qingxin.api.matrix.spaces import SpaceEndpoints
from qingxin.api.matrix.state import StateEndpoints
from qingxin.api.matrix.summary import SummaryEndpoints
from qingxin.api.matrix.sync import SyncEndpoint
from qingxin.api.matrix.timeline import TimelineEndpoints
from qingxin.api.matrix.uia import Confirmation
from qingxin.api.matrix.upgrade import UpgradeEndpoint
from qingxin.api.matrix.user_directory import UserDirectoryEndpoints
from qingxin.api.matrix.versions import Discovery
from qingxin.api.matrix.voip import TurnEndpoints
from qingxin.api.qingxin.notices import NoticeEndpoint
from qingxin.api.router import Router
from qingxin.attention.pushrules import PushRules
from qingxin.attention.unread import Unread
from qingxin.clock import Clock, SystemClock
from qingxin.config import Settings
from qingxin.integrity.reports import Reports
from qingxin.jobs import Jobs
from qingxin.log.append import Log
from qingxin.log.feed import Feed
from qingxin.log.follow import Follower, Take
from qingxin.log.read import History
from qingxin.log.state import States
from qingxin.log.tail import Tail
from qingxin.log.versions import DEFAULT, VERSIONS
from qingxin.media import files as media
from qingxin.media.local import LocalBlobs
from qingxin.media.thumbnails import Thumbnails
from qingxin.media.workshop import Workshop
from qingxin.people.accounts import Accounts
from qingxin.people.devices import Devices
from qingxin.people.directory import UserDirectory
from qingxin.people.farewell import Farewell
from qingxin.people.filters import Filters
from qingxin.people.invitations import Invitations
from qingxin.people.passes import Passes
from qingxin.people.passwords import Passwords
from qingxin.people.preferences import Preferences
from qingxin.people.presence import Presence, Word
from qingxin.people.profiles import Profiles
from qingxin.people.sessions import DevicesChanged, Sessions
from qingxin.people.sightings import Sightings
from qingxin.rooms import notices, upgrade
from qingxin.rooms.create import Rooms
from qingxin.rooms.directory import Directory
from qingxin.rooms.ephemeral import Typing
from qingxin.rooms.everywhere import Everywhere
from qingxin.rooms.listing import Listing
from qingxin.rooms.membership import Membership
from qingxin.rooms.moving import Moving
from qingxin.rooms.notices import Notices
from qingxin.rooms.receipts import Receipts
from qingxin.rooms.spaces import Spaces
from qingxin.rooms.summary import Summaries
from qingxin.rooms.upgrade import Upgrades
from qingxin.store.choice import open_database
from qingxin.store.database import Database
from qingxin.store.line import Line
from qingxin.store.waking import Waking
from qingxin.store.wire import Wire
from qingxin.sync.stream import Stream

SWEEP_EVERY = 1.0  # seconds between looks at what ends by itself


class App:
    """Everything, built and tied together. `router` is the ASGI application."""

    def __init__(self, settings: Settings, data: Path, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.data = data
        self.database = database
        self.clock = clock
        self.line = Line(database)
        self.wire = Wire(settings.nats if database.shared else "", settings.server_name)
        self.waking = Waking(self.line, self.wire)
        self.jobs = Jobs(database, clock)
        self._build_log()
        self._build_people()
        self._build_rooms()
        self._build_sync()
        self._build_media()
        self._hear_others()
        limits = Limits(clock, on=settings.rate_limits == "on")
        query_tokens = settings.query_tokens == "on"
        gate = Gate(self.sessions, self.sightings, limits, query_tokens=query_tokens)
        endpoints = [*self._account_endpoints(limits), *self._room_endpoints()]
        self.router = Router([r for each in endpoints for r in routes_of(each)], gate.admit)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, data: Path, clock: Clock | None = None
    ) -> AsyncIterator["App"]:
        """The application over its data, working until the context closes."""
        clock = clock or SystemClock()
        os.makedirs(data, exist_ok=True)
        database = await open_database(settings.database, data, clock)
        try:
            await database.migrate()
            app = cls(settings, data, database, clock)
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(work()) for work in app.works()]
                await app.log.start()
                await app.farewell.resume()
                try:
                    yield app
                finally:
                    for task in running:
                        task.cancel()
            await app.workshop.close()
            await app.blobs.close()
            await app.sightings.write(every=0)
        finally:
            await database.close()

    def works(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """What goes on in the background."""
        followers = [self._follower("listing", self.listing.take)]
        return [
            self.line.run,
            self.jobs.run,
            self.sightings.run,
            self.files.run,
            self._sweep,
            *(follower.run for follower in followers),
            *((self.wire.run, self.waking.run) if self.database.shared else ()),
        ]

    def _follower(self, name: str, take: Take, *, whole: bool = False) -> Follower:
        return Follower(
            name,
            take,
            log=self.log,
            feed=self.feed,
            database=self.database,
            clock=self.clock,
            whole=whole,
        )

    def _build_log(self) -> None:
        self.tail = Tail(self.settings.tail_bytes)
        self.states = States(self.database)
        self.history = History(self.database, self.tail, self.states)
        self.feed = Feed(self.history.joined_rooms)
        self.log = Log(
            self.database,
            self.line,
            self.history,
            self.feed,
            self.clock,
            server_name=self.settings.server_name,
            screens=[notices.screen(self.settings.server_name), upgrade.screen],
        )

    def _build_people(self) -> None:
        settings = self.settings
        self.sightings = Sightings(self.database, self.clock)
        self.accounts = Accounts(
            self.database, self.clock, Passwords(settings.password_cost), settings.server_name
        )
        self.sessions = Sessions(
            self.database,
            self.line,
            self.clock,
            self.sightings,
            access_token_minutes=settings.access_token_minutes,
            announce=lambda user_id: self.wire.tell("sessions", user_id.encode()),
        )
        self.devices = Devices(self.database, self.line, self.sightings)
        self.user_directory = UserDirectory(self.database, settings.server_name)
        self.invitations = Invitations(self.database, self.clock)
        self.passes = Passes(self.database, self.clock)
        self.profiles = Profiles(
            self.database, self.line, lambda user_id: self.everywhere.promise_to_show(user_id)
        )
        self.preferences = Preferences(self.database, self.line)
        self.filters = Filters(self.database)
        self.presence = Presence(
            self.clock,
            lambda user_id: self.stream.presence_changed(user_id),
            floor=lambda: self.typing.number,
            tell=partial(self.wire.tell, "presence"),
        )
        self.push_rules = PushRules(self.preferences)

    def _build_rooms(self) -> None:
        self.membership = Membership(self.log, self.database, self.accounts, self.profiles)
        self.everywhere = Everywhere(self.log, self.membership, self.profiles, self.jobs)
        self.directory = Directory(self.log, self.database, self.settings.server_name)
        self.listing = Listing(self.log, self.database)
        self.summaries = Summaries(self.states, self.membership)
        self.spaces = Spaces(self.summaries)
        self.rooms = Rooms(
            self.log,
            self.profiles,
            self.directory,
            self.listing,
            self.membership,
            self.settings.server_name,
        )
        moving = Moving(self.history, self.preferences, self.jobs, self.push_rules.follow)
        self.upgrades = Upgrades(
            self.log,
            self.profiles,
            self.directory,
            self.listing,
            moving,
            self.jobs,
            server_name=self.settings.server_name,
        )
        self.notices = Notices(
            self.log,
            self.database,
            self.accounts,
            self.profiles,
            self.preferences,
            self.rooms,
            self.membership,
        )
        self.reports = Reports(self.database, self.clock)

    def _build_sync(self) -> None:
        self.receipts = Receipts(self.log, self.database, self.clock)
        self.typing = Typing(
            self.clock,
            self.feed.stir,
            floor=lambda: self.presence.number,
            tell=partial(self.wire.tell, "typing"),
        )
        self.unread = Unread(self.log, self.receipts, self.push_rules, self.preferences)
        self.log.listen(self.typing.notice)
        self.stream = Stream(
            history=self.history,
            feed=self.feed,
            reach=self.line.refresh,
            clock=self.clock,
            membership=self.membership,
            receipts=self.receipts,
            typing=self.typing,
            presence=self.presence,
            preferences=self.preferences,
            rules=self.push_rules,
            unread=self.unread,
        )
        self.feed.welcome(self.presence.show)
        self.line.on(DevicesChanged, self.stream.devices_changed)
        self.farewell = Farewell(
            self.accounts,
            self.sessions,
            self.passes,
            self.profiles,
            self.preferences,
            self._leave_rooms,
        )

    def _build_media(self) -> None:
        limits = media.Limits(self.settings.max_upload, self.settings.media_quota)
        self.blobs = LocalBlobs(self.data / "media")
        self.files = media.Files(self.database, self.blobs, self.clock, limits)
        self.workshop = Workshop()
        self.thumbnails = Thumbnails(self.database, self.blobs, self.clock, self.workshop)

    def _hear_others(self) -> None:
        """What other processes tell besides what stands in the line."""
        self.wire.on("sessions", lambda user_id: self.sessions.forget(user_id.decode()))
        self.wire.on("typing", self.typing.hear)
        self.wire.on("presence", self._hear_presence)

    async def _hear_presence(self, message: bytes) -> None:
        word = msgspec.json.decode(message, type=Word)
        await self.feed.acquaint(word.user_id)
        self.presence.hear(word)

    def _account_endpoints(self, limits: Limits) -> list[object]:
        """What concerns people, without any room."""
        settings = self.settings
        credentials = Credentials(self.accounts, limits)
        confirmation = Confirmation(credentials)
        return [
            Registration(
                self.accounts,
                self.invitations,
                self.sessions,
                limits,
                self.clock,
                settings.registration,
            ),
            SigningIn(
                self.accounts,
                self.sessions,
                self.passes,
                credentials,
                confirmation,
                settings.public_url,
            ),
            OwnAccount(self.accounts, self.sessions, self.passes, confirmation, self.farewell),
            AdminEndpoints(self.accounts, self.sessions, self.devices, self.sightings),
            DeviceEndpoints(self.devices, self.sessions, confirmation),
            ProfileEndpoints(self.profiles, self.accounts, self.everywhere.show_profile),
            PresenceEndpoints(self.presence, self.accounts, self._are_acquainted),
            AccountDataEndpoints(self.preferences, {"m.push_rules": self.push_rules.as_json}),
            FilterEndpoints(self.filters),
            UserDirectoryEndpoints(self.user_directory),
            OpenIdEndpoints(self.passes, settings.server_name),
            TurnEndpoints(self.clock, settings.turn_uris, settings.turn_secret),
            OtherNetworks(),
            Discovery(
                settings.public_url,
                room_versions=list(VERSIONS),
                default_room_version=DEFAULT,
            ),
            PushRuleEndpoints(self.push_rules),
            MediaEndpoints(
                self.files,
                self.thumbnails,
                settings.server_name,
                public=settings.public_media == "on",
            ),
            SyncEndpoint(self.stream, self.filters, self.presence),
        ]

    def _room_endpoints(self) -> list[object]:
        """What happens in rooms."""
        server_name = self.settings.server_name
        timeline = TimelineEndpoints(self.log, self.membership, self.preferences, self.clock)
        return [
            EventEndpoints(self.log, self.directory, self.membership),
            RoomEndpoints(self.log, self.rooms, self.membership, self.directory),
            StateEndpoints(self.log, self.clock),
            DirectoryEndpoints(self.states, self.directory, self.listing, server_name),
            SummaryEndpoints(self.summaries, self.directory),
            SpaceEndpoints(self.spaces),
            UpgradeEndpoint(self.upgrades),
            ReportEndpoints(self.reports, self.history, self.accounts),
            NoticeEndpoint(self.notices),
            timeline,
            RelationEndpoints(self.log, timeline),
            ReceiptEndpoints(self.log, self.receipts, self.preferences, self.typing),
        ]

    async def _are_acquainted(self, asker: str, user_id: str) -> bool:
        """Whether two people are in a room together."""
        theirs = set(await self.history.joined_rooms(user_id))
        return not theirs.isdisjoint(await self.history.joined_rooms(asker))

    async def close_account(self, user_id: str, *, erase: bool) -> None:
        """Close somebody's account for ever."""
        await self.farewell.close(user_id, erase=erase)

    async def _leave_rooms(self, user_id: str, erase: bool) -> None:
        await self.everywhere.leave(user_id)

    async def _sweep(self) -> None:
        """End what ends by itself: typing, watching over those who are away."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            self.typing.sweep()
            self.presence.sweep()
            self.feed.sweep(loop.time())

"""Everything of `people`, put together as the application does it, at a low password cost."""

from qingxin.clock import HandClock
from qingxin.people.accounts import Accounts
from qingxin.people.devices import Devices
from qingxin.people.directory import UserDirectory
from qingxin.people.farewell import Farewell
from qingxin.people.filters import Filters
from qingxin.people.invitations import Invitations
from qingxin.people.passes import Passes
from qingxin.people.passwords import Passwords
from qingxin.people.preferences import Preferences
from qingxin.people.presence import Presence
from qingxin.people.profiles import Profiles
from qingxin.people.sessions import Sessions
from qingxin.people.sightings import Sightings
from qingxin.store.database import Database
from qingxin.store.line import Line

SERVER = "example.org"
MINUTES = 60


class People:
    """The parts under their names in the application."""

    def __init__(self, database: Database, line: Line, clock: HandClock) -> None:
        self.database, self.line, self.clock = database, line, clock
        self.passwords = Passwords("low")
        self.accounts = Accounts(database, clock, self.passwords, SERVER)
        self.invitations = Invitations(database, clock)
        self.sightings = Sightings(database, clock)
        self.sessions = Sessions(
            database, line, clock, self.sightings, access_token_minutes=MINUTES
        )
        self.devices = Devices(database, line, self.sightings)
        self.passes = Passes(database, clock)
        self.profiles = Profiles(database, line)
        self.preferences = Preferences(database, line)
        self.filters = Filters(database)
        self.presence = Presence(clock)
        self.directory = UserDirectory(database, SERVER)
        self.left: list[tuple[str, bool]] = []
        self.farewell = Farewell(
            self.accounts,
            self.sessions,
            self.passes,
            self.profiles,
            self.preferences,
            self._leave,
        )

    async def _leave(self, user_id: str, erase: bool) -> None:
        self.left.append((user_id, erase))

    async def join(self, name: str, password: str = "a good password") -> str:
        """Somebody registers; their user id."""
        user_id = self.accounts.user_id(name)
        await self.accounts.register(user_id, await self.accounts.hash(password))
        return user_id

"""Whom a device has met: members already sent, so that lazy loading does not repeat them."""

from collections import OrderedDict

MOST_DEVICES = 5_000


class Acquaintances:
    """For each device the members it was sent, as long as it goes on where we left off."""

    def __init__(self) -> None:
        self._devices: OrderedDict[tuple[str, str], tuple[int, dict[str, dict[str, int]]]] = (
            OrderedDict()
        )

    def known(self, user_id: str, device_id: str, since: int) -> dict[str, dict[str, int]]:
        """room → member → position of the member event that was sent last. Changed in place."""
        at, rooms = self._devices.get((user_id, device_id), (-1, {}))
        # A device that goes back, perhaps since an answer was lost, is told everything again.
        return rooms if at == since and since > 0 else {}

    def keep(self, user_id: str, device_id: str, at: int, rooms: dict[str, dict[str, int]]) -> None:
        self._devices[user_id, device_id] = (at, rooms)
        self._devices.move_to_end((user_id, device_id))
        while len(self._devices) > MOST_DEVICES:
            self._devices.popitem(last=False)

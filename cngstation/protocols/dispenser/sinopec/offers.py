"""What the station offers its dispensers, and what each of them is told of it.

A poll announces a version of everything, and a dispenser fetches what it does not
hold. Of what is not offered its own version is announced, which its identity has told:
so nothing of it is fetched and nothing erased.
"""

from dataclasses import dataclass
from datetime import datetime

from cngstation.moments import CHINA, local_time
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    Downloads,
    PriceTable,
    StationData,
)
from cngstation.protocols.dispenser.sinopec.dispensers import Dispenser
from cngstation.protocols.dispenser.sinopec.downloads import (
    Part,
    Place,
    list_part,
    price_part,
    station_part,
)
from cngstation.protocols.dispenser.sinopec.messages import Versions

_NOTHING_HELD = Versions()
_ANY_NOZZLE = [1]
_FIELDS = {
    DownloadKind.BASE: "base",
    DownloadKind.ADDED: "added",
    DownloadKind.DELETED: "deleted",
    DownloadKind.WHITE: "white",
    DownloadKind.PRICES: "price",
    DownloadKind.STATION: "station",
}


@dataclass(slots=True)
class Offers:
    """The parts that dispensers may fetch.

    Prices of a time to come are offered beside those in force; where no prices in
    force were ever offered, they wait until they are.
    """

    place: Place
    _lists: dict[DownloadKind, Part]
    _prices: PriceTable | None = None
    _following: PriceTable | None = None
    _station: StationData | None = None

    def offer(self, downloads: Downloads) -> None:
        """Take what dispensers shall hold from now on.

        Raises:
            LocalProtocolError: something does not fit; nothing is changed.
        """
        lists = {
            DownloadKind(kind): list_part(given, self.place)
            for kind, given in downloads.lists.items()
        }
        if downloads.prices is not None:
            price_part(downloads.prices, None, _ANY_NOZZLE, self.place)
        if downloads.station is not None:
            station_part(downloads.station, _ANY_NOZZLE, self.place)
        self._lists |= lists
        self._following = downloads.prices or self._following
        self._station = downloads.station or self._station

    def let_time_pass(self, wall_ms: int) -> None:
        """Let prices whose time has come be those in force."""
        coming = self._following
        if coming is None:
            return
        effective = datetime.fromisoformat(coming.effective_at)
        if effective.replace(tzinfo=CHINA) <= local_time(wall_ms):
            self._prices, self._following = coming, None

    def announced(self, dispenser: Dispenser) -> Versions:
        """Return the versions that a poll of this dispenser announces."""
        held = dispenser.held or _NOTHING_HELD
        parts = self._parts(dispenser)
        return Versions(
            **{
                name: parts[kind].version if kind in parts else getattr(held, name)
                for kind, name in _FIELDS.items()
            }
        )

    def part(self, dispenser: Dispenser, kind: DownloadKind) -> Part | None:
        """Return what a dispenser fetches; None when that is not offered."""
        return self._parts(dispenser).get(kind)

    def came_into_force(self, dispenser: Dispenser) -> list[DownloadAdvanced]:
        """Compare what a dispenser says it holds; return what is new of it."""
        news: list[DownloadAdvanced] = []
        for kind, part in self._parts(dispenser).items():
            holds = getattr(dispenser.held, _FIELDS[kind]) == part.version
            if holds and dispenser.in_force.get(kind) != part.version:
                dispenser.in_force[kind] = part.version
                news += advanced(dispenser, kind, part, part.count, is_in_force=True)
            elif not holds:
                dispenser.in_force.pop(kind, None)
        return news

    def _parts(self, dispenser: Dispenser) -> dict[DownloadKind, Part]:
        nozzles = list(dispenser.nozzles)
        parts = dict(self._lists)
        if self._prices is not None:
            parts[DownloadKind.PRICES] = price_part(
                self._prices, self._following, nozzles, self.place
            )
        if self._station is not None:
            parts[DownloadKind.STATION] = station_part(
                self._station, nozzles, self.place
            )
        return parts


def advanced(
    dispenser: Dispenser,
    kind: DownloadKind,
    part: Part,
    sent: int,
    *,
    is_in_force: bool = False,
) -> list[DownloadAdvanced]:
    """Say for each nozzle of a dispenser how far a download is."""
    return [
        DownloadAdvanced(
            gun, kind, part.version, sent, part.count, is_in_force=is_in_force
        )
        for gun in dispenser.guns
    ]

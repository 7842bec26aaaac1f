"""What the station offers its dispensers, and what each of them is told of it.

A poll announces a version of everything, and a dispenser fetches what it does not
hold. Of what is not offered its own version is announced, which its identity has told:
so nothing of it is fetched and nothing erased.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
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
class _Held:
    """What one dispenser shall hold.

    Prices of a time to come are offered beside those in force; where no prices in
    force were ever offered, they wait until they are. `tables` are those whose time
    has not come, in their order.
    """

    lists: dict[DownloadKind, Part] = field(default_factory=dict)
    prices: PriceTable | None = None
    tables: list[PriceTable] = field(default_factory=list)
    station: StationData | None = None


@dataclass(slots=True)
class Offers:
    """The parts that dispensers may fetch, each by its address."""

    place: Place
    _held: dict[int, _Held] = field(default_factory=dict)

    def offer(self, downloads: Downloads, dispensers: Iterable[Dispenser]) -> None:
        """Take what dispensers shall hold from now on.

        Raises:
            LocalProtocolError: something does not fit; nothing is changed.
        """
        lists = {
            DownloadKind(kind): list_part(given, self.place)
            for kind, given in downloads.lists.items()
        }
        tables = [one for one in (downloads.prices, downloads.coming) if one]
        for table in tables:
            price_part(table, None, _ANY_NOZZLE, self.place)
        if downloads.station is not None:
            station_part(downloads.station, _ANY_NOZZLE, self.place)
        for dispenser in dispensers:
            held = self._of(dispenser)
            held.lists |= lists
            held.tables = list(tables) or held.tables
            held.station = downloads.station or held.station

    def let_time_pass(self, wall_ms: int) -> None:
        """Let prices whose time has come be those in force."""
        for held in self._held.values():
            while held.tables and _has_come(held.tables[0], wall_ms):
                held.prices = held.tables.pop(0)

    def _of(self, dispenser: Dispenser) -> _Held:
        return self._held.setdefault(dispenser.address, _Held())

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
                dispenser.tries.over(kind)
                news += advanced(dispenser, kind, part, part.count, is_in_force=True)
            elif not holds:
                dispenser.in_force.pop(kind, None)
        return news

    def _parts(self, dispenser: Dispenser) -> dict[DownloadKind, Part]:
        nozzles, held = list(dispenser.nozzles), self._of(dispenser)
        parts = dict(held.lists)
        if held.prices is not None:
            parts[DownloadKind.PRICES] = price_part(
                held.prices,
                held.tables[0] if held.tables else None,
                nozzles,
                self.place,
            )
        if held.station is not None:
            parts[DownloadKind.STATION] = station_part(
                held.station, nozzles, self.place
            )
        return parts


def _has_come(table: PriceTable, wall_ms: int) -> bool:
    effective = datetime.fromisoformat(table.effective_at)
    return effective.replace(tzinfo=CHINA) <= local_time(wall_ms)


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
            gun,
            kind,
            part.version,
            sent,
            part.count,
            is_in_force=is_in_force,
            refused="" if is_in_force else dispenser.tries.why(kind),
        )
        for gun in dispenser.guns
    ]

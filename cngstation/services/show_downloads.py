"""What each nozzle holds of lists and prices, beside what it shall hold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from cngstation.moments import Clock, SystemClock
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    ListKind,
    StationData,
)
from cngstation.rpc.contract.downloads import (
    MOST_NOZZLES,
    MOST_NUMBERS,
    ClockRow,
    DownloadRow,
    ListedNumber,
    ListedNumbers,
    ListFigure,
    ListsBoard,
    NumberQuery,
)
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.publish_downloads import note_in_force, wanted_versions
from cngstation.services.tell_day import tell_prices_ms
from cngstation.services.wait_while_busy import while_busy
from cngstation.services.watch_device_clocks import DeviceClocks
from cngstation.storage import downloads
from cngstation.storage.database import Database, Transaction
from cngstation.storage.download_tries import REFUSED, Try, last_tries, note_refused
from cngstation.storage.downloads import PublishedPrices, Sold
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

_log = structlog.get_logger()

IN_FORCE, SENDING, WAITING, NOT_CARRIED = "in_force", "sending", "waiting", "no_way"
NOT_TAKEN = "refused"
AHEAD_THERE, AHEAD_WAITS = "there", "waits"


@dataclass(frozen=True, slots=True)
class Carried:
    """A nozzle of a line, with the kinds that its protocol can carry."""

    setting: NozzleSetting
    kinds: frozenset[DownloadKind]
    takes_ahead: bool = False  # prices before their time


class DownloadWatch:
    """Takes note of what nozzles fetch; what they hold is a fact in the books."""

    def __init__(
        self,
        database: Database,
        changed: Callable[[], None] = lambda: None,
        clocks: DeviceClocks | None = None,
        station: StationData | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._clocks = clocks
        self._station = station
        self._station_held: dict[NozzleKey, int] = {}
        self._database = database
        self.changed = changed
        self.doubted: Callable[[], None] = lambda: None
        self._in_doubt: set[tuple[NozzleKey, DownloadKind]] = set()
        self._nozzles: dict[NozzleKey, Carried] = {}
        self._under_way: dict[tuple[NozzleKey, DownloadKind], DownloadAdvanced] = {}
        # When each was last tried in this life; the result is in the file.
        self._tried_ms: dict[tuple[NozzleKey, DownloadKind], int] = {}

    def serve(
        self,
        settings: Iterable[NozzleSetting],
        kinds: frozenset[DownloadKind],
        *,
        takes_ahead: bool = False,
    ) -> None:
        """Take the nozzles of a line on."""
        for setting in settings:
            self._nozzles[setting.key] = Carried(setting, kinds, takes_ahead)

    def carrying(self, kind: DownloadKind) -> Sequence[NozzleKey]:
        """Return the nozzles whose protocol carries a kind."""
        return [key for key, one in self._nozzles.items() if kind in one.kinds]

    async def sent(
        self, settings: Sequence[NozzleSetting], kind: DownloadKind, version: int
    ) -> bool:
        """Record that nozzles are sent a version; False where nobody published it.

        It is on the disk before the first part goes out: what they say of the version
        after our end is not doubted then.
        """

        def unit(tx: Transaction) -> bool:
            for one in settings:
                self._tried_ms[one.key, kind] = tx.now.wall_ms
            found = [
                (one, downloads.published(tx.connection, kind, one.sold, version))
                for one in settings
            ]
            for one, published in found:
                if published is not None:
                    downloads.note_sent(tx, one.key, published)
            return all(published is not None for _, published in found)

        return await while_busy(partial(self._database.write, unit))

    async def advanced(
        self, setting: NozzleSetting, advanced: DownloadAdvanced
    ) -> None:
        """Take note of a part, or of a version that is in force.

        A nozzle that holds the version of now and was not sent it has it from another
        life of this file: from before a backup was put back, or from other books. Its
        content is not known, and everything goes once more under a new version.
        """
        place = setting.key, advanced.kind
        if advanced.kind is DownloadKind.STATION:
            # Its identity tells it anew at each link: nothing is to be kept.
            self._station_held[setting.key] = advanced.version * advanced.is_in_force
        elif advanced.is_in_force:
            self._under_way.pop(place, None)
            if await self._is_doubtful(setting, advanced):
                _log.warning("downloads.doubted", nozzle=setting.key.nozzle_no)
                self._in_doubt.add(place)
                self.doubted()
                return  # nobody knows what it holds: a later start doubts it again
            # It is said once: nobody would tell it again.
            await while_busy(
                partial(
                    note_in_force,
                    self._database,
                    setting.key,
                    advanced.kind,
                    advanced.version,
                )
            )
        else:
            self._under_way[place] = advanced
            if advanced.refused:
                refused = partial(self._refused, setting, advanced)
                await while_busy(partial(self._database.write, refused))
        self.changed()

    def _refused(
        self, setting: NozzleSetting, advanced: DownloadAdvanced, tx: Transaction
    ) -> None:
        kind, version = advanced.kind, advanced.version
        self._tried_ms[setting.key, kind] = tx.now.wall_ms
        found = downloads.published(tx.connection, kind, setting.sold, version)
        if found is not None:
            note_refused(tx, setting.key, found, advanced.refused)

    async def _is_doubtful(
        self, setting: NozzleSetting, advanced: DownloadAdvanced
    ) -> bool:
        """Tell whether a nozzle holds what is offered now and nobody has sent it.

        Asked of nozzles that fetch versions; of the others the price itself tells.
        """
        key, kind, version = setting.key, advanced.kind, advanced.version
        carried = self._nozzles.get(key)
        if (key, kind) in self._in_doubt or carried is None:
            return False  # a dispenser that names whatever is announced
        if DownloadKind.BASE not in carried.kinds:
            return False

        def question(connection: Connection) -> bool:
            held, _ = downloads.held(connection, key).get(kind, (0, 0))
            now_ms = tell_prices_ms(connection, self._clock.now())
            wanted = wanted_versions(connection, setting.sold, now_ms)
            offered = {wanted.get(kind, (0, 0))[0]}
            if kind is DownloadKind.PRICES and carried.takes_ahead:
                coming = downloads.coming_prices(connection, setting.sold, now_ms)
                offered |= {coming.version} if coming else set()
            if version not in offered or version == held:
                return False
            now = downloads.published(connection, kind, setting.sold, version)
            return now is None or not downloads.was_sent(connection, key, now)

        return await while_busy(lambda: self._database.read(question))

    async def board(self, after_nozzle: int = 0) -> ListsBoard:
        """Return lists, and the versions of the nozzles behind a number."""
        return await self._database.read(
            lambda connection: self._board(connection, after_nozzle)
        )

    async def numbers(self, query: NumberQuery) -> ListedNumbers:
        """Return a page of the numbers that dispensers are told."""

        def question(connection: Connection) -> ListedNumbers:
            wanted = downloads.Listed(query.digits, query.list, query.after)
            found = downloads.listed(connection, wanted, MOST_NUMBERS + 1)
            page = found[:MOST_NUMBERS]
            return ListedNumbers(
                rows=tuple(
                    ListedNumber(card_no=number, list=on, source=source, state=state)
                    for number, on, source, state, _ in page
                ),
                next_place=page[-1].place if len(found) > len(page) else "",
            )

        return await self._database.read(question)

    def _board(self, connection: Connection, after_nozzle: int) -> ListsBoard:
        behind = [key for key in self._nozzles if key.nozzle_no > after_nozzle]
        behind.sort(key=lambda key: key.nozzle_no)
        page = behind[:MOST_NOZZLES]
        newest = [downloads.newest_list(connection, kind) for kind in ListKind]
        return ListsBoard(
            lists=tuple(
                ListFigure(
                    kind=found.kind,
                    version=found.version,
                    count=len(found.cards),
                    at_ms=found.at_ms,
                    cause=found.cause,
                )
                for found in newest
                if found is not None
            ),
            nozzles=tuple(self._rows(connection, page)),
            next_nozzle=page[-1].nozzle_no if len(behind) > len(page) else 0,
            clocks=tuple(
                ClockRow(
                    nozzle_no=one.nozzle_no, ahead_ms=one.ahead_ms, at_ms=one.at_ms
                )
                for one in (self._clocks.drifts() if self._clocks else ())
            ),
        )

    def _rows(
        self, connection: Connection, page: Iterable[NozzleKey]
    ) -> Iterable[DownloadRow]:
        now_ms = tell_prices_ms(connection, self._clock.now())
        by_kind: dict[Sold, dict[str, tuple[int, int]]] = {}
        for key in page:
            carried = self._nozzles[key]
            sold = carried.setting.sold
            if sold not in by_kind:
                by_kind[sold] = dict(wanted_versions(connection, sold, now_ms))
            held = downloads.held(connection, key)
            tries = last_tries(connection, key)
            if self._station is not None:
                yield self._station_row(carried, self._station)
            for kind, (version, count) in by_kind[sold].items():
                row = self._row(carried, DownloadKind(kind), (version, count), held)
                row = self._with_try(row, key, tries.get(kind))
                if kind == DownloadKind.PRICES and carried.takes_ahead:
                    coming = downloads.coming_prices(connection, sold, now_ms)
                    row = _with_coming(row, coming)
                yield row

    def _with_try(
        self, row: DownloadRow, key: NozzleKey, last: Try | None
    ) -> DownloadRow:
        """Add the last try, and that what is wanted was refused."""
        if last is None or row.state == NOT_CARRIED:
            return row
        again_ms = self._tried_ms.get((key, DownloadKind(row.kind)), 0)
        is_refused = last.result == REFUSED and last.version == row.wanted
        found = {
            "tried_ms": max(last.at_ms, again_ms),
            "result": last.result,
            "why": last.why,
            "state": NOT_TAKEN if is_refused and row.state != IN_FORCE else row.state,
        }
        return row.model_copy(update=found)

    def _station_row(self, carried: Carried, station: StationData) -> DownloadRow:
        held = self._station_held.get(carried.setting.key, 0)
        wanted, kind = (station.version, 1), DownloadKind.STATION
        return self._row(carried, kind, wanted, {kind: (held, 0)})

    def _row(
        self,
        carried: Carried,
        kind: DownloadKind,
        wanted: tuple[int, int],
        held: dict[str, tuple[int, int]],
    ) -> DownloadRow:
        key = carried.setting.key
        version, count = wanted
        holds, at_ms = held.get(kind, (0, 0))
        going = self._under_way.get((key, kind))
        if kind not in carried.kinds:
            state = NOT_CARRIED
        elif holds == version:
            state = IN_FORCE
        elif going is not None and going.version == version:
            state = SENDING
        else:
            state = WAITING
        return DownloadRow(
            nozzle_no=key.nozzle_no,
            dispenser_no=key.dispenser_no,
            kind=kind,
            state=state,
            wanted=version,
            held=holds,
            sent=going.sent if going and state == SENDING else 0,
            count=count,
            held_since_ms=at_ms,
        )


def _with_coming(row: DownloadRow, coming: PublishedPrices | None) -> DownloadRow:
    """Add whether the nozzle has the prices that follow; who has them has both."""
    if coming is None:
        return row
    if row.held != coming.version:
        return row.model_copy(update={"ahead": AHEAD_WAITS})
    return row.model_copy(update={"ahead": AHEAD_THERE, "state": IN_FORCE})

"""Keeps lists and prices as dispensers shall hold them, and knows who holds what.

What dispensers are told follows from the books: a card that is lost, black or replaced
is on the list by its state, a price is in force from its moment. Each change is a new
version, proved in the chain; each line is offered it, and its nozzles fetch it between
polls. That a nozzle holds a version is a fact too, once the nozzle has said so.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from zlib import crc32

import structlog

from cngstation.domain.card_lists import (
    LAST_VERSION,
    Blacklist,
    advance,
    next_version,
)
from cngstation.moments import Clock, local_time, seconds
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    ListKind,
    StationData,
)
from cngstation.services.draw_up_downloads import offered
from cngstation.services.fit_downloads import (
    FITS,
    NOT_CARRIED,
    OfferedLine,
    numbers_that_fit,
    offer_what_fits,
)
from cngstation.services.keep_one_row import keep_one_row
from cngstation.services.prices_now import name_waiting_price
from cngstation.services.publish_prices import (
    in_order,
    next_look_ms,
    publish_prices,
    publish_prices_anew,
)
from cngstation.services.served_line import ServedLine, ServedNozzle
from cngstation.services.tell_day import Told, prices_ms, told_prices_ms
from cngstation.services.told_clock import ToldClock
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import downloads
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.downloads import PublishedList, Sold
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit

_log = structlog.get_logger()

LOOK_MS = 500
BETWEEN_DOUBTS_MS = 10 * 60_000
BY_BOOKS, BY_HAND, ANEW = "books", "hand", "anew"


class WhenToSend(StrEnum):
    """When a changed list goes to the dispensers."""

    AT_ONCE = "at_once"
    BY_HAND = "by_hand"


class DownloadKeeper:
    """Publishes what has changed and offers it to every line."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        when: str = WhenToSend.AT_ONCE,
        changed: Callable[[], None] = lambda: None,
        station: StationData | None = None,
    ) -> None:
        self._station = station
        self._database = database
        self._clock = clock
        self.told = ToldClock(clock)  # what dispensers are told
        self._when = when
        self.changed = changed
        self._lines: list[ServedLine] = []
        self._seen: tuple[int, ...] | None = None
        self._next_price_ms: int | None = None
        self._looked_ms = self._wall_ms = 0
        self._sent_on = ""
        self._owes_offer = False
        self._is_doubted = False
        self._sends_ahead, self._offered_ms = False, 0
        self._may_wait = True  # a row of a life before this one

    def serve(
        self,
        line: OfferedLine,
        units: Sequence[Unit],
        name: str = "",
        nozzles: Sequence[ServedNozzle] = (),
        *,
        takes_ahead: bool = False,
    ) -> None:
        """Take a line on; it is offered everything at the next look.

        One that takes prices ahead keeps them until their time.
        """
        sold = {one.sold for one in nozzles} or set(map(Sold, units))
        served = ServedLine(
            line, frozenset(sold), name, takes_ahead=takes_ahead, nozzles=nozzles
        )
        self._lines.append(served)
        self._seen = None
        self._owes_offer = True

    def doubt(self) -> None:
        """Send everything under new versions: a nozzle's may have other content."""
        self._is_doubted = True

    async def run(self) -> None:
        """Look for news of any process for ever."""
        while True:
            await while_busy(self.look)
            await asyncio.sleep(seconds(LOOK_MS))

    async def look(self) -> bool:
        """Publish and offer what has changed since the last look."""
        now = self._clock.now()
        told = await self.told.look(self._database)
        now_ms = await self._prices_ms(told, now.wall_ms)
        if self._is_doubted and await self._database.read(
            lambda connection: _may_go_anew(connection, now.wall_ms)
        ):
            await self._database.write(partial(_publish_anew, now_ms=now_ms))
            self._is_doubted, self._owes_offer = False, True
        seen = await self._database.read(downloads.news)
        price_begins = self._next_price_ms is not None and now_ms >= self._next_price_ms
        is_time = self._is_time(told.ms)
        # A clock that was set back takes back what began too early.
        went_back = now_ms < self._looked_ms
        # Dispensers go by their poll's clock: prices are theirs from before any of it.
        self._owes_offer |= now.wall_ms < self._wall_ms
        self._wall_ms = now.wall_ms
        is_news = seen != self._seen or price_begins or is_time or went_back
        is_news |= told.agrees != self._sends_ahead
        if not is_news and not self._owes_offer:
            self._looked_ms = now_ms
            return False
        # Where its table is known already, a price that begins is news all the same.
        self._owes_offer |= price_begins
        lists = is_time or self._when == WhenToSend.AT_ONCE
        self._sends_ahead = told.agrees
        is_told = await self._publish(now_ms, lists=lists)
        if is_time:
            self._sent_on = f"{local_time(told.ms):%Y-%m-%d}"
        # What this look has published is in it.
        self._seen = await self._database.read(downloads.news)
        self._next_price_ms = await self._database.read(
            lambda connection: next_look_ms(connection, now_ms)
        )
        self._looked_ms = now_ms
        if self._owes_offer:
            await self._offer()
        return is_told

    async def _prices_ms(self, told: Told, wall_ms: int) -> int:
        """Return the time to take prices from; name one that waits for the clock."""
        if not told.agrees and not told.row:
            await self._database.write(told_prices_ms)  # opens the row about the clock
        if not told.agrees or self._may_wait:
            name = partial(name_waiting_price, told=told, wall_ms=wall_ms)
            await self._database.write(name)
            self._may_wait = not told.agrees
        return await self._database.read(lambda c: prices_ms(c, told.ms))

    async def send_lists(
        self, actor: Actor, *, whole: bool, only: frozenset[int] | None = None
    ) -> None:
        """Publish the lists now; as a new base when they are to go whole.

        `only` are the nozzles that are told; the others are told with the next news.
        """
        told = await self.told.look(self._database)
        now_ms = await self._prices_ms(told, self._clock.now().wall_ms)
        await self._publish(now_ms, lists=True, whole=whole, actor=actor)
        await self._offer(only)

    def _is_time(self, now_ms: int) -> bool:
        """Tell whether the hour of the day has come at which lists are sent."""
        if self._when in set(WhenToSend):
            return False
        now = local_time(now_ms)
        return f"{now:%H:%M}" >= self._when and self._sent_on != f"{now:%Y-%m-%d}"

    async def _publish(
        self, now_ms: int, *, lists: bool, whole: bool = False, actor: Actor = STATION
    ) -> bool:
        sold = {kind for line in self._lines for kind in line.sold}
        ahead = {k for line in self._lines if line.takes_ahead for k in line.sold}

        def unit_of_work(tx: Transaction) -> bool:
            told = [
                publish_prices(
                    tx, kind, now_ms, ahead=self._sends_ahead and kind in ahead
                )
                for kind in in_order(sold)
            ]
            if lists:
                told += [_publish_black(tx, whole, actor), _publish_white(tx, actor)]
            return any(told)

        told = await self._database.write(unit_of_work)
        # The lines hear of it even if the database is busy from here on.
        self._owes_offer |= told
        self._offered_ms = now_ms
        return told

    async def _offer(self, only: frozenset[int] | None = None) -> None:
        draw_up = partial(
            offered, wall_ms=self._clock.now().wall_ms, now_ms=self._offered_ms
        )
        offers = [
            (
                served,
                guns,
                await self._database.read(
                    partial(draw_up, sold=sold, ahead=served.takes_ahead)
                ),
            )
            for served in self._lines
            for sold, guns in served.groups(only)
        ]
        told: dict[int, tuple[ServedLine, tuple[str, str]]] = {}
        for served, guns, offer in offers:
            left_out = offer_what_fits(
                served.line, replace(offer, guns=guns, station=self._station)
            )
            known = told.get(id(served))
            if known is None or left_out[0]:
                told[id(served)] = (served, left_out)
        for served, left_out in told.values():
            if left_out != served.left_out:
                await self._name_left_out(served, left_out)
        self._owes_offer = self._owes_offer and only is not None
        self.changed()

    async def _name_left_out(
        self, served: ServedLine, left_out: tuple[str, str]
    ) -> None:
        """Keep one row of what a line could not be offered, as it is now."""

        def unit(tx: Transaction) -> None:
            subject, (what, why) = f"line {served.name}", left_out
            facts = {"line": served.name, "what": what, "why": why}
            keep_one_row(tx, NOT_CARRIED, subject, facts if what else None, why=FITS)

        await self._database.write(unit)
        served.left_out = left_out


def station_data_of(numbers: Sequence[int]) -> StationData | None:
    """Return the station's data of a configuration; None where it has none.

    The version follows from the numbers: other ones have another.
    """
    if not numbers:
        return None
    digest = crc32(" ".join(map(str, numbers)).encode("ascii"))
    return StationData(digest % LAST_VERSION + 1, *numbers)


async def note_in_force(
    database: Database, nozzle: NozzleKey, kind: DownloadKind, version: int
) -> None:
    """Record that a nozzle said that it holds a version."""
    await database.write(lambda tx: downloads.note_held(tx, nozzle, str(kind), version))


def wanted_versions(
    connection: Connection, sold: Sold, now_ms: int
) -> Mapping[str, tuple[int, int]]:
    """Return version and count of what nozzles shall hold, by the kind of download."""
    wanted: dict[str, tuple[int, int]] = {}
    for kind in ListKind:
        published = downloads.newest_list(connection, kind)
        if published is not None:
            wanted[kind] = published.version, len(published.cards)
    table = downloads.begun_prices(connection, sold, now_ms)
    if table is not None:
        wanted[DownloadKind.PRICES] = table.version, len(table.prices)
    return wanted


def _publish_black(tx: Transaction, whole: bool, actor: Actor) -> bool:  # noqa: FBT001
    newest = {
        kind: downloads.newest_list(tx.connection, kind)
        for kind in (ListKind.BASE, ListKind.ADDED, ListKind.DELETED)
    }
    base = newest[ListKind.BASE]
    last = None
    if base is not None:
        last = Blacklist(
            base.cards,
            _cards(newest[ListKind.ADDED]),
            _cards(newest[ListKind.DELETED]),
        )
    wanted = numbers_that_fit(tx, downloads.refused_numbers(tx.connection))
    after = advance(last, wanted, whole=whole)
    cause = BY_HAND if whole else BY_BOOKS
    told = False
    for kind, cards in (
        (ListKind.BASE, after.base),
        (ListKind.ADDED, after.added),
        (ListKind.DELETED, after.deleted),
    ):
        old = newest[kind]
        is_new_base = kind is ListKind.BASE and (whole or old is None)
        if is_new_base or cards != _cards(old):
            version = next_version(old.version if old else 0)
            downloads.publish_list(tx, kind, version, cards, cause=cause, actor=actor)
            told = True
    return told


def _publish_white(tx: Transaction, actor: Actor) -> bool:
    old = downloads.newest_list(tx.connection, ListKind.WHITE)
    cards = downloads.white_numbers(tx.connection)
    if cards == _cards(old):
        return False
    version = next_version(old.version if old else 0)
    downloads.publish_list(
        tx, ListKind.WHITE, version, cards, cause=BY_BOOKS, actor=actor
    )
    return True


def _may_go_anew(connection: Connection, now_ms: int) -> bool:
    """Tell whether nothing went anew of late.

    A monitor that dies between sending and noting is in doubt at each start, and a
    dispenser that fetches lists uploads no fill meanwhile.
    """
    found = [downloads.newest_list(connection, kind) for kind in ListKind]
    last_ms = max((one.at_ms for one in found if one and one.cause == ANEW), default=0)
    return not 0 <= now_ms - last_ms < BETWEEN_DOUBTS_MS


def _publish_anew(tx: Transaction, *, now_ms: int) -> None:
    """Give everything that is published another version, with the same content."""
    for kind in ListKind:
        old = downloads.newest_list(tx.connection, kind)
        if old is not None:
            version = next_version(old.version)
            downloads.publish_list(tx, kind, version, old.cards, cause=ANEW)
    publish_prices_anew(tx, now_ms)


def _cards(published: PublishedList | None) -> frozenset[str]:
    return published.cards if published else frozenset()

"""Compares what nozzles show with the posted price; who differs is a row until it fits.

A discount of a level counts at the dispenser only while its prices are the station's.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from cngstation.moments import Clock, Instant, seconds
from cngstation.protocols.dispenser.canonical import Link
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.name_breaks import subject_of
from cngstation.services.price_levels import POSTED_LEVEL
from cngstation.services.publish_prices import prices_of
from cngstation.services.tell_day import tell_prices_ms
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import findings
from cngstation.storage.database import Database, Transaction
from cngstation.storage.downloads import Sold

LOOK_MS = 30_000
PRICE_DIFFERS = "price_differs"


class Desk(Protocol):
    """The nozzles of a line as they are now; a line's desk fits."""

    @property
    def figures(self) -> Iterable[NozzleFigure]: ...
    @property
    def settings(self) -> Iterable[NozzleSetting]: ...


class PriceComparison:
    """Looks at every idle nozzle; a price that differs at two looks is a row."""

    def __init__(self, database: Database, desks: Sequence[Desk], clock: Clock) -> None:
        self._database = database
        self._desks = desks
        self._clock = clock
        self._differed: frozenset[NozzleSetting] = frozenset()
        self._named: set[NozzleSetting] | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await while_busy(self.look)
            await asyncio.sleep(seconds(LOOK_MS))

    async def look(self) -> None:
        """Open rows for nozzles that still differ, close those that fit again."""
        now = self._clock.now()
        shown = dict(self._shown())
        posted = {
            sold: await self._posted(sold, now)
            for sold in {setting.sold for setting in shown}
        }
        wrong = {
            setting: price_e4
            for setting, price_e4 in shown.items()
            if posted[setting.sold] not in (None, price_e4)
        }
        if self._named is None:
            self._named = set(shown)  # whatever a life before this one has named
        named = {s: e4 for s, e4 in wrong.items() if s in self._differed}
        fitting = [s for s in shown if s not in wrong and s in self._named]
        self._differed = frozenset(wrong)
        if not named and not fitting:
            return
        self._named.update(named)
        self._named.difference_update(fitting)

        def unit_of_work(tx: Transaction) -> None:
            for setting, price_e4 in named.items():
                facts = {
                    "nozzle": setting.key.nozzle_no,
                    "shown_e4": price_e4,
                    "posted_e4": posted[setting.sold] or 0,
                }
                findings.open_once(tx, PRICE_DIFFERS, subject_of(setting.key), facts)
            for setting in fitting:
                _close(tx, setting)

        await self._database.write(unit_of_work)

    def _shown(self) -> Iterable[tuple[NozzleSetting, int]]:
        for desk in self._desks:
            by_no = {setting.key.nozzle_no: setting for setting in desk.settings}
            for figure in desk.figures:
                is_quiet = figure.link == Link.ONLINE and figure.state == "idle"
                if is_quiet and figure.price_e4:
                    yield by_no[figure.nozzle_no], figure.price_e4

    async def _posted(self, sold: Sold, now: Instant) -> int | None:
        """Return the price that nozzles of a kind show at rest."""
        found = await self._database.read(
            lambda c: prices_of(c, sold, tell_prices_ms(c, now))
        )
        posted = found.get(sold.only_level or POSTED_LEVEL)
        return posted.e4 if posted else None


def _close(tx: Transaction, setting: NozzleSetting) -> None:
    for found in findings.open_findings(tx.connection, subject_of(setting.key)):
        if found.kind == PRICE_DIFFERS:
            findings.close_finding(tx, found.seq, "the prices are the same again", "")

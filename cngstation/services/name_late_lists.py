"""Names the nozzles that take no blacklist for hours: a lost card fills there.

One that is on line and does not take it is another matter than one that is off line.
Either row closes by itself when the nozzle holds the list of now.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cngstation.moments import MS_PER_HOUR, Clock, seconds, time_text
from cngstation.protocols.dispenser.canonical import Link
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.keep_one_row import keep_one_row
from cngstation.services.name_breaks import subject_of
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.tell_day import told_ms
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import findings
from cngstation.storage.database import Database, Transaction
from cngstation.storage.download_tries import lacks_blacklist_since
from cngstation.storage.sales import NozzleKey

LOOK_MS = 60_000
# One that has just come back fetches what it missed.
BACK_MS = 30 * 60_000
NOT_TAKEN, NOT_REACHED = "blacklist_not_taken", "blacklist_not_reached"
_KINDS = (NOT_TAKEN, NOT_REACHED)
_TAKEN, _GONE = "it holds the list of now", "it is not in the file any more"


class Desk(Protocol):
    """The nozzles of a line as they are now; a line's desk fits."""

    @property
    def figures(self) -> Iterable[NozzleFigure]: ...
    @property
    def settings(self) -> Iterable[NozzleSetting]: ...


class LateLists:
    """Looks every minute who has lacked the blacklist for `hours`; 0: never."""

    def __init__(
        self,
        database: Database,
        desks: Sequence[Desk],
        watch: DownloadWatch,
        clock: Clock,
        *,
        hours: int,
    ) -> None:
        self._database = database
        self._desks = desks
        self._watch = watch
        self._clock = clock
        self._hours = hours
        self._on_line_ms: dict[NozzleKey, int] = {}  # since when, monotonic

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await while_busy(self.look)
            await asyncio.sleep(seconds(LOOK_MS))

    async def look(self) -> None:
        """Keep one row of each nozzle that is late, and none of the others."""
        carried = self._watch.carrying(DownloadKind.BASE)
        links = dict(self._links())
        self._note_links(links)
        mono_ms = self._clock.now().mono_ms
        is_settled = {
            key: mono_ms - self._on_line_ms.get(key, mono_ms) >= BACK_MS
            for key in carried
        }

        def unit(tx: Transaction) -> None:
            late_ms = told_ms(tx) - self._hours * MS_PER_HOUR
            for key in carried:
                since_ms = lacks_blacklist_since(tx.connection, key)
                kind = ""
                if self._hours and since_ms is not None and since_ms <= late_ms:
                    kind = _kind(links.get(key), is_settled=is_settled[key])
                _keep(tx, key, kind, since_ms or 0)
            known = {subject_of(key) for key in carried}
            for row in findings.open_findings(tx.connection):
                if row.kind in _KINDS and row.subject not in known:
                    findings.close_finding(tx, row.seq, _GONE, "")

        await self._database.write(unit)

    def _links(self) -> Iterable[tuple[NozzleKey, str]]:
        for desk in self._desks:
            by_no = {setting.key.nozzle_no: setting.key for setting in desk.settings}
            for figure in desk.figures:
                yield by_no[figure.nozzle_no], figure.link

    def _note_links(self, links: Mapping[NozzleKey, str]) -> None:
        now_ms = self._clock.now().mono_ms
        for key, link in links.items():
            if link == Link.OFFLINE:
                self._on_line_ms.pop(key, None)
            else:
                self._on_line_ms.setdefault(key, now_ms)


def _kind(link: str | None, *, is_settled: bool) -> str:
    """Return the kind of row; none while a nozzle that came back still fetches."""
    if link is None or link == Link.OFFLINE:
        return NOT_REACHED
    return NOT_TAKEN if is_settled else ""


def _keep(tx: Transaction, key: NozzleKey, kind: str, since_ms: int) -> None:
    facts: dict[str, str | int] = {
        "nozzle": key.nozzle_no,
        "since": time_text(since_ms)[:16],
    }
    for one in _KINDS:
        keep_one_row(
            tx, one, subject_of(key), facts if one == kind else None, why=_TAKEN
        )

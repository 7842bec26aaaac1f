"""How far dispensers' clocks are from ours; one that went back is a row while it lasts.

A dispenser's own time is kept with what it reports and never used for order. Here it is
compared: with ours, when a fill ends before our eyes; and with the dispenser's own time
before, at each record that follows. The row closes by itself: the clock agrees with
ours again, or has passed the time that it showed before.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cngstation.moments import CHINA, Clock, time_text
from cngstation.protocols.dispenser.canonical import (
    FuellingState,
    NozzleStatus,
    SaleRecord,
)
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.name_breaks import subject_of
from cngstation.services.watch_drift import BOUND_S, Witness, hear_witnesses
from cngstation.storage import findings, sales
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

KIND = "device_clock_back"
# A record that comes so soon after gas flowed tells of a fill that has just ended.
FRESH_MS = 60_000
# Display, card and driver take their time behind the end of a fill.
AGREES_MS = 120_000
WENT_BACK_MS = 60_000
_EARLIEST = datetime(1970, 1, 2, tzinfo=CHINA)
_FLOWING = frozenset(
    {
        FuellingState.STARTED,
        FuellingState.FUELLING,
        FuellingState.SUSPENDED_STARTED,
        FuellingState.SUSPENDED_FUELLING,
    }
)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a nozzle's clock is ahead of ours, as of a moment; below 0: behind."""

    nozzle_no: int
    ahead_ms: int
    at_ms: int


class DeviceClocks:
    """Compares what dispensers say of the time."""

    def __init__(
        self, database: Database, clock: Clock, bound_s: int = BOUND_S
    ) -> None:
        self._database = database
        self._bound_s = bound_s
        self._clock = clock
        self._flowed_ms: dict[NozzleKey, int] = {}
        self._drifts: dict[NozzleKey, Drift] = {}

    def drifts(self) -> Iterable[Drift]:
        """Return the clocks that were compared, by nozzle."""
        return sorted(self._drifts.values(), key=lambda drift: drift.nozzle_no)

    def saw(self, nozzle: NozzleSetting, status: NozzleStatus) -> None:
        """Take note of a nozzle whose gas flows."""
        if status.state in _FLOWING:
            self._flowed_ms[nozzle.key] = self._clock.now().mono_ms

    async def heard(self, nozzle: NozzleSetting, record: SaleRecord) -> None:
        """Compare the time of a fill that was booked just now."""
        ended_ms = device_ms(record.ended_at)
        if ended_ms is None or record.is_numbered_by_total:
            return
        now = self._clock.now()
        flowed_ms = self._flowed_ms.get(nozzle.key)
        is_fresh = (
            not record.is_offline
            and flowed_ms is not None
            and now.mono_ms - flowed_ms <= FRESH_MS
        )
        agrees = False
        if is_fresh:
            ahead_ms = ended_ms - now.wall_ms
            agrees = abs(ahead_ms) <= AGREES_MS
            drift = Drift(nozzle.key.nozzle_no, ahead_ms, now.wall_ms)
            self._drifts[nozzle.key] = drift
            await self._hear_all(now.wall_ms)
        told = _Told(nozzle.key, record.device_seq, ended_ms, agrees)
        # Nearly every clock goes on: nothing is to be written then.
        if await self._database.read(lambda connection: _judged(connection, told)):
            await self._database.write(lambda tx: _note(tx, told))

    async def _hear_all(self, now_ms: int) -> None:
        """Ask all dispensers together whether our own clock is right."""
        witnesses = [
            Witness(key.dispenser_no, drift.ahead_ms, drift.at_ms)
            for key, drift in self._drifts.items()
        ]
        await hear_witnesses(self._database, witnesses, self._bound_s, now_ms)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a nozzle's clock said at a fill; whether it agrees with ours."""

    nozzle: NozzleKey
    device_seq: int
    ended_ms: int
    agrees: bool


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Rows to close, and the facts of one to open."""

    close: tuple[int, ...] = ()
    facts: Mapping[str, str | int] | None = None

    def __bool__(self) -> bool:
        return bool(self.close or self.facts)


def device_ms(text: str | None) -> int | None:
    """Return a dispenser's own reading in UTC milliseconds; None where it is none.

    A clock that was never set may show the year 1: such are as early as can be told.
    """
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return int(max(found.replace(tzinfo=CHINA), _EARLIEST).timestamp()) * 1000


def _note(tx: Transaction, told: _Told) -> None:
    verdict = _judged(tx.connection, told)
    why = "it agrees again" if told.agrees else "it has passed that time"
    for seq in verdict.close:
        findings.close_finding(tx, seq, why, "")
    if verdict.facts is not None:
        findings.open_finding(tx, KIND, subject_of(told.nozzle), verdict.facts)


def _judged(connection: Connection, told: _Told) -> _Verdict:
    subject = subject_of(told.nozzle)
    rows = findings.open_findings(connection, subject)
    found = [row for row in rows if row.kind == KIND]
    if found:
        return _Verdict(
            tuple(
                row.seq
                for row in found
                if told.agrees or told.ended_ms >= json.loads(row.facts)["until_ms"]
            )
        )
    before_ms = _time_before(connection, told.nozzle, told.device_seq)
    if told.agrees or before_ms is None or told.ended_ms >= before_ms - WENT_BACK_MS:
        return _Verdict()
    facts: dict[str, str | int] = {
        "nozzle": told.nozzle.nozzle_no,
        "before": time_text(before_ms),
        "after": time_text(told.ended_ms),
        "until_ms": before_ms,
    }
    return _Verdict(facts=facts)


def _time_before(
    connection: Connection, nozzle: NozzleKey, device_seq: int
) -> int | None:
    """Return what the clock said at the nozzle's fill before this one."""
    epoch = sales.current_epoch(connection, nozzle)
    row = connection.execute(
        "SELECT device_ended FROM sale WHERE station_no=? AND dispenser_no=?"
        " AND nozzle_no=? AND epoch=? AND device_seq<?"
        " ORDER BY device_seq DESC LIMIT 1",
        (nozzle.station_no, nozzle.dispenser_no, nozzle.nozzle_no, epoch, device_seq),
    ).fetchone()
    return None if row is None else device_ms(row[0])

"""Looks whether the wall clock creeps: by little at a time, each too small for a jump.

Two witnesses, each with a row of its own that closes by itself when they agree again.
Words about the dispensers' hold for a day and for that much.
The monotonic clock: how far the wall clock was moved since this boot began, all steps
together; NTP that only slews moves both. And the dispensers: by how much the middle of
their clocks, each compared at a fill before our eyes, is off from ours. At least two of
them, and the nearest of the two that count has to be off: one dispenser that is wrong
opens nothing, nor do clocks that are off by more than a day and were never set.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median_high, median_low

from cngstation.moments import Clock, Instant, time_text
from cngstation.services.tell_day import WENT_BACK, WENT_FORWARD
from cngstation.storage import findings
from cngstation.storage.database import Database, Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sqlite import Connection

CREPT, OFF = "clock_crept", "clock_off_dispensers"
SUBJECT = "station"
BOUND_S = 180
LEAST_WITNESSES = 2
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Witness:
    """How far a dispenser's clock is ahead of ours, as of a moment."""

    dispenser_no: int
    ahead_ms: int
    at_ms: int


async def look_crept(database: Database, clock: Clock, bound_s: int) -> None:
    """Open the row about a clock that crept, or close it."""
    now = clock.now()
    if await database.read(lambda connection: _crept(connection, now, bound_s)):
        await database.write(
            lambda tx: _settle(tx, _crept(tx.connection, tx.now, bound_s))
        )


async def hear_witnesses(
    database: Database, witnesses: Iterable[Witness], bound_s: int, now_ms: int
) -> None:
    """Open the row about a clock that dispensers contradict, or close it."""
    off_ms = by_dispensers(witnesses, now_ms)
    if off_ms is None:
        return
    facts = {"dispensers": off_ms[1], "seconds": off_ms[0] // 1000}
    is_off = abs(off_ms[0]) > bound_s * 1000

    def wanted(connection: Connection) -> "_Change | None":
        if is_off and _is_explained(connection, facts["seconds"], bound_s, now_ms):
            return None
        return _change(connection, OFF, facts if is_off else None)

    if await database.read(wanted):
        await database.write(lambda tx: _settle(tx, wanted(tx.connection)))


def by_dispensers(witnesses: Iterable[Witness], now_ms: int) -> tuple[int, int] | None:
    """Return how many ms our clock is ahead of the dispensers', and their number.

    Of the two in the middle the one that is nearer to ours; None without enough.
    """
    newest: dict[int, Witness] = {}
    for one in sorted(witnesses, key=lambda one: one.at_ms):
        if abs(one.ahead_ms) < _DAY_MS and abs(now_ms - one.at_ms) < _DAY_MS:
            newest[one.dispenser_no] = one
    if len(newest) < LEAST_WITNESSES:
        return None
    ours = [-one.ahead_ms for one in newest.values()]
    low, high = median_low(ours), median_high(ours)
    nearest = 0 if low <= 0 <= high else min(low, high, key=abs)
    return nearest, len(newest)


def moved_ms(connection: Connection, now: Instant) -> tuple[int, int] | None:
    """Return how far the wall clock was moved in this boot, and since which moment.

    A jump that has its own row, or words of two people, begin it anew.
    """
    began = _first_of_boot(connection, now.boot_id)
    if began is None:
        return None
    words = connection.execute(
        "SELECT c.at_ms, c.mono_ms FROM finding f"
        " JOIN finding_closed c ON c.finding_seq = f.seq"
        " WHERE f.subject=? AND (f.kind IN (?,?) OR (f.kind=? AND c.operator_no<>''))"
        " AND c.boot_id=? ORDER BY c.seq DESC LIMIT 1",
        (SUBJECT, WENT_BACK, WENT_FORWARD, CREPT, now.boot_id),
    ).fetchone()
    at_ms, mono_ms = words or began
    return (now.wall_ms - now.mono_ms) - (at_ms - mono_ms), at_ms


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of a row: the one to close, or the facts of one to open."""

    kind: str
    close: int = 0
    why: str = ""
    facts: Mapping[str, str | int] | None = None


def _crept(connection: Connection, now: Instant, bound_s: int) -> _Change | None:
    moved = moved_ms(connection, now)
    row = _open_row(connection, CREPT)
    if moved is None:
        return _Change(CREPT, row.seq, "started again") if row else None
    ms, since_ms = moved
    jumped = any(_open_row(connection, kind) for kind in (WENT_BACK, WENT_FORWARD))
    is_off = abs(ms) > bound_s * 1000 and not jumped
    facts: dict[str, str | int] = {
        "seconds": ms // 1000,
        "since": time_text(since_ms),
    }
    return _change(connection, CREPT, facts if is_off else None)


def _change(
    connection: Connection, kind: str, facts: Mapping[str, str | int] | None
) -> _Change | None:
    row = _open_row(connection, kind)
    if row and facts is None:
        return _Change(kind, row.seq, "the clock is right again")
    if facts is not None and row is None:
        return _Change(kind, facts=facts)
    return None


def _is_explained(
    connection: Connection, seconds: int, bound_s: int, now_ms: int
) -> bool:
    """Tell whether somebody wrote down why, of this much, within a day.

    Else a row that was explained would come again with the next fill.
    """
    last = connection.execute(
        "SELECT f.facts, c.at_ms FROM finding f"
        " LEFT JOIN finding_closed c ON c.finding_seq = f.seq AND c.operator_no<>''"
        " WHERE f.subject=? AND f.kind=? ORDER BY f.seq DESC LIMIT 1",
        (SUBJECT, OFF),
    ).fetchone()
    if last is None or last[1] is None or not 0 <= now_ms - last[1] < _DAY_MS:
        return False
    return abs(seconds - int(json.loads(last[0])["seconds"])) <= bound_s


def _settle(tx: Transaction, change: _Change | None) -> None:
    if change is None:
        return
    if change.facts is not None:
        findings.open_finding(tx, change.kind, SUBJECT, change.facts)
    else:
        findings.close_finding(tx, change.close, change.why, "")


def _open_row(connection: Connection, kind: str) -> Finding | None:
    found = findings.open_findings(connection, SUBJECT)
    return next((row for row in found if row.kind == kind), None)


def _first_of_boot(connection: Connection, boot_id: str) -> tuple[int, int] | None:
    """Return wall and monotonic reading of the first row of a boot, by halving.

    Rows of one boot stand together, and those of now at the end.
    """
    newest = connection.execute("SELECT max(seq) FROM audit").fetchone()[0] or 0
    low, high, found = 1, newest, None
    while low <= high:
        middle = (low + high) // 2
        seq, at_ms, mono_ms, boot = connection.execute(
            "SELECT seq, at_ms, mono_ms, boot_id FROM audit WHERE seq>=?"
            " ORDER BY seq LIMIT 1",
            (middle,),
        ).fetchone()
        if boot == boot_id:
            found, high = (at_ms, mono_ms), middle - 1
        else:
            low = seq + 1
    return found

"""The station's day: from the wall clock, while that is to be trusted.

The wall clock is compared with the monotonic one, which nobody sets. Within one boot
both go on together from the newest entry; over a restart the wall clock goes on, by
`LONGEST_OFF_MS` at most. Where it does not, a row is opened with what the time was by
the monotonic clock, and days come from that until the wall clock agrees again (then
the row closes by itself) or two people say that it is right. Every entry asks here for
its day, so that the first one after a jump finds it.
"""

import json
from dataclasses import dataclass
from typing import Any

from cngstation.moments import Instant, business_day
from cngstation.storage import findings
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection

WENT_BACK, WENT_FORWARD = "clock_went_back", "clock_went_forward"
SUBJECT = "station"
MAY_SLIP_MS = 5 * 60_000
LONGEST_OFF_MS = 30 * 86_400_000
EARLIEST_MS = 1_767_225_600_000  # 2026-01-01: no station is older than this program
_MINUTE_MS = 60_000
_TOLD = "told_ms"


@dataclass(frozen=True, slots=True)
class Told:
    """The time to take days from; `row` is the open row about the clock, 0 for none."""

    ms: int
    agrees: bool
    row: int = 0
    same_boot: bool = True


def today(tx: Transaction, *, cut_off_minute: int) -> str:
    """Return the business day; a clock that jumped is named, and not followed."""
    return business_day(told_ms(tx), cut_off_minute=cut_off_minute)


def shift_day(tx: Transaction, last: str, *, cut_off_minute: int) -> str:
    """Return the day of a shift that begins now, `last` being that of the newest one.

    Days do not go back by what a clock may slip; one that is further ahead came from a
    clock that was wrong, and holds no shift in the future.
    """
    now_ms = told_ms(tx)
    day, next_day = (
        business_day(now_ms + ahead_ms, cut_off_minute=cut_off_minute)
        for ahead_ms in (0, MAY_SLIP_MS)
    )
    return max(day, last) if last <= next_day else day


def told_ms(tx: Transaction) -> int:
    """Return the time to take days from; open the row about a clock that jumped.

    Told once a transaction: all of it has one moment, and what is booked in it goes on
    from that moment. Only a row that is opened or closed can say otherwise.
    """
    known: int | None = tx.read_once.get(_TOLD)
    if known is not None:
        return known
    told = tell(tx.connection, tx.now)
    if not told.agrees and not told.row:
        name_jump(tx, told.ms)
    tx.read_once[_TOLD] = told.ms
    return told.ms


def prices_ms(connection: Connection, now_ms: int) -> int:
    """Return the time to take prices from: it stands still while the row is open.

    So no planned price begins by a clock that is in doubt.
    """
    row = connection.execute(
        "SELECT facts FROM finding f WHERE subject=? AND kind IN (?,?) AND NOT EXISTS"
        " (SELECT 1 FROM finding_closed c WHERE c.finding_seq=f.seq)"
        " ORDER BY seq DESC LIMIT 1",
        (SUBJECT, WENT_BACK, WENT_FORWARD),
    ).fetchone()
    since_ms: int = now_ms if row is None else json.loads(row[0]).get(_TOLD, now_ms)
    return since_ms


def tell_prices_ms(connection: Connection, now: Instant) -> int:
    """Return the time to take prices from, without a row about the clock."""
    return prices_ms(connection, tell(connection, now).ms)


def told_prices_ms(tx: Transaction) -> int:
    """Return the time to take prices from; open the row about a clock that jumped."""
    return prices_ms(tx.connection, told_ms(tx))


def name_jump(tx: Transaction, told_ms: int) -> None:
    """Open the row about the clock, with what the time is by the monotonic one."""
    now = tx.now
    kind = WENT_BACK if now.wall_ms < told_ms else WENT_FORWARD
    findings.open_finding(
        tx,
        kind,
        SUBJECT,
        {
            "minutes": abs(now.wall_ms - told_ms) // _MINUTE_MS,
            "told_ms": told_ms,
            "offset_ms": told_ms - now.mono_ms,
            "boot": now.boot_id,
        },
    )


def tell(connection: Connection, now: Instant) -> Told:
    """Compare the wall clock with what it has to be."""
    newest = connection.execute(
        "SELECT f.seq, f.facts, f.at_ms, c.seq, c.at_ms, c.mono_ms, c.boot_id"
        " FROM finding f LEFT JOIN finding_closed c ON c.finding_seq = f.seq"
        " WHERE f.subject=? AND f.kind IN (?,?) ORDER BY f.seq DESC LIMIT 1",
        (SUBJECT, WENT_BACK, WENT_FORWARD),
    ).fetchone()
    if newest is not None and newest[3] is None:
        return _while_open(newest[0], json.loads(newest[1]), newest[2], now)
    last = connection.execute(
        "SELECT seq, at_ms, mono_ms, boot_id FROM entry ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    if newest is not None and (last is None or newest[3] > last[0]):
        last = newest[3:]
    if last is None:
        return Told(max(now.wall_ms, EARLIEST_MS), now.wall_ms >= EARLIEST_MS)
    _, at_ms, mono_ms, boot_id = last
    if boot_id == now.boot_id:
        wanted_ms = at_ms - mono_ms + now.mono_ms
        agrees = abs(now.wall_ms - wanted_ms) <= MAY_SLIP_MS
        return Told(now.wall_ms if agrees else wanted_ms, agrees)
    agrees = _goes_on(at_ms, now.wall_ms)
    return Told(now.wall_ms if agrees else at_ms, agrees)


def _while_open(row: int, facts: Any, opened_ms: int, now: Instant) -> Told:
    if "offset_ms" not in facts:  # a row of an earlier version has the minutes alone
        facts = {"told_ms": opened_ms + facts["minutes"] * _MINUTE_MS, "boot": ""}
    if facts["told_ms"] == EARLIEST_MS and now.wall_ms >= EARLIEST_MS:
        return Told(
            now.wall_ms, agrees=True, row=row
        )  # there was no time to go on from
    if facts["boot"] == now.boot_id:
        wanted_ms = facts["offset_ms"] + now.mono_ms
        agrees = abs(now.wall_ms - wanted_ms) <= MAY_SLIP_MS
        return Told(now.wall_ms if agrees else wanted_ms, agrees, row)
    told_ms = facts["told_ms"]
    agrees = _goes_on(told_ms, now.wall_ms)
    return Told(now.wall_ms if agrees else told_ms, agrees, row, same_boot=False)


def _goes_on(at_ms: int, wall_ms: int) -> bool:
    return at_ms - MAY_SLIP_MS <= wall_ms <= at_ms + LONGEST_OFF_MS

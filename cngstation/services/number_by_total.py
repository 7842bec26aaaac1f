"""Fills of pumps that number nothing: their number is the totaliser behind them.

What such a pump shows when the program begins may be a fill that nobody watched: of
before the books began, of a nozzle whose totaliser was set back. It is a sale only
where it follows the books; otherwise it is named, once, and a person decides.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cngstation.domain.totaliser import NO_TOTAL, Place, Stretch, breaks
from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.services.check_sale import NozzleSetting, total_of
from cngstation.services.name_breaks import name_break, subject_of
from cngstation.services.name_gaps import open_gaps
from cngstation.storage import findings
from cngstation.storage.database import Transaction
from cngstation.storage.sales import NozzleKey, Stand, find, stand_of
from cngstation.storage.sqlite import Connection
from cngstation.units import decimal_text

SHOWN_BEFORE = "fill_shown_before"
# Fills that may be missing where a device's numbers begin again.
MOST_ROUND = 1_000


def leave_out(
    tx: Transaction, nozzle: NozzleSetting, record: SaleRecord, stand: Stand
) -> bool:
    """Name an unwatched fill that does not follow the books; True if it is one."""
    newest = stand.device_seq
    if record.is_watched or (newest is not None and record.device_seq > newest):
        return False
    subject = subject_of(nozzle.key)
    facts: dict[str, str | int] = {
        "nozzle": nozzle.key.nozzle_no,
        "number": record.device_seq,
        "quantity": decimal_text(record.quantity_milli, 3, 2),
        "amount_e4": record.amount_e4,
    }
    if not findings.was_named(tx.connection, SHOWN_BEFORE, subject, facts):
        findings.open_finding(tx, SHOWN_BEFORE, subject, facts)
    return True


def why_new_life(
    connection: Connection,
    nozzle: NozzleKey,
    record: SaleRecord,
    stand: Stand,
    same_no: Sequence[Mapping[str, Any]],
) -> str:
    """Say why a new fill's number shows that the device's count began anew, or ""."""
    newest = stand.device_seq
    by_total = record.is_numbered_by_total
    if by_total and newest is not None and record.device_seq < newest:
        return "the totaliser shows less than is booked"
    if same_no and same_no[0]["epoch"] == stand.epoch:
        return "the same number came with another fill"
    is_lower = newest is not None and record.device_seq < newest
    last, total = stand.total_quantity_milli, total_of(record)
    if is_lower and NO_TOTAL not in {last, total} and total > last:
        return "a lower number came with a higher totaliser"
    if is_lower and _ended_later(connection, nozzle, record, stand):
        return "a lower number came with a later time"
    return ""


def goes_round(record: SaleRecord, stand: Stand) -> bool:
    """Tell whether a number is some steps behind the end of its device's numbers."""
    if record.last_number is None or stand.device_seq is None:
        return False
    steps = record.last_number - stand.device_seq + record.device_seq
    return record.device_seq < stand.device_seq and 0 <= steps <= MOST_ROUND


def _ended_later(
    connection: Connection, nozzle: NozzleKey, record: SaleRecord, stand: Stand
) -> bool:
    """Tell whether the device itself says that it ended behind its newest fill.

    A fill that comes late ended before those with higher numbers. One that is awaited
    is late whatever its clock said.
    """
    assert stand.device_seq is not None
    gaps = open_gaps(connection, nozzle)
    if any(record.device_seq in gap.numbers for gap in gaps):
        return False
    newest = find(connection, nozzle, stand.epoch, stand.device_seq)
    ended = newest["device_ended"] if newest is not None else ""
    return bool(ended and record.ended_at and record.ended_at > ended)


def name_jump(
    tx: Transaction, nozzle: NozzleKey, known_milli: int, found_milli: int
) -> None:
    """Name what a totaliser moved, or did not, without a fill that explains it."""
    stand = stand_of(tx.connection, nozzle)
    place = Place(stand.epoch, stand.device_seq or 0)
    last = Stretch(place, known_milli, known_milli)
    now = Stretch(place, found_milli, found_milli, is_fill=False)
    for found in breaks(last, [now]):
        name_break(tx, nozzle, found)

"""Compares what a dispenser counted for a duty (班累) with the fills in the books.

The fills of a duty are those between the totalisers of its two records. A difference is
one row of the duty; the books stay as they are. Fills that come late close it.
"""

import json
from typing import Any, NamedTuple

from cngstation.protocols.dispenser.forecourt import ShiftRecord
from cngstation.services.name_breaks import COLLECTION, subject_of
from cngstation.storage import duty_records, findings, nozzle_fills
from cngstation.storage.database import Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.units import quantity_text, yuan_text

KIND = "duty_differs"
_COME = "its fills have come"


class Sums(NamedTuple):
    """What was sold in a duty."""

    quantity_milli: int
    amount_e4: int


def compare_duty(tx: Transaction, nozzle: NozzleKey, record: ShiftRecord) -> None:
    """Name what an ended duty's own figures have otherwise than the books.

    Where its beginning is not known, or the totaliser fell, nothing is compared.
    """
    ended = record.gun_total_quantity_milli
    quantity, amount = record.shift_quantity_milli, record.shift_amount_e4
    began = duty_records.begun_at(
        tx.connection, nozzle, record.device_seq, record.on_duty_seq
    )
    if ended is None or quantity is None or amount is None or began is None:
        return
    theirs, ours = Sums(quantity, amount), _booked(tx, nozzle, began, ended)
    if ended < began or theirs == ours:
        return
    facts: dict[str, str | int] = {
        "nozzle": nozzle.nozzle_no,
        "number": record.device_seq,
        "began": began,
        "ended": ended,
        **{f"their_{name}": value for name, value in theirs._asdict().items()},
        **{f"our_{name}": value for name, value in ours._asdict().items()},
    }
    findings.open_finding(tx, KIND, subject_of(nozzle), facts)


def look_again(tx: Transaction, nozzle: NozzleKey) -> None:
    """Close the rows of duties whose fills have come."""
    for row in findings.open_findings(tx.connection, subject_of(nozzle)):
        if row.kind != KIND:
            continue
        told = json.loads(row.facts)
        theirs = Sums(told["their_quantity_milli"], told["their_amount_e4"])
        if theirs == _booked(tx, nozzle, told["began"], told["ended"]):
            findings.close_finding(tx, row.seq, _COME, "")


def shown_of(facts: dict[str, Any]) -> dict[str, str | int]:
    """Return the figures of a row as they are shown."""
    return {
        "theirs": quantity_text(facts["their_quantity_milli"]),
        "their_amount": yuan_text(facts["their_amount_e4"]),
        "ours": quantity_text(facts["our_quantity_milli"]),
        "our_amount": yuan_text(facts["our_amount_e4"]),
    }


def _booked(tx: Transaction, nozzle: NozzleKey, began: int, ended: int) -> Sums:
    fills = [
        fill
        for fill in nozzle_fills.above(tx.connection, nozzle, began)
        if fill["total_quantity_milli"] <= ended
        and fill["transaction_type"] != COLLECTION
    ]
    return Sums(
        sum(fill["quantity_milli"] for fill in fills),
        sum(fill["amount_e4"] for fill in fills),
    )

"""Names the numbers of a nozzle that have not come, with what its totaliser lost.

A row names each stretch of them once. It is closed when they have come or moved no gas,
or when two people give them up; a record that comes after that is booked and named.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass

from cngstation.domain.totaliser import NO_TOTAL
from cngstation.language import mark
from cngstation.protocols.dispenser.canonical import SaleRecord
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.name_breaks import began_milli, moved_milli, subject_of
from cngstation.storage import device_numbers, findings, sales
from cngstation.storage.database import Transaction
from cngstation.storage.findings import Finding
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

KIND = "sequence_gap"
CAME_AFTER_ALL = "given_up_came"
# More numbers than this are not looked at one by one.
MOST_LOOKED_AT = 2_000
# How many given-up stretches are told of one card.
MOST_TOLD = 3
_MAY_BE_ITS = mark(
    "{subject}: fills {first} to {last} were given up as lost; one may be this card's."
)
_COME = "all have come"
_SOME_CAME = "some have come, another row has the rest"


@dataclass(frozen=True, slots=True)
class Gap:
    """A row of missing numbers; `closed_by` is who gave them up, else empty.

    `epoch` is the life of the numbers, 0 where an earlier version did not note it.
    """

    seq: int
    epoch: int
    numbers: range
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Totalisers of a nozzle at a moment; a figure that it has not is None."""

    quantity_milli: int
    amount_e4: int | None


def open_gaps(connection: Connection, nozzle: NozzleKey) -> list[Gap]:
    """Return the rows of a nozzle that nobody has closed."""
    found = findings.open_findings(connection, subject_of(nozzle))
    return [_gap(row) for row in found if row.kind == KIND]


def name(
    tx: Transaction,
    nozzle: NozzleSetting,
    epoch: int,
    missing: range,
    *,
    empty: Collection[int] = (),
    end: Figures | None = None,
) -> None:
    """Name what of some numbers has not come, unless a row did, open or given up.

    `end` are the totalisers behind them, where no later fill is booked.
    """
    for left in _without(missing, _named(tx.connection, nozzle.key, epoch)):
        if numbers := _absent(tx.connection, nozzle, epoch, left, empty):
            _open(tx, nozzle, epoch, numbers, end)


def name_skipped(
    tx: Transaction, nozzle: NozzleSetting, epoch: int, missing: range
) -> None:
    """Name what a fill that came has left out; open rows inside it are named anew.

    The fill that came shows what its totaliser moved meanwhile.
    """
    given_up = []
    for gap in _every(tx.connection, nozzle.key, epoch):
        if gap.closed_by:
            given_up.append(gap.numbers)
        elif gap in open_gaps(tx.connection, nozzle.key) and _is_in(gap, missing):
            findings.close_finding(tx, gap.seq, "named anew with its figures", "")
    for left in _without(missing, given_up):
        _open(tx, nozzle, epoch, left, None)


def settle(tx: Transaction, nozzle: NozzleSetting, empty: Collection[int] = ()) -> None:
    """Close the rows whose numbers have come; those that came in part name the rest."""
    current = sales.current_epoch(tx.connection, nozzle.key)
    for gap in open_gaps(tx.connection, nozzle.key):
        epoch = gap.epoch or current
        left = _absent(tx.connection, nozzle, epoch, gap.numbers, empty)
        if left == gap.numbers:
            continue
        findings.close_finding(tx, gap.seq, _SOME_CAME if left else _COME, "")
        if left:
            _open(tx, nozzle, epoch, left, None)


def came_late(
    tx: Transaction, nozzle: NozzleSetting, epoch: int, record: SaleRecord
) -> None:
    """Close the row that a late fill completes; name one that was given up."""
    number = record.device_seq
    for gap in _every(tx.connection, nozzle.key, epoch):
        if gap.closed_by and number in gap.numbers:
            facts = {
                "nozzle": nozzle.key.nozzle_no,
                "number": number,
                "quantity_milli": record.quantity_milli,
                "amount_e4": record.amount_e4,
            }
            findings.open_finding(tx, CAME_AFTER_ALL, subject_of(nozzle.key), facts)
            break
    for gap in open_gaps(tx.connection, nozzle.key):
        if number not in gap.numbers or gap.epoch not in {0, epoch}:
            continue
        # From the end: what is fetched comes in its order.
        if all(_is_there(tx.connection, nozzle, epoch, n) for n in gap.numbers[::-1]):
            findings.close_finding(tx, gap.seq, _COME, "")


def notes_of_given_up(
    connection: Connection, card_key: str
) -> tuple[tuple[str, dict[str, str | int]], ...]:
    """Say which given-up numbers may be fills of a card: those behind its newest."""
    newest = sales.newest_of_card(connection, card_key, 1)
    since_ms = newest[0]["at_ms"] if newest else 0
    found = [
        (row.subject, _gap(row).numbers)
        for row, closed_by in findings.with_closers(connection, KIND)
        if closed_by and row.at_ms >= since_ms
    ]
    return tuple(
        (_MAY_BE_ITS, {"subject": subject, "first": numbers[0], "last": numbers[-1]})
        for subject, numbers in found[-MOST_TOLD:]
    )


def is_known(connection: Connection, nozzle: NozzleSetting, number: int) -> bool:
    """Tell whether a number of the life in force is in the books."""
    epoch = sales.current_epoch(connection, nozzle.key)
    return _is_there(connection, nozzle, epoch, number)


def _gap(row: Finding, closed_by: str = "") -> Gap:
    told = json.loads(row.facts)
    numbers = range(told["first"], told["last"] + 1)
    return Gap(row.seq, told.get("epoch", 0), numbers, closed_by)


def _every(connection: Connection, nozzle: NozzleKey, epoch: int) -> list[Gap]:
    """Return every row of a life, the closed ones too."""
    subject = subject_of(nozzle)
    rows = findings.with_closers(connection, KIND)
    gaps = [_gap(row, closer) for row, closer in rows if row.subject == subject]
    return [gap for gap in gaps if gap.epoch == epoch or not gap.epoch]


def _is_in(gap: Gap, numbers: range) -> bool:
    return numbers[0] <= gap.numbers[0] and gap.numbers[-1] <= numbers[-1]


def _named(connection: Connection, nozzle: NozzleKey, epoch: int) -> list[range]:
    """Return the numbers that are missing still, or were given up."""
    still = {gap.seq for gap in open_gaps(connection, nozzle)}
    every = _every(connection, nozzle, epoch)
    return [gap.numbers for gap in every if gap.closed_by or gap.seq in still]


def _without(numbers: range, taken: Collection[range]) -> list[range]:
    left = [numbers] if numbers else []
    for each in taken:
        left = [
            part
            for old in left
            for part in (
                range(old.start, min(old.stop, each.start)),
                range(max(old.start, each.stop), old.stop),
            )
            if part
        ]
    return left


def _absent(
    connection: Connection,
    nozzle: NozzleSetting,
    epoch: int,
    numbers: range,
    empty: Collection[int],
) -> range:
    """Return the stretch from the first to the last number that is not there."""
    if len(numbers) > MOST_LOOKED_AT:
        return numbers

    def is_absent(number: int) -> bool:
        return number not in empty and not _is_there(connection, nozzle, epoch, number)

    first = next((n for n in numbers if is_absent(n)), None)
    if first is None:
        return range(0)
    last = next(n for n in reversed(numbers) if is_absent(n))
    return range(first, last + 1)


def _is_there(
    connection: Connection, nozzle: NozzleSetting, epoch: int, number: int
) -> bool:
    beside = nozzle.numbered_with
    if beside and epoch == sales.current_epoch(connection, nozzle.key):
        return device_numbers.is_known(connection, beside, number)
    return any(
        sales.find(connection, key, epoch, number) for key in beside or (nozzle.key,)
    )


def _open(
    tx: Transaction,
    nozzle: NozzleSetting,
    epoch: int,
    numbers: range,
    end: Figures | None,
) -> None:
    lost = _lost(tx.connection, nozzle.key, epoch, numbers, end)
    facts: dict[str, str | int] = {
        "nozzle": nozzle.key.nozzle_no,
        "epoch": epoch,
        "first": numbers[0],
        "last": numbers[-1],
    }
    if lost is not None:
        facts["quantity_milli"] = lost.quantity_milli
        if lost.amount_e4 is not None:
            facts["amount_e4"] = lost.amount_e4
    findings.open_finding(tx, KIND, subject_of(nozzle.key), facts)


def _lost(
    connection: Connection,
    nozzle: NozzleKey,
    epoch: int,
    numbers: range,
    end: Figures | None,
) -> Figures | None:
    """Return what the totaliser moved over some numbers without a booked fill.

    None where it does not tell: no fill before or behind, a counter that went back,
    or other missing numbers beside these.
    """
    first, last = numbers[0], numbers[-1]
    below, above = sales.around(connection, nozzle, epoch, first, last)
    told = [fill and fill["total_quantity_milli"] for fill in (below, above)]
    if below is None or not told[0] or NO_TOTAL in told:
        return None
    after, before = (
        (last if above is None else above["device_seq"]),
        below["device_seq"],
    )
    for beside in (range(before + 1, first), range(last + 1, after)):
        named = _named(connection, nozzle, epoch)
        if beside and _without(beside, named) != [beside]:
            return None
    fills = sales.between(connection, nozzle, (epoch, before), (epoch, last))
    if above is not None:
        ended = began_milli(above)
        money = above["total_amount_e4"] and above["total_amount_e4"] - _paid(above)
    elif end is not None:
        ended, money = end.quantity_milli, end.amount_e4 or 0
    else:
        return None
    moved = sum(map(moved_milli, fills))
    quantity = ended - below["total_quantity_milli"] - moved
    if quantity < 0:
        return None
    known = below["total_amount_e4"] and money
    amount = money - below["total_amount_e4"] - sum(_paid(f) for f in fills)
    return Figures(quantity, amount if known and amount >= 0 else None)


def _paid(sale: dict[str, int]) -> int:
    return sale["amount_e4"] if moved_milli(sale) else 0

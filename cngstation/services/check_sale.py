"""A record that arrives, what it leaves open, and what of it does not fit together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.domain.sale_postings import asked_of_purse
from cngstation.domain.totaliser import NO_TOTAL, Place, Stretch, breaks, goes_on
from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services import name_breaks
from cngstation.services.compare_duty import look_again
from cngstation.services.name_breaks import subject_of
from cngstation.services.name_debt import name_late_debt
from cngstation.storage import cards, findings, sales
from cngstation.storage.database import Transaction
from cngstation.storage.downloads import Sold
from cngstation.storage.journal import Intent
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection
from cngstation.units import E4_PER_FEN, Unit, priced_e4

WIRE_CARD_DIGITS = 16
CPU_CARD_DIGITS, CPU_CARD_MARK = 20, "0100"
CARD_KEY_DIGITS = 12
COLLECTION = TransactionType.MAKE_UP_DEBIT
CASH_WITHOUT_CREW = "cash_without_crew"
_UNUSUAL = frozenset({TransactionType.SUPPLEMENT, TransactionType.UNKNOWN})


@dataclass(frozen=True, slots=True)
class NozzleSetting:
    """What the configuration says of a nozzle.

    `numbered_with` are the nozzles, itself among them, that share one row of numbers
    for fills, duties and events; empty: it numbers its own fills. `only_level` is the
    one price level that it shows, None all of them. A nozzle that
    `is_host_controlled` gives gas by order of the station alone.
    """

    key: NozzleKey
    unit: Unit
    numbered_with: tuple[NozzleKey, ...] = ()
    only_level: int | None = None
    is_host_controlled: bool = False

    @property
    def shares_numbers(self) -> bool:
        """Whether a number that it lacks may be another nozzle's."""
        return bool(self.numbered_with)

    @property
    def sold(self) -> Sold:
        """What it has its prices for."""
        return Sold(self.unit, self.only_level)


class Arrival(NamedTuple):
    """A record, its nozzle with where that stood in the book before, its card."""

    nozzle: NozzleSetting
    record: SaleRecord
    source: str
    stand: sales.Stand
    card: cards.Payer | None
    # The make-up debit of this unpaid fill, when it came before the fill.
    collected_by: Mapping[str, Any] | None = None
    # The act that settled this unpaid fill by hand before its record came.
    settled: Intent | None = None
    # The unpaid fill of this make-up debit, where its record does not name it.
    collects: Mapping[str, Any] | None = None
    # Sold without a customer's card, for cash.
    is_cash: bool = False
    # It ended before a reading that is in the book already.
    before_reading: bool = False
    # The totaliser of the newest duty that the nozzle told, 0 for none.
    duty_total: int = 0

    @property
    def collected_no(self) -> int | None:
        """The number of the unpaid fill that this make-up debit collects."""
        if self.collects is not None:
            number: int = self.collects["device_seq"]
            return number
        return self.record.related_grey_seq


def unpaid_fill_of(
    connection: Connection, card: cards.Payer | None, record: SaleRecord
) -> Mapping[str, Any] | None:
    """Return what a make-up debit collects whose record does not name it."""
    if card is None or record.transaction_type is not COLLECTION:
        return None
    if record.related_grey_seq is not None:
        return None
    count = record.card_consumption_count
    return sales.unpaid_fill(connection, card.card_key, count)


def total_of(record: SaleRecord) -> int:
    """Return the totaliser behind a record as the books keep it."""
    told = record.gun_total_quantity_milli
    return NO_TOTAL if told is None else told


def wire_card_key(wire_card_no: str | None) -> str:
    """Return the key of our card from a dispenser's digits; empty if not ours.

    Of 16 digits four zeros stand before it; of the 20 of a CPU card the trade's mark
    and four digits of anything.
    """
    number = wire_card_no or ""
    padding, key = number[:-CARD_KEY_DIGITS], number[-CARD_KEY_DIGITS:]
    if len(number) == CPU_CARD_DIGITS:
        is_ours = padding.startswith(CPU_CARD_MARK)
    else:
        is_ours = len(number) == WIRE_CARD_DIGITS and not padding.strip("0")
    return key if is_ours and key.isdigit() else ""


def debited_by(mode: PaymentMode, record: SaleRecord) -> int:
    """Return the purse figure of a fill; a grey card's is asked for later."""
    if record.transaction_type is not TransactionType.GREY:
        return record.debited_hundredths
    before = record.balance_before_hundredths
    return asked_of_purse(mode, record.quantity_milli, record.amount_e4, before)


def open_rows_of(tx: Transaction, arrival: Arrival, shift_no: int) -> None:
    """Name what a record leaves open: a grey card, an unknown card, an odd record.

    The cash of a fill that no shift owes (`shift_no` 0) is a row of its nozzle.
    """
    nozzle, record, card = arrival.nozzle.key, arrival.record, arrival.card
    place = {"nozzle": nozzle.nozzle_no, "number": record.device_seq}
    if arrival.is_cash:
        if not shift_no:
            named = {"nozzle": nozzle.nozzle_no}
            findings.open_once(tx, CASH_WITHOUT_CREW, subject_of(nozzle), named)
        elif arrival.before_reading:
            name_late_debt(tx, shift_no)
        if record.transaction_type in _UNUSUAL:
            findings.open_finding(tx, "unusual_record", subject_of(nozzle), place)
        return
    subject = card.card_key if card else record.card_no or "no card"
    if record.transaction_type is TransactionType.GREY:
        if arrival.collected_by is not None or arrival.settled is not None:
            return
        findings.open_finding(
            tx,
            "grey_card",
            subject,
            {**place, "station": nozzle.station_no, "amount_e4": record.amount_e4},
        )
    elif record.transaction_type is COLLECTION:
        _close_grey(tx, subject, arrival.collected_no)
    elif record.transaction_type in _UNUSUAL:
        findings.open_finding(tx, "unusual_record", subject, place)
    if card is None:
        findings.open_finding(
            tx, "unknown_card", subject, {**place, "amount_e4": record.amount_e4}
        )


def _close_grey(tx: Transaction, subject: str, grey_seq: int | None) -> None:
    for found in findings.open_findings(tx.connection, subject):
        is_this = json.loads(found.facts).get("number") == grey_seq
        if found.kind == "grey_card" and is_this:
            findings.close_finding(tx, found.seq, "collected by a dispenser", "")


def compare(tx: Transaction, arrival: Arrival) -> None:
    """Flag what does not fit together; the dispenser's figures stay as they are."""
    nozzle, record, card = arrival.nozzle, arrival.record, arrival.card
    named = {"nozzle": nozzle.key.nozzle_no, "number": record.device_seq}
    subject = subject_of(nozzle.key)
    if record.unit is not nozzle.unit:
        findings.open_once(tx, "unit_differs", subject, {"code": record.unit_code})
    priced = priced_e4(record.quantity_milli, record.price_e4)
    gas_moved = record.transaction_type is not COLLECTION
    if gas_moved and abs(priced - record.amount_e4) > E4_PER_FEN:
        amounts = {"amount_e4": record.amount_e4, "priced_e4": priced}
        findings.open_finding(tx, "amount_differs", subject, {**named, **amounts})
    if arrival.before_reading:
        _look_again_around(tx, nozzle.key, arrival.stand.epoch, record.device_seq)
    else:
        _compare_totalisers(tx, arrival)
    # A card of ours counts its issue: from nought on nothing is counted.
    if card is None or not card.has_counters or not record.card_top_up_count:
        return
    counters = (record.card_top_up_count, record.card_consumption_count)
    if counters == (card.wseq, card.pseq + 1):
        # The very next write of the card: nothing in the book can be beside it.
        _compare_balance(tx, record, card, named)
    elif sales.shows_old_image(tx.connection, card.card_key, *counters):
        findings.open_once(tx, "card_rolled_back", card.card_key, named)


def _compare_totalisers(tx: Transaction, arrival: Arrival) -> None:
    nozzle, record, stand = arrival.nozzle.key, arrival.record, arrival.stand
    number, newest = record.device_seq, stand.device_seq
    if newest is None:
        return
    follows = number > newest if record.is_numbered_by_total else number == newest + 1
    if number > newest + 1 and not follows:
        return
    if follows:
        moved = 0 if record.transaction_type is COLLECTION else record.quantity_milli
        last, total = stand.total_quantity_milli, total_of(record)
        if NO_TOTAL in {last, total}:
            return  # compared by the next one that is told
        if arrival.duty_total >= total:
            look_again(tx, nozzle)  # it is of a duty that was told before it
        if goes_on(last, total - moved, total, is_carried=stand.is_carried):
            return
        ended = Place(stand.epoch, newest), last
        fill = Stretch(Place(stand.epoch, number), total - moved, total)
        _name_break(tx, nozzle, ended, fill)
        return
    # A fill that comes late stands before one that is booked already.
    _look_again_around(tx, nozzle, stand.epoch, number)


def _look_again_around(
    tx: Transaction, nozzle: NozzleKey, epoch: int, number: int
) -> None:
    """Compare anew what a late fill may have made whole."""
    look_again(tx, nozzle)
    place = Place(epoch, number)
    if not name_breaks.recheck(tx, nozzle, place):
        name_breaks.recheck_beside(tx, nozzle, place)


def _name_break(
    tx: Transaction, nozzle: NozzleKey, ended: tuple[Place, int], fill: Stretch
) -> None:
    """Name a fill that does not go on where the one before it ended."""
    after, total = ended
    for found in breaks(Stretch(after, total, total), [fill]):
        name_breaks.name_break(tx, nozzle, found)


def _compare_balance(
    tx: Transaction, record: SaleRecord, card: cards.Payer, place: dict[str, int]
) -> None:
    if record.transaction_type is COLLECTION or card.is_replaced:
        return
    before = -card.booked if card.payment_mode.prepaid else card.booked
    on_card = purse_to_book(card.payment_mode, record.balance_before_hundredths)
    # Only where every write before it is booked; asked last, because it counts them.
    if before != on_card and sales.all_in(tx.connection, card.card_key, card.pseq):
        findings.open_finding(
            tx,
            "card_balance_differs",
            card.card_key,
            {**place, "book": before, "card": on_card},
        )

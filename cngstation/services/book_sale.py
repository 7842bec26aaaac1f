"""Books what a dispenser reports: each fill once, with the dispenser's own figures.

One transaction per record: the sale with its postings, what it proves about an open
act of its card, and every named row that it gives rise to. The dispenser is told
"recorded" only after this is durable.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cngstation.domain import sale_postings
from cngstation.domain.ledger import Entry, Posting
from cngstation.domain.lots import LotUse, use_lots
from cngstation.domain.payment import purse_to_book
from cngstation.domain.sale_postings import FillToBook, fill_postings
from cngstation.moments import business_day
from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services.act_on_card import CardActs
from cngstation.storage import audit, cards, facts, findings, journal, sales
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.units import (
    E4_PER_FEN,
    Price,
    Quantity,
    Unit,
    amount_of,
)

WIRE_CARD_DIGITS = 16
CARD_KEY_DIGITS = 12


class Booking(StrEnum):
    """What became of a record."""

    BOOKED = "booked"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Booked:
    """The outcome, and the numbers before this one that are still missing."""

    booking: Booking
    seq: int
    epoch: int
    missing: range


@dataclass(frozen=True, slots=True)
class NozzleSetting:
    """What the configuration says of a nozzle."""

    key: NozzleKey
    unit: Unit


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A record, the nozzle and the life of its counter it belongs to, its card."""

    nozzle: NozzleSetting
    record: SaleRecord
    source: str
    epoch: int
    card: cards.Card | None


def wire_card_key(wire_card_no: str | None) -> str:
    """Return the key of our card from a dispenser's 16 digits; empty if not ours."""
    if wire_card_no is None or len(wire_card_no) != WIRE_CARD_DIGITS:
        return ""
    padding, key = wire_card_no[:-CARD_KEY_DIGITS], wire_card_no[-CARD_KEY_DIGITS:]
    return key if key.isdigit() and not padding.strip("0") else ""


class SaleBook:
    """Books records of dispensers into the station's file."""

    def __init__(
        self, database: Database, acts: CardActs, *, cut_off_minute: int
    ) -> None:
        self._database = database
        self._acts = acts
        self._cut_off_minute = cut_off_minute

    async def book(
        self, nozzle: NozzleSetting, record: SaleRecord, source: str
    ) -> Booked:
        """Book a record durably, or find that it is booked already.

        Raises:
            StorageError: nothing is recorded, and the dispenser keeps its record.
        """
        return await self._database.write(
            lambda tx: self._book(tx, nozzle, record, source)
        )

    def _book(
        self, tx: Transaction, nozzle: NozzleSetting, record: SaleRecord, source: str
    ) -> Booked:
        epoch = sales.current_epoch(tx.connection, nozzle.key)
        known = sales.find(tx.connection, nozzle.key, epoch, record.device_seq)
        if known is not None and _same_fill(known, record):
            return Booked(Booking.REPEATED, known["seq"], epoch, range(0))
        if known is not None:
            epoch = _new_epoch(tx, nozzle.key, epoch, record)
        last = sales.last_device_seq(tx.connection, nozzle.key, epoch)
        card = cards.find(tx.connection, wire_card_key(record.card_no))
        if card is not None and record.transaction_type is not _COLLECTION:
            self._settle_by_record(tx, card, record)
            card = cards.find(tx.connection, card.card_key)
        arrival = _Arrival(nozzle, record, source, epoch, card)
        seq = self._post(tx, arrival)
        _compare(tx, arrival)
        missing = _gap(tx, nozzle.key, last, record.device_seq)
        return Booked(Booking.BOOKED, seq, epoch, missing)

    def _settle_by_record(
        self, tx: Transaction, card: cards.Card, record: SaleRecord
    ) -> None:
        """A fill's counter of top-ups proves a write that was left in doubt."""
        intent = journal.open_for_card(tx.connection, card.card_key)
        if intent is None or record.card_top_up_count != intent.before_wseq + 1:
            return
        first_fill = record.card_consumption_count == intent.before_pseq + 1
        if first_fill and record.balance_before_hundredths != intent.after_balance:
            findings.open_once(
                tx, "intent_hold", card.card_key, {"intent": intent.intent_id}
            )
            return
        self._acts.finish(tx, intent, "a fill proves the write")

    def _post(self, tx: Transaction, arrival: _Arrival) -> int:
        record, card = arrival.record, arrival.card
        collection = record.transaction_type is _COLLECTION
        uses: list[LotUse] = []
        postings: tuple[Posting, ...] = ()
        if card is None and not collection:
            postings = sale_postings.unknown_card_postings(record.amount_e4)
        elif card is not None and not collection:
            fill = _fill(card, arrival.nozzle.unit, record)
            lots = sales.lots_left(tx.connection, card.card_key)
            uses, missing = use_lots(lots, fill.quantity_milli)
            postings = fill_postings(fill, uses, missing)
        key = arrival.nozzle.key
        place = f"{key.station_no}-{key.dispenser_no}-{key.nozzle_no}"
        entry = Entry(
            entry_id=f"sale-{place}-{arrival.epoch}-{record.device_seq}",
            kind="collection" if collection else "sale",
            business_day=business_day(
                tx.now.wall_ms, cut_off_minute=self._cut_off_minute
            ),
            operator_no="",
            terminal="forecourt",
            postings=postings,
        )
        seq = facts.post(
            tx,
            entry,
            sale=_sale_row(arrival),
            lot_uses=[
                {
                    "lot_seq": use.seq,
                    "quantity_milli": use.quantity_milli,
                    "money_e4": use.money_e4,
                }
                for use in uses
            ],
        )
        _open_rows(tx, key, record, card)
        if card is not None:
            cards.filled(tx, card.card_key, record.card_consumption_count)
        return seq


_COLLECTION = TransactionType.MAKE_UP_DEBIT


def _same_fill(known: dict[str, Any], record: SaleRecord) -> bool:
    return (
        known["device_started"],
        known["device_ended"],
        known["quantity_milli"],
        known["total_quantity_milli"],
    ) == (
        record.started_at or "",
        record.ended_at or "",
        record.quantity_milli,
        record.gun_total_quantity_milli,
    )


def _new_epoch(
    tx: Transaction, nozzle: NozzleKey, epoch: int, record: SaleRecord
) -> int:
    """The same number with another fill: the device's counter began anew."""
    subject = f"nozzle {nozzle.nozzle_no}"
    seq = audit.record(
        tx,
        audit.STATION,
        "device_epoch.began",
        subject,
        reason="the same number came with another fill",
        before=str(epoch),
        after=str(epoch + 1),
    )
    sales.begin_epoch(tx, nozzle, epoch + 1, seq)
    findings.open_finding(
        tx,
        "device_counter_reset",
        subject,
        {"nozzle": nozzle.nozzle_no, "number": record.device_seq},
    )
    return epoch + 1


def _fill(card: cards.Card, gas_unit: Unit, record: SaleRecord) -> FillToBook:
    return FillToBook(
        card_key=card.card_key,
        mode=card.payment_mode,
        gas_unit=gas_unit,
        quantity_milli=record.quantity_milli,
        amount_e4=record.amount_e4,
        debited=purse_to_book(card.payment_mode, record.debited_hundredths),
        purse_emptied=record.balance_after_hundredths == 0,
        collected=record.transaction_type is not TransactionType.GREY,
    )


def _sale_row(arrival: _Arrival) -> dict[str, Any]:
    nozzle, record, card = arrival.nozzle, arrival.record, arrival.card
    return {
        "station_no": nozzle.key.station_no,
        "dispenser_no": nozzle.key.dispenser_no,
        "nozzle_no": nozzle.key.nozzle_no,
        "epoch": arrival.epoch,
        "device_seq": record.device_seq,
        "transaction_type": str(record.transaction_type),
        "source": arrival.source,
        "card_key": card.card_key if card else "",
        "wire_card_no": record.card_no or "",
        "plate": record.plate or "",
        "payment_mode": str(card.payment_mode) if card else "",
        "unit": str(nozzle.unit),
        "quantity_milli": record.quantity_milli,
        "price_e4": record.price_e4,
        "amount_e4": record.amount_e4,
        "debited": record.debited_hundredths,
        "balance_before": record.balance_before_hundredths,
        "balance_after": record.balance_after_hundredths,
        "wseq": record.card_top_up_count,
        "pseq": record.card_consumption_count,
        "total_quantity_milli": record.gun_total_quantity_milli,
        "total_amount_e4": record.gun_total_amount_e4,
        "pressure_before_kpa": record.pressure_before_kpa or 0,
        "pressure_after_kpa": record.pressure_after_kpa or 0,
        "stop_reason": str(record.stop_reason),
        "related_grey_seq": record.related_grey_seq or 0,
        "shift_no": record.shift_no,
        "employee_card": record.employee_card or "",
        "device_started": record.started_at or "",
        "device_ended": record.ended_at or "",
        "protocol": record.protocol,
        "raw_frame": record.raw_frame,
    }


def _open_rows(
    tx: Transaction, nozzle: NozzleKey, record: SaleRecord, card: cards.Card | None
) -> None:
    place = {"nozzle": nozzle.nozzle_no, "number": record.device_seq}
    subject = card.card_key if card else record.card_no or "no card"
    if record.transaction_type is TransactionType.GREY:
        findings.open_finding(
            tx,
            "grey_card",
            subject,
            {**place, "station": nozzle.station_no, "amount_e4": record.amount_e4},
        )
    elif record.transaction_type is _COLLECTION:
        for found in findings.open_findings(tx.connection, subject):
            if found.kind == "grey_card":
                findings.close_finding(tx, found.seq, "collected by a dispenser", "")
    elif record.transaction_type is not TransactionType.NORMAL:
        findings.open_finding(tx, "unusual_record", subject, place)
    if card is None:
        findings.open_finding(
            tx, "unknown_card", subject, {**place, "amount_e4": record.amount_e4}
        )


def _compare(tx: Transaction, arrival: _Arrival) -> None:
    """Flag what does not fit together; the dispenser's figures stay as they are."""
    nozzle, record, card = arrival.nozzle, arrival.record, arrival.card
    place = {"nozzle": nozzle.key.nozzle_no, "number": record.device_seq}
    subject = f"nozzle {nozzle.key.nozzle_no}"
    if record.unit is not nozzle.unit:
        findings.open_once(tx, "unit_differs", subject, {"code": record.unit_code})
    priced = amount_of(
        Quantity(record.quantity_milli, nozzle.unit), Price(record.price_e4)
    )
    gas_moved = record.transaction_type is not _COLLECTION
    if gas_moved and abs(priced.e4 - record.amount_e4) > E4_PER_FEN:
        amounts = {"amount_e4": record.amount_e4, "priced_e4": priced.e4}
        findings.open_finding(tx, "amount_differs", subject, {**place, **amounts})
    earlier = sales.find(
        tx.connection, nozzle.key, arrival.epoch, record.device_seq - 1
    )
    if earlier is not None and gas_moved:
        began = record.gun_total_quantity_milli - record.quantity_milli
        if began != earlier["total_quantity_milli"]:
            totals = {"expected": earlier["total_quantity_milli"], "found": began}
            findings.open_finding(tx, "totaliser_break", subject, {**place, **totals})
    if card is not None:
        _compare_balance(tx, record, card, place)


def _compare_balance(
    tx: Transaction, record: SaleRecord, card: cards.Card, place: dict[str, int]
) -> None:
    continues = (
        record.card_top_up_count == card.wseq
        and record.card_consumption_count == card.pseq + 1
    )
    if not continues or record.transaction_type is _COLLECTION:
        return
    booked = facts.balance(tx.connection, f"card:{card.card_key}", str(card.unit))
    sign = -1 if card.payment_mode.prepaid else 1
    debited = purse_to_book(card.payment_mode, record.debited_hundredths)
    if record.transaction_type is TransactionType.GREY:
        debited = (
            record.quantity_milli if card.payment_mode.in_quantity else record.amount_e4
        )
    # The fill is booked already: what the book had before it, on the card's side.
    before = sign * booked + (debited if card.payment_mode.prepaid else -debited)
    on_card = purse_to_book(card.payment_mode, record.balance_before_hundredths)
    if before != on_card:
        findings.open_finding(
            tx,
            "card_balance_differs",
            card.card_key,
            {**place, "book": before, "card": on_card},
        )


def _gap(
    tx: Transaction, nozzle: NozzleKey, last: int | None, device_seq: int
) -> range:
    """Name the numbers that were skipped; close the row when they have come."""
    subject = f"nozzle {nozzle.nozzle_no}"
    if last is not None and device_seq > last + 1:
        missing = range(last + 1, device_seq)
        findings.open_finding(
            tx, "sequence_gap", subject, {"first": last + 1, "last": device_seq - 1}
        )
        return missing
    return range(0)

"""The entry of one fill: whose account pays it, and whose shift it is.

A fill without a card is paid in cash to the crew on duty, who owes it until the
handover. One of a card that the register lacks is in suspense.
"""

from typing import Any

from cngstation.domain import sale_postings
from cngstation.domain.ledger import Entry, Posting
from cngstation.domain.lots import LotUse, use_lots
from cngstation.domain.payment import PaymentMode, purse_to_book
from cngstation.domain.sale_postings import (
    FillToBook,
    asked_of_purse,
    collection_postings,
    fill_postings,
)
from cngstation.domain.totaliser import NO_TOTAL
from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services import late_records
from cngstation.services.check_sale import COLLECTION, Arrival, debited_by, total_of
from cngstation.services.name_breaks import stood_at
from cngstation.services.tell_day import today
from cngstation.storage import cards, duty_records, facts, nozzle_fills, sales, shifts
from cngstation.storage.database import Transaction
from cngstation.storage.sales import NozzleKey


def is_cash_fill(record: SaleRecord, card: cards.Payer | None) -> bool:
    """Tell whether a fill was sold without a customer's card.

    Whatever was filled on a crew card was: it can pay nothing, now or later.
    """
    if card is not None and card.is_crew:
        return record.transaction_type is not COLLECTION
    if record.transaction_type is not TransactionType.NORMAL:
        return record.transaction_type is TransactionType.NO_CARD
    return record.card_no is None and card is None


def newest_duty(
    tx: Transaction, kept: dict[Any, Any], nozzle: NozzleKey
) -> shifts.Duty:
    """Return the duty since a nozzle's newest reading; `kept` remembers it."""
    key = ("duty", nozzle)
    if key not in kept:
        kept[key] = shifts.duty_at(tx.connection, nozzle) or shifts.NO_DUTY
    duty: shifts.Duty = kept[key]
    return duty


def duty_total(tx: Transaction, kept: dict[Any, Any], nozzle: NozzleKey) -> int:
    """Return the totaliser of the newest duty told; `kept` remembers it."""
    key = ("duty_total", nozzle)
    if key not in kept:
        kept[key] = duty_records.newest_total(tx.connection, nozzle)
    total: int = kept[key]
    return total


def duty_of(tx: Transaction, newest: shifts.Duty, arrival: Arrival) -> shifts.Duty:
    """Return the duty that a fill ended in."""
    if not arrival.before_reading:
        return newest
    place = (arrival.stand.epoch, arrival.record.device_seq)
    return shifts.duty_of_fill(tx.connection, arrival.nozzle.key, *place)


def is_before(newest: shifts.Duty, epoch: int, device_seq: int) -> bool:
    """Tell whether a fill ended before the newest reading."""
    return (epoch, device_seq) <= (newest.epoch, newest.device_seq)


def stand_at_reading(
    tx: Transaction, nozzle: NozzleKey, stand: sales.Stand, newest: shifts.Duty
) -> sales.Stand:
    """Return where the next fill goes on: at a reading behind the newest fill.

    Behind fills that told no totaliser it is carried over them.
    """
    place = (newest.epoch, newest.device_seq)
    if (stand.epoch, stand.device_seq) != place:
        if stand.total_quantity_milli != NO_TOTAL:
            return stand
        read = (place, newest.total_quantity_milli) if newest.epoch else None
        total = stood_at(tx.connection, nozzle, stand, read, unbroken=True)
        return stand._replace(total_quantity_milli=total, is_carried=True)
    return stand._replace(total_quantity_milli=newest.total_quantity_milli)


def post_sale(
    tx: Transaction, arrival: Arrival, duty: shifts.Duty, *, cut_off_minute: int
) -> tuple[int, tuple[Posting, ...]]:
    """Book the entry of a fill with its row; return its seq and its postings.

    The day is that of its shift; without one it is the day of the clock.
    """
    uses, postings = _postings(tx, arrival, duty.shift_no)
    collection = arrival.record.transaction_type is COLLECTION
    day = today(tx, cut_off_minute=cut_off_minute)
    entry = Entry(
        # Nozzle and number are unique in `sale`; an id that only rises is found
        # a place in its index without a page of its own.
        entry_id=f"sale-{tx.tip.seq + 1:012d}",
        kind="collection" if collection else "sale",
        business_day=duty.business_day if duty.shift_no else day,
        operator_no="",
        terminal="forecourt",
        postings=postings,
    )
    seq = facts.post(
        tx,
        entry,
        sale=_sale_row(arrival),
        lot_uses=[use.row() for use in uses],
        shift_no=duty.shift_no,
    )
    if returned := arrival.record.return_quantity_milli:
        nozzle_fills.keep_returned(tx, seq, returned)
    return seq, postings


def _postings(
    tx: Transaction, arrival: Arrival, shift_no: int
) -> tuple[list[LotUse], tuple[Posting, ...]]:
    record, card = arrival.record, arrival.card
    collection = record.transaction_type is COLLECTION
    if arrival.is_cash:
        return [], sale_postings.cash_fill_postings(shift_no, record.amount_e4)
    if card is None:
        if collection:
            return [], ()
        return [], sale_postings.unknown_card_postings(record.amount_e4)
    if collection:
        return [], _collection(tx, card, arrival)
    if late := late_records.postings_instead(tx, card, record, arrival.settled):
        return [], late
    fill = _fill(card, arrival)
    bought = card.payment_mode is PaymentMode.PREPAID_QUANTITY
    lots = sales.lots_left(tx.connection, card.card_key) if bought else []
    uses, missing = use_lots(lots, fill.debited)
    return uses, fill_postings(fill, uses, missing)


def _fill(card: cards.Payer, arrival: Arrival) -> FillToBook:
    record, collection = arrival.record, arrival.collected_by
    debited = debited_by(card.payment_mode, record)
    left = record.balance_after_hundredths
    if record.transaction_type is TransactionType.GREY:
        left = record.balance_before_hundredths - debited
    if collection is not None:
        debited, left = collection["debited"], collection["balance_after"]
    return FillToBook(
        card_key=card.card_key,
        mode=card.payment_mode,
        gas_unit=card.unit if card.payment_mode.in_quantity else arrival.nozzle.unit,
        quantity_milli=record.quantity_milli,
        amount_e4=record.amount_e4,
        debited=purse_to_book(card.payment_mode, debited),
        purse_emptied=left == 0,
    )


def _collection(
    tx: Transaction, card: cards.Payer, arrival: Arrival
) -> tuple[Posting, ...]:
    """What a make-up debit moves; nothing while its fill is not in the book."""
    record = arrival.record
    grey = arrival.collects or sales.grey_fill(
        tx.connection,
        card.card_key,
        record.related_grey_seq or 0,
        record.card_consumption_count - 1,
    )
    if grey is None:
        return ()
    mode = card.payment_mode
    fill = FillToBook(
        card_key=card.card_key,
        mode=mode,
        gas_unit=card.unit if mode.in_quantity else arrival.nozzle.unit,
        quantity_milli=grey["quantity_milli"],
        amount_e4=grey["amount_e4"],
        debited=purse_to_book(
            mode,
            asked_of_purse(
                mode,
                grey["quantity_milli"],
                grey["amount_e4"],
                grey["balance_before"],
            ),
        ),
        purse_emptied=record.balance_after_hundredths == 0,
    )
    collected = purse_to_book(mode, record.debited_hundredths)
    return collection_postings(fill, collected)


def _sale_row(arrival: Arrival) -> dict[str, Any]:
    nozzle, record, card = arrival.nozzle, arrival.record, arrival.card
    return {
        "station_no": nozzle.key.station_no,
        "dispenser_no": nozzle.key.dispenser_no,
        "nozzle_no": nozzle.key.nozzle_no,
        "epoch": arrival.stand.epoch,
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
        "wseq": record.card_top_up_count or 0,
        "pseq": record.card_consumption_count,
        "total_quantity_milli": total_of(record),
        "total_amount_e4": record.gun_total_amount_e4 or 0,
        "pressure_before_kpa": record.pressure_before_kpa or 0,
        "pressure_after_kpa": record.pressure_after_kpa or 0,
        "stop_reason": str(record.stop_reason),
        "related_grey_seq": arrival.collected_no or 0,
        "shift_no": record.shift_no,
        "employee_card": record.employee_card or "",
        "device_started": record.started_at or "",
        "device_ended": record.ended_at or "",
        "protocol": record.protocol,
        "raw_frame": record.raw_frame,
    }

"""Books what a dispenser reports: each fill once, with the dispenser's own figures.

One transaction per record: the sale with its postings, what it proves about an open
act of its card, and every named row that it gives rise to. The dispenser is told
"recorded" only after this is durable.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, NamedTuple

from cngstation.protocols.dispenser.canonical import SaleRecord, TransactionType
from cngstation.services import late_records, name_gaps
from cngstation.services.act_on_card import CardActs
from cngstation.services.check_sale import (
    COLLECTION,
    Arrival,
    NozzleSetting,
    compare,
    open_rows_of,
    total_of,
    unpaid_fill_of,
    wire_card_key,
)
from cngstation.services.name_breaks import subject_of
from cngstation.services.name_gaps import Figures, Gap
from cngstation.services.number_by_total import goes_round, leave_out, why_new_life
from cngstation.services.post_sale import (
    duty_of,
    duty_total,
    is_before,
    is_cash_fill,
    newest_duty,
    post_sale,
    stand_at_reading,
)
from cngstation.storage import (
    audit,
    cards,
    device_numbers,
    findings,
    journal,
    sales,
)
from cngstation.storage.database import Database, Transaction
from cngstation.storage.journal import Intent
from cngstation.storage.sales import NozzleKey


class Booking(StrEnum):
    """What became of a record."""

    BOOKED = "booked"
    REPEATED = "repeated"
    LEFT_OUT = "left_out"  # named, because it may be a fill of before the books


class Booked(NamedTuple):
    """The outcome, and the numbers before this one that are still missing."""

    booking: Booking
    seq: int
    epoch: int
    missing: range


# The source of what was asked for by its number.
RECOVERED = "recovered"


class SaleBook:
    """Books records of dispensers into the station's file."""

    def __init__(
        self, database: Database, acts: CardActs, *, cut_off_minute: int
    ) -> None:
        self._database = database
        self._acts = acts
        self.cut_off_minute = cut_off_minute

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

    async def counter_fell(
        self, nozzle: NozzleSetting, device_seq: int, last: int
    ) -> None:
        """The device's own counter is below what is booked: its life began anew."""

        def unit(tx: Transaction) -> None:
            epoch = sales.current_epoch(tx.connection, nozzle.key)
            if sales.last_device_seq(tx.connection, nozzle.key, epoch) == last:
                why = f"the device counts {device_seq}, {last} is booked"
                _new_life(tx, nozzle, epoch, device_seq, why)

        await self._database.write(unit)

    async def open_gaps(self, nozzle: NozzleSetting) -> list[Gap]:
        """Return the rows of missing numbers that are open."""
        return await self._database.read(
            lambda connection: name_gaps.open_gaps(connection, nozzle.key)
        )

    async def knows(self, nozzle: NozzleSetting, device_seq: int) -> bool:
        """Tell whether a number is in the books, in the life that is in force."""
        return await self._database.read(
            lambda connection: name_gaps.is_known(connection, nozzle, device_seq)
        )

    async def epoch(self, nozzle: NozzleSetting) -> int:
        """Return the life of the nozzle's numbers that is in force."""
        return await self._database.read(
            lambda connection: sales.current_epoch(connection, nozzle.key)
        )

    async def name_gap(
        self,
        nozzle: NozzleSetting,
        epoch: int,
        missing: range,
        *,
        empty: Collection[int] = (),
        end: Figures | None = None,
    ) -> None:
        """Name what of some numbers has not come, where no row does."""
        await self._database.write(
            lambda tx: name_gaps.name(tx, nozzle, epoch, missing, empty=empty, end=end)
        )

    async def close_gaps(
        self, nozzle: NozzleSetting, empty: Collection[int] = ()
    ) -> None:
        """Close the rows of missing numbers that have come, or moved no gas."""
        await self._database.write(lambda tx: name_gaps.settle(tx, nozzle, empty))

    def _book(
        self, tx: Transaction, nozzle: NozzleSetting, record: SaleRecord, source: str
    ) -> Booked:
        kept = tx.kept.rows(tx.connection)
        stand = kept.get(nozzle.key) or sales.stand_of(tx.connection, nozzle.key)
        left = None  # where a life ended at the end of its numbers
        if _may_be_known(stand, record.device_seq) or not record.is_watched:
            same_no = sales.find_in_every_epoch(
                tx.connection, nozzle.key, stand.epoch, record.device_seq
            )
            # A device that began anew may still send what it had before.
            for known in same_no:
                if _same_fill(known, record):
                    return Booked(Booking.REPEATED, known["seq"], stand.epoch, range(0))
            if leave_out(tx, nozzle, record, stand):
                return Booked(Booking.LEFT_OUT, 0, stand.epoch, range(0))
            if why := why_new_life(tx.connection, nozzle.key, record, stand, same_no):
                is_odd = not goes_round(record, stand)
                left = None if is_odd or source == RECOVERED else stand
                number = record.device_seq
                stand = _new_life(tx, nozzle, stand.epoch, number, why, is_odd=is_odd)
        card = self._payer(tx, kept, record)
        is_cash = is_cash_fill(record, card)
        if is_cash:
            card = None  # a crew card says who sold it; nothing is taken from it
        newest = newest_duty(tx, kept, nozzle.key)
        arrival = Arrival(
            nozzle,
            record,
            source,
            stand_at_reading(tx, nozzle.key, stand, newest),
            card,
            *_settled_before(tx, card, record),
            unpaid_fill_of(tx.connection, card, record),
            is_cash=is_cash,
            before_reading=is_before(newest, stand.epoch, record.device_seq),
            duty_total=duty_total(tx, kept, nozzle.key),
        )
        duty = duty_of(tx, newest, arrival)
        cut_off = self.cut_off_minute
        seq, postings = post_sale(tx, arrival, duty, cut_off_minute=cut_off)
        open_rows_of(tx, arrival, duty.shift_no)
        if card is not None:
            late_records.rows_of(tx, card, record, arrival.settled, arrival.collects)
            cards.filled(tx, card.card_key, record.card_consumption_count)
        compare(tx, arrival)
        name_missing = _gap if left is None else _round_gap
        missing = name_missing(tx, nozzle, left or stand, record)
        kept[nozzle.key] = stand.after(record.device_seq, total_of(record))
        if card is not None:
            kept[card.card_key] = card.after(record.card_consumption_count, postings)
        tx.kept.seal(tx.connection)
        return Booked(Booking.BOOKED, seq, stand.epoch, missing)

    def _payer(
        self, tx: Transaction, kept: dict[Any, Any], record: SaleRecord
    ) -> cards.Payer | None:
        """Return the card of a record, once what it proves of it is booked."""
        card_key = wire_card_key(record.card_no)
        card: cards.Payer | None = kept.get(card_key) or cards.payer(
            tx.connection, card_key
        )
        if card is not None and card.has_open_act and not _is_collection(record):
            return self._settle_by_record(tx, card, record)
        if card is not None and card.has_open_act:
            late_records.overtaken_by_record(tx, self._acts, card, record)
            return cards.payer(tx.connection, card_key) or card
        return card

    def _settle_by_record(
        self, tx: Transaction, card: cards.Payer, record: SaleRecord
    ) -> cards.Payer:
        """A fill's counter of top-ups proves a write that was left in doubt.

        Returns the card as it is after that.
        """
        intent = journal.open_for_card(tx.connection, card.card_key)
        if intent is None or intent.before.consumed is not None:
            return card  # of a card without counters a fill proves nothing
        if record.card_top_up_count != intent.before_wseq + 1:
            return card
        first_fill = record.card_consumption_count == intent.before_pseq + 1
        if first_fill and record.balance_before_hundredths != intent.after_balance:
            findings.open_once(
                tx, "intent_hold", card.card_key, {"intent": intent.intent_id}
            )
            return card
        self._acts.finish(tx, intent, "a fill proves the write", attended=False)
        return cards.payer(tx.connection, card.card_key) or card


def _settled_before(
    tx: Transaction, card: cards.Payer | None, record: SaleRecord
) -> tuple[dict[str, Any] | None, Intent | None]:
    """Return the make-up debit and the act that settled an unpaid fill before it."""
    if card is None or record.transaction_type is not TransactionType.GREY:
        return None, None
    count = record.card_consumption_count
    collected_by = sales.collection_of(
        tx.connection, card.card_key, record.device_seq, count + 1
    )
    if collected_by is None and record.card_top_up_count is None:
        collected_by = sales.collection_without_fill(
            tx.connection, card.card_key, count
        )
    return collected_by, late_records.settled_by_hand(tx, card, record)


def _is_collection(record: SaleRecord) -> bool:
    return record.transaction_type is COLLECTION


def _may_be_known(stand: sales.Stand, device_seq: int) -> bool:
    """Tell whether a number can be booked: not above the newest, or in a past life."""
    newest = stand.device_seq
    return stand.epoch > 1 or (newest is not None and device_seq <= newest)


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
        total_of(record),
    )


def _new_life(
    tx: Transaction,
    nozzle: NozzleSetting,
    epoch: int,
    device_seq: int,
    why: str,
    *,
    is_odd: bool = True,
) -> sales.Stand:
    """The device's own counter began anew: audited, and an alarm where it is odd.

    Nozzles that share its numbers begin anew with it.
    """
    _begin_life(tx, nozzle.key, epoch, why)
    for other in nozzle.numbered_with:
        if other != nozzle.key:
            _begin_life(tx, other, sales.current_epoch(tx.connection, other), why)
            tx.kept.rows(tx.connection).pop(other, None)
    if is_odd:
        named = {"nozzle": nozzle.key.nozzle_no, "number": device_seq}
        subject = subject_of(nozzle.key)
        findings.open_finding(tx, "device_counter_reset", subject, named)
    return sales.Stand(epoch + 1, None, 0)


def _begin_life(tx: Transaction, nozzle: NozzleKey, epoch: int, why: str) -> None:
    seq = audit.record(
        tx,
        audit.STATION,
        "device_epoch.began",
        subject_of(nozzle),
        reason=why,
        before=str(epoch),
        after=str(epoch + 1),
    )
    sales.begin_epoch(tx, nozzle, epoch + 1, seq)


def _gap(
    tx: Transaction, nozzle: NozzleSetting, stand: sales.Stand, record: SaleRecord
) -> range:
    """Name the numbers that were skipped; close the row when they have come."""
    device_seq, last = record.device_seq, stand.device_seq
    if nozzle.shares_numbers:
        beside = nozzle.numbered_with
        last = device_numbers.newest_beside(tx.connection, beside, device_seq)
    if record.is_numbered_by_total or last is None:
        return range(0)
    if device_seq > last + 1:
        missing = range(last + 1, device_seq)
        name_gaps.name_skipped(tx, nozzle, stand.epoch, missing)
        return missing
    if device_seq < last:
        name_gaps.came_late(tx, nozzle, stand.epoch, record)
    return range(0)


def _round_gap(
    tx: Transaction, nozzle: NozzleSetting, left: sales.Stand, record: SaleRecord
) -> range:
    """Name what was skipped where the numbers began again; return what is fetched.

    Of the life that was left nothing is fetched: its numbers would be booked in the
    life of now. Who fetches across the end names by himself what has not come.
    """
    begun = range(1, record.device_seq)
    ended = range((left.device_seq or 0) + 1, (record.last_number or 0) + 1)
    for epoch, numbers in ((left.epoch, ended), (left.epoch + 1, begun)):
        if numbers:
            name_gaps.name_skipped(tx, nozzle, epoch, numbers)
    return begun

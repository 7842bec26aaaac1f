"""Sinopec figures and codes in the canonical model, and decisions back to the wire.

The protocol names no unit of volume: the nozzle's configured one holds. A paid record
carries the purse after it, so what the purse held before is that and the amount. An
unpaid (grey) one carries the purse as the lock found it, by the practice of such
terminals: UNVERIFIED.
"""

from datetime import datetime

from cngstation import hygiene
from cngstation.moments import CHINA
from cngstation.protocols.dispenser.canonical import (
    CardKind,
    DebitDecision,
    DebitKind,
    DebitRequest,
    DeviceKind,
    FuellingState,
    Identity,
    ListVersions,
    NozzleStatus,
    SaleRecord,
    StopReason,
    Totals,
    TransactionType,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardQuestion,
    DeviceEvent,
    ShiftRecord,
)
from cngstation.protocols.dispenser.sinopec import codes
from cngstation.protocols.dispenser.sinopec.frames import Command, FrameParser
from cngstation.protocols.dispenser.sinopec.messages import (
    RECORD_BYTES,
    CardIn,
    Fuelling,
    GreyQuery,
    Info,
    Record,
)
from cngstation.units import hundredths_to_e4, hundredths_to_milli, priced_e4

PROTOCOL = "sinopec"
_NOBODY = frozenset({bytes(10), b"\xff" * 10})


def idle_status(price_e4: int, raw: bytes) -> NozzleStatus:
    """Map the state of a nozzle that a real-time frame does not name."""
    return _status(FuellingState.IDLE, price_e4, raw)


def nozzle_status(entry: CardIn | Fuelling, price_e4: int, raw: bytes) -> NozzleStatus:
    """Map an entry of a real-time frame; `price_e4` is what was last heard of."""
    if isinstance(entry, CardIn):
        card = card_text(entry.card)
        return _status(FuellingState.CALLING, price_e4, raw, card_no=card)
    price = hundredths_to_e4(entry.price)
    quantity = hundredths_to_milli(entry.quantity)
    amount = _amount_e4(entry.unit, entry.amount, quantity, price)
    return _status(FuellingState.FUELLING, price, raw, quantity, amount)


def _status(
    state: FuellingState,
    price_e4: int,
    raw: bytes,
    quantity_milli: int = 0,
    amount_e4: int = 0,
    *,
    card_no: str | None = None,
) -> NozzleStatus:
    return NozzleStatus(
        state=state,
        device_kind=DeviceKind.UNKNOWN,
        locked=False,
        off_duty=False,
        awaiting_debit=False,
        other_side_busy=False,
        faults=frozenset(),
        price_e4=price_e4,
        quantity_milli=quantity_milli,
        amount_e4=amount_e4,
        shift_no=0,
        employee_card=None,
        card_no=card_no,
        plate=None,
        pressure_kpa=None,
        raw=raw,
    )


def is_fuelling(entry: CardIn | Fuelling) -> bool:
    """Tell whether gas flows at a nozzle."""
    return isinstance(entry, Fuelling)


def is_sale(record: Record) -> bool:
    """Tell whether a record sells gas or takes money.

    A kind that should not, and yet says that gas has moved, is a sale of unknown sort.
    """
    if record.sort in codes.SHIFTS | codes.NEVER_A_SALE:
        return False
    return record.sort in codes.SALES or record.quantity > 0


def sale_record(
    record: Record, nozzle: NozzleSetup, raw: bytes, *, gun: int | None = None
) -> SaleRecord:
    """Map a record of a sale at a nozzle."""
    sort = _sort_of_sale(record)
    price = hundredths_to_e4(record.price)
    quantity = hundredths_to_milli(record.quantity)
    card = None if sort is TransactionType.NO_CARD else card_text(record.card)
    is_money = not record.unit & codes.POINTS
    takes = card is not None and is_money and sort is not TransactionType.GREY
    debited = record.amount if takes else 0
    balance = 0 if card is None else record.balance
    return SaleRecord(
        protocol=PROTOCOL,
        device_seq=record.seq,
        transaction_type=sort if is_money else TransactionType.UNKNOWN,
        transaction_code=record.kind,
        card_no=card,
        card_kind=CardKind.NONE if card is None else CardKind.STORED_VALUE,
        plate=None,
        station_no="",
        shift_no=0,
        employee_card=_employee(record),
        started_at=None,
        ended_at=_time(record.time),
        device_kind=DeviceKind.UNKNOWN,
        unit=nozzle.unit,
        unit_code=nozzle.unit_code,
        quantity_milli=quantity,
        price_e4=price,
        amount_e4=_amount_e4(record.unit, record.amount, quantity, price),
        debited_hundredths=debited,
        balance_before_hundredths=balance + debited,
        balance_after_hundredths=balance,
        card_top_up_count=None,
        card_top_up_total_hundredths=None,
        # The record has the counter that the fill began with.
        card_consumption_count=0 if card is None else record.card_count + 1,
        card_consumed_quantity_milli=None,
        card_consumed_total_hundredths=None,
        gun_total_quantity_milli=hundredths_to_milli(record.total),
        gun_total_amount_e4=None,
        pressure_before_kpa=None,
        pressure_after_kpa=None,
        density_e4=None,
        equivalent_e4=None,
        stop_reason=StopReason.UNKNOWN,
        stop_code=0,
        related_grey_seq=None,
        shift_record_seq=None,
        raw_frame=raw,
        is_offline=bool(record.kind & codes.OFF_LINE),
        gun=gun,
    )


def _sort_of_sale(record: Record) -> TransactionType:
    """Return what a sale is; an ordinary one with a faulty card is looked at."""
    sort = codes.SALES.get(record.sort, TransactionType.UNKNOWN)
    if sort is TransactionType.NORMAL and record.kind & codes.OF_ERROR_CARD:
        return TransactionType.UNKNOWN
    return sort


def shift_record(record: Record, nozzle: NozzleSetup | None, raw: bytes) -> ShiftRecord:
    """Map a log-on or log-off; `nozzle` is None when it names none of ours."""
    is_off_duty = record.sort == codes.LOG_OFF
    moment = _time(record.time)
    total = None if nozzle is None else hundredths_to_milli(record.total)
    return ShiftRecord(
        device_seq=record.seq,
        is_off_duty=is_off_duty,
        shift_no=0,
        employee_card=card_text(record.card) or _employee(record),
        started_at=None if is_off_duty else moment,
        ended_at=moment if is_off_duty else None,
        gun_total_quantity_milli=total,
        gun_total_amount_e4=None,
        shift_quantity_milli=None,
        shift_amount_e4=None,
        fills=None,
        unit=None if nozzle is None else nozzle.unit,
        on_duty_seq=None,
        raw=raw,
    )


def record_event(record: Record, raw: bytes) -> DeviceEvent:
    """Map a numbered record that posts nothing."""
    return DeviceEvent(
        device_seq=record.seq,
        name=codes.EVENT_NAMES.get(record.sort, codes.OTHER_EVENT),
        code=record.kind,
        card_no=card_text(record.card),
        happened_at=_time(record.time),
        text="",
        raw=raw,
    )


def text_event(body: bytes, raw: bytes) -> DeviceEvent:
    """Map a text of the dispenser; it is cleaned."""
    return DeviceEvent(
        device_seq=None,
        name=codes.TEXT_EVENT,
        code=body[0] if body else 0,
        card_no=None,
        happened_at=None,
        text=hygiene.decode_gb(body[1:]),
        raw=raw,
    )


def grey_request(query: GreyQuery) -> DebitRequest:
    """Map a question for what a grey card owes."""
    return DebitRequest(
        kind=DebitKind.UNLOCK,
        card_no=card_text(query.card),
        card_kind=CardKind.STORED_VALUE,
        quantity_milli=0,
        amount_e4=0,
        balance_hundredths=query.balance,
        station_no="",
        gun=0,
        device_seq=0,
        card_consumption_count=query.card_count + 1,
    )


def grey_answer(query: GreyQuery, decision: DebitDecision) -> bytes:
    """Map a decision back: the figures and codes of the grey sale's own record.

    Of a record that is not of this protocol, or of another fill, nothing is found: it
    has no code that this card would believe.
    """
    owed = record_of(decision.grey_frame) if decision.found else None
    same = owed is not None and (owed.card, owed.card_count) == (
        query.card,
        query.card_count,
    )
    return query.answer(owed if same else None)


def record_of(frame: bytes) -> Record | None:
    """Return the record in a frame that was kept; None when there is none."""
    for found in FrameParser().feed(frame):
        if found.command == Command.RECORD and len(found.body) == RECORD_BYTES:
            return Record.from_bytes(found.body)
    return None


def card_check(card: bytes, raw: bytes) -> CardCheck:
    """Map a question whether a card is on the list of lost ones."""
    return CardCheck(CardQuestion.BLACKLIST, card_text(card), None, None, raw)


def totals(total: int) -> Totals:
    """Map one nozzle's total."""
    return Totals(None, hundredths_to_milli(total), None, None, None)


def identity(info: Info, gun: int) -> Identity:
    """Map an identity; its texts are cleaned."""
    held = info.versions
    return Identity(
        gun=gun,
        last_device_seq=None,
        versions=ListVersions(
            base_blacklist=held.base,
            added_blacklist=held.added,
            deleted_blacklist=held.deleted,
            whitelist=held.white,
            price=held.price,
            common=held.station,
        ),
        station_no=f"{info.station:08d}",
        province_no=f"{info.province:02d}",
        city_no=f"{info.city:02d}",
        parent_no=f"{info.superior:08d}",
        station_name="",
        firmware="",
        maker=hygiene.decode_gb(info.maker),
    )


def card_text(number: bytes) -> str | None:
    """Show a card's number as 20 digits; what is not decimal stays visible."""
    return None if number in _NOBODY else number.hex().upper()


def _employee(record: Record) -> str | None:
    return str(record.employee) if record.employee else None


def _amount_e4(unit: int, amount: int, quantity_milli: int, price_e4: int) -> int:
    """Return the amount in money; points are replaced by what the gas costs."""
    if unit & codes.POINTS:
        return priced_e4(quantity_milli, price_e4)
    return hundredths_to_e4(amount)


def _time(bcd: bytes) -> str | None:
    try:
        read = datetime.strptime(bcd.hex(), "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        return None
    return f"{read:%Y-%m-%d %H:%M:%S}" if read.year >= 1000 else None

"""JX-V4 figures and codes in the canonical model, and decisions back to the wire.

The meaning of the unit code differs between firmwares (kernel sources say 0 = m3,
a host program says 0 = kg), so it is configured per nozzle and checked when the
station is commissioned.
"""

from collections.abc import Mapping

from cngstation import hygiene
from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.canonical import (
    CardKind,
    DebitDecision,
    DebitRequest,
    DeviceKind,
    Fault,
    Identity,
    ListVersions,
    NozzleStatus,
    SaleRecord,
    StopReason,
    Totals,
    TransactionType,
)
from cngstation.protocols.dispenser.jxv4 import codes, packing
from cngstation.protocols.dispenser.jxv4.frames import Frame
from cngstation.protocols.dispenser.jxv4.messages import (
    DebitRequestBody,
    DecisionBody,
    IdentityBody,
    Record,
    Status,
    TotalsBody,
)
from cngstation.units import (
    E4_PER_FEN,
    Unit,
    hundredths_to_e4,
    hundredths_to_milli,
    milli_to_hundredths,
)

PROTOCOL = "jxv4"
# The codes of the dispenser firmware's own sources.
FIRMWARE_UNITS: Mapping[int, Unit] = {0: Unit.M3, 1: Unit.KG}


def nozzle_status(status: Status, raw: bytes) -> NozzleStatus:
    """Map a status.

    Raises:
        RemoteProtocolError: the state is none of the protocol's.
    """
    if status.state not in codes.STATES:
        raise RemoteProtocolError(why=f"state {status.state:02X}H")
    return NozzleStatus(
        state=codes.STATES[status.state],
        device_kind=codes.DEVICES.get(status.device, DeviceKind.UNKNOWN),
        locked=status.state == codes.LOCKED,
        off_duty=status.state == codes.OFF_DUTY,
        awaiting_debit=status.state == codes.AWAITING_DEBIT,
        other_side_busy=status.state == codes.OTHER_SIDE_BUSY,
        faults=_faults(status.alarms),
        price_e4=hundredths_to_e4(status.price),
        quantity_milli=hundredths_to_milli(status.quantity),
        amount_e4=hundredths_to_e4(status.amount),
        shift_no=status.shift_no,
        employee_card=packing.card(status.employee),
        card_no=packing.card(status.card),
        plate=packing.plate(status.plate),
        pressure_kpa=packing.pressure_kpa(status.pressure),
        raw=raw,
    )


def sale_record(record: Record, units: Mapping[int, Unit], frame: Frame) -> SaleRecord:
    """Map a record; `units` gives the nozzle's unit codes their meaning."""
    return SaleRecord(
        protocol=PROTOCOL,
        device_seq=record.seq,
        transaction_type=codes.TRANSACTIONS.get(
            record.transaction, TransactionType.UNKNOWN
        ),
        transaction_code=record.transaction,
        card_no=packing.card(record.card),
        card_kind=codes.CARD_KINDS.get(record.card_kind, CardKind.NONE),
        plate=packing.plate(record.plate),
        station_no=packing.digits(record.station),
        shift_no=record.shift_no,
        employee_card=packing.card(record.employee),
        started_at=packing.time(record.started),
        ended_at=packing.time(record.ended),
        device_kind=codes.DEVICES.get(record.device, DeviceKind.UNKNOWN),
        unit=units.get(record.unit),
        unit_code=record.unit,
        quantity_milli=hundredths_to_milli(record.quantity),
        price_e4=hundredths_to_e4(record.price),
        amount_e4=hundredths_to_e4(record.amount),
        debited_hundredths=record.debited,
        balance_before_hundredths=record.balance_before,
        balance_after_hundredths=record.balance_after,
        card_top_up_count=record.card_top_ups,
        card_top_up_total_hundredths=record.card_top_up_total,
        card_consumption_count=record.card_consumptions,
        card_consumed_quantity_milli=hundredths_to_milli(record.card_consumed_quantity),
        card_consumed_total_hundredths=record.card_consumed_total,
        gun_total_quantity_milli=hundredths_to_milli(record.gun_total_quantity),
        gun_total_amount_e4=hundredths_to_e4(record.gun_total_amount),
        pressure_before_kpa=packing.pressure_kpa(record.pressure_before),
        pressure_after_kpa=packing.pressure_kpa(record.pressure_after),
        density_e4=record.density,
        equivalent_e4=record.equivalent,
        stop_reason=codes.STOPS.get(record.stop, StopReason.UNKNOWN),
        stop_code=record.stop,
        related_grey_seq=record.related_grey_seq or None,
        shift_record_seq=record.shift_record_seq,
        raw_frame=frame.to_bytes(),
        return_quantity_milli=_returned(record),
    )


def _returned(record: Record) -> int | None:
    quantity = record.return_quantity
    return None if quantity is None else hundredths_to_milli(quantity)


def debit_request(body: DebitRequestBody) -> DebitRequest:
    """Map a debit request.

    Raises:
        RemoteProtocolError: it is neither a debit nor an unlock.
    """
    if body.kind not in codes.DEBIT_KINDS:
        raise RemoteProtocolError(why=f"debit request of type {body.kind}")
    return DebitRequest(
        kind=codes.DEBIT_KINDS[body.kind],
        card_no=packing.card(body.card),
        card_kind=codes.CARD_KINDS.get(body.card_kind, CardKind.NONE),
        quantity_milli=hundredths_to_milli(body.quantity),
        amount_e4=hundredths_to_e4(body.amount),
        balance_hundredths=body.balance,
        station_no=packing.digits(body.station),
        gun=body.gun,
        device_seq=body.seq,
    )


def decision_body(
    request: DebitRequest, card: bytes, decision: DebitDecision
) -> DecisionBody:
    """Map a decision back; `card` is repeated as the request had it.

    Raises:
        LocalProtocolError: a figure is not whole hundredths.
    """
    return DecisionBody(
        found=int(decision.found),
        kind=codes.DEBIT_CODES[request.kind],
        card=card,
        amount=_to_hundredths(decision.amount_e4),
        debited=decision.debited_hundredths,
        balance_before=decision.balance_before_hundredths,
        balance_after=decision.balance_after_hundredths,
        price=_to_hundredths(decision.price_e4),
        quantity=_quantity_to_hundredths(decision.quantity_milli),
        total_count=decision.total_count,
        total_amount=_to_hundredths(decision.total_amount_e4),
        total_quantity=_quantity_to_hundredths(decision.total_quantity_milli),
        related_grey_seq=decision.related_grey_seq,
    )


def totals(body: TotalsBody) -> Totals:
    """Map totals."""
    return Totals(
        device_seq=body.seq,
        gun_total_quantity_milli=hundredths_to_milli(body.gun_quantity),
        gun_total_amount_e4=hundredths_to_e4(body.gun_amount),
        shift_total_quantity_milli=hundredths_to_milli(body.shift_quantity),
        shift_total_amount_e4=hundredths_to_e4(body.shift_amount),
    )


def identity(body: IdentityBody) -> Identity:
    """Map an identity; its texts are cleaned."""
    return Identity(
        gun=body.gun,
        last_device_seq=body.last_seq,
        versions=ListVersions(
            base_blacklist=body.base_version,
            added_blacklist=body.added_version,
            deleted_blacklist=body.deleted_version,
            whitelist=body.white_version,
            price=body.price_version,
            common=body.common_version,
        ),
        station_no=packing.digits(body.station),
        province_no=packing.digits(body.province),
        city_no=packing.digits(body.city),
        parent_no=packing.digits(body.parent),
        station_name=hygiene.decode_gb(body.station_name),
        firmware=hygiene.decode_gb(body.firmware),
        maker=hygiene.decode_gb(body.maker),
    )


def _faults(alarms: int) -> frozenset[Fault]:
    faults = {fault for bit, fault in enumerate(codes.ALARMS) if alarms >> bit & 1}
    if alarms >> len(codes.ALARMS):
        faults.add(Fault.UNKNOWN)
    return frozenset(faults)


def _to_hundredths(e4: int) -> int:
    hundredths, rest = divmod(e4, E4_PER_FEN)
    if rest:
        raise LocalProtocolError(why=f"{e4} e4 is not whole hundredths")
    return hundredths


def _quantity_to_hundredths(milli: int) -> int:
    try:
        return milli_to_hundredths(milli)
    except ValueError as error:
        raise LocalProtocolError(why=str(error)) from error

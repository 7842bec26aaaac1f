"""UniPump's figures and states in the canonical model.

Amounts, quantities and prices are in hundredths. The controller gives no times, no
pressures and no cards; a pump's number of a transaction runs from 0 to 99 and begins
again, so that it names none for long.
"""

from cngstation import hygiene
from cngstation.protocols.dispenser.canonical import (
    Fault,
    FuellingState,
    Identity,
    ListVersions,
    NozzleStatus,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.unipump.messages import (
    Filling,
    State,
    Status,
    TotalsBody,
    Transaction,
    Version,
)
from cngstation.protocols.dispenser.without_card import (
    sale_without_card,
    status_without_card,
)
from cngstation.units import (
    Unit,
    hundredths_to_e4,
    hundredths_to_milli,
    priced_e4,
)

PROTOCOL = "unipump"
MAKER = "Technotrade"
_LONGEST_VERSION = 40
STATES = {
    State.OFFLINE: FuellingState.INOPERATIVE,
    State.IDLE: FuellingState.IDLE,
    State.NOZZLE_UP: FuellingState.CALLING,
    State.READY: FuellingState.AUTHORISED,
    State.WORK: FuellingState.FUELLING,
    State.COMPLETED: FuellingState.IDLE,  # the sale is an event of its own
    State.STOPPED: FuellingState.SUSPENDED_FUELLING,
    State.ERROR: FuellingState.INOPERATIVE,
}


def nozzle_status(status: Status, price: int, raw: bytes) -> NozzleStatus:
    """Map a status; `price` is the nozzle's, 0 while it is not known.

    The controller's lock keeps other stations out, not vehicles: it is no `locked`.
    """
    faults = {Fault.UNKNOWN} if status.state is State.ERROR else set()
    return status_without_card(
        STATES[status.state],
        price_e4=hundredths_to_e4(price),
        faults=frozenset(faults),
        raw=raw,
    )


def filling_status(filling: Filling, price: int, raw: bytes) -> NozzleStatus:
    """Map a fill that goes on; its amount is shown by the price, the sale's is not."""
    quantity_milli, price_e4 = (
        hundredths_to_milli(filling.volume),
        hundredths_to_e4(price),
    )
    return status_without_card(
        FuellingState.FUELLING,
        price_e4=price_e4,
        quantity_milli=quantity_milli,
        amount_e4=priced_e4(quantity_milli, price_e4),
        raw=raw,
    )


def ended_status(price: int, raw: bytes) -> NozzleStatus:
    """Map a point that shows a transaction which is not closed yet."""
    return status_without_card(
        FuellingState.IDLE, price_e4=hundredths_to_e4(price), raw=raw
    )


def totals(body: TotalsBody, device_seq: int) -> Totals:
    """Map the totalisers; a controller of this kind knows no shifts."""
    return Totals(
        device_seq=device_seq,
        gun_total_quantity_milli=hundredths_to_milli(body.volume),
        gun_total_amount_e4=hundredths_to_e4(body.amount),
        shift_total_quantity_milli=0,
        shift_total_amount_e4=0,
    )


def sale_record(
    transaction: Transaction, body: TotalsBody, device_seq: int, unit: Unit, raw: bytes
) -> SaleRecord:
    """Map a finished transaction and the totalisers read behind it."""
    return sale_without_card(
        protocol=PROTOCOL,
        device_seq=device_seq,
        transaction_code=transaction.transaction,
        unit=unit,
        quantity_milli=hundredths_to_milli(transaction.volume),
        price_e4=hundredths_to_e4(transaction.price),
        amount_e4=hundredths_to_e4(transaction.amount),
        total_quantity_milli=hundredths_to_milli(body.volume),
        total_amount_e4=hundredths_to_e4(body.amount),
        raw_frame=raw,
    )


def identity(gun: int, version: Version) -> Identity:
    """Map what the controller says of itself."""
    text = version.text.decode("ascii", "replace")
    return Identity(
        gun=gun,
        last_device_seq=0,
        versions=ListVersions(0, 0, 0, 0, 0, 0),
        station_no="",
        province_no="",
        city_no="",
        parent_no="",
        station_name="",
        firmware=hygiene.clean(text, limit=_LONGEST_VERSION),
        maker=MAKER,
    )

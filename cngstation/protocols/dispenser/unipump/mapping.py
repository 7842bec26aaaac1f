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
    Totals,
)
from cngstation.protocols.dispenser.last_sale import Figures, Total
from cngstation.protocols.dispenser.unipump.messages import (
    Filling,
    State,
    Status,
    TotalsBody,
    Transaction,
    Version,
)
from cngstation.protocols.dispenser.without_card import status_without_card
from cngstation.units import (
    hundredths_to_e4,
    hundredths_to_milli,
    priced_e4,
)

PROTOCOL = "unipump"
MAKER = "Technotrade"
# Ten digits of hundredths.
TOTAL_STEP_MILLI = 10
TOTAL_WRAP_MILLI = 10**10 * TOTAL_STEP_MILLI
TOTAL_WRAP_E4 = hundredths_to_e4(10**10)
NO_FIGURES = Figures(0, 0, 0)
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
    quantity_milli, price_e4 = _figures(filling.volume, price)
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


def totals(body: TotalsBody) -> Totals:
    """Map the totalisers; fills have no numbers, and there are no shifts."""
    return Totals(
        device_seq=None,
        gun_total_quantity_milli=hundredths_to_milli(body.volume),
        gun_total_amount_e4=hundredths_to_e4(body.amount),
        shift_total_quantity_milli=None,
        shift_total_amount_e4=None,
    )


def total(body: TotalsBody, raw: bytes) -> Total:
    """Map the totalisers for the numbering of a fill."""
    return Total(
        hundredths_to_milli(body.volume) % TOTAL_WRAP_MILLI,
        hundredths_to_e4(body.amount),
        raw,
    )


def filling_figures(filling: Filling, price: int, raw: bytes) -> Figures:
    """Map what a fill shows so far."""
    quantity_milli, price_e4 = _figures(filling.volume, price)
    return Figures(quantity_milli, priced_e4(quantity_milli, price_e4), price_e4, raw)


def sale_figures(transaction: Transaction, raw: bytes) -> Figures:
    """Map a finished transaction's own figures."""
    quantity_milli, price_e4 = _figures(transaction.volume, transaction.price)
    amount_e4 = hundredths_to_e4(transaction.amount)
    return Figures(quantity_milli, amount_e4, price_e4, raw)


def _figures(volume: int, price: int) -> tuple[int, int]:
    return hundredths_to_milli(volume), hundredths_to_e4(price)


def identity(gun: int, version: Version) -> Identity:
    """Map what the controller says of itself."""
    text = version.text.decode("ascii", "replace")
    return Identity(
        gun=gun,
        last_device_seq=None,
        versions=ListVersions(0, 0, 0, 0, 0, 0),
        station_no="",
        province_no="",
        city_no="",
        parent_no="",
        station_name="",
        firmware=hygiene.clean(text, limit=_LONGEST_VERSION),
        maker=MAKER,
    )

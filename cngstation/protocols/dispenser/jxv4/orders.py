"""Orders to a JX-V4 nozzle: their frames, and what shows that they were obeyed.

    lock, unlock   5FH 01, 00            5FH 01
    end the shift  5DH                   5DH 1 done, 0 refused: something is going on
    authorise      70H kind, value u32   70H 1 done, 0 refused
    stop           72H                   72H 1 done, 0 refused

An order is sent once. Without an answer nobody knows whether it was heard: the next
status says DONE where it shows what was ordered, and UNKNOWN where it does not.
"""

from struct import Struct

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import FuellingState, NozzleStatus
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.jxv4.packing import pack
from cngstation.protocols.dispenser.jxv4.variant import Variant
from cngstation.units import E4_PER_FEN, milli_to_hundredths

_PRESET = "BI"
_RUNNING = frozenset(
    {
        FuellingState.AUTHORISED,
        FuellingState.STARTED,
        FuellingState.SUSPENDED_STARTED,
        FuellingState.FUELLING,
    }
)


def order_body(order: Order, variant: Variant) -> bytes:
    """Return the body of an order's frame.

    Raises:
        LocalProtocolError: a preset that the frame cannot carry.
    """
    match order.kind:
        case OrderKind.LOCK:
            return b"\x01"
        case OrderKind.UNLOCK:
            return b"\x00"
        case OrderKind.AUTHORISE:
            kind, value = _preset(order, variant)
            return pack(Struct(variant.order + _PRESET), kind, value)
        case _:
            return b""


def outcome(body: bytes) -> OrderOutcome:
    """Read the answer to an order."""
    return OrderOutcome.DONE if body[:1] == b"\x01" else OrderOutcome.REFUSED


def shown(order: Order, status: NozzleStatus) -> OrderOutcome:
    """Say what a status shows of an order that got no answer."""
    is_idle = status.state is FuellingState.IDLE
    holds = {
        OrderKind.LOCK: status.locked,
        # A lock shows while nothing else does: only an idle nozzle is surely unlocked.
        OrderKind.UNLOCK: is_idle and not status.locked,
        OrderKind.END_SHIFT: status.off_duty,
        OrderKind.AUTHORISE: status.state in _RUNNING,
        OrderKind.STOP: status.state not in _RUNNING,
    }
    return OrderOutcome.DONE if holds[order.kind] else OrderOutcome.UNKNOWN


def _preset(order: Order, variant: Variant) -> tuple[int, int]:
    codes = variant.preset_codes
    if order.preset_quantity_milli and order.preset_amount_e4:
        raise LocalProtocolError(why="a preset is a quantity or an amount")
    try:
        if order.preset_quantity_milli:
            return codes.quantity, milli_to_hundredths(order.preset_quantity_milli)
    except ValueError as error:
        raise LocalProtocolError(why=str(error)) from error
    fen, rest = divmod(order.preset_amount_e4, E4_PER_FEN)
    if rest:
        raise LocalProtocolError(why="a preset amount is whole fen")
    return (codes.amount, fen) if fen else (codes.none, 0)

"""The adapter's dialect of a simulated JX-V4 gun: an IFSF forecourt in 51H frames.

    poll 12     time bcd7, on-line, read unpaid, fuelling mode, payment request,
                price version
    answer 32   a status with IFSF's state; a record only where the poll reads unpaid
    70H         kind u8 (0 none, 1 quantity, 2 amount), value u32le; answer 1 or 0
    72H         answer 1 or 0

A card waits for the host's authorisation before gas may flow. Source: public host
programs of the family; what is answered to 70H and 72H, and the kinds, are our choice.
"""

from datetime import datetime

from cngstation.simulators import jxv4_frames as frames
from cngstation.simulators import jxv4_memory as stages
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_nozzle import DEBIT_DUE, FUELLING, Nozzle
from cngstation.simulators.jxv4_transaction import Preset

POLL_BYTES = 12
READ_UNPAID_AT, PRICE_VERSION_AT = 8, 11
CLOSED, IDLE, CALLING, AUTHORISED, FLOWING, SUSPENDED = 2, 3, 4, 5, 8, 9
_CARD_ONLY = frozenset({stages.ACCEPTING, stages.READY})
_AUTHORISE_BYTES = 5
_NO_LIMIT, _QUANTITY, _AMOUNT = 0, 1, 2


def state(nozzle: Nozzle, *, is_closed: bool) -> int:
    """Return IFSF's state of a gun."""
    if nozzle.status == FUELLING:
        return FLOWING
    if nozzle.status == DEBIT_DUE:
        return SUSPENDED
    if nozzle.open is not None and nozzle.open.stage in _CARD_ONLY:
        return CALLING if nozzle.preset is None else AUTHORISED
    return CLOSED if is_closed else IDLE


def announced(body: bytes) -> bytes:
    """Return a poll's versions as the own dialect has them: prices alone."""
    return bytes(4) + body[PRICE_VERSION_AT:] + bytes(1)


def authorise(nozzle: Nozzle, body: bytes) -> bytes:
    """Carry out 70H; return its result."""
    is_ready = nozzle.open is not None and nozzle.open.stage == stages.READY
    if len(body) != _AUTHORISE_BYTES or not is_ready or nozzle.preset is not None:
        return b"\x00"
    value = frames.host_int(body[1:], frames.LITTLE)
    presets = {
        _NO_LIMIT: Preset(),
        _QUANTITY: Preset(quantity=value),
        _AMOUNT: Preset(amount=value),
    }
    if body[0] not in presets:
        return b"\x00"
    nozzle.preset = presets[body[0]]
    return b"\x01"


def stop(nozzle: Nozzle, now: float, clock_reads: datetime) -> bytes:
    """Carry out 72H; return its result."""
    if nozzle.status != FUELLING:
        return b"\x00"
    try:
        nozzle.stop(now, clock_reads)
    except HandsRefused:
        return b"\x00"
    return b"\x01"

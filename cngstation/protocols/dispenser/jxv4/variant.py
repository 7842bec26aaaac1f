"""The two dialects of JX-V4: its own, and the one of an adapter to IFSF forecourts.

    petrochina   poll 12     time bcd7, on-line, read unpaid, fuelling mode,
                             payment request, price version
                 status 32   device, IFSF state 1 to 9, price u16, quantity u32,
                             amount u32, card bcd10, pressure u16, unpaid u32, error u32
                 70H         authorise: kind u8, value u32     72H  stop

There the host's integers are little-endian too, records come when the poll asks for
what is unpaid, and there are no lists.
Source: public host programs of the family. UNVERIFIED against a line: what 70H and 72H
are answered with and the codes of a preset above all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from struct import Struct

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import (
    DeviceKind,
    Fault,
    FuellingState,
    NozzleStatus,
)
from cngstation.protocols.dispenser.forecourt import OrderKind
from cngstation.protocols.dispenser.jxv4 import codes, mapping, packing
from cngstation.protocols.dispenser.jxv4.frames import Command
from cngstation.protocols.dispenser.jxv4.messages import (
    BIG_ENDIAN,
    LITTLE_ENDIAN,
    Status,
    Versions,
    poll_body,
)
from cngstation.protocols.dispenser.jxv4.packing import bcd_time, unpack
from cngstation.units import hundredths_to_e4, hundredths_to_milli

_IFSF_STATUS = Struct("<BBHII10sHII")
_IFSF_STATES = {state.value: state for state in FuellingState}
_STATE_AT = 1
_ON_LINE = 1
_FUELLING_MODE = _PAYMENT_REQUEST = 0


@dataclass(frozen=True, slots=True)
class PresetCodes:
    """How 70H names what its value limits; 0 is no limit."""

    none: int = 0
    quantity: int = 1
    amount: int = 2


@dataclass(frozen=True, slots=True)
class Variant:
    """One dialect; `order` is the byte order of the host's integers."""

    order: str
    commands: Mapping[OrderKind, Command]
    read_status: Callable[[bytes], NozzleStatus]
    poll: Callable[[datetime, Versions, bool], bytes]
    # Status bytes of a nozzle that asks for what it lacks before it tells its status.
    asking_states: frozenset[int]
    has_lists: bool = True
    keeps_prices: bool = False  # a table that lies ahead, until its time
    reads_unpaid: bool = False
    preset_codes: PresetCodes = PresetCodes()

    def is_asking(self, status: NozzleStatus) -> bool:
        """Tell whether a nozzle with this status would have asked for a list first."""
        return status.raw[_STATE_AT] in self.asking_states

    def has_unpaid(self, status: NozzleStatus) -> bool:
        """Tell whether a nozzle keeps records that the poll must ask for."""
        if not self.reads_unpaid:
            return False
        return bool(_IFSF_STATUS.unpack(status.raw[: _IFSF_STATUS.size])[-2])


def _own_status(body: bytes) -> NozzleStatus:
    return mapping.nozzle_status(Status.from_bytes(body), body)


def _own_poll(clock: datetime, versions: Versions, _unpaid: bool) -> bytes:  # noqa: FBT001 - the signature of `Variant.poll`
    return poll_body(clock, versions)


def ifsf_status(body: bytes) -> NozzleStatus:
    """Read a status of the adapter.

    Raises:
        RemoteProtocolError: it is too short, or its state none of IFSF's.
    """
    device, state, price, quantity, amount, card, pressure, _, error = unpack(
        _IFSF_STATUS, body[: _IFSF_STATUS.size], "a status"
    )
    if state not in _IFSF_STATES:
        raise RemoteProtocolError(why=f"state {state}")
    return NozzleStatus(
        state=_IFSF_STATES[state],
        device_kind=codes.DEVICES.get(device, DeviceKind.UNKNOWN),
        locked=False,
        off_duty=False,
        awaiting_debit=False,
        other_side_busy=False,
        faults=frozenset({Fault.UNKNOWN} if error else ()),
        price_e4=hundredths_to_e4(price),
        quantity_milli=hundredths_to_milli(quantity),
        amount_e4=hundredths_to_e4(amount),
        shift_no=0,
        employee_card=None,
        card_no=packing.card(card),
        plate=None,
        pressure_kpa=packing.pressure_kpa(pressure),
        raw=body,
    )


def _ifsf_poll(clock: datetime, versions: Versions, unpaid: bool) -> bytes:  # noqa: FBT001 - the signature of `Variant.poll`
    switches = (_ON_LINE, int(unpaid), _FUELLING_MODE, _PAYMENT_REQUEST)
    return bcd_time(clock) + bytes([*switches, versions.price])


_OWN_COMMANDS = {
    OrderKind.LOCK: Command.LOCK,
    OrderKind.UNLOCK: Command.LOCK,
    OrderKind.END_SHIFT: Command.FORCE_OFF_DUTY,
}
OWN = Variant(
    order=BIG_ENDIAN,
    commands=_OWN_COMMANDS,
    read_status=_own_status,
    poll=_own_poll,
    asking_states=frozenset({0xA0, 0xA1}),
)


def petrochina(preset_codes: PresetCodes) -> Variant:
    """Return the dialect of the adapter."""
    return Variant(
        order=LITTLE_ENDIAN,
        commands={
            **_OWN_COMMANDS,
            OrderKind.AUTHORISE: Command.AUTHORISE,
            OrderKind.STOP: Command.STOP,
        },
        read_status=ifsf_status,
        poll=_ifsf_poll,
        asking_states=frozenset({FuellingState.IDLE.value}),
        has_lists=False,
        reads_unpaid=True,
        preset_codes=preset_codes,
    )

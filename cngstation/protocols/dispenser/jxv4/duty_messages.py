"""JX-V4 bodies of duty, audit and card questions, and what they mean.

    5AH shift record 74, core 54      host: 01
    5BH parameter change 31           host: 01
    5CH card check 19                 host: card, 0 may fill, 1 unknown, 2 blacklisted,
                                      3 balance abnormal, 4 time abnormal
    56H list check 9                  host: card, 0 not listed, 1 listed

A dispenser's integers are little-endian. The kind of a list check (0 black, 1 white)
stands in a comment of the sources only.
Source: public dispenser firmware and host programs of the JX family; UNVERIFIED
against a captured line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Self

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardQuestion,
    CardVerdict,
    ParameterChange,
    ShiftRecord,
)
from cngstation.protocols.dispenser.jxv4 import packing
from cngstation.protocols.dispenser.jxv4.packing import unpack
from cngstation.units import Unit, hundredths_to_e4, hundredths_to_milli

_SHIFT = Struct("<IBB8s7s7s5IBBI")
_PARAMETER = Struct("<IB8sHBII7s")
_CARD_CHECK = Struct("<8sI7s")
_LIST_CHECK = Struct("<8sB")
_OFF_DUTY = 1
ACCEPTED = b"\x01"

_LIST_QUESTIONS = {0: CardQuestion.BLACKLIST, 1: CardQuestion.WHITELIST}
_CHECK_RESULTS = {
    CardVerdict.MAY_FILL: 0,
    CardVerdict.UNKNOWN_CARD: 1,
    CardVerdict.BLACKLISTED: 2,
    CardVerdict.BALANCE_DIFFERS: 3,
    CardVerdict.TIME_DIFFERS: 4,
}
_LIST_RESULTS = {CardVerdict.NOT_LISTED: 0, CardVerdict.LISTED: 1}


@dataclass(frozen=True, slots=True)
class ShiftBody:
    """5AH from a dispenser, without the reserve behind its core."""

    seq: int
    kind: int
    shift_no: int
    employee: bytes
    started: bytes
    ended: bytes
    gun_quantity: int
    gun_amount: int
    shift_quantity: int
    shift_amount: int
    fills: int
    device: int
    unit: int
    on_duty_seq: int

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Decode the core; RemoteProtocolError if it is shorter."""
        return cls(*unpack(_SHIFT, body[: _SHIFT.size], "a shift record"))


def shift_record(body: bytes, units: Mapping[int, Unit]) -> ShiftRecord:
    """Read 5AH; `units` gives the nozzle's unit codes their meaning."""
    shift = ShiftBody.from_bytes(body)
    return ShiftRecord(
        device_seq=shift.seq,
        is_off_duty=shift.kind == _OFF_DUTY,
        shift_no=shift.shift_no,
        employee_card=packing.card(shift.employee),
        started_at=packing.time(shift.started),
        ended_at=packing.time(shift.ended),
        gun_total_quantity_milli=hundredths_to_milli(shift.gun_quantity),
        gun_total_amount_e4=hundredths_to_e4(shift.gun_amount),
        shift_quantity_milli=hundredths_to_milli(shift.shift_quantity),
        shift_amount_e4=hundredths_to_e4(shift.shift_amount),
        fills=shift.fills,
        unit=units.get(shift.unit),
        on_duty_seq=shift.on_duty_seq or None,
        raw=body,
    )


def parameter_change(body: bytes) -> ParameterChange:
    """Read 5BH."""
    seq, shift_no, card, parameter, decimals, before, after, changed = unpack(
        _PARAMETER, body, "a parameter change"
    )
    return ParameterChange(
        device_seq=seq,
        shift_no=shift_no,
        card_no=packing.card(card),
        parameter=parameter,
        decimals=decimals,
        before=before,
        after=after,
        changed_at=packing.time(changed),
        raw=body,
    )


def card_check(body: bytes) -> CardCheck:
    """Read 5CH."""
    card, balance, last_used = unpack(_CARD_CHECK, body, "a card check")
    return CardCheck(
        question=CardQuestion.CHECK,
        card_no=packing.card(card),
        balance_hundredths=balance,
        last_used_at=packing.time(last_used),
        raw=body,
    )


def list_check(body: bytes) -> CardCheck:
    """Read 56H; RemoteProtocolError if it names neither list."""
    card, kind = unpack(_LIST_CHECK, body, "a list check")
    if kind not in _LIST_QUESTIONS:
        raise RemoteProtocolError(why=f"list check of kind {kind}")
    return CardCheck(
        question=_LIST_QUESTIONS[kind],
        card_no=packing.card(card),
        balance_hundredths=None,
        last_used_at=None,
        raw=body,
    )


def verdict_body(check: CardCheck, verdict: CardVerdict) -> bytes:
    """5CH or 56H to a dispenser; the card is repeated as it was asked for.

    Raises:
        LocalProtocolError: the verdict answers another kind of question.
    """
    is_check = check.question is CardQuestion.CHECK
    results = _CHECK_RESULTS if is_check else _LIST_RESULTS
    if verdict not in results:
        raise LocalProtocolError(why=f"{verdict} answers no {check.question}")
    return check.raw[:8] + bytes([results[verdict]])

"""What the fuel trade's CPU card answers, field by field, and what its codes cover."""

from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, Self

from cngstation.errors import RemoteProtocolError

LAST_COUNTER = 0xFFFF
LAST_AMOUNT = 0xFFFFFFFF


class Kind(IntEnum):
    """Types of transactions, in codes and in the log."""

    LOAD = 0x01
    UNLOAD = 0x03
    LOCK = 0x91
    DEBIT = 0x93
    UNLOCK = 0x95


class LockState(IntEnum):
    """First byte of the lock proof."""

    IDLE = 0x00
    GREY = 0x01
    TAC_PENDING = 0x10


def _number(width: int, *, passed_over: int = 0) -> Any:
    """A field of so many bytes, high byte first; so many behind it are passed over."""
    return field(metadata={"width": width, "next": width + passed_over, "read": _big})


def _bytes(width: int) -> Any:
    """A field that is kept as it comes."""
    return field(metadata={"width": width, "next": width, "read": bytes})


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of a fixed length; its fields stand in their order on the wire."""

    @classmethod
    def length(cls) -> int:
        """Return how many bytes the card answers."""
        return sum(one.metadata["next"] for one in fields(cls))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read what the card answered.

        Raises:
            RemoteProtocolError: another length.
        """
        if len(data) != cls.length():
            why = f"{len(data)} bytes, not {cls.length()}"
            raise RemoteProtocolError(why=why)
        values, at = {}, 0
        for one in fields(cls):
            width, read = one.metadata["width"], one.metadata["read"]
            values[one.name] = read(data[at : at + width])
            at += one.metadata["next"]
        return cls(**values)


@dataclass(frozen=True, slots=True)
class BeganLoad(_Answer):
    """Answer to the begin of a load or an unload.

    Version and algorithm of the key, behind the counter, are passed over; so they are
    in the other answers to a begin.
    """

    balance: int = _number(4)
    on_line: int = _number(2, passed_over=2)
    random: bytes = _bytes(4)
    mac1: bytes = _bytes(4)


@dataclass(frozen=True, slots=True)
class BeganLock(_Answer):
    """Answer to the begin of a grey lock."""

    balance: int = _number(4)
    off_line: int = _number(2)
    overdraft: int = _number(3, passed_over=2)
    random: bytes = _bytes(4)


@dataclass(frozen=True, slots=True)
class BeganUnlock(_Answer):
    """Answer to the begin of an on-line unlock."""

    balance: int = _number(4)
    off_line: int = _number(2)
    on_line: int = _number(2, passed_over=2)
    random: bytes = _bytes(4)
    mac1: bytes = _bytes(4)


@dataclass(frozen=True, slots=True)
class Locked(_Answer):
    """Answer to a grey lock."""

    gtac: bytes = _bytes(4)
    mac2: bytes = _bytes(4)


@dataclass(frozen=True, slots=True)
class TransactionProof(_Answer):
    """The codes of a transaction, told again."""

    mac: bytes = _bytes(4)
    tac: bytes = _bytes(4)


@dataclass(frozen=True, slots=True)
class LockProof(_Answer):
    """Whether a card is grey, where it was locked and what was debited.

    `balance` is that of before the lock. The last two hold the debited amount and
    its TAC once it was debited, MAC2 and GTAC of the lock before.

    Raises:
        RemoteProtocolError: a state that no table has.
    """

    state: int = _number(1)
    kind: int = _number(1)
    purse: int = _number(1)
    balance: int = _number(4)
    off_line: int = _number(2)
    terminal: bytes = _bytes(6)
    moment: bytes = _bytes(7)
    amount_or_mac2: bytes = _bytes(4)
    tac: bytes = _bytes(4)

    def __post_init__(self) -> None:
        if self.state not in set(LockState):
            raise RemoteProtocolError(why=f"lock state {self.state:02X}")

    @property
    def is_grey(self) -> bool:
        """Whether a fill is unpaid."""
        return self.state == LockState.GREY


@dataclass(frozen=True, slots=True)
class LogRecord(_Answer):
    """One transaction in the card's own log."""

    counter: int = _number(2)
    overdraft: int = _number(3)
    amount: int = _number(4)
    kind: int = _number(1)
    terminal: bytes = _bytes(6)
    moment: bytes = _bytes(7)


def began_move_covers(balance: int, amount: int, kind: Kind, terminal: bytes) -> bytes:
    """Return what MAC1 of a load or an unload covers."""
    return _amount(balance) + _amount(amount) + bytes([kind]) + terminal


def began_unlock_covers(balance: int, off_line: int, terminal: bytes) -> bytes:
    """Return what MAC1 of an on-line unlock covers."""
    head = _amount(balance) + off_line.to_bytes(2, "big")
    return head + bytes([Kind.UNLOCK]) + terminal


def order_covers(amount: int, kind: Kind, terminal: bytes, moment: bytes) -> bytes:
    """Return what MAC2 of a load, an unload or an on-line unlock covers."""
    return _amount(amount) + bytes([kind]) + terminal + moment


def lock_covers(terminal: bytes, moment: bytes) -> bytes:
    """Return what MAC1 of a grey lock covers."""
    return bytes([Kind.LOCK]) + terminal + moment


def done_covers(
    *,
    balance: int,
    counter: int,
    amount: int,
    kind: Kind,
    terminal: bytes,
    moment: bytes,
) -> bytes:
    """Return what the TAC of a load covers: the new balance and the counter before.

    By the rules of bank cards (JR/T 0025): UNVERIFIED for this card.
    """
    head = _amount(balance) + counter.to_bytes(2, "big")
    return head + order_covers(amount, kind, terminal, moment)


def _amount(fen: int) -> bytes:
    return fen.to_bytes(4, "big")

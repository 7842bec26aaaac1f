"""What the fuel trade's CPU card answers, field by field, and what its codes cover."""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

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


class _Fields:
    """A cursor over the bytes of an answer."""

    def __init__(self, data: bytes, expected: int) -> None:
        if len(data) != expected:
            raise RemoteProtocolError(why=f"{len(data)} bytes, not {expected}")
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, count: int) -> int:
        """Return the next bytes as a number."""
        return int.from_bytes(self.take(count), "big")


@dataclass(frozen=True, slots=True)
class BeganLoad:
    """Answer to the begin of a load or an unload."""

    BYTES: ClassVar[int] = 16

    balance: int
    on_line: int
    random: bytes
    mac1: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 16 bytes; version and algorithm of the key are passed over."""
        fields = _Fields(data, cls.BYTES)
        balance, on_line, _ = fields.number(4), fields.number(2), fields.take(2)
        return cls(balance, on_line, fields.take(4), fields.take(4))


@dataclass(frozen=True, slots=True)
class BeganLock:
    """Answer to the begin of a grey lock."""

    BYTES: ClassVar[int] = 15

    balance: int
    off_line: int
    overdraft: int
    random: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 15 bytes; version and algorithm of the key are passed over."""
        fields = _Fields(data, cls.BYTES)
        balance, off_line = fields.number(4), fields.number(2)
        overdraft, _ = fields.number(3), fields.take(2)
        return cls(balance, off_line, overdraft, fields.take(4))


@dataclass(frozen=True, slots=True)
class BeganUnlock:
    """Answer to the begin of an on-line unlock."""

    BYTES: ClassVar[int] = 18

    balance: int
    off_line: int
    on_line: int
    random: bytes
    mac1: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 18 bytes; version and algorithm of the key are passed over."""
        fields = _Fields(data, cls.BYTES)
        balance, off_line = fields.number(4), fields.number(2)
        on_line, _ = fields.number(2), fields.take(2)
        return cls(balance, off_line, on_line, fields.take(4), fields.take(4))


@dataclass(frozen=True, slots=True)
class Locked:
    """Answer to a grey lock."""

    BYTES: ClassVar[int] = 8

    gtac: bytes
    mac2: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 8 bytes."""
        fields = _Fields(data, cls.BYTES)
        return cls(fields.take(4), fields.take(4))


@dataclass(frozen=True, slots=True)
class TransactionProof:
    """The codes of a transaction, told again."""

    BYTES: ClassVar[int] = 8

    mac: bytes
    tac: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 8 bytes."""
        fields = _Fields(data, cls.BYTES)
        return cls(fields.take(4), fields.take(4))


@dataclass(frozen=True, slots=True)
class LockProof:
    """Whether a card is grey, where it was locked and what was debited.

    `balance` is that of before the lock. The last two hold the debited amount and
    its TAC once it was debited, MAC2 and GTAC of the lock before.
    """

    BYTES: ClassVar[int] = 30

    state: int
    kind: int
    purse: int
    balance: int
    off_line: int
    terminal: bytes
    moment: bytes
    amount_or_mac2: bytes
    tac: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 30 bytes.

        Raises:
            RemoteProtocolError: another length, or a state that no table has.
        """
        fields = _Fields(data, cls.BYTES)
        state, kind, purse = fields.number(1), fields.number(1), fields.number(1)
        if state not in set(LockState):
            raise RemoteProtocolError(why=f"lock state {state:02X}")
        balance, off_line = fields.number(4), fields.number(2)
        terminal, moment = fields.take(6), fields.take(7)
        last = fields.take(4), fields.take(4)
        return cls(state, kind, purse, balance, off_line, terminal, moment, *last)

    @property
    def is_grey(self) -> bool:
        """Whether a fill is unpaid."""
        return self.state == LockState.GREY


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One transaction in the card's own log."""

    BYTES: ClassVar[int] = 23

    counter: int
    overdraft: int
    amount: int
    kind: int
    terminal: bytes
    moment: bytes

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read 23 bytes."""
        fields = _Fields(data, cls.BYTES)
        counter, overdraft = fields.number(2), fields.number(3)
        amount, kind = fields.number(4), fields.number(1)
        return cls(counter, overdraft, amount, kind, fields.take(6), fields.take(7))


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

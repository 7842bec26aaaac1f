"""Commands of the fuel trade's CPU card, as APDUs, and what it answers.

    00 A4 04 00 aid           select            FCI
    00 20 00 00 pin 3 bcd     verify            -
    00 84 00 00 | 04 or 08    get challenge     random
    00 B0 80+sfi offset | n   read binary       n bytes
    00 B2 n C4 | 17           read log          record 23; newest is n = 1
    04 D6 80+sfi offset data code4              -
    80 5C 00 01 | 04          balance           balance4
    80 50 00 01 key1 amount4 terminal6          begin load:   balance4 on-line2 version1
    80 50 05 01 key1 amount4 terminal6          begin unload:   algorithm1 random4 MAC1
    80 52 00 00 date4 time3 MAC2                load          TAC4
    80 54 03 00 date4 time3 MAC2                unload        MAC3
    80 5A 00 type1 counter2                     proof         MAC4 TAC4
    E0 CA 00 00 | 1E                            lock proof    30 bytes
    E0 CA 01 00                                 clear the TAC that was not fetched
    E0 7A 08 01 key1 terminal6                  begin lock    balance4 off-line2
                                                  overdraft3 version1 algorithm1 random4
    E0 7C 08 00 count4 random4 date4 time3 MAC1 | 08    lock  GTAC4 MAC2
    E0 7E 08 01 amount4 off-line2 terminal6 count4 date4 time3 GMAC4    debit  TAC4
    E0 7A 09 01 key1 terminal6                  begin unlock  balance4 off-line2
                                                  on-line2 version1 algorithm1
                                                  random4 MAC1
    E0 7E 09 00 amount4 date4 time3 MAC2        unlock        MAC3

Numbers are big-endian, dates and times BCD, amounts in fen. An answer ends in two
bytes of status. Source: public programs of the trade; the proof (80 5A) and the
unload by the rules of bank cards (JR/T 0025): UNVERIFIED.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.fuel_card.answers import (
    BeganLoad,
    BeganLock,
    BeganUnlock,
    Locked,
    LockProof,
    LogRecord,
    TransactionProof,
)
from cngstation.protocols.fuel_card.keys import CODE_BYTES
from cngstation.protocols.fuel_card.status import DONE, FuelCardReported

# The purse of the fuel application; the loyalty application is 86980702.
CNG_APPLICATION = b"\xa0\x00\x00\x00\x0386980701"
# What a holder has who never chose a password.
DEFAULT_PIN = b"\x99\x99\x99"
TERMINAL_BYTES = 6
MOMENT_BYTES = 7
_KEY_INDEX = b"\x01"
_RANDOM_BYTES = 4

Answer = TypeVar("Answer")


class Command(Generic[Answer]):
    """A command: its APDU, and what its answer means."""

    changes_card: ClassVar[bool] = False

    def apdu(self) -> bytes:
        """Return the APDU."""
        raise AssertionError

    def read_data(self, data: bytes) -> Answer:
        """Return what the data of a good answer says.

        Raises:
            RemoteProtocolError: it is not of the shape of this command's answer.
        """
        raise AssertionError

    def read_answer(self, answer: bytes) -> Answer:
        """Return what an answer with its status says.

        Raises:
            FuelCardReported: the card did not do it.
            RemoteProtocolError: the answer makes no sense.
        """
        if len(answer) < 2:
            raise RemoteProtocolError(why=f"an answer of {len(answer)} bytes")
        status = int.from_bytes(answer[-2:], "big")
        if status != DONE:
            raise FuelCardReported(status)
        return self.read_data(answer[:-2])


class _Bare(Command[None]):
    """A command whose answer is a status alone."""

    def read_data(self, data: bytes) -> None:
        _expect(not data, "status", data)


class _Code(Command[bytes]):
    """A command that is answered with a code of four bytes."""

    def read_data(self, data: bytes) -> bytes:
        _expect(len(data) == CODE_BYTES, "code", data)
        return data


def _apdu(head: str, data: bytes = b"", expected: int | None = None) -> bytes:
    length = bytes([len(data)]) if data else b""
    rest = b"" if expected is None else bytes([expected])
    return bytes.fromhex(head) + length + data + rest


def _expect(fits: object, what: str, data: bytes) -> None:
    if not fits:
        raise RemoteProtocolError(why=f"{what} of {len(data)} bytes")


@dataclass(frozen=True, slots=True)
class Select(Command[bytes]):
    """Choose an application; the answer is its FCI."""

    aid: bytes = CNG_APPLICATION

    def apdu(self) -> bytes:
        return _apdu("00A40400", self.aid)

    def read_data(self, data: bytes) -> bytes:
        return data


@dataclass(frozen=True, slots=True)
class Verify(_Bare):
    """Give the holder's password; three wrong ones block it."""

    pin: bytes = field(default=DEFAULT_PIN, repr=False)

    def apdu(self) -> bytes:
        return _apdu("00200000", self.pin)


@dataclass(frozen=True, slots=True)
class GetChallenge(Command[bytes]):
    """Ask for random bytes for the next command under secure messaging."""

    def apdu(self) -> bytes:
        return _apdu("00840000", expected=_RANDOM_BYTES)

    def read_data(self, data: bytes) -> bytes:
        _expect(len(data) == _RANDOM_BYTES, "challenge", data)
        return data


@dataclass(frozen=True, slots=True)
class ReadFile(Command[bytes]):
    """Read a file from its beginning."""

    sfi: int
    length: int

    def apdu(self) -> bytes:
        return _apdu(f"00B0{0x80 | self.sfi:02X}00", expected=self.length)

    def read_data(self, data: bytes) -> bytes:
        _expect(len(data) == self.length, f"file {self.sfi:02X}", data)
        return data


@dataclass(frozen=True, slots=True)
class UpdateFile(_Bare):
    """Write a file whole, under a code of the maintenance key."""

    changes_card = True

    sfi: int
    data: bytes
    code: bytes = b""

    def signed(self) -> bytes:
        """Return what the code covers."""
        length = len(self.data) + CODE_BYTES
        return bytes([0x04, 0xD6, 0x80 | self.sfi, 0, length]) + self.data

    def apdu(self) -> bytes:
        return self.signed() + self.code


@dataclass(frozen=True, slots=True)
class ReadLog(Command[LogRecord]):
    """Read a record of the purse's log; the newest has number 1."""

    number: int = 1

    def apdu(self) -> bytes:
        return _apdu(f"00B2{self.number:02X}C4", expected=LogRecord.length())

    def read_data(self, data: bytes) -> LogRecord:
        return LogRecord.read(data)


@dataclass(frozen=True, slots=True)
class GetBalance(Command[int]):
    """Ask for the balance in fen; nothing proves it."""

    def apdu(self) -> bytes:
        return _apdu("805C0001", expected=4)

    def read_data(self, data: bytes) -> int:
        _expect(len(data) == 4, "balance", data)
        return int.from_bytes(data, "big")


@dataclass(frozen=True, slots=True)
class _BeginMove(Command[BeganLoad]):
    amount: int
    terminal: bytes

    HEAD: ClassVar[str]

    def apdu(self) -> bytes:
        data = _KEY_INDEX + self.amount.to_bytes(4, "big") + self.terminal
        return _apdu(self.HEAD, data, BeganLoad.length())

    def read_data(self, data: bytes) -> BeganLoad:
        return BeganLoad.read(data)


class BeginLoad(_BeginMove):
    """圈存 begun: the card proves balance and on-line counter for this amount."""

    HEAD = "80500001"


class BeginUnload(_BeginMove):
    """圈提 begun: the card proves balance and on-line counter for this amount."""

    HEAD = "80500501"


@dataclass(frozen=True, slots=True)
class _EndMove(_Code):
    changes_card = True

    moment: bytes
    mac2: bytes

    HEAD: ClassVar[str]

    def apdu(self) -> bytes:
        return _apdu(self.HEAD, self.moment + self.mac2, CODE_BYTES)


class Load(_EndMove):
    """圈存: the balance and the on-line counter rise; the answer is the TAC."""

    HEAD = "80520000"


class Unload(_EndMove):
    """圈提: the balance falls, the on-line counter rises; the answer is MAC3."""

    HEAD = "80540300"


@dataclass(frozen=True, slots=True)
class GetTransactionProof(Command[TransactionProof]):
    """Ask again for the codes of the last transaction, as after a lost answer."""

    kind: int
    counter: int

    def apdu(self) -> bytes:
        data = self.counter.to_bytes(2, "big")
        return _apdu(f"805A00{self.kind:02X}", data, TransactionProof.length())

    def read_data(self, data: bytes) -> TransactionProof:
        return TransactionProof.read(data)


@dataclass(frozen=True, slots=True)
class GetLockProof(Command[LockProof]):
    """Ask whether the card is grey, and for what."""

    def apdu(self) -> bytes:
        return _apdu("E0CA0000", expected=LockProof.length())

    def read_data(self, data: bytes) -> LockProof:
        return LockProof.read(data)


@dataclass(frozen=True, slots=True)
class ClearLockProof(_Bare):
    """Say that the TAC of the debit was fetched."""

    changes_card = True

    def apdu(self) -> bytes:
        return _apdu("E0CA0100", expected=0)


@dataclass(frozen=True, slots=True)
class BeginLock(Command[BeganLock]):
    """灰锁 begun; changes nothing, and tells the off-line counter."""

    terminal: bytes

    def apdu(self) -> bytes:
        return _apdu("E07A0801", _KEY_INDEX + self.terminal, BeganLock.length())

    def read_data(self, data: bytes) -> BeganLock:
        return BeganLock.read(data)


@dataclass(frozen=True, slots=True)
class Lock(Command[Locked]):
    """灰锁: the card is grey from here on, and the off-line counter rises."""

    changes_card = True

    terminal_count: int
    terminal_random: bytes
    moment: bytes
    mac1: bytes

    def apdu(self) -> bytes:
        count = self.terminal_count.to_bytes(4, "big")
        data = count + self.terminal_random + self.moment + self.mac1
        return _apdu("E07C0800", data, Locked.length())

    def read_data(self, data: bytes) -> Locked:
        return Locked.read(data)


@dataclass(frozen=True, slots=True)
class DebitForUnlock(_Code):
    """解扣: the terminal that locked the card debits and frees it; answers the TAC."""

    changes_card = True

    amount: int
    off_line: int
    terminal: bytes
    terminal_count: int
    moment: bytes
    gmac: bytes

    def apdu(self) -> bytes:
        data = (
            self.amount.to_bytes(4, "big")
            + self.off_line.to_bytes(2, "big")
            + self.terminal
            + self.terminal_count.to_bytes(4, "big")
            + self.moment
            + self.gmac
        )
        return _apdu("E07E0801", data, CODE_BYTES)


@dataclass(frozen=True, slots=True)
class BeginUnlock(Command[BeganUnlock]):
    """联机解扣 begun: a grey card proves balance and both counters."""

    terminal: bytes

    def apdu(self) -> bytes:
        return _apdu("E07A0901", _KEY_INDEX + self.terminal, BeganUnlock.length())

    def read_data(self, data: bytes) -> BeganUnlock:
        return BeganUnlock.read(data)


@dataclass(frozen=True, slots=True)
class Unlock(_Code):
    """联机解扣: debits what is owed, 0 allowed, and frees the card; answers MAC3."""

    changes_card = True

    amount: int
    moment: bytes
    mac2: bytes

    def apdu(self) -> bytes:
        data = self.amount.to_bytes(4, "big") + self.moment + self.mac2
        return _apdu("E07E0900", data, CODE_BYTES)

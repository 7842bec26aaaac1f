"""PN532 commands and their answers, typed.

    code  request (after D4 code)                      answer (after D5 code+1)
    00    00 data                     Diagnose (line)  00 data
    02    -                           GetFirmwareVersion  IC Ver Rev Support
    14    01 timeout irq              SAMConfiguration -
    32    05 ATR PSL passive          RFConfiguration  -
    32    01 00                       (field off)      -
    4A    MaxTg 00 [uid]              InListPassiveTarget
                                      NbTg [Tg ATQA(2) SAK n uid(n) [ATS]]
    40    Tg 60|61 block key(6) uid(4) InDataExchange  status
    40    Tg 30 block                                  status data(16)
    40    Tg A0 block data(16)                         status
    40    Tg apdu                                      status data
    40    Tg                          (more follows)   status data
    52    Tg                          InRelease        status

Source: NXP UM0701-02 as libnfc and nfcpy implement it (manual not compared:
UNVERIFIED). Answer times: those drivers' and a margin.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Literal, TypeVar

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.card_reader.pn532.frames import TO_CHIP, Frame
from cngstation.protocols.card_reader.pn532.status import MORE_FOLLOWS, check_status

BLOCK_BYTES = 16
KEY_BYTES = 6
_CASCADE_TAG = b"\x88"  # stands before a UID of seven bytes in a request
_HAS_SECTORS = 0x08  # bit 4 of SAK: NXP AN10833
_IS_ISO_14443_4 = 0x20  # bit 6 of SAK: ISO/IEC 14443-3
_TA, _TB, _TC = 0x10, 0x20, 0x40  # bits of T0: which bytes follow it in an ATS
# A card that creates or erases asks for more time, again and again.
_CARD_WORKS_MS = 2_000
# A card with ten is found by chance only: no MIFARE Classic has so many.
SELECTABLE_UID_BYTES = frozenset({4, 7})

Answer = TypeVar("Answer")


class Command(ABC, Generic[Answer]):
    """One request to the chip, and how its answer is read."""

    code: ClassVar[int]
    answer_within_ms: ClassVar[int] = 250
    # A command that changes a card is never sent twice.
    changes_card: ClassVar[bool] = False

    @abstractmethod
    def parameters(self) -> bytes:
        """Return what follows the command code."""

    @abstractmethod
    def read_answer(self, data: bytes) -> Answer:
        """Read what follows the answer code.

        Raises:
            ChipReported: the chip says that it failed.
            RemoteProtocolError: the answer has not the form it must have.
        """

    def to_bytes(self) -> bytes:
        """Write the command as a frame."""
        return Frame(TO_CHIP, self.code, self.parameters()).to_bytes()


@dataclass(frozen=True, slots=True)
class Diagnose(Command[None]):
    """Test the line: the chip sends the data back."""

    code = 0x00
    answer_within_ms = 1000

    data: bytes

    def parameters(self) -> bytes:
        return b"\x00" + self.data

    def read_answer(self, data: bytes) -> None:
        if data != self.parameters():
            raise RemoteProtocolError(why="the line test came back changed")


@dataclass(frozen=True, slots=True)
class Firmware:
    """What chip and firmware the reader has."""

    chip: int
    version: int
    revision: int
    support: int

    def __str__(self) -> str:
        return f"PN5{self.chip:02X} {self.version}.{self.revision}"


@dataclass(frozen=True, slots=True)
class GetFirmwareVersion(Command[Firmware]):
    """Ask which chip this is."""

    code = 0x02

    def parameters(self) -> bytes:
        return b""

    def read_answer(self, data: bytes) -> Firmware:
        _expect(len(data) == 4, "firmware version", data)
        return Firmware(*data)


@dataclass(frozen=True, slots=True)
class ConfigureSam(Command[None]):
    """Put the chip in normal mode; it also ends its sleep."""

    code = 0x14

    time_out_50_ms: int = 0x14
    use_irq: bool = False

    def parameters(self) -> bytes:
        return bytes([0x01, self.time_out_50_ms, self.use_irq])

    def read_answer(self, data: bytes) -> None:
        _expect(not data, "SAM configuration", data)


@dataclass(frozen=True, slots=True)
class ConfigureRetries(Command[None]):
    """Bound how often the chip looks for a card.

    The chip's own default is for ever: a search would block until a card comes.
    """

    code = 0x32

    passive_activation: int = 0x02

    def parameters(self) -> bytes:
        if not 0 <= self.passive_activation < 0xFF:
            raise LocalProtocolError(why="a search for a card without end")
        return bytes([0x05, 0x00, 0x01, self.passive_activation])

    def read_answer(self, data: bytes) -> None:
        _expect(not data, "retry configuration", data)


@dataclass(frozen=True, slots=True)
class SwitchFieldOff(Command[None]):
    """Take the power from the cards; the next search switches the field on again."""

    code = 0x32

    def parameters(self) -> bytes:
        return b"\x01\x00"

    def read_answer(self, data: bytes) -> None:
        _expect(not data, "field configuration", data)


@dataclass(frozen=True, slots=True)
class Target:
    """A card of ISO 14443 type A that the chip has selected."""

    number: int
    atqa: bytes
    sak: int
    uid: bytes
    ats: bytes = b""

    @property
    def speaks_mifare_classic(self) -> bool:
        """Whether the card has MIFARE sectors; a bank card or a telephone has not."""
        return bool(self.sak & _HAS_SECTORS)

    @property
    def takes_apdus(self) -> bool:
        """Whether the card speaks ISO/IEC 14443-4."""
        return bool(self.sak & _IS_ISO_14443_4)

    @property
    def historical(self) -> bytes:
        """The historical bytes of its ATS: TL T0 [TA] [TB] [TC] historical."""
        if len(self.ats) < 2:
            return b""
        present = sum(1 for bit in (_TA, _TB, _TC) if self.ats[1] & bit)
        return self.ats[2 + present :]


@dataclass(frozen=True, slots=True)
class FindCard(Command[Target | None]):
    """Select one type A card in the field: the one with this UID, or any."""

    code = 0x4A
    answer_within_ms = 1000

    uid: bytes = b""

    def parameters(self) -> bytes:
        if self.uid and len(self.uid) not in SELECTABLE_UID_BYTES:
            raise LocalProtocolError(why=f"a UID of {len(self.uid)} bytes")
        cascade = _CASCADE_TAG if len(self.uid) == 7 else b""
        return b"\x01\x00" + cascade + self.uid

    def read_answer(self, data: bytes) -> Target | None:
        if data[:1] == b"\x00":
            return None
        _expect(len(data) >= 6 and data[0] == 1, "card found", data)
        uid = data[6 : 6 + data[5]]
        _expect(len(uid) == data[5] and len(uid) in {4, 7, 10}, "card found", data)
        ats = data[6 + data[5] :]
        # What a card says of itself is no fault of the reader, whatever it is.
        kept = ats if ats and ats[0] == len(ats) else b""
        return Target(data[1], atqa=data[2:4], sak=data[4], uid=uid, ats=kept)


class _CardExchange(Command[Answer]):
    """A MIFARE command that the chip passes on to the selected card."""

    code = 0x40
    answer_within_ms = 500


@dataclass(frozen=True, slots=True)
class Authenticate(_CardExchange[None]):
    """Open the sector of a block with a key; the card counts the last 4 UID bytes."""

    target: int
    block: int
    key: bytes = field(repr=False)
    key_kind: Literal["A", "B"]
    uid: bytes

    def parameters(self) -> bytes:
        if len(self.key) != KEY_BYTES:
            raise LocalProtocolError(why="a MIFARE key that has not 6 bytes")
        act = {"A": 0x60, "B": 0x61}[self.key_kind]
        return bytes([self.target, act, self.block]) + self.key + self.uid[-4:]

    def read_answer(self, data: bytes) -> None:
        _expect_bare_status(data)


@dataclass(frozen=True, slots=True)
class ReadBlock(_CardExchange[bytes]):
    """Read the 16 bytes of a block of the open sector."""

    target: int
    block: int

    def parameters(self) -> bytes:
        return bytes([self.target, 0x30, self.block])

    def read_answer(self, data: bytes) -> bytes:
        _expect(len(data) >= 1, "block read", data)
        check_status(data[0])
        whole = data[0] == 0 and len(data) == 1 + BLOCK_BYTES
        _expect(whole, "block read", data)
        return data[1:]


@dataclass(frozen=True, slots=True)
class WriteBlock(_CardExchange[None]):
    """Store 16 bytes in a block of the open sector."""

    changes_card = True

    target: int
    block: int
    data: bytes = field(repr=False)  # a trailer's bytes are keys

    def parameters(self) -> bytes:
        if len(self.data) != BLOCK_BYTES:
            raise LocalProtocolError(why=f"a block of {len(self.data)} bytes")
        return bytes([self.target, 0xA0, self.block]) + self.data

    def read_answer(self, data: bytes) -> None:
        _expect_bare_status(data)


@dataclass(frozen=True, slots=True)
class Part:
    """What the card said, and whether the chip holds more of it."""

    data: bytes
    more: bool


@dataclass(frozen=True, slots=True)
class Transmit(_CardExchange[Part]):
    """Send an APDU over ISO/IEC 14443-4, or fetch the rest of an answer with none.

    The chip does the chaining of blocks with the card. Never sent twice: the card
    may have carried it out, and its session counts what it has heard.
    """

    changes_card = True
    answer_within_ms = _CARD_WORKS_MS

    target: int
    apdu: bytes = field(default=b"", repr=False)  # may hold keys

    def parameters(self) -> bytes:
        return bytes([self.target]) + self.apdu

    def read_answer(self, data: bytes) -> Part:
        _expect(len(data) >= 1, "APDU", data)
        check_status(data[0])
        return Part(data[1:], more=bool(data[0] & MORE_FOLLOWS))


@dataclass(frozen=True, slots=True)
class Release(Command[None]):
    """Let go of a card; target 0 is all of them."""

    code = 0x52

    target: int = 0

    def parameters(self) -> bytes:
        return bytes([self.target])

    def read_answer(self, data: bytes) -> None:
        _expect_bare_status(data)


def _expect_bare_status(data: bytes) -> None:
    _expect(len(data) >= 1, "status", data)
    check_status(data[0])
    # Zero and nothing else: bit 6 promises data that no such command has.
    _expect(data == b"\x00", "status", data)


def _expect(holds: bool, what: str, data: bytes) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise RemoteProtocolError(why=f"{what}: {len(data)} bytes do not fit")

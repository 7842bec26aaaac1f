"""A reader with a MIFARE Classic card in memory, which tears writes as told."""

from collections.abc import Callable
from typing import ClassVar

from cngstation.drivers.card_reader import (
    CardGone,
    KeyKind,
    KeyRefused,
    ReaderHealth,
    SectorsOnly,
)
from cngstation.drivers.mifare_purse_card import MifarePurseCard
from cngstation.errors import (
    OutcomeUnknown,
    StationError,
)
from cngstation.protocols.card_image import access_bits
from cngstation.protocols.card_image.purse import (
    CardInfo,
    Purse,
)
from cngstation.simulators.virtual_card import blank_image

UID = bytes.fromhex("DEADBEEF")
MASTER = bytes(range(16))
INFO = CardInfo("5101", 450, "川A12345", 0, 0)
PURSE = Purse(1, 0, 0, "01000042", "2028-01-31", 5_000, 5_000, 0, None, 0, 1, 0)
BEFORE, AFTER, GARBAGE = "before", "after", "garbage"


class FakeReader(SectorsOnly):
    """A reader with one card in memory; a plan says which command goes wrong, how."""

    NAME: ClassVar[str] = "fake"
    health = ReaderHealth(online=True, firmware="", last_fault="")

    def __init__(self) -> None:
        self.blocks = [
            bytearray(blank_image(UID)[at : at + 16]) for at in range(0, 1024, 16)
        ]
        self.selected = False
        self.opened: tuple[int, KeyKind] | None = None
        self.commands = 0
        self.breaks_at: int | None = None
        self.torn = BEFORE
        self.error: Callable[[], StationError] = CardGone

    def _command(self) -> None:
        self.commands += 1
        if self.breaks_at is not None and self.commands >= self.breaks_at:
            self.selected, self.opened = False, None
            raise self.error()

    async def find_card(self) -> bytes | None:
        """Select the card."""
        self._command()
        self.selected = True
        return UID

    async def reselect(self, uid: bytes) -> None:
        """Select the card again."""
        self._command()
        assert uid == UID
        self.selected, self.opened = True, None

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Open a sector as the card's trailer says."""
        self._command()
        if not self.selected:
            raise CardGone
        trailer = self.blocks[block // 4 * 4 + 3]
        right = trailer[:6] if key_kind == "A" else trailer[10:]
        if bytes(right) != key:
            self.selected, self.opened = False, None
            raise KeyRefused(block=block)
        self.opened = (block // 4, key_kind)

    async def read_block(self, block: int) -> bytes:
        """Read a block of the open sector."""
        self._command()
        assert self.opened is not None
        assert self.opened[0] == block // 4, "read of a sector that is not open"
        return bytes(self.blocks[block])

    async def write_block(self, block: int, data: bytes) -> None:
        """Write a block, unless the card leaves in this very command."""
        assert self.opened is not None
        assert self.opened[0] == block // 4, "write to a sector that is not open"
        assert len(data) == 16
        assert block % 4 != 3 or access_bits.decode(data[6:9])
        conditions = access_bits.decode(bytes(self.blocks[block // 4 * 4 + 3][6:9]))
        if conditions[block % 4] in {0b100, 0b011}:
            assert self.opened[1] == "B", "this sector is written with key B"
        self.commands += 1
        if self.breaks_at is None or self.commands < self.breaks_at:
            self.blocks[block][:] = data
            return
        first = self.commands == self.breaks_at
        if first and self.torn != BEFORE:
            # A chip writes a trailer whole or not at all in this test: a sector whose
            # access bytes are garbage is lost and no software brings it back.
            whole = self.torn == AFTER or block % 4 == 3
            self.blocks[block][:] = data if whole else b"\x5a" * 16
        self.selected, self.opened = False, None
        raise OutcomeUnknown(device="card") if first else self.error()

    async def release(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    def calm(self) -> None:
        """Lay the card on the reader again; nothing goes wrong any more."""
        self.breaks_at, self.commands = None, 0


async def issued() -> tuple[FakeReader, MifarePurseCard]:
    """Return a reader with an issued card."""
    reader = FakeReader()
    card = MifarePurseCard(reader, MASTER)
    await card.personalise(UID, PURSE, INFO)
    return reader, card


async def commands_of(
    act: Callable[[MifarePurseCard], object], card: FakeReader
) -> int:
    """Count the commands that an act takes when nothing goes wrong."""
    card.calm()
    await act(MifarePurseCard(card, MASTER))  # type: ignore[misc]
    return card.commands

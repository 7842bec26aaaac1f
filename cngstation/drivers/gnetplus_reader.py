"""A card reader that speaks GNetPlus on a serial port; MIFARE Classic cards only.

The reader keeps the key of the sector that was opened last: the protocol has no way to
use one without. A card is selected anew before each sector, because after a write the
reader has let go of it.
"""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    KeyKind,
    KeyRefused,
    ReaderHealth,
    SectorsOnly,
)
from cngstation.drivers.reader_line import Link, ReaderLine
from cngstation.errors import (
    DeviceError,
    DeviceReported,
    DeviceUnavailable,
    OutcomeUnknown,
)
from cngstation.hygiene import clean
from cngstation.protocols.card_reader.gnetplus import commands
from cngstation.protocols.card_reader.gnetplus.commands import Command
from cngstation.protocols.card_reader.gnetplus.dialogue import Dialogue, Refused
from cngstation.protocols.card_reader.outcomes import Answered

BAUD = 19_200
_LONGEST_FIRMWARE = 40
_MEANINGS = {
    0x01: "it does not know the command",
    0x02: "wrong length of a command",
    0x03: "checksum error on the line",
    0x04: "wrong address, or no card is selected",
    0x05: "the card refused the key",
    0x06: "no card answers",
    0x07: "the card did not let itself be read",
    0x08: "the card did not let itself be written",
    0x09: "there is no such block",
    0x0A: "there is no such sector",
    0x0B: "the key does not fit",
    0x0C: "the card did not answer in time",
}


class ReaderRefused(DeviceReported):
    """The reader answered with a reason of its own."""

    code = "gnetplus.refused"

    def __init__(self, reason: int) -> None:
        self.reason = reason
        super().__init__(
            device="The card reader",
            reported=f"{reason:02X}h",
            meaning=_MEANINGS.get(reason, "a code that no table has"),
        )


class GNetPlusReader(SectorsOnly):
    """Carries out card commands one at a time; reopened by its owner when lost."""

    NAME: ClassVar[str] = "The card reader"

    def __init__(self, open_link: Callable[[], Awaitable[Link]]) -> None:
        self._line = ReaderLine[Command, Answered | Refused](
            self.NAME, open_link, Dialogue
        )
        self._selected: bytes | None = None

    @property
    def health(self) -> ReaderHealth:
        """How the reader is now."""
        return self._line.health

    async def open(self) -> None:
        """Open the port, or open it again, and ask the reader what it is.

        Raises:
            DeviceUnavailable: no port, or nobody answers on it; the port is free.
        """
        self._selected = None
        await self._line.open(self._firmware)

    async def find_card(self) -> bytes | None:
        """Select a card in the field and return its UID, or None; never blocks."""
        self._selected = None
        try:
            await self._ask(commands.request())
            uid = await self._ask(commands.anticollision())
            await self._ask(commands.select(uid))
        except ReaderRefused as refused:
            if refused.reason in commands.CARD_IS_GONE:
                return None
            raise
        self._selected = uid
        return uid

    async def reselect(self, uid: bytes) -> None:
        """Select this very card again.

        Raises:
            CardGone: it is not in the field.
        """
        if await self.find_card() != uid:
            self._selected = None
            raise CardGone

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Open the sector of a block.

        Raises:
            KeyRefused: the card has another key; reselect it.
            CardGone: no card answers.
        """
        uid = self._require_selected()
        sector = block // commands.BLOCKS_A_SECTOR
        await self.reselect(uid)
        await self._ask(commands.save_key(sector, key, key_kind))
        try:
            await self._ask(commands.authenticate(sector, key_kind))
        except ReaderRefused as refused:
            self._selected = None
            if refused.reason in commands.KEY_IS_WRONG:
                raise KeyRefused(block=block) from refused
            if refused.reason in commands.CARD_IS_GONE:
                raise CardGone from refused
            raise

    async def read_block(self, block: int) -> bytes:
        """Return the 16 bytes of a block of the open sector.

        Raises:
            CardSaidNo: its access conditions forbid it; reselect it.
            CardGone: no card answers.
        """
        self._require_selected()
        try:
            return await self._ask(commands.read_block(block))
        except ReaderRefused as refused:
            if refused.reason in commands.REFUSED_BEFORE_FIELD:
                raise
            self._selected = None
            if refused.reason in commands.CARD_IS_GONE:
                raise CardGone from refused
            raise CardSaidNo(block=block) from refused

    async def write_block(self, block: int, data: bytes) -> None:
        """Store 16 bytes in a block of the open sector.

        Raises:
            OutcomeUnknown: it was sent and not confirmed. Every other error says
                that the block is as it was.
            CardGone: no card was selected; nothing was sent.
        """
        self._require_selected()
        try:
            await self._ask(commands.write_block(block, data))
        except ReaderRefused as refused:
            if refused.reason in commands.REFUSED_BEFORE_FIELD:
                raise
            raise self._unconfirmed() from refused
        except DeviceError as error:
            if self._line.may_have_arrived:
                raise self._unconfirmed() from error
            raise

    async def release(self) -> None:
        """Let go of the card."""
        self._selected = None
        try:
            await self._ask(commands.halt())
        except ReaderRefused as refused:
            if refused.reason not in commands.CARD_IS_GONE:
                raise

    async def close(self) -> None:
        """Close the port; `open` opens it again."""
        self._selected = None
        await self._line.close()

    async def _firmware(self) -> str:
        name = await self._ask(commands.version())
        return clean(name.decode("ascii", "replace"), limit=_LONGEST_FIRMWARE)

    def _require_selected(self) -> bytes:
        if self._selected is None:
            raise CardGone
        return self._selected

    def _unconfirmed(self) -> OutcomeUnknown:
        self._selected = None
        return OutcomeUnknown(device=self.NAME)

    async def _ask(self, command: Command) -> bytes:
        """Send a command and return its answer."""
        try:
            outcome = await self._line.ask(command)
        except DeviceUnavailable:
            self._selected = None
            raise
        if isinstance(outcome, Refused):
            raise ReaderRefused(outcome.reason)
        return outcome.data

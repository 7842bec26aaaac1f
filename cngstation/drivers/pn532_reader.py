"""A card reader with a PN532 on a serial port."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    CardTraits,
    KeyKind,
    KeyRefused,
    ReaderHealth,
    ReaderMakesNoSense,
)
from cngstation.drivers.reader_line import Link, ReaderLine
from cngstation.errors import (
    DeviceError,
    DeviceUnavailable,
    LocalProtocolError,
    OutcomeUnknown,
    RemoteProtocolError,
)
from cngstation.protocols.card_reader.outcomes import Answered
from cngstation.protocols.card_reader.pn532 import commands, status
from cngstation.protocols.card_reader.pn532.commands import Command, Target
from cngstation.protocols.card_reader.pn532.dialogue import Dialogue, NotUnderstood
from cngstation.protocols.card_reader.pn532.status import ChipReported

BAUD = 115_200  # what the chip speaks after a reset
# The longest answer of a short APDU is 256 bytes and SW1 SW2; a card that goes on for
# ever must not fill the memory.
LONGEST_ANSWER = 1_024

Answer = TypeVar("Answer")


class Pn532Reader:
    """Carries out card commands one at a time; reopened by its owner when lost."""

    NAME: ClassVar[str] = "The card reader"

    def __init__(self, open_link: Callable[[], Awaitable[Link]]) -> None:
        self._line = ReaderLine[Command[Any], Answered | NotUnderstood](
            self.NAME, open_link, Dialogue
        )
        self._target: Target | None = None
        self._may_be_deaf = False

    @property
    def health(self) -> ReaderHealth:
        """How the reader is now."""
        return self._line.health

    async def open(self) -> None:
        """Open the port, or open it again, and wake the chip.

        Raises:
            DeviceUnavailable: no port, or nobody answers on it; the port is free.
        """
        self._target = None
        await self._line.open(self._firmware)

    async def find_card(self) -> bytes | None:
        """Select a card in the field and return its UID, or None; never blocks."""
        self._target = await self._searched(commands.FindCard())
        return self._target.uid if self._target else None

    async def reselect(self, uid: bytes) -> None:
        """Select this very card again.

        Raises:
            CardGone: it is not in the field.
        """
        # A card says how long its number is: one of a length that cannot be asked
        # for is looked for like any, and must not end the program.
        by_number = len(uid) in commands.SELECTABLE_UID_BYTES
        found = await self._searched(commands.FindCard(uid if by_number else b""))
        if found is None or found.uid != uid:
            raise CardGone
        self._target = found

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Open the sector of a block.

        Raises:
            KeyRefused: the card has another key; reselect it.
            CardGone: no card answers.
        """
        target = self._selected()
        if not target.speaks_mifare_classic:
            self._target = None
            raise KeyRefused(block=block)
        command = commands.Authenticate(
            target.number, block, key, key_kind, uid=target.uid
        )
        try:
            await self._exchange(command)
        except ChipReported as reported:
            if reported.status != status.AUTHENTICATION:
                raise
            self._target = None
            raise KeyRefused(block=block) from reported

    async def read_block(self, block: int) -> bytes:
        """Return the 16 bytes of a block of the open sector.

        Raises:
            CardSaidNo: its access conditions forbid it; reselect it.
            CardGone: no card answers.
        """
        command = commands.ReadBlock(self._selected().number, block)
        try:
            return await self._exchange(command)
        except ChipReported as reported:
            if reported.status != status.CARD_SAID_NO:
                raise
            self._target = None
            raise CardSaidNo(block=block) from reported

    async def write_block(self, block: int, data: bytes) -> None:
        """Store 16 bytes in a block of the open sector.

        Raises:
            OutcomeUnknown: it was sent and not confirmed. Every other error says
                that the block is as it was.
            CardGone: no card was selected; nothing was sent.
        """
        command = commands.WriteBlock(self._selected().number, block, data)
        try:
            await self._ask(command)
        except DeviceError as error:
            if self._may_have_reached_card(error):
                raise self._unconfirmed() from error
            if isinstance(error, ChipReported):
                self._raise_if_gone(error)
            raise

    @property
    def traits(self) -> CardTraits:
        """How the selected card can be spoken to.

        Raises:
            CardGone: no card is selected.
        """
        target = self._selected()
        return CardTraits(
            has_sectors=target.speaks_mifare_classic,
            takes_apdus=target.takes_apdus,
            historical=target.historical,
        )

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Send a command APDU to the selected card; return data and SW1 SW2.

        Raises:
            CardGone: no card was selected; nothing was sent. Or no card answers,
                and the command changes nothing.
            OutcomeUnknown: it changes the card, was sent and not answered. Every
                other error says that it did not change the card.
        """
        target = self._selected()
        if not target.takes_apdus:
            raise LocalProtocolError(why="an APDU to a card that takes none")
        is_sent = False
        try:
            part = await self._ask(commands.Transmit(target.number, apdu))
            answer, is_sent = part.data, True
            while part.more:
                part = await self._ask(commands.Transmit(target.number))
                answer += part.data
                if len(answer) > LONGEST_ANSWER:
                    raise ReaderMakesNoSense(why="an answer without end")
        except DeviceError as error:
            self._target = None
            may_have_changed = is_sent or self._may_have_reached_card(error)
            if changes_card and may_have_changed:
                raise self._unconfirmed() from error
            if isinstance(error, ChipReported):
                self._raise_if_gone(error)
            raise
        return answer

    async def test_line(self, data: bytes) -> None:
        """Send data to the chip and have it sent back.

        Raises:
            ReaderMakesNoSense: it came back changed.
        """
        await self._ask(commands.Diagnose(data))

    async def release(self) -> None:
        """Let go of the card."""
        self._target = None
        await self._ask(commands.Release())

    async def close(self) -> None:
        """Close the port; `open` opens it again."""
        self._target = None
        await self._line.close()

    async def _firmware(self) -> str:
        firmware = await self._ask(commands.GetFirmwareVersion())
        return str(firmware)

    async def _searched(self, search: commands.FindCard) -> Target | None:
        """Search anew, after a card that takes APDUs in a field that was off.

        Active for APDUs, a card hears no search; that the chip always lets go of it by
        itself, also after an answer that was lost, is written nowhere.
        """
        self._target = None
        if self._may_be_deaf:
            await self._ask(commands.SwitchFieldOff())
            self._may_be_deaf = False
        found = await self._ask(search)
        self._may_be_deaf = found is not None and found.takes_apdus
        return found

    def _selected(self) -> Target:
        if self._target is None:
            raise CardGone
        return self._target

    async def _exchange(self, command: Command[Answer]) -> Answer:
        """Ask the selected card something that changes nothing."""
        try:
            return await self._ask(command)
        except ChipReported as reported:
            self._raise_if_gone(reported)
            raise

    def _raise_if_gone(self, reported: ChipReported) -> None:
        if reported.status in status.CARD_IS_GONE:
            self._target = None
            raise CardGone from reported

    def _may_have_reached_card(self, error: DeviceError) -> bool:
        """Tell whether the card may have carried out the command that failed so."""
        if isinstance(error, ChipReported):
            return error.status not in status.REFUSED_BEFORE_FIELD
        return self._line.may_have_arrived

    def _unconfirmed(self) -> OutcomeUnknown:
        self._target = None
        return OutcomeUnknown(device=self.NAME)

    async def _ask(self, command: Command[Answer]) -> Answer:
        """Send a command and read its answer."""
        try:
            outcome = await self._line.ask(command)
        except DeviceUnavailable:
            self._target = None
            raise
        if isinstance(outcome, NotUnderstood):
            raise ChipReported(status.SYNTAX)
        try:
            return command.read_answer(outcome.data)
        except RemoteProtocolError as error:
            raise ReaderMakesNoSense(why=error.facts["why"]) from error

"""A card reader of the operating system's PC/SC service.

A contactless card is named by the number that the reader tells. A card on contacts
has none: it is named by whoever knows its application, else by its ATR, which is no
name of one card and serves only to see that something lies there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import ClassVar, ParamSpec, Protocol, TypeVar

from cngstation.drivers.card_reader import (
    CardGone,
    CardSaidNo,
    CardTraits,
    KeyKind,
    KeyRefused,
    ReaderHealth,
    ReaderMakesNoSense,
)
from cngstation.drivers.one_thread import OneThread
from cngstation.errors import (
    DeviceError,
    DeviceReported,
    DeviceUnavailable,
    LocalProtocolError,
    OutcomeUnknown,
)
from cngstation.moments import seconds
from cngstation.protocols.card_reader import pcsc

# A card may ask for more time again and again; the service itself waits without end.
ANSWER_WITHIN_MS = 5_000
CLOSES_WITHIN_MS = 1_000
# The longest answer of a short APDU is 256 bytes and SW1 SW2.
LONGEST_ANSWER = 258
MOST_PARTS = 3  # by T=0: the length that fits, then what waits
_ATR_NAME_BYTES = 10

Given = ParamSpec("Given")
Result = TypeVar("Result")
Transmit = Callable[[bytes], Awaitable[bytes]]
Identify = Callable[[Transmit], Awaitable[bytes | None]]


class Trouble(Enum):
    """What the service's codes mean to a driver."""

    NO_CARD = auto()
    RESET = auto()
    MUTE = auto()
    SHARED = auto()
    NO_READER = auto()
    NOT_SENT = auto()
    NOT_TRANSACTED = auto()
    SERVICE = auto()


# The service looks at its own state first and says these without asking the card.
_BEFORE_THE_CARD = frozenset({Trouble.NO_CARD, Trouble.RESET, Trouble.NOT_SENT})
_CARD_AWAY = frozenset(
    {Trouble.NO_CARD, Trouble.RESET, Trouble.MUTE, Trouble.NOT_TRANSACTED}
)


class PcscFailed(Exception):
    """A call to the service failed."""

    def __init__(self, trouble: Trouble, why: str) -> None:
        super().__init__(why)
        self.trouble = trouble
        self.why = why


class Link(Protocol):
    """What this driver needs of the service; every call blocks."""

    @property
    def speaks_t0(self) -> bool: ...
    def open(self) -> None: ...
    def connect(self) -> bytes | None: ...
    def is_present(self) -> bool: ...
    def reset(self) -> bytes | None: ...
    def transmit(self, apdu: bytes) -> bytes: ...
    def leave(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Card:
    uid: bytes
    traits: CardTraits


async def _nobody(_: Transmit) -> bytes | None:
    return None


class PcscReader:
    """Carries out card commands one at a time; reopened by its owner when lost."""

    NAME: ClassVar[str] = "The card reader"

    def __init__(
        self, make_link: Callable[[], Link], identify: Identify = _nobody
    ) -> None:
        self._make_link = make_link
        self._link = make_link()
        self._identify = identify
        self._thread: OneThread | None = None
        self._lock = asyncio.Lock()
        self._card: _Card | None = None
        self._health = ReaderHealth(online=False, firmware="", last_fault="")

    @property
    def health(self) -> ReaderHealth:
        """How the reader is now."""
        return self._health

    async def open(self) -> None:
        """Find the service and the reader.

        Raises:
            DeviceUnavailable: one of them is not there.
        """
        await self.close()
        # A call that hangs keeps its thread and its link to itself.
        self._link, self._thread = self._make_link(), OneThread("card reader")
        try:
            await self._call(self._link.open)
        except BaseException as error:
            await self.close()
            if isinstance(error, PcscFailed):
                raise self._unavailable(error.why) from error
            raise
        self._health = replace(self._health, online=True, firmware="PC/SC")

    async def find_card(self) -> bytes | None:
        """Select a card in the field and return its UID, or None; never blocks."""
        try:
            if self._card is not None and await self._call(self._link.is_present):
                return self._card.uid
            self._card = None
            atr = await self._call(self._link.connect)
            return None if atr is None else await self._named(atr)
        except CardGone:
            return None
        except PcscFailed as failed:
            raise self._trouble(failed) from failed

    async def reselect(self, uid: bytes) -> None:
        """Select this very card again: it loses its power and its session.

        Raises:
            CardGone: it is not in the field.
        """
        self._card = None
        try:
            atr = await self._call(self._link.reset)
        except PcscFailed as failed:
            if failed.trouble in _CARD_AWAY:
                raise CardGone from failed
            raise self._trouble(failed) from failed
        if atr is None or await self._named(atr) != uid:
            self._card = None
            raise CardGone

    @property
    def traits(self) -> CardTraits:
        """How the selected card can be spoken to.

        Raises:
            CardGone: no card is selected.
        """
        return self._selected().traits

    async def transmit(self, apdu: bytes, *, changes_card: bool = True) -> bytes:
        """Send a command APDU to the selected card; return data and SW1 SW2.

        Raises:
            CardGone: no card was selected; nothing was sent. Or no card answers,
                and the command changes nothing.
            OutcomeUnknown: it changes the card, was sent and not answered. Every
                other error says that it did not change the card.
        """
        if not self._selected().traits.takes_apdus:
            raise LocalProtocolError(why="an APDU to a card that takes none")
        return await self._exchange(apdu, changes_card=changes_card)

    async def authenticate(self, block: int, key: bytes, key_kind: KeyKind) -> None:
        """Open the sector of a block.

        Raises:
            KeyRefused: the card has another key; reselect it.
            CardGone: no card answers.
        """
        if not self._selected().traits.has_sectors:
            self._card = None
            raise KeyRefused(block=block)
        for command in (pcsc.load_key(key), pcsc.open_sector(block, key_kind)):
            if await self._exchange(command, changes_card=False) != pcsc.DONE:
                self._card = None
                raise KeyRefused(block=block)

    async def read_block(self, block: int) -> bytes:
        """Return the 16 bytes of a block of the open sector.

        Raises:
            CardSaidNo: its access conditions forbid it; reselect it.
            CardGone: no card answers.
        """
        self._selected()
        answer = await self._exchange(pcsc.read_block(block), changes_card=False)
        if answer[-2:] != pcsc.DONE:
            self._card = None
            raise CardSaidNo(block=block)
        if len(answer) != pcsc.BLOCK_BYTES + 2:
            raise ReaderMakesNoSense(why=f"a block of {len(answer) - 2} bytes")
        return answer[:-2]

    async def write_block(self, block: int, data: bytes) -> None:
        """Store 16 bytes in a block of the open sector.

        Raises:
            OutcomeUnknown: it was sent and not confirmed. Every other error says
                that the block is as it was.
            CardGone: no card was selected; nothing was sent.
        """
        self._selected()
        answer = await self._exchange(pcsc.write_block(block, data), changes_card=True)
        if answer != pcsc.DONE:
            # Readers say the same for a refusal and for an acknowledgement lost.
            self._card = None
            raise OutcomeUnknown(device=self.NAME)

    async def release(self) -> None:
        """Let go of the card."""
        self._card = None
        try:
            await self._call(self._link.leave)
        except PcscFailed as failed:
            raise self._trouble(failed) from failed

    async def close(self) -> None:
        """Let go of the service; `open` opens it again."""
        self._card = None
        thread, self._thread = self._thread, None
        self._health = replace(self._health, online=False)
        if thread is None:
            return
        try:
            async with asyncio.timeout(seconds(CLOSES_WITHIN_MS)):
                await thread.call(self._link.close)
        except (TimeoutError, PcscFailed):
            return  # a service that hangs keeps its thread, and nobody waits for it
        finally:
            thread.end()

    def _selected(self) -> _Card:
        if self._card is None:
            raise CardGone
        return self._card

    async def _named(self, atr: bytes) -> bytes:
        """Give the card that has come its name, and select it under it."""
        historical = pcsc.historical_bytes(atr)
        traits = CardTraits(
            has_sectors=pcsc.has_sectors(historical),
            takes_apdus=not pcsc.is_storage(historical),
            historical=historical,
        )
        answer = await self._exchange(pcsc.GET_NUMBER, changes_card=False)
        uid = answer[:-2] if answer[-2:] == pcsc.DONE else b""
        if not uid and traits.takes_apdus:
            uid = await self._identify(self._asked) or b""
        self._card = _Card(uid or atr[:_ATR_NAME_BYTES], traits)
        return self._card.uid

    async def _asked(self, apdu: bytes) -> bytes:
        """Ask a card something that changes nothing."""
        return await self._exchange(apdu, changes_card=False)

    async def _exchange(self, apdu: bytes, *, changes_card: bool) -> bytes:
        """Send a command and return the answer, all of it where it comes in parts."""
        is_sent = False
        try:
            if not self._link.speaks_t0:
                return await self._sent(apdu)
            command = pcsc.without_expected_length(apdu)
            answer = await self._sent(command)
            is_sent = True
            for _ in range(MOST_PARTS):
                if (rest := pcsc.rest_wanted(command, answer)) is None:
                    return answer
                command, answer = rest, await self._sent(rest)
            raise ReaderMakesNoSense(why="an answer without end")
        except (DeviceError, PcscFailed) as error:
            self._card = None
            unsent = isinstance(error, PcscFailed) and error.trouble in _BEFORE_THE_CARD
            if changes_card and (is_sent or not unsent):
                raise OutcomeUnknown(device=self.NAME) from error
            if not isinstance(error, PcscFailed):
                raise
            if error.trouble in _CARD_AWAY:
                raise CardGone from error
            raise self._trouble(error) from error

    async def _sent(self, apdu: bytes) -> bytes:
        answer = await self._call(self._link.transmit, apdu)
        if len(answer) < 2:
            # A card that leaves in mid-answer is told as an empty one.
            raise PcscFailed(Trouble.NOT_TRANSACTED, "no answer")
        if len(answer) > LONGEST_ANSWER:
            raise ReaderMakesNoSense(why=f"an answer of {len(answer)} bytes")
        return answer

    async def _call(
        self,
        function: Callable[Given, Result],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        async with self._lock:
            if self._thread is None:
                raise PcscFailed(Trouble.SERVICE, "it is not open")
            try:
                async with asyncio.timeout(seconds(ANSWER_WITHIN_MS)):
                    return await self._thread.call(function, *args, **kwargs)
            except TimeoutError as error:
                raise PcscFailed(Trouble.SERVICE, "it does not answer") from error

    def _trouble(self, failed: PcscFailed) -> DeviceError:
        if failed.trouble in {Trouble.MUTE, Trouble.SHARED, Trouble.NOT_TRANSACTED}:
            return DeviceReported(
                device=self.NAME, reported=failed.trouble.name, meaning=failed.why
            )
        return self._unavailable(failed.why)

    def _unavailable(self, why: str) -> DeviceUnavailable:
        error = DeviceUnavailable(device=self.NAME, why=why)
        self._health = replace(self._health, online=False, last_fault=error.sentence())
        return error

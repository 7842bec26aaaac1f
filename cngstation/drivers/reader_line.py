"""A serial port with a card reader on it: asks one command at a time and hears."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from cngstation.drivers.card_reader import ReaderHealth
from cngstation.errors import DeviceError, DeviceUnavailable
from cngstation.moments import seconds
from cngstation.protocols.card_reader.outcomes import Unanswered


class Link(Protocol):
    """What a card reader needs of a serial port."""

    def write(self, data: bytes) -> None: ...
    async def read(self) -> bytes: ...
    def discard_input(self) -> None: ...
    async def close(self) -> None: ...


Asked = TypeVar("Asked")
Heard = TypeVar("Heard")
_Asked_contra = TypeVar("_Asked_contra", contravariant=True)
_Heard_co = TypeVar("_Heard_co", covariant=True)


class Dialogue(Protocol[_Asked_contra, _Heard_co]):
    """What one conversation with a reader is, without a port and a clock."""

    @property
    def deadline_ms(self) -> int | None: ...
    @property
    def command_sent(self) -> bool: ...
    def ask(self, command: _Asked_contra, now_ms: int, /) -> None: ...
    def receive(self, data: bytes, now_ms: int, /) -> None: ...
    def pass_time(self, now_ms: int, /) -> None: ...
    def take_bytes(self) -> bytes: ...
    def take_outcome(self) -> _Heard_co | Unanswered | None: ...
    def abandon(self) -> None: ...


class ReaderLine(Generic[Asked, Heard]):
    """Carries commands and answers; the port is lost with its first fault."""

    def __init__(
        self,
        name: str,
        open_link: Callable[[], Awaitable[Link]],
        new_dialogue: Callable[[], Dialogue[Asked, Heard]],
    ) -> None:
        self._name = name
        self._open_link = open_link
        self._new_dialogue = new_dialogue
        self._dialogue = new_dialogue()
        self._link: Link | None = None
        self._lock = asyncio.Lock()
        self._may_have_arrived = False
        self._health = ReaderHealth(online=False, firmware="", last_fault="")

    @property
    def health(self) -> ReaderHealth:
        """How the reader is now."""
        return self._health

    @property
    def may_have_arrived(self) -> bool:
        """Whether the port has taken the last command that was asked."""
        return self._may_have_arrived

    async def open(self, ask_firmware: Callable[[], Awaitable[str]]) -> None:
        """Open the port, or open it again, and ask the reader for its firmware.

        Raises:
            DeviceUnavailable: no port, or nobody answers on it; the port is free.
        """
        await self.close()
        try:
            self._link = await self._open_link()
        except DeviceUnavailable as error:
            self._note_fault(error)
            raise
        self._dialogue = self._new_dialogue()
        try:
            firmware = await ask_firmware()
        except BaseException:
            # Whoever drops a reader that did not open must not leave its port held.
            await self.close()
            raise
        self._health = replace(self._health, firmware=firmware)

    async def close(self) -> None:
        """Close the port; `open` opens it again."""
        link, self._link = self._link, None
        self._health = replace(self._health, online=False)
        if link is not None:
            await link.close()

    async def ask(self, command: Asked) -> Heard:
        """Send a command and return how it ended.

        Raises:
            DeviceUnavailable: the port is not open, was lost, or nobody answers.
        """
        async with self._lock:
            self._may_have_arrived = False
            if self._link is None:
                raise DeviceUnavailable(device=self._name, why="its port is not open")
            try:
                outcome = await self._converse(self._link, command)
            except DeviceUnavailable as error:
                self._note_fault(error)
                await self.close()
                raise
            if isinstance(outcome, Unanswered):
                silence = DeviceUnavailable(device=self._name, why="it does not answer")
                self._note_fault(silence)
                raise silence
            self._health = replace(self._health, online=True)
            return outcome

    async def _converse(self, link: Link, command: Asked) -> Heard | Unanswered:
        dialogue = self._dialogue
        # What came before a command cannot be its answer.
        link.discard_input()
        dialogue.ask(command, _now_ms())
        try:
            while True:
                if pending := dialogue.take_bytes():
                    link.write(pending)
                    self._may_have_arrived = dialogue.command_sent
                if outcome := dialogue.take_outcome():
                    return outcome
                await self._hear(link)
        finally:
            dialogue.abandon()

    async def _hear(self, link: Link) -> None:
        """Wait for bytes or for the dialogue's deadline, whichever comes first."""
        wait_ms = (self._dialogue.deadline_ms or 0) - _now_ms()
        # When this program itself stood still, what came in time is there by now and
        # only its deadline seems to be over: it is heard before time passes.
        data = await _read_within(link, wait_ms) or await _read_within(link, 0)
        self._dialogue.receive(data, _now_ms())
        # Noise without end must not push a deadline away.
        self._dialogue.pass_time(_now_ms())

    def _note_fault(self, fault: DeviceError) -> None:
        self._health = replace(self._health, online=False, last_fault=fault.sentence())


async def _read_within(link: Link, wait_ms: int) -> bytes:
    """Return what arrives in time, or nothing; what is there needs no time."""
    try:
        async with asyncio.timeout(seconds(wait_ms)):
            return await link.read()
    except TimeoutError:
        return b""


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)

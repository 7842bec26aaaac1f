"""The receipt printer on its serial port: ask, refuse or print, ask again.

A slip that was sent is believed printed only when the printer reports so in turn
behind the text. Printing never moves money; it is never waited for without a limit.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from cngstation.drivers.serial_link import SerialSettings
from cngstation.errors import (
    DeviceError,
    DeviceTimeout,
    DeviceUnavailable,
    LocalProtocolError,
    MoneyMoved,
    OutcomeUnknown,
    StationError,
)
from cngstation.protocols.receipt.escpos_bytes import (
    LARGEST_SLIP_BYTES,
    REPORT_WHEN_PRINTED,
    Ask,
    status_request,
)
from cngstation.protocols.receipt.printer_status import (
    PrinterStatus,
    decode_status,
    is_printed_report,
    is_state_byte,
)

DEVICE = "receipt printer"
WIRE_BITS_PER_BYTE = 10  # start, eight data, stop


class PrinterNotReady(DeviceError):
    """The printer cannot print now; nothing was sent to it."""

    code = "printer.not_ready"
    text = (
        "The receipt printer is not ready. Nothing was printed; printing moves no "
        "money. Look at its lamps, switch it off and on, and print again."
    )


class PrinterOutOfPaper(PrinterNotReady):
    """There is no paper in it."""

    code = "printer.out_of_paper"
    text = (
        "The receipt printer is out of paper. Nothing was printed; printing moves no "
        "money. Put in a new roll and print again."
    )


class PrinterCoverOpen(PrinterNotReady):
    """Its cover is open."""

    code = "printer.cover_open"
    text = (
        "The cover of the receipt printer is open. Nothing was printed; printing moves "
        "no money. Close the cover and print again."
    )


class PrinterOffline(PrinterNotReady):
    """It is off line by its own account."""

    code = "printer.offline"
    text = (
        "The receipt printer is off line. Nothing was printed; printing moves no "
        "money. Press its on-line key and print again."
    )


class SlipOutcomeUnknown(OutcomeUnknown):
    """A slip was sent and may be on paper: whatever is printed next is a copy."""

    code = "printer.outcome_unknown"
    text = (
        "The receipt printer did not confirm the slip: {why}. Look at the paper. "
        "Printing moves no money; if it is printed again, it is marked as a copy."
    )
    money = MoneyMoved.NO


class ByteLink(Protocol):
    """An open serial line; `read` raises DeviceUnavailable when the port is lost."""

    def write(self, data: bytes) -> None: ...
    async def read(self) -> bytes: ...
    def discard_input(self) -> None: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the printer may take.

    A status is out after at most `open_ms` + 4 x `answer_ms`, twice if the port was
    lost; a slip after that + `slip_ms` + its time on the wire. A small dot printer
    prints about 3 lines a second, a slip of 40 lines takes it 14 s.
    """

    open_ms: int = 2_000
    answer_ms: int = 500
    slip_ms: int = 20_000


_DEFAULT_PATIENCE = Patience()


class ReceiptPrinter:
    """One receipt printer; calls wait for each other."""

    def __init__(
        self,
        settings: SerialSettings,
        opener: Callable[[SerialSettings], Awaitable[ByteLink]],
        patience: Patience = _DEFAULT_PATIENCE,
    ) -> None:
        self._settings = settings
        self._opener = opener
        self._patience = patience
        self._lock = asyncio.Lock()
        self._talk: _Talk | None = None

    async def status(self) -> PrinterStatus:
        """Ask the printer for its state.

        Raises:
            DeviceUnavailable: there is no such port.
            DeviceTimeout: the port is there, nobody answers.
        """
        async with self._lock:
            status, _ = await self._status()
            return status

    async def print_slip(self, job: bytes) -> None:
        """Print the bytes of one slip.

        Raises:
            DeviceUnavailable, DeviceTimeout: not reached; nothing was sent.
            PrinterNotReady: out of paper, cover open or off line; nothing was sent.
            SlipOutcomeUnknown: sent, and perhaps on paper; print again as a copy.
        """
        if len(job) > LARGEST_SLIP_BYTES:
            raise LocalProtocolError(why=f"a slip of {len(job)} bytes")
        async with self._lock:
            status, talk = await self._status()
            _refuse(status)
            await self._send(talk, job)

    async def close(self) -> None:
        """Let go of the port."""
        async with self._lock:
            await self._drop()

    async def _status(self) -> tuple[PrinterStatus, "_Talk"]:
        """Ask on the open port; on a port lost meanwhile, once more on a new one."""
        if self._talk is not None:
            with contextlib.suppress(DeviceUnavailable):
                return await self._status_on(self._talk), self._talk
        talk = await self._open()
        return await self._status_on(talk), talk

    async def _status_on(self, talk: "_Talk") -> PrinterStatus:
        try:
            return await talk.status()
        except BaseException:
            await self._drop()
            raise

    async def _open(self) -> "_Talk":
        try:
            async with asyncio.timeout(self._patience.open_ms / 1000):
                link = await self._opener(self._settings)
        except TimeoutError as late:
            why = f"{self._settings.path} does not open"
            raise DeviceUnavailable(device=DEVICE, why=why) from late
        self._talk = _Talk(link, self._patience.answer_ms)
        return self._talk

    async def _send(self, talk: "_Talk", job: bytes) -> None:
        wire_ms = len(job) * WIRE_BITS_PER_BYTE * 1000 // self._settings.baud
        confirmed = False
        try:
            async with asyncio.timeout((self._patience.slip_ms + wire_ms) / 1000):
                await talk.print_and_confirm(job, wire_ms=wire_ms)
            confirmed = True
        except TimeoutError as late:
            raise SlipOutcomeUnknown(why="it takes too long") from late
        except (DeviceUnavailable, DeviceTimeout) as lost:
            raise SlipOutcomeUnknown(why="it no longer answers") from lost
        finally:
            # The rest of an unconfirmed slip must not come out later by itself.
            if not confirmed:
                await self._drop()

    async def _drop(self) -> None:
        talk, self._talk = self._talk, None
        if talk is None:
            return
        with contextlib.suppress(StationError, OSError, TimeoutError):
            async with asyncio.timeout(self._patience.open_ms / 1000):
                await talk.link.close()


class _Talk:
    """One open port: sorts what the printer says into states and reports."""

    def __init__(self, link: ByteLink, answer_ms: int) -> None:
        self.link = link
        self._answer_ms = answer_ms
        self._states = bytearray()  # of one read at most
        self._printed = False

    async def status(self) -> PrinterStatus:
        """Ask for the four state bytes, one at a time: they do not say their n."""
        self.link.discard_input()
        return await self._ask_all()

    async def print_and_confirm(self, job: bytes, *, wire_ms: int) -> None:
        """Send a slip and return when it is on paper.

        Raises:
            SlipOutcomeUnknown: the printer stopped in the middle.
        """
        self._printed = False
        self.link.write(job + REPORT_WHEN_PRINTED)
        # A question behind the slip on the wire is answered after it has passed.
        await self._wait_for_report(wire_ms + self._answer_ms)
        while not self._printed:
            _expect_ready(await self._ask_all())
            await self._wait_for_report(self._answer_ms)
        _expect_ready(await self._ask_all())

    async def _ask_all(self) -> PrinterStatus:
        answers = [await self._ask(ask) for ask in Ask]
        return decode_status(*answers)

    async def _ask(self, ask: Ask) -> int:
        self._states.clear()
        self.link.write(status_request(ask))
        try:
            async with asyncio.timeout(self._answer_ms / 1000):
                while not self._states:
                    self._sort(await self.link.read())
        except TimeoutError as late:
            raise DeviceTimeout(device=DEVICE, wait_ms=self._answer_ms) from late
        return self._states[0]

    async def _wait_for_report(self, wait_ms: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1000):
                while not self._printed:
                    self._sort(await self.link.read())

    def _sort(self, data: bytes) -> None:
        for value in data:
            if is_state_byte(value):
                self._states.append(value)
            elif is_printed_report(value):
                self._printed = True


def _refuse(status: PrinterStatus) -> None:
    if status.paper_out:
        raise PrinterOutOfPaper
    if status.cover_open:
        raise PrinterCoverOpen
    if status.error:
        raise PrinterNotReady
    if status.offline:
        raise PrinterOffline


def _expect_ready(status: PrinterStatus) -> None:
    try:
        _refuse(status)
    except PrinterNotReady as stopped:
        why = {
            PrinterOutOfPaper: "the paper ran out",
            PrinterCoverOpen: "the cover was opened",
        }.get(type(stopped), "it stopped")
        raise SlipOutcomeUnknown(why=why) from stopped

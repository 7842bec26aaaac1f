"""The line of a simulated PN532: a pty that is as slow as the wire it stands for.

Every byte takes ten bits at the chip's baud each way. A host that speaks at another
rate than the chip is not understood, as on a wire. The chip never speaks first.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from cngstation.simulators.pn532_chip import Answer, Pn532Chip
from cngstation.simulators.pn532_frames import ACK, HostFrame, Kind
from cngstation.simulators.pn532_initiator import Search
from cngstation.simulators.pn532_times import APDU
from cngstation.simulators.pty_port import PtyPort

_KEPT_EXCHANGES = 300  # as JSON well below the 64 KiB that one control line may have
_SLOW_BYTE_S = 0.001
_BITS_PER_BYTE = 10
_US = 1_000_000


class Fault(StrEnum):
    """What is wrong with the reader."""

    NONE = "none"
    SILENT = "silent"  # hears nothing, does nothing
    ANSWER_LOST = "answer_lost"  # acknowledges, does it, and never says so
    GARBAGE = "garbage"  # answers with random bytes
    SLOW = "slow"  # one byte per millisecond


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command as it ran; `command` is its code and that of its card command."""

    command: str
    request_bytes: int
    answer_bytes: int  # acknowledgement and answer
    chip_us: int
    wire_us: int


class ExchangeLog:
    """Totals of all commands and the last few of them."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._last: deque[Exchange] = deque(maxlen=_KEPT_EXCHANGES)
        self._totals = {"count": 0, "request_bytes": 0, "answer_bytes": 0}
        self._totals |= {"chip_us": 0, "wire_us": 0}

    def add(self, exchange: Exchange) -> None:
        """Remember a command."""
        self._last.append(exchange)
        self._totals["count"] += 1
        for name in ("request_bytes", "answer_bytes", "chip_us", "wire_us"):
            self._totals[name] += getattr(exchange, name)

    def shown(self) -> dict[str, object]:
        """Return totals and the last commands, oldest first, as JSON values."""
        return {
            "totals": dict(self._totals),
            "exchanges": [asdict(exchange) for exchange in self._last],
        }


class Pn532Link:
    """Runs the chip's commands against the port, one at a time, in its time."""

    def __init__(self, port: PtyPort, chip: Pn532Chip, *, seed: int = 0) -> None:
        self.log = ExchangeLog()
        self._port = port
        self._chip = chip
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._running: asyncio.Task[object] | None = None
        self._line_free_at = 0.0
        self._last_frame: bytes | None = None
        self._arrival = asyncio.Event()
        self._fault = Fault.NONE
        self._fault_left: int | None = None

    def plug(self) -> str:
        """Connect the reader; return the path of its pty."""
        path = self._port.plug()
        asyncio.get_running_loop().add_reader(self._port.fd, self._on_readable)
        return path

    @property
    def is_plugged(self) -> bool:
        """Whether a host can open the port."""
        return self._port.fd >= 0

    def unplug(self) -> None:
        """Cut cable and supply: the chip forgets everything."""
        self._abort()
        if self.is_plugged:
            asyncio.get_running_loop().remove_reader(self._port.fd)
        self._port.unplug()
        self._chip.power_up()
        self._last_frame = None

    @property
    def fault(self) -> Fault:
        """What is wrong now."""
        return self._fault

    def break_down(self, fault: Fault, commands: int | None = None) -> None:
        """Be faulty for so many commands, or until told otherwise."""
        if commands is not None and commands < 1:
            raise ValueError("a fault lasts for one command or more")
        self._fault, self._fault_left = fault, commands

    def card_came(self) -> None:
        """Let a waiting search look again."""
        self._arrival.set()

    def _on_readable(self) -> None:
        data = self._port.read()
        if not data or not self._understands():
            return
        now = asyncio.get_running_loop().time()
        heard_at = max(now, self._line_free_at) + self._wire_s(len(data))
        self._line_free_at = heard_at
        for frame in self._chip.receive(data):
            if not self._understands():
                break  # the frame before this one changed the chip's rate
            self._take(frame, heard_at)

    def _understands(self) -> bool:
        rate = self._port.client_baud()
        if rate == self._chip.next_baud:
            # Hosts acknowledge SetSerialBaudRate and reopen the port; on a pty the
            # flush at closing can swallow that ACK, which a wire would deliver.
            self._chip.acknowledged()
        return rate == self._chip.baud

    def _take(self, frame: HostFrame, heard_at: float) -> None:
        if frame.kind is Kind.NACK:
            self._answer_again(heard_at)
            return
        self._abort()
        if frame.kind is Kind.ACK:
            self._chip.acknowledged()
            return
        fault = self._spend_fault()
        if fault is not Fault.SILENT:
            self._start(self._serve(frame, heard_at, fault))

    def _answer_again(self, heard_at: float) -> None:
        is_free = self._running is None and self._fault is not Fault.SILENT
        if is_free and self._last_frame is not None:
            at = heard_at + self._chip.times.ack_us / _US
            self._start(self._say(self._last_frame, at, self._fault))

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        self._running = asyncio.get_running_loop().create_task(work)
        self._running.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[object]) -> None:
        if self._running is task:
            self._running = None

    def _abort(self) -> None:
        """End the running command without an answer; what it did stays done."""
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _spend_fault(self) -> Fault:
        fault = self._fault
        if self._fault_left is not None:
            self._fault_left -= 1
            if self._fault_left == 0:
                self._fault, self._fault_left = Fault.NONE, None
        return fault

    async def _serve(self, frame: HostFrame, heard_at: float, fault: Fault) -> None:
        baud = self._chip.baud
        ack_us = self._chip.times.ack_us
        said_at = await self._say(ACK, heard_at + ack_us / _US, fault)
        answer, begun_at = await self._outcome(frame, said_at)
        self._last_frame = answer.frame
        sent = self._spoiled(answer.frame, fault)
        if sent is not None:
            await self._say(sent, begun_at + answer.chip_us / _US, fault)
        answer_bytes = len(ACK) + len(sent or b"")
        wire_bits = (frame.wire_bytes + answer_bytes) * _BITS_PER_BYTE
        searched_us = round((begun_at - said_at) * _US)
        self.log.add(
            Exchange(
                command=_label(frame.command),
                request_bytes=frame.wire_bytes,
                answer_bytes=answer_bytes,
                chip_us=ack_us + searched_us + answer.chip_us,
                wire_us=wire_bits * _US // baud,
            )
        )

    def _spoiled(self, frame: bytes | None, fault: Fault) -> bytes | None:
        if frame is None or fault is Fault.ANSWER_LOST:
            return None
        if fault is Fault.GARBAGE:
            return self._random.randbytes(len(frame))
        return frame

    async def _outcome(self, frame: HostFrame, at: float) -> tuple[Answer, float]:
        """Run a command; a search waits for a card. Return also when work began."""
        if frame.kind is Kind.MALFORMED:
            return self._chip.refuse_frame(), at
        self._arrival.clear()
        result = self._chip.execute(frame.command)
        loop = asyncio.get_running_loop()
        limit = result.limit_us if isinstance(result, Search) else None
        ends_at = None if limit is None else at + limit / _US
        while isinstance(result, Search):
            try:
                async with asyncio.timeout_at(ends_at):
                    await self._arrival.wait()
            except TimeoutError:
                return _final(self._chip, frame.command), loop.time()
            self._arrival.clear()
            at = loop.time()
            result = self._chip.execute(frame.command)
        return result, at

    async def _say(self, data: bytes, begin_at: float, fault: Fault) -> float:
        """Put bytes on the line from a moment on; return when the last one is out."""
        if fault is Fault.SLOW:
            for byte in data:
                begin_at += _SLOW_BYTE_S
                await _sleep_until(begin_at)
                self._port.write(bytes([byte]))
            return begin_at
        end_at = begin_at + self._wire_s(len(data))
        await _sleep_until(end_at)
        self._port.write(data)
        return end_at

    def _wire_s(self, count: int) -> float:
        return count * _BITS_PER_BYTE / self._chip.baud


def _final(chip: Pn532Chip, command: bytes) -> Answer:
    answer = chip.execute(command, gives_up=True)
    assert isinstance(answer, Answer)
    return answer


async def _sleep_until(moment: float) -> None:
    wait_s = moment - asyncio.get_running_loop().time()
    if wait_s > 0:
        await asyncio.sleep(wait_s)


def _label(command: bytes) -> str:
    """Name a command without its data, which may hold keys."""
    if command[:1] == b"\x40" and len(command) > 2:
        shown = command[2:4] if command[2] == APDU else command[2:3]
        return f"40 {shown.hex(' ').upper()}"
    return command[:1].hex().upper()

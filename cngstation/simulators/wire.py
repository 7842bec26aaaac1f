"""A pty that behaves as a half-duplex serial line: every byte takes its time.

What the host writes arrives byte by byte at the baud, what a device answers dribbles
out in small pieces whose last byte comes at its exact time. Everybody on the line hears
everybody else. Faults are drawn from a seed. A byte is ten bit times with 8N1.
"""

import asyncio
import math
import os
import pty
import tty
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cngstation.simulators.wire_faults import Heard, Spoiler, WireFaults

BITS_PER_BYTE = 10
# Pieces stay below the gap by which hosts tell the end of a frame (five bytes at
# 9600 baud), so that a whole answer is never cut by its own dribble.
PIECE_S = 0.004
_READ_BYTES = 4096
HOST = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer as the wire carries it."""

    start: float
    byte_count: int


@dataclass(slots=True)
class _Passage:
    """Bytes on their way; `delivered` of them have arrived."""

    start: float
    data: bytes
    source: int
    delivered: int = 0


class Wire:
    """One line with the host at the pty's slave and devices as listeners."""

    def __init__(
        self, link: Path, baud: int, seed: int = 0, bits_per_byte: int = BITS_PER_BYTE
    ) -> None:
        self._link = link
        self.byte_s = bits_per_byte / baud
        self.spoiler = Spoiler(seed)
        self._master = self._slave = -1
        self._listeners: dict[int, Callable[[bytes], None]] = {}
        self._passages: deque[_Passage] = deque()
        self._host_until = 0.0
        self._answer_from = self._answer_until = 0.0
        self.on_host: Callable[[bytes, float], None] = lambda _data, _start: None
        # How the host's UART reads the answer of a device; it may read it wrongly.
        self.distort: Callable[[bytes, int], bytes] = lambda data, _source: data
        self.echoes = False  # the host's adapter hands back what it sends

    @property
    def faults(self) -> WireFaults:
        """What goes wrong from now on."""
        return self.spoiler.faults

    @property
    def counts(self) -> Counter[str]:
        """What went wrong so far, by kind."""
        return self.spoiler.counts

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        self.spoiler.reseed(seed)

    def open(self) -> str:
        """Make the pty and its link; return the name of the pts.

        The slave stays open here too, so that the host may close and reopen it.
        """
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        name = os.ttyname(self._slave)
        fresh = self._link.with_name(self._link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        fresh.replace(self._link)
        asyncio.get_running_loop().add_reader(self._master, self._read_host)
        return name

    @property
    def host_fd(self) -> int:
        """The host's side of the port, with the settings that it has made."""
        return self._slave

    def close(self) -> None:
        """Take the line away."""
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        self._link.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def listen(self, address: int, hear: Callable[[bytes], None]) -> None:
        """Let a device hear all that others send."""
        self._listeners[address] = hear

    def deliver(self, until: float) -> None:
        """Hand over the bytes whose time has come by `until`."""
        for passage in self._passages:
            due = math.floor((until - passage.start) / self.byte_s + 1e-6)
            piece = passage.data[passage.delivered : max(due, 0)]
            if not piece:
                continue
            passage.delivered += len(piece)
            for address, hear in self._listeners.items():
                if address != passage.source:
                    hear(piece)
        while self._passages and self._is_over(self._passages[0]):
            self._passages.popleft()

    def send(self, data: bytes, source: int) -> Sent | None:
        """Begin an answer as soon as the line is quiet; None when a fault swallows it.

        Tells the true start and length, as the log needs them.
        """
        heard = self.spoiler.answer(self.distort(data, source))
        sent = [self._send_one(one, source) for one in heard]
        return sent[0] if sent else None

    def _send_one(self, heard: Heard, source: int) -> Sent:
        now = asyncio.get_running_loop().time()
        start = max(now + heard.late_s, self._host_until, self._answer_until)
        self._answer_from = start
        self._answer_until = start + len(heard.data) * self.byte_s
        self._passages.append(_Passage(start, heard.data, source))
        self._send_pieces(heard.data, start)
        return Sent(start, len(heard.data))

    def _is_over(self, passage: _Passage) -> bool:
        return passage.delivered >= len(passage.data)

    def _read_host(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            data = os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return
        if self.echoes:
            self._write(data)
        start = max(now, self._host_until)
        self._host_until = start + len(data) * self.byte_s
        self.on_host(data, start)
        spoiled = self.spoiler.request(data)
        if spoiled is None:
            return
        heard = self._collided(spoiled, start)
        self._passages.append(_Passage(start, heard, HOST))

    def _collided(self, data: bytes, start: float) -> bytes:
        """Garble what the host sends while an answer is on the line."""
        first = max(math.floor((self._answer_from - start) / self.byte_s), 0)
        last = max(math.ceil((self._answer_until - start) / self.byte_s), 0)
        if not data[first:last]:
            return data
        self.counts["collision"] += 1
        return data[:first] + _garbled(data[first:last]) + data[last:]

    def _send_pieces(self, data: bytes, start: float) -> None:
        """Write each piece when its last byte has come.

        All are planned at once: a loop that runs late still writes them in their order,
        and before those of the next answer.
        """
        loop = asyncio.get_running_loop()
        size = max(int(PIECE_S / self.byte_s), 1)

        def write(piece: bytes) -> None:
            if self._master < 0:
                return
            over_host = loop.time() < self._host_until
            self._write(_garbled(piece) if over_host else piece)

        for done in range(0, len(data), size):
            end = min(done + size, len(data))
            loop.call_at(start + end * self.byte_s, write, data[done:end])

    def _write(self, piece: bytes) -> None:
        try:
            written = os.write(self._master, piece)
        except BlockingIOError:
            written = 0
        if written < len(piece):
            # Nobody reads the pty and its buffer is full, as an overrun UART.
            self.counts["overrun"] += len(piece) - written


def _garbled(data: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in data)

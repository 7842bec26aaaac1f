"""A pty that behaves as a half-duplex serial line: every byte takes its time.

What the host writes arrives byte by byte at the baud, what a device answers dribbles
out in small pieces whose last byte comes at its exact time. Everybody on the line hears
everybody else. Faults are drawn from a seed. A byte is ten bit times with 8N1.
"""

import asyncio
import math
import os
import pty
import random
import tty
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

BITS_PER_BYTE = 10
# Pieces stay below the gap by which hosts tell the end of a frame (five bytes at
# 9600 baud), so that a whole answer is never cut by its own dribble.
PIECE_S = 0.004
_READ_BYTES = 4096
HOST = 0


@dataclass(slots=True)
class WireFaults:
    """How often the wire goes wrong; shares from 0 to 1."""

    lose_request: float = 0.0  # of what the host writes at once
    lose_answer: float = 0.0
    bit_error: float = 0.0  # per byte, both ways
    byte_loss: float = 0.0  # per byte, both ways
    byte_repeat: float = 0.0  # per byte, both ways
    noise: float = 0.0  # per answer: bytes of noise before it
    noise_bytes: int = 3
    delay: float = 0.0  # per answer
    delay_ms: int = 300
    duplicate: float = 0.0  # per answer: sent twice
    truncate: float = 0.0  # per answer: its end is missing
    glue: float = 0.0  # per answer: it is held until the next one and comes before it

    def set(self, changes: Mapping[str, float]) -> None:
        """Change some shares; the other ones stay.

        Raises:
            ValueError: there is no such fault, or its figure makes no sense.
        """
        known = {one.name for one in fields(self)}
        for name, value in changes.items():
            whole = name in {"noise_bytes", "delay_ms"}
            if name not in known or value < 0 or (value > 1 and not whole):
                raise ValueError(f"{name}={value} is no fault of a wire")
            setattr(self, name, int(value) if whole else value)


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
        self.faults = WireFaults()
        self.counts: Counter[str] = Counter()
        self._glued = b""
        self.reseed(seed)
        self._master = self._slave = -1
        self._listeners: dict[int, Callable[[bytes], None]] = {}
        self._passages: deque[_Passage] = deque()
        self._host_until = 0.0
        self._answer_from = self._answer_until = 0.0
        self.on_host: Callable[[bytes, float], None] = lambda _data, _start: None
        # How the host's UART reads the answer of a device; it may read it wrongly.
        self.distort: Callable[[bytes, int], bytes] = lambda data, _source: data
        self.echoes = False  # the host's adapter hands back what it sends

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        # Not for secrets: a run with faults must be repeatable.
        self._random = random.Random(seed)  # noqa: S311

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
        now = asyncio.get_running_loop().time()
        spoiled = self._spoiled_answer(self.distort(data, source))
        if not spoiled:
            return None
        delay = self._delay()
        start = max(now + delay, self._host_until, self._answer_until)
        self._answer_from = start
        self._answer_until = start + len(spoiled) * self.byte_s
        self._passages.append(_Passage(start, spoiled, source))
        self._send_pieces(spoiled, start)
        return Sent(start, len(spoiled))

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
        if self._draws("lose_request", self.faults.lose_request):
            return
        heard = self._collided(self._with_byte_faults(data), start)
        self._passages.append(_Passage(start, heard, HOST))

    def _collided(self, data: bytes, start: float) -> bytes:
        """Garble what the host sends while an answer is on the line."""
        first = max(math.floor((self._answer_from - start) / self.byte_s), 0)
        last = max(math.ceil((self._answer_until - start) / self.byte_s), 0)
        if not data[first:last]:
            return data
        self.counts["collision"] += 1
        return data[:first] + _garbled(data[first:last]) + data[last:]

    def _spoiled_answer(self, data: bytes) -> bytes | None:
        faults = self.faults
        if self._draws("lose_answer", faults.lose_answer):
            return None
        if self._draws("truncate", faults.truncate):
            data = data[: self._random.randrange(1, len(data))]
        if self._draws("duplicate", faults.duplicate):
            data += data
        if self._draws("noise", faults.noise):
            data = self._random.randbytes(faults.noise_bytes) + data
        data = self._glued + self._with_byte_faults(data)
        self._glued = b""
        if self._draws("glue", faults.glue):
            self._glued = data
            return None
        return data

    def _delay(self) -> float:
        if self._draws("delay", self.faults.delay):
            return self.faults.delay_ms / 1000
        return 0.0

    def _with_byte_faults(self, data: bytes) -> bytes:
        faults = self.faults
        if not (faults.bit_error or faults.byte_loss or faults.byte_repeat):
            return data
        kept = bytearray()
        for byte in data:
            if self._draws("byte_loss", self.faults.byte_loss):
                continue
            if self._draws("bit_error", self.faults.bit_error):
                byte ^= 1 << self._random.randrange(8)  # noqa: PLW2901
            kept += bytes([byte]) * (1 + self._draws("byte_repeat", faults.byte_repeat))
        return bytes(kept)

    def _draws(self, kind: str, share: float) -> bool:
        if not share or self._random.random() >= share:
            return False
        self.counts[kind] += 1
        return True

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

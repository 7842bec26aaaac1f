"""Frames of a PN532 on its UART, cut and built as the chip does it.

    00 | 00 FF | LEN LCS | TFI PD0..PDn | DCS | 00               normal, LEN to 255
    00 | 00 FF | FF FF LENhi LENlo LCS | TFI PD.. | DCS | 00     extended
    00 00 FF 00 FF 00 ACK      00 00 FF FF 00 00 NACK
    00 00 FF 01 FF 7F 81 00    the chip's answer to a frame that makes no sense

LEN counts TFI and PDs; LEN + LCS and TFI + PDs + DCS are 0 modulo 256. TFI is D4 from
the host, D5 from the chip. Facts: NXP UM0701-02 as libnfc (pn532_uart.c) and nfcpy
(clf/pn532.py) use it.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

ACK = bytes.fromhex("0000ff00ff00")
NACK = bytes.fromhex("0000ffff0000")
SYNTAX_ERROR = bytes.fromhex("0000ff01ff7f8100")

_START = b"\x00\xff"
_FROM_HOST = 0xD4
_FROM_CHIP = 0xD5
_LONGEST_DATA = 265  # TFI and PDs of the longest extended frame
_LONGEST_NORMAL = 255


class Kind(StrEnum):
    """What a frame from the host is."""

    COMMAND = "command"
    ACK = "ack"
    NACK = "nack"
    MALFORMED = "malformed"  # sums are right, but it is no frame from a host


@dataclass(frozen=True, slots=True)
class HostFrame:
    """One frame from the host; `wire_bytes` counts its preamble and noise before it."""

    kind: Kind
    wire_bytes: int
    command: bytes = b""  # PD0.. of a command, without TFI


class _Broken(Exception):
    """A length or data checksum is wrong."""


class FrameCutter:
    """Cuts the host's byte stream into frames; broken ones are dropped unanswered."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skipped = 0

    def feed(self, data: bytes) -> list[HostFrame]:
        """Take bytes from the wire; return the frames that they complete."""
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> HostFrame | None:
        while (start := self._buffer.find(_START)) >= 0:
            self._skip(start)
            try:
                found = self._frame()
            except _Broken:
                # The bytes behind a broken start are searched again: after a lost
                # byte they hold the host's next try.
                self._skip(len(_START))
                continue
            if found is None:
                return None
            kind, command, end = found
            if self._buffer[end : end + 1] == b"\x00":
                end += 1  # postamble
            self._skip(end)
            wire_bytes, self._skipped = self._skipped, 0
            return HostFrame(kind, wire_bytes, command)
        # A last 00 may be the first half of a start code.
        self._skip(len(self._buffer) - self._buffer.endswith(b"\x00"))
        return None

    def _skip(self, count: int) -> None:
        del self._buffer[:count]
        self._skipped += count

    def _frame(self) -> tuple[Kind, bytes, int] | None:
        """Read the frame whose start code stands first; None while bytes are missing.

        The order of the tests is what tells ACK, NACK and extended frames apart.
        """
        head = bytes(self._buffer[2:7])
        if len(head) < 2:
            return None
        if head[:2] == b"\x00\xff":
            return Kind.ACK, b"", 4
        if head[:2] == b"\xff\x00":
            return Kind.NACK, b"", 4
        if head[:2] == b"\xff\xff":
            if len(head) < 5:
                return None
            return self._body(7, head[2] << 8 | head[3], sum(head[2:5]))
        return self._body(4, head[0], sum(head[:2]))

    def _body(
        self, begin: int, length: int, length_sum: int
    ) -> tuple[Kind, bytes, int] | None:
        if length_sum & 0xFF or not 1 <= length <= _LONGEST_DATA:
            raise _Broken
        end = begin + length + 1
        if len(self._buffer) < end:
            return None
        if sum(self._buffer[begin:end]) & 0xFF:
            raise _Broken
        is_command = self._buffer[begin] == _FROM_HOST and length >= 2
        kind = Kind.COMMAND if is_command else Kind.MALFORMED
        return kind, bytes(self._buffer[begin + 1 : end - 1]), end


def answer_frame(answer: bytes) -> bytes:
    """Build the chip's frame around response code and data."""
    body = bytes([_FROM_CHIP]) + answer
    length = len(body)
    if length > _LONGEST_DATA:
        raise ValueError(f"a PN532 frame carries at most {_LONGEST_DATA} bytes")
    if length <= _LONGEST_NORMAL:
        head = bytes([length, -length & 0xFF])
    else:
        size = length.to_bytes(2, "big")
        head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return b"\x00" + _START + head + body + bytes([-sum(body) & 0xFF, 0])


def rising_edges(byte: int) -> int:
    """Count the rising edges of a byte on the line; the fifth wakes a sleeping chip."""
    levels = [0, *(byte >> bit & 1 for bit in range(8)), 1]
    return sum(after > before for before, after in pairwise(levels))

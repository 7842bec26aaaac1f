"""The inside of a simulated ESC/POS printer: bytes in, readable paper out.

Reads one command at a time and knows more of them than our driver sends, so that
a drawer pulse or an unknown sequence is seen and counted. No ports, no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

ESC, FS, GS, DLE = 0x1B, 0x1C, 0x1D, 0x10
LINE_FEED, CARRIAGE_RETURN, FORM_FEED, TAB = 0x0A, 0x0D, 0x0C, 0x09
CUT_MARK = "──── cut ────"
# Cheap printers hold 4 KiB; what comes on top while they stand still is lost.
RECEIVE_BUFFER = 4096

# Bytes of a command in all, by its first two; what is not here is unknown.
_LENGTHS = {
    ESC: {
        0x40: 2, 0x21: 3, 0x45: 3, 0x47: 3, 0x61: 3, 0x64: 3, 0x4A: 3, 0x4D: 3,
        0x2D: 3, 0x32: 2, 0x33: 3, 0x74: 3, 0x52: 3, 0x70: 5, 0x20: 3, 0x3D: 3,
    },
    FS: {0x26: 2, 0x2E: 2, 0x21: 3, 0x2D: 3, 0x57: 3, 0x43: 3},
    GS: {0x21: 3, 0x42: 3, 0x56: 3, 0x72: 3, 0x61: 3, 0x4C: 4, 0x57: 4},
}  # fmt: skip
_CUT_WITH_FEED = {0x41, 0x42}


@dataclass
class Mechanics:
    """What hands can change in the printer."""

    paper: bool = True
    cover_open: bool = False
    lines_left: int | None = None

    @property
    def stopped(self) -> bool:
        return self.cover_open or not self.paper

    def line_was_printed(self) -> None:
        """Use up a line of the roll, if its end was set."""
        if self.lines_left is not None:
            self.lines_left -= 1
            if self.lines_left <= 0:
                self.paper, self.lines_left = False, None


@dataclass
class EscposPaper:
    """Interprets what a host sends; `write` gets the paper, `answer` the host."""

    columns: int
    write: Callable[[str], None]
    answer: Callable[[bytes], None]
    mechanics: Mechanics = field(default_factory=Mechanics)
    kicks: int = 0
    unknown: int = 0
    cuts: int = 0
    lost_bytes: int = 0

    def __post_init__(self) -> None:
        self._waiting = bytearray()  # received, not yet printed
        self._split = b""  # a real-time command that has not arrived whole
        self._line = ""
        self._used = 0
        self._chinese = False

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire; real-time commands overtake all others."""
        rest = self._take_real_time(self._split + data)
        room = RECEIVE_BUFFER - len(self._waiting)
        self.lost_bytes += max(len(rest) - room, 0)
        self._waiting += rest[:room]
        self.run()

    def run(self) -> None:
        """Print until the buffer is empty, a command is incomplete or we stop."""
        while self._waiting and not self.mechanics.stopped:
            used = self._step(self._waiting)
            if used == 0:
                return
            del self._waiting[:used]

    def _take_real_time(self, data: bytes) -> bytes:
        rest = bytearray()
        at = 0
        self._split = b""
        while at < len(data):
            if data[at] != DLE:
                rest.append(data[at])
                at += 1
                continue
            kind = data[at + 1] if at + 1 < len(data) else None
            length = {None: 3, 0x04: 3, 0x05: 3, 0x14: 5}.get(kind, 2)
            if at + length > len(data):
                self._split = data[at:]
                break
            self._real_time(data[at : at + length])
            at += length
        return bytes(rest)

    def _real_time(self, command: bytes) -> None:
        if command[1] == 0x04 and 1 <= command[2] <= 4:
            self.answer(bytes([self._state(command[2])]))
        elif command[1] == 0x14 and command[2] == 1:
            self.kicks += 1
        elif command[1] != 0x05:
            self.unknown += 1

    def _state(self, n: int) -> int:
        out, cover = not self.mechanics.paper, self.mechanics.cover_open
        low = out or self.mechanics.lines_left is not None
        return (
            0x12
            | {
                1: 0x08 * self.mechanics.stopped,
                2: 0x20 * out | 0x04 * cover,
                3: 0,
                4: 0x60 * out | 0x0C * low,
            }[n]
        )

    def _step(self, head: bytearray) -> int:
        """Do the command at the head; return its length, 0 if it is not whole yet."""
        first = head[0]
        if first in _LENGTHS:
            return self._command(head)
        if first >= 0x80:
            return self._sign(head)
        if first >= 0x20 and first != 0x7F:
            self._put(chr(first), 1)
        elif first in {LINE_FEED, FORM_FEED}:
            self._feed_line()
        elif first == TAB:
            self._put(" ", 1)
        elif first not in {0x00, CARRIAGE_RETURN}:
            self.unknown += 1
        return 1

    def _command(self, head: bytearray) -> int:
        if len(head) < 2:
            return 0
        length = _LENGTHS[head[0]].get(head[1])
        if length is None:
            self.unknown += 1
            return 2
        if head[:2] == b"\x1dV" and len(head) > 2 and head[2] in _CUT_WITH_FEED:
            length = 4
        if len(head) < length:
            return 0
        self._do(bytes(head[:2]), head[2] if length > 2 else 0)
        return length

    def _do(self, command: bytes, value: int) -> None:
        match command:
            case b"\x1b@":
                self._line, self._used, self._chinese = "", 0, False
            case b"\x1bp":
                self.kicks += 1
            case b"\x1bd":
                for _ in range(value):
                    self._feed_line()
            case b"\x1c&" | b"\x1c.":
                self._chinese = command == b"\x1c&"
            case b"\x1dV":
                self.cuts += 1
                self.write(CUT_MARK + "\n")
            case b"\x1dr":
                self.answer(b"\x00")

    def _sign(self, head: bytearray) -> int:
        if not self._chinese:
            self._put("?", 1)
            return 1
        if len(head) < 2:
            return 0
        length = 4 if 0x30 <= head[1] <= 0x39 else 2
        if len(head) < length:
            return 0
        text = bytes(head[:length]).decode("gb18030", "replace")
        self._put(text[:1], 2)
        return length

    def _put(self, sign: str, columns: int) -> None:
        if self._used + columns > self.columns:
            self._feed_line()
        self._line += sign
        self._used += columns

    def _feed_line(self) -> None:
        self.write(self._line + "\n")
        self._line, self._used = "", 0
        self.mechanics.line_was_printed()

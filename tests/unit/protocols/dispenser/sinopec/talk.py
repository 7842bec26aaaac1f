"""A Sinopec dialogue and hands that play its dispensers, without I/O."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cngstation.moments import CHINA
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.dialogue import (
    DownloadAsked,
    Event,
    ProtocolFault,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.protocols.dispenser.sinopec.frames import Frame, FrameParser
from cngstation.units import Unit
from tests.unit.protocols.dispenser.sinopec import vectors

MORNING_MS = int(datetime(2025, 6, 1, 8, 30, 15, tzinfo=CHINA).timestamp() * 1000)
ACK = bytes.fromhex("3200")
IDLE = bytes.fromhex("3100")
RECORD = vectors.RECORD[6:-2]
INFO = (
    bytes([0x3A])
    + b"MAKER\x00\x00\x00\x00\x00\x00\x00"
    + bytes([51, 1])
    + (5101).to_bytes(4, "big")
    + (51010001).to_bytes(4, "big")
    + bytes.fromhex("20250601083015")
    + bytes([2, 1, 2])
    + bytes.fromhex("0003 01 01 00 07 02".replace(" ", ""))
)
E = TypeVar("E")


def record(seq: int = 0x403, kind: int = 0, **at: bytes) -> bytes:
    """Return the data of the vector's record with another number and kind.

    Other keywords are bytes at an offset of the record: `at67=b"\\x02"`.
    """
    data = bytearray(RECORD)
    data[1:5] = seq.to_bytes(4, "big")
    data[5] = kind
    for name, field in at.items():
        place = 1 + int(name.removeprefix("at"))
        data[place : place + len(field)] = field
    return bytes(data)


class Talk:
    """One line; `clock` is its monotonic time in microseconds."""

    def __init__(self, guns: Sequence[int] = (101,), **options: int | str) -> None:
        nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in guns)
        setup = LineSetup(9600, nozzles, options)
        self.dialogue = PROTOCOLS["sinopec"].dialogue(setup)
        self.clock = 1_000_000
        self.wall_ms = MORNING_MS
        self.events: list[Event] = []
        self.notes = True  # at once who is sent what
        self.sent: list[Frame] = []
        self.starts: list[int] = []
        self.dialogue.line_opened(self.clock)

    def next_frame(self, within_us: int = 20_000_000) -> Frame:
        """Let time pass until the dialogue sends something; return it."""
        end = self.clock + within_us
        while self.clock <= end:
            step = self.dialogue.next_transmission(self.clock, self.wall_ms)
            self._take(self.dialogue.tick(self.clock))
            if isinstance(step, Transmission):
                self.dialogue.sent(self.clock)
                (frame,) = FrameParser().feed(step.data)
                self.sent.append(frame)
                self.starts.append(self.clock)
                return frame
            assert isinstance(step, Wait)
            self.clock = max(step.until_us, self.clock + 1)
        raise AssertionError("nothing was sent")

    def hear(self, data: bytes, after_us: int = 5_000) -> None:
        """Let bytes arrive."""
        self.clock += after_us
        self._take(self.dialogue.receive(data, self.clock))

    def _take(self, events: Sequence[Event]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, DownloadAsked) and self.notes:
                self.dialogue.answer_download(event, self.clock, accepted=True)

    def say(self, data: bytes, to: Frame, **changes: int) -> None:
        """Let the dispenser of a frame answer it."""
        fields = {"sender": to.receiver, "receiver": 0, "number": to.number, **changes}
        self.hear(Frame(data=data, **fields).to_bytes())

    def answer(self, data: bytes, command: int = 0x30) -> Frame:
        """Answer the next frame of a command, all others idle; return the frame."""
        while True:
            frame = self.next_frame()
            if frame.command == command:
                self.say(data, frame)
                return frame
            if frame.command in (0x30, 0x3A):
                self.say(INFO if frame.command == 0x3A else IDLE, frame)

    def settle(self) -> None:
        """Get the identity of every dispenser out of the way."""
        self.answer(IDLE)
        self.events.clear()

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]


def faults(talk: Talk) -> dict[FaultKind, int]:
    """Return what was ignored so far."""
    talk.next_frame()
    return {fault.kind: fault.count for fault in talk.of(ProtocolFault)}

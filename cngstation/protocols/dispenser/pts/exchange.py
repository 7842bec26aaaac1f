"""One message to a controller and its answer: packets find their askers by Id."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.pts.packets import (
    LAST_ID,
    Packet,
    Request,
    read_message,
    write_message,
)
from cngstation.protocols.dispenser.pts.points import Point

# Two round trips for a digest log-in, and a controller that serves its pumps first.
ANSWER_LIMIT_US = 5_000_000


def nothing() -> None:
    """Do nothing where no answer came: it is asked again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A packet to send, what its answer does, and what the lack of one does.

    `answered` gets the packet and the time; it may raise RemoteProtocolError.
    """

    point: Point
    request: Request
    answered: Callable[[Packet, int], None]
    missed: Callable[[], None] = nothing


class Exchange:
    """At most one message out."""

    def __init__(self) -> None:
        self._out: dict[int, Asked] = {}
        self._last_id = 0
        self.until_us = 0
        self.faults: Counter[tuple[FaultKind, int | None]] = Counter()

    @property
    def is_out(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._out)

    def begin(self, batch: Sequence[Asked], now_us: int) -> bytes:
        """Return the message to send; its answer is awaited from now on."""
        self._out = {self._next_id(): asked for asked in batch}
        self.begun(now_us)
        return write_message({no: asked.request for no, asked in self._out.items()})

    def begun(self, now_us: int) -> None:
        """Count the time of the answer from here."""
        self.until_us = now_us + ANSWER_LIMIT_US

    def take(self, body: bytes, now_us: int) -> None:
        """Give each packet to its asker; who gets none has missed it.

        A request has one answer: behind a late one no other comes.
        """
        try:
            packets = read_message(body)
        except RemoteProtocolError:
            self.faults[FaultKind.BAD_BODY, None] += 1
            self.give_up()
            return
        out = self._out
        mine = [(out[p.id], p) for p in packets if p.id in out]
        self.faults[FaultKind.LATE_REPLY, None] += len(packets) - len(mine)
        self._out = {}
        answered = set()
        for asked, packet in mine:
            if packet.id not in answered:  # what is said twice is heard once
                answered.add(packet.id)
                self._answer(asked, packet, now_us)
        for number, asked in out.items():
            if number not in answered:
                asked.missed()

    def give_up(self) -> None:
        """Tell every asker that no answer comes."""
        out, self._out = self._out, {}
        for asked in out.values():
            asked.missed()

    def _answer(self, asked: Asked, packet: Packet, now_us: int) -> None:
        try:
            asked.answered(packet, now_us)
        except RemoteProtocolError:
            self.faults[FaultKind.BAD_BODY, asked.point.gun] += 1
            asked.missed()

    def _next_id(self) -> int:
        """Rising numbers tell a late answer from the one that is awaited."""
        self._last_id = self._last_id % LAST_ID + 1
        return self._last_id

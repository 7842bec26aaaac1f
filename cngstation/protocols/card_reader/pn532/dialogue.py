"""One conversation with a PN532: wake-up, one command in flight, waits and retries.

Theory of operation. The host sends a command; the chip acknowledges a good frame
with ACK (no ACK for a bad one) and later sends the answer. The host gives up a
command with an ACK of its own and has the last answer repeated with a NACK.

    IDLE --ask--> AWAITING_ACK --ACK--> AWAITING_ANSWER --answer--> outcome
                       |                  |        |
                    time-out           time-out  garbled (first time)
                       v                  v        v
                    send ACK: abort,   SETTLING   SETTLING, then NACK and
                    then SETTLING                 AWAITING_ANSWER again
                       v
                    next try, or outcome Unanswered

While SETTLING everything that arrives is dropped, so that the tail of a spoilt frame,
which is data of a card, is never read as a frame. An answer before the ACK is dropped:
it is the late one of a command that was given up, perhaps of another block. A command
that changes a card is sent once; the NACK is safe for it too, because it repeats the
answer and not the act.
At the start, after three failed tries in a row and after an error frame, the wake-up
sequence goes first: it ends the chip's sleep and sets again what a reset of the chip
has forgotten.

Sans-IO: the caller carries the bytes and says what time it is, in milliseconds of
any clock that only goes forward. Timing: libnfc, nfcpy (chip acknowledges in 15 ms).
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_reader.outcomes import Answered, Unanswered
from cngstation.protocols.card_reader.pn532 import frames
from cngstation.protocols.card_reader.pn532.commands import (
    Command,
    ConfigureRetries,
    ConfigureSam,
)
from cngstation.protocols.card_reader.pn532.frames import Frame, FrameParser, Signal

# 55 55 wakes the UART, the zeros are the time the chip needs to come up.
WAKE_UP = b"\x55\x55" + bytes(14)
ACK_WITHIN_MS = 100
SETTLE_MS = 10
TRIES = 2
FAILURES_BEFORE_WAKE_UP = 3


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The chip answered with its error frame: it did not carry the command out."""


Outcome = Answered | NotUnderstood | Unanswered


class _State(Enum):
    IDLE = auto()
    AWAITING_ACK = auto()
    AWAITING_ANSWER = auto()
    SETTLING = auto()


class _Next(Enum):
    """What follows when the line has settled."""

    SEND = auto()
    ASK_AGAIN = auto()
    GIVE_UP = auto()


class Dialogue:
    """Talks to one chip; one command at a time."""

    def __init__(self) -> None:
        self._parser = FrameParser()
        self._state = _State.IDLE
        self._next = _Next.SEND
        self._steps: deque[Command[Any]] = deque()
        self._deadline_ms: int | None = None
        self._to_send = bytearray()
        self._outcome: Outcome | None = None
        self._awake = False
        self._abandoned = False
        self._failures = 0
        self._tries = 0
        self._asked_again = False
        self._command_sent = False

    @property
    def deadline_ms(self) -> int | None:
        """When `pass_time` must be called at the latest; None while idle."""
        return self._deadline_ms

    @property
    def command_sent(self) -> bool:
        """Whether the last command has been handed to the line, wake-up apart."""
        return self._command_sent

    def ask(self, command: Command[Any], now_ms: int) -> None:
        """Begin a command.

        Raises:
            LocalProtocolError: another one is in flight.
        """
        if self._state is not _State.IDLE:
            raise LocalProtocolError(why="two commands to the PN532 at once")
        self._outcome = None
        self._tries = 0
        self._command_sent = False
        self._steps = deque([command])
        if self._abandoned:
            self._abandoned = False
            self._to_send += frames.ACK
            self._settle(_Next.SEND, now_ms)
        else:
            self._send(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take bytes from the chip."""
        for one in self._parser.receive(data):
            if self._state in {_State.IDLE, _State.SETTLING}:
                break
            self._take(one, now_ms)
        if self._state in {_State.IDLE, _State.SETTLING}:
            self._parser.clear()

    def pass_time(self, now_ms: int) -> None:
        """Act on what has not come in time."""
        if self._deadline_ms is None or now_ms < self._deadline_ms:
            return
        if self._state is not _State.SETTLING:
            self._fail(now_ms)
        elif self._next is _Next.SEND:
            self._send(now_ms)
        elif self._next is _Next.ASK_AGAIN:
            self._to_send += frames.NACK
            self._await(_State.AWAITING_ANSWER, ACK_WITHIN_MS, now_ms)
        else:
            self._finish(Unanswered())

    def take_bytes(self) -> bytes:
        """Return what is to be sent now, once."""
        pending = bytes(self._to_send)
        self._to_send.clear()
        return pending

    def take_outcome(self) -> Outcome | None:
        """Return how the command ended, once; None while it runs."""
        outcome, self._outcome = self._outcome, None
        return outcome

    def abandon(self) -> None:
        """Stop waiting at once; the next command begins with an abort."""
        if self._state is _State.IDLE:
            return
        self._abandoned = True
        self._to_send.clear()
        self._rest()

    def _take(self, one: frames.Received, now_ms: int) -> None:
        if isinstance(one, Frame):
            self._take_frame(one, now_ms)
        elif one is Signal.ACK and self._state is _State.AWAITING_ACK:
            wait_ms = self._steps[0].answer_within_ms
            self._await(_State.AWAITING_ANSWER, wait_ms, now_ms)
        elif one is Signal.ERROR:
            # A chip that was reset says so to every command on cards.
            self._awake = False
            self._finish(NotUnderstood())
        elif one is Signal.GARBLED and self._state is _State.AWAITING_ANSWER:
            self._hear_badly(now_ms)

    def _take_frame(self, frame: Frame, now_ms: int) -> None:
        expected = (frames.TO_HOST, self._steps[0].code + 1)
        late = self._state is not _State.AWAITING_ANSWER
        if late or (frame.direction, frame.code) != expected:
            return
        self._failures = 0
        if len(self._steps) == 1:
            self._finish(Answered(frame.data))
            return
        self._steps.popleft()
        if len(self._steps) == 1:
            self._awake = True
        self._tries = 0
        self._send(now_ms)

    def _hear_badly(self, now_ms: int) -> None:
        if self._asked_again:
            self._fail(now_ms)
        else:
            self._asked_again = True
            self._settle(_Next.ASK_AGAIN, now_ms)

    def _send(self, now_ms: int) -> None:
        """Send the step at hand, the wake-up sequence before it where it is due."""
        command = self._steps[-1]
        if not self._awake and len(self._steps) == 1:
            self._steps = deque([ConfigureSam(), ConfigureRetries(), command])
            self._tries = 0
        step = self._steps[0]
        if isinstance(step, ConfigureSam) and not self._awake:
            self._to_send += WAKE_UP
        self._to_send += step.to_bytes()
        self._tries += 1
        self._asked_again = False
        self._command_sent = self._command_sent or step is command
        self._await(_State.AWAITING_ACK, ACK_WITHIN_MS, now_ms)

    def _fail(self, now_ms: int) -> None:
        """Give up a try: abort what the chip may be doing, then try again or not."""
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_WAKE_UP:
            self._awake = False
        step = self._steps[0]
        again = self._tries < TRIES and not step.changes_card
        self._to_send += frames.ACK
        self._settle(_Next.SEND if again else _Next.GIVE_UP, now_ms)

    def _settle(self, following: _Next, now_ms: int) -> None:
        self._next = following
        self._await(_State.SETTLING, SETTLE_MS, now_ms)

    def _await(self, state: _State, wait_ms: int, now_ms: int) -> None:
        self._state = state
        self._deadline_ms = now_ms + wait_ms
        if state is _State.AWAITING_ACK or state is _State.SETTLING:
            self._parser.clear()

    def _finish(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._rest()

    def _rest(self) -> None:
        self._state = _State.IDLE
        self._deadline_ms = None
        self._parser.clear()

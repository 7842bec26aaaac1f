"""One conversation with a GNetPlus reader: one command in flight, waits and retries.

Theory of operation. An answer does not say which command it answers, so a late one
could be read as that of the next. After a command that got no good answer the line is
therefore cleared first: an echo with a number that was not used before goes out, and
everything is dropped until that number has come back. The reader answers in order, so
what was late has passed by then.

    IDLE --ask--> AWAITING --answer--> outcome
                     |  time-out, garbled, of a wrong length
                     v
                  CLEARING --the echo, or a reader that knows none--> next try
                     |  time-out                                      or Unanswered
                     v
                  outcome Unanswered; the next command begins with CLEARING

A command that changes a card is sent once; but a reader that says that it understood
nothing (its CRC was wrong) has done nothing, and is told again.

Sans-IO: the caller carries the bytes and says what time it is, in milliseconds of any
clock that only goes forward.
"""

from dataclasses import dataclass
from enum import Enum, auto

from cngstation.errors import LocalProtocolError
from cngstation.protocols.card_reader.gnetplus import commands, frames
from cngstation.protocols.card_reader.gnetplus.commands import Command
from cngstation.protocols.card_reader.gnetplus.frames import Frame, FrameParser
from cngstation.protocols.card_reader.outcomes import Answered, Unanswered

CLEAR_WITHIN_MS = 1_500  # above the longest wait for any answer
TRIES = 2
_LAST_NUMBER = 0xFFFF


@dataclass(frozen=True, slots=True)
class Refused:
    """The reader did not do it; `reason` is its code."""

    reason: int


Outcome = Answered | Refused | Unanswered


class _State(Enum):
    IDLE = auto()
    AWAITING = auto()
    CLEARING = auto()


class Dialogue:
    """Talks to one reader; one command at a time."""

    def __init__(self) -> None:
        self._parser = FrameParser()
        self._state = _State.IDLE
        self._command: Command | None = None
        self._deadline_ms: int | None = None
        self._to_send = bytearray()
        self._outcome: Outcome | None = None
        self._tries = 0
        self._number = 0
        # A line that was just opened may still carry an answer to somebody else.
        self._is_clear = False
        self._command_sent = False

    @property
    def deadline_ms(self) -> int | None:
        """When `pass_time` must be called at the latest; None while idle."""
        return self._deadline_ms

    @property
    def command_sent(self) -> bool:
        """Whether the last command has been handed to the line."""
        return self._command_sent

    def ask(self, command: Command, now_ms: int) -> None:
        """Begin a command.

        Raises:
            LocalProtocolError: another one is in flight.
        """
        if self._state is not _State.IDLE:
            raise LocalProtocolError(why="two commands to the card reader at once")
        self._command, self._outcome = command, None
        self._tries = 0
        self._command_sent = False
        self._go_on(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take bytes from the reader."""
        if self._state is _State.IDLE:
            return
        for one in self._parser.receive(data):
            if self._state is _State.CLEARING:
                self._take_while_clearing(one, now_ms)
            elif self._state is _State.AWAITING:
                self._take(one, now_ms)
            if self._to_send:
                break  # what came with the last answer cannot be the next one

    def pass_time(self, now_ms: int) -> None:
        """Act on what has not come in time."""
        if self._deadline_ms is None or now_ms < self._deadline_ms:
            return
        if self._state is _State.AWAITING:
            self._fail(now_ms)
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
        """Stop waiting at once; the next command begins with clearing the line."""
        if self._state is not _State.IDLE:
            self._is_clear = False
            self._to_send.clear()
            self._rest()

    def _go_on(self, now_ms: int) -> None:
        """Send the command, or clear the line before it; give up after all tries."""
        command = self._asked()
        may_send = self._tries == 0 or (
            self._tries < TRIES and not command.changes_card
        )
        if not self._is_clear:
            self._number = self._number % _LAST_NUMBER + 1
            self._send(commands.echo(self._number.to_bytes(2, "big")), now_ms)
            self._state = _State.CLEARING
            self._deadline_ms = now_ms + CLEAR_WITHIN_MS
        elif may_send:
            self._tries += 1
            self._command_sent = True
            self._send(command, now_ms)
            self._state = _State.AWAITING
        else:
            self._finish(Unanswered())

    def _take_while_clearing(self, one: frames.Received, now_ms: int) -> None:
        if not isinstance(one, Frame):
            return
        echoed = one.function == frames.DONE and one.data == self._echo()
        # No other command of ours is unknown to a reader: this answers the echo.
        knows_none = one.function == frames.REFUSED and one.data == bytes(
            [commands.BAD_COMMAND]
        )
        if echoed or knows_none:
            self._is_clear = True
            self._go_on(now_ms)

    def _take(self, one: frames.Received, now_ms: int) -> None:
        if not isinstance(one, Frame):
            self._fail(now_ms)
        elif one.function == frames.DONE:
            if self._asked().fits(one.data):
                self._finish(Answered(one.data))
            else:
                self._fail(now_ms)
        elif one.function == frames.REFUSED:
            self._take_refusal(one.data, now_ms)

    def _take_refusal(self, data: bytes, now_ms: int) -> None:
        if len(data) != 1:
            self._fail(now_ms)
        elif data[0] == commands.BAD_CRC and self._tries < TRIES:
            # What it did not understand it did not do.
            self._tries += 1
            self._send(self._asked(), now_ms)
        else:
            self._finish(Refused(data[0]))

    def _fail(self, now_ms: int) -> None:
        self._is_clear = False
        self._go_on(now_ms)

    def _send(self, command: Command, now_ms: int) -> None:
        self._parser.clear()
        self._to_send += command.frame.to_bytes()
        self._deadline_ms = now_ms + command.answer_within_ms

    def _asked(self) -> Command:
        if self._command is None:
            raise LocalProtocolError(why="no command to the card reader is in flight")
        return self._command

    def _echo(self) -> bytes:
        return self._number.to_bytes(2, "big")

    def _finish(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._rest()

    def _rest(self) -> None:
        self._state = _State.IDLE
        self._command = None
        self._deadline_ms = None
        self._parser.clear()

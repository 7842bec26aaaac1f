"""The host's side of a Sinopec line: who is asked what and when, without I/O.

Theory of operation. The host polls; a dispenser answers what it finds most urgent, and
one maker's also begins of its own accord. Both are taken alike, by their command:

    a dispenser says            we
    31H state                   report it
    32H record                  report it; 32H once it is committed
    33H 34H of a download       report it; answer, if offered, once that is noted
    35H grey card               report it; 35H with what the book says
    36H is it listed            report it; 36H with the answer
    3BH text                    report it; 3CH once it is kept
    nothing                     count

    38H 3AH 3EH of ours         are answered by the same command, 3EH by 32H or 3FH

Our answer copies the frame number of what it answers. An answer to us is known by the
number of our frame; another number is a message that a dispenser began, unless it is
one of the last numbers that we used: that is a late answer, and dropped.

A dispenser keeps a record until it is acknowledged and gives up a question after nine
tries. One whose message the service has not decided is therefore not polled, and one
whose record was refused rests for 4 s; it shows "off line" after 10 s without a poll.

A block of a download is sent between two polls, never two of them together: so a poll
waits for one exchange at most.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.moments import local_time
from cngstation.protocols.dispenser.canonical import (
    Capability,
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    DownloadAsked,
    Event,
    LinkChanged,
    Question,
    RecordReread,
    Request,
    RequestFailed,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import Downloads
from cngstation.protocols.dispenser.sinopec.decisions import Decisions, answer_to
from cngstation.protocols.dispenser.sinopec.dispensers import Dispenser, dispensers_of
from cngstation.protocols.dispenser.sinopec.downloads import Place
from cngstation.protocols.dispenser.sinopec.frames import (
    LONGEST_FRAME,
    Command,
    Frame,
)
from cngstation.protocols.dispenser.sinopec.messages import (
    poll_data,
    reread_data,
)
from cngstation.protocols.dispenser.sinopec.offers import Offers
from cngstation.protocols.dispenser.sinopec.readers import (
    MESSAGES,
    QUESTIONS,
    MessageReader,
    answers,
)
from cngstation.protocols.dispenser.sinopec.timing import (
    SILENCE_WITHIN_US,
    LineSpeed,
)
from cngstation.protocols.dispenser.sinopec.wire import Wire
from cngstation.protocols.dispenser.turns import Turn, Turns

CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.PRICE,
        Capability.PRICE_AHEAD,
        Capability.PRICE_LEVELS,
        Capability.LISTS,
        Capability.STATION_DATA,
        Capability.GREY,
        Capability.REREAD,
        Capability.SHIFT,
        Capability.TOTALS,
        Capability.IDENTITY,
        Capability.CARD_CHECK,
    }
)
HOST = 0
LARGEST_REQUEST_QUEUE = 64
LARGEST_RECORD = 0xFFFFFFFF


@dataclass(slots=True)
class Exchange:
    """A frame that is out and wants an answer; `request` is None for a poll."""

    dispenser: Dispenser
    command: Command
    number: int
    until_us: int
    latest_us: int
    request: Request | None


class LineDialogue(Decisions):
    """All dispensers of one line; fits `dispenser.dialogue.Dialogue`."""

    def __init__(
        self, nozzles: Sequence[NozzleSetup], speed: LineSpeed, place: Place
    ) -> None:
        self._dispensers = dispensers_of(nozzles)
        super().__init__(self._dispensers.values())
        self._wire = Wire(speed)
        self._offers = Offers(place)
        self._reader = MessageReader(self._offers)
        self._turns = Turns(self._dispensers.values())
        self._exchange: Exchange | None = None
        self._blocks: deque[Transmission] = deque()
        self._block_was_last = False
        self._requests: deque[Request] = deque()
        self._asked_last = False
        self._events: list[Event] = []

    def line_opened(self, now_us: int) -> None:
        """Begin afresh: every dispenser is polled in the first cycle."""
        self._wire.open(now_us)
        self._turns.restart()

    def line_closed(self, now_us: int) -> None:
        """Forget what was under way; none of it counts against a dispenser."""
        if self._exchange is not None and self._exchange.request is not None:
            self._requests.append(self._exchange.request)
        self._exchange = None
        self._events += [RequestFailed(request) for request in self._requests]
        self._requests.clear()
        self._blocks.clear()
        self.forget_decisions()
        self._pass_time(now_us)

    def next_transmission(self, now_us: int, wall_ms: int) -> Transmission | Wait:
        """Say what to send now, or how long there is nothing to send.

        Collect what it brought about with `tick`.
        """
        self._pass_time(now_us)
        self._offers.let_time_pass(wall_ms)
        if self._exchange is not None:
            return Wait(self._exchange.until_us)
        if now_us < self._wire.free_from_us:
            return Wait(self._wire.free_from_us)
        if self.answers:
            return self._tell(self.answers.popleft(), now_us)
        held_until_us = self.held_until_us()
        if now_us < held_until_us:
            return Wait(held_until_us)
        if self._blocks and not self._block_was_last:
            self._block_was_last = True
            return self._tell(self._blocks.popleft(), now_us)
        steps = [self._ask, self._poll]
        for step in reversed(steps) if self._asked_last else steps:
            transmission = step(now_us, wall_ms)
            if transmission is not None:
                self._block_was_last = False
                return transmission
        self._block_was_last = False
        return Wait(now_us if self._blocks else self._turns.next_due_us())

    def sent(self, now_us: int) -> None:
        """Say that the transmission is on its way; its times count from here."""
        late_us = self._wire.sent(now_us)
        if self._exchange is not None:
            self._exchange.until_us += late_us
            self._exchange.latest_us += late_us

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """Take received bytes."""
        for frame in self._wire.receive(data, now_us):
            self._take(frame, now_us)
        exchange = self._exchange
        if exchange is not None and self._wire.is_receiving:
            later_us = max(exchange.until_us, now_us + SILENCE_WITHIN_US)
            exchange.until_us = min(later_us, exchange.latest_us)
        return self._drain()

    def tick(self, now_us: int) -> list[Event]:
        """Let time pass, and collect what `next_transmission` brought about."""
        self._pass_time(now_us)
        return self._drain()

    def offer(self, downloads: Downloads) -> None:
        """Say what every dispenser shall hold from now on.

        Raises:
            LocalProtocolError: something does not fit; nothing is changed.
        """
        meant = [
            dispenser
            for dispenser in self._dispensers.values()
            if any(map(downloads.is_for, dispenser.guns))
        ]
        self._offers.offer(downloads, meant)
        for dispenser in meant:
            dispenser.noted.clear()
            dispenser.ask_identity()

    def answer_download(
        self, asked: DownloadAsked, now_us: int, *, accepted: bool
    ) -> None:
        """Say that it is noted who is sent what, or that it cannot be sent now."""
        question = self._noted(asked, now_us, accepted=accepted)
        if question is not None:
            self._events += self._message(*question, now_us)

    def request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many questions wait.
        """
        if request.gun not in self.by_gun:
            raise LocalProtocolError(why=f"gun {request.gun} is not on this line")
        under_way = self._exchange is not None and self._exchange.request == request
        if under_way or request in self._requests:
            return
        if not 0 <= request.device_seq <= LARGEST_RECORD:
            self._events.append(RecordReread(request, None))
            return
        if len(self._requests) >= LARGEST_REQUEST_QUEUE:
            raise LocalProtocolError(why="too many questions wait on one line")
        self._requests.append(request)

    # Sending

    def _poll(self, now_us: int, wall_ms: int) -> Transmission | None:
        turn: Turn[Dispenser] | None = self._turns.due(now_us)
        turn = turn or self._turns.spare(now_us)
        if turn is None:
            return None
        if turn.cycle_us is not None:
            self._events.append(CycleCompleted(turn.cycle_us))
        self._asked_last = False
        dispenser = turn.nozzle
        if dispenser.identity_is_due():
            return self._begin(dispenser, Command.IDENTITY, b"", now_us)
        announced = self._offers.announced(dispenser)
        body = poll_data(local_time(wall_ms), announced)[1:]
        return self._begin(dispenser, Command.POLL, body, now_us)

    def _ask(self, now_us: int, _wall_ms: int) -> Transmission | None:
        for request in list(self._requests):
            dispenser = self.by_gun[request.gun]
            if dispenser.link is Link.OFFLINE:
                self._requests.remove(request)
                self._events.append(RequestFailed(request))
            elif dispenser.undecided is None:
                self._requests.remove(request)
                self._asked_last = True
                by_no = request.question is Question.RECORD
                body = reread_data(request.device_seq)[1:] if by_no else b""
                command = QUESTIONS[request.question]
                return self._begin(dispenser, command, body, now_us, request)
        return None

    def _begin(
        self,
        dispenser: Dispenser,
        command: Command,
        body: bytes,
        now_us: int,
        request: Request | None = None,
    ) -> Transmission:
        number = self._wire.next_number()
        data = bytes([command]) + body
        frame = Frame(dispenser.address, HOST, number, data).to_bytes()
        speed, size = self._wire.speed, len(frame)
        self._wire.occupy(size, now_us, answered=True)
        self._exchange = Exchange(
            dispenser,
            command,
            number,
            now_us + speed.begins_within_us(size),
            now_us + speed.ends_within_us(size, LONGEST_FRAME),
            request,
        )
        return Transmission(dispenser.gun, frame)

    def _tell(self, transmission: Transmission, now_us: int) -> Transmission:
        self._wire.occupy(len(transmission.data), now_us, answered=False)
        return transmission

    # Receiving

    def _take(self, frame: Frame, now_us: int) -> None:
        fault = self._misfit(frame)
        if fault is not None:
            dispenser = self._dispensers.get(frame.sender)
            self._wire.fault(fault, dispenser.gun if dispenser else None)
            return
        dispenser = self._dispensers[frame.sender]
        exchange = self._exchange
        if exchange is None or exchange.number != frame.number:
            self._unasked(dispenser, frame, now_us)
            return
        dispenser.asked_by(frame.number)
        try:
            self._events += self._read(exchange, frame, now_us)
        except RemoteProtocolError:
            self._wire.fault(FaultKind.BAD_BODY, dispenser.gun)
            self._end_exchange(exchange, now_us, valid=False)
            return
        self._end_exchange(exchange, now_us, valid=True)

    def _misfit(self, frame: Frame) -> FaultKind | None:
        if frame.sender == HOST and frame.receiver in self._dispensers:
            return FaultKind.OWN_ECHO
        if frame.receiver != HOST or frame.sender not in self._dispensers:
            return FaultKind.WRONG_ADDRESS
        exchange = self._exchange
        if exchange is not None and frame.number == exchange.number:
            if frame.sender != exchange.dispenser.address:
                return FaultKind.WRONG_GUN
            expected = frame.command in answers(exchange.command)
            return None if expected else FaultKind.UNEXPECTED_COMMAND
        if self._dispensers[frame.sender].asked_lately(frame.number):
            return FaultKind.LATE_REPLY
        return None if frame.command in MESSAGES else FaultKind.UNEXPECTED_COMMAND

    def _unasked(self, dispenser: Dispenser, frame: Frame, now_us: int) -> None:
        try:
            self._events += self._message(dispenser, frame, now_us)
        except RemoteProtocolError:
            self._wire.fault(FaultKind.BAD_BODY, dispenser.gun)
            return
        self._wire.heard_whole(now_us)
        self._heard_from(dispenser, now_us)

    def _read(self, exchange: Exchange, frame: Frame, now_us: int) -> Sequence[Event]:
        dispenser = exchange.dispenser
        if exchange.request is not None:
            return self._reader.question(dispenser, frame, exchange.request)
        if exchange.command is Command.IDENTITY:
            return self._reader.identity(dispenser, frame)[1]
        return self._message(dispenser, frame, now_us)

    def _message(
        self, dispenser: Dispenser, frame: Frame, now_us: int
    ) -> Sequence[Event]:
        heard = self._reader.read(dispenser, frame, now_us)
        if heard.block is not None:
            block = answer_to(dispenser, frame, heard.block)
            # A question that was repeated is answered once.
            waiting = [one for one in self._blocks if one.gun != block.gun]
            self._blocks = deque([*waiting, block])
        return heard.events

    def _heard_from(self, dispenser: Dispenser, now_us: int) -> None:
        if dispenser.answered(now_us):
            self._events += [LinkChanged(gun, dispenser.link) for gun in dispenser.guns]

    def _end_exchange(self, exchange: Exchange, now_us: int, *, valid: bool) -> None:
        self._exchange = None
        dispenser = exchange.dispenser
        if valid:
            self._wire.heard_whole(now_us)
            self._heard_from(dispenser, now_us)
        else:
            dispenser.asked_by(exchange.number)
            if dispenser.missed():
                self._events += [
                    LinkChanged(gun, dispenser.link) for gun in dispenser.guns
                ]
            self._events.append(AnswerMissed(dispenser.gun))
            if exchange.request is not None:
                self._events.append(RequestFailed(exchange.request))
        self._events += self._wire.faults()

    def _pass_time(self, now_us: int) -> None:
        if self._exchange is not None and now_us >= self._exchange.until_us:
            self._wire.give_up()
            self._end_exchange(self._exchange, now_us, valid=False)
        for dispenser in self._dispensers.values():
            dispenser.forget_undecided(now_us)
            if dispenser.grow_silent(now_us):
                self._events += [
                    LinkChanged(gun, dispenser.link) for gun in dispenser.guns
                ]

    def _drain(self) -> list[Event]:
        events, self._events = [*self._events, *self.refused], []
        self.refused.clear()
        return events

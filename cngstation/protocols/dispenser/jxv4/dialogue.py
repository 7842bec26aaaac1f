"""The host's side of a JX-V4 bus: who is asked what and when, without I/O.

Theory of operation. The host is the only one that begins; a nozzle answers what it
finds most urgent:

    we send            a nozzle answers             we
    51H poll           51H status                   report it
                       52H record                   report it; 52H once it is committed
                       55H debit request            report it; 55H with the decision
                       53H 54H 56H 5AH 5BH 5CH 5EH  take note, answer nothing
                       nothing                      count; it is normal now and then
    57H 58H 59H        the same command             report it
    52H 55H answers    nothing                      -

Our poll announces version 0 of every list and price, so none is fetched, and of the
key, so that none is ever sent in clear.

A dispenser gives a record up after ten uploads without acknowledgement. A nozzle
whose record or debit the service has not decided is therefore not polled, and one
whose record was refused rests: at one poll in 4 s its ten tries last 40 s, and it
still hears us more often than the 10 s after which it shows "off line".

Timing. Each dispenser empties its receive buffer on a 100 ms tick, so two host frames
begin at least 110 ms apart, and the frame after one that nobody answers waits for the
tick behind that frame's end. An answer is awaited for the wire time of the request
and of the longest answer, and 250 ms. Nothing is repeated within a cycle.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.moments import local_time
from cngstation.protocols.dispenser.canonical import (
    Capability,
    DebitDecision,
    DebitRequest,
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    Event,
    LinkChanged,
    ProtocolFault,
    Question,
    Request,
    RequestFailed,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.jxv4 import mapping
from cngstation.protocols.dispenser.jxv4.frames import (
    Command,
    Frame,
    FrameParser,
    Sender,
)
from cngstation.protocols.dispenser.jxv4.messages import (
    acknowledgement_body,
    poll_body,
    record_no_body,
)
from cngstation.protocols.dispenser.jxv4.nozzles import (
    AskedDebit,
    Nozzle,
    NozzleSettings,
    OfferedRecord,
)
from cngstation.protocols.dispenser.jxv4.readers import (
    QUESTIONS,
    Exchange,
    longest_answer_bytes,
    read_answer,
)
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.turns import Turn, Turns
from cngstation.protocols.dispenser.without import WithoutForecourtCommands

CAPABILITIES = frozenset(
    {
        Capability.POLL,
        Capability.GREY,
        Capability.REREAD,
        Capability.TOTALS,
        Capability.IDENTITY,
    }
)

# A commit takes some milliseconds: the bus waits that long for the service, so that
# its answer is the next frame, and then goes on with the other nozzles.
ANSWER_HOLD_US = 100_000
REFUSED_REST_US = 4_000_000
LARGEST_REQUEST_QUEUE = 64


class BusDialogue(WithoutForecourtCommands):
    """All nozzles of one RS-485 line; fits `dispenser.dialogue.Dialogue`."""

    def __init__(self, nozzles: Sequence[NozzleSettings], speed: LineSpeed) -> None:
        super().__init__()
        if not nozzles:
            raise ValueError("a line without nozzles has nobody to talk to")
        if len({settings.gun for settings in nozzles}) != len(nozzles):
            raise ValueError("two nozzles of one line have the same gun number")
        self._nozzles = {
            settings.gun: Nozzle(settings.gun, settings=settings)
            for settings in nozzles
        }
        self._speed = speed
        self._turns = Turns(self._nozzles.values())
        self._parser = FrameParser()
        self._exchange: Exchange | None = None
        self._begun_us = 0
        self._free_from_us = 0
        self._answers: deque[Transmission] = deque()  # at most one for each nozzle
        self._requests: deque[Request] = deque()
        self._asked_last = False
        self._faults: Counter[tuple[FaultKind, int | None]] = Counter()
        self._events: list[Event] = []

    def line_opened(self, now_us: int) -> None:
        """Begin afresh: every nozzle is polled in the first cycle."""
        self._parser.reset()
        self._turns.restart()
        self._free_from_us = now_us

    def line_closed(self, now_us: int) -> None:
        """Forget what was under way; none of it counts against a nozzle.

        A record whose acknowledgement is forgotten is sent again by its dispenser.
        """
        if self._exchange is not None and self._exchange.request is not None:
            self._requests.append(self._exchange.request)
        self._exchange = None
        self._events += [RequestFailed(request) for request in self._requests]
        self._requests.clear()
        self._answers.clear()
        for nozzle in self._nozzles.values():
            nozzle.undecided = None
        self._pass_time(now_us)

    def next_transmission(self, now_us: int, wall_ms: int) -> Transmission | Wait:
        """Say what to send now, or how long there is nothing to send.

        Collect what it brought about with `tick`.
        """
        self._pass_time(now_us)
        if self._exchange is not None:
            return Wait(self._exchange.until_us)
        if now_us < self._free_from_us:
            return Wait(self._free_from_us)
        if self._answers:
            answer = self._answers.popleft()
            self._occupy(answer, now_us, answered=False)
            return answer
        held_until_us = self._held_until_us()
        if now_us < held_until_us:
            return Wait(held_until_us)
        steps = [self._ask, self._poll]
        for step in reversed(steps) if self._asked_last else steps:
            transmission = step(now_us, wall_ms)
            if transmission is not None:
                return transmission
        turn = self._turns.spare(now_us)
        if turn is not None:
            return self._polled(turn, now_us, wall_ms)
        return Wait(self._turns.next_due_us())

    def sent(self, now_us: int) -> None:
        """Say that the transmission is on its way; its times count from here.

        A busy machine may have put some milliseconds between saying and sending.
        """
        late_us, self._begun_us = now_us - self._begun_us, now_us
        self._free_from_us += late_us
        if self._exchange is not None:
            until_us = self._exchange.until_us + late_us
            self._exchange = replace(self._exchange, until_us=until_us)

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """Take received bytes."""
        for frame in self._parser.feed(data):
            self._take(frame, now_us)
        return self._drain()

    def tick(self, now_us: int) -> list[Event]:
        """Let time pass, and collect what `next_transmission` brought about."""
        self._pass_time(now_us)
        return self._drain()

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a record is committed, or that it cannot be taken now.

        What comes too late is dropped: the record is sent again.
        """
        nozzle = self._nozzles[gun]
        matter = nozzle.undecided.matter if nozzle.undecided else None
        if not isinstance(matter, OfferedRecord) or matter.seq != device_seq:
            return
        body = acknowledgement_body(matter.transaction, device_seq)
        self._decide(nozzle, Command.RECORD, body if accepted else None, now_us)

    def answer_debit(
        self,
        gun: int,
        request: DebitRequest,
        decision: DebitDecision | None,
        now_us: int,
    ) -> None:
        """Answer a debit request; None leaves it unanswered for a while.

        What comes too late is dropped: the dispenser asks again.

        Raises:
            LocalProtocolError: a figure of the decision does not fit the frame.
        """
        nozzle = self._nozzles[gun]
        matter = nozzle.undecided.matter if nozzle.undecided else None
        if not isinstance(matter, AskedDebit) or matter.request != request:
            return
        body = None
        if decision is not None:
            body = mapping.decision_body(request, matter.card, decision).to_bytes()
        self._decide(nozzle, Command.DEBIT, body, now_us)

    def request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many questions wait.
        """
        if request.gun not in self._nozzles:
            raise LocalProtocolError(why=f"gun {request.gun} is not on this line")
        under_way = self._exchange is not None and self._exchange.request == request
        if under_way or request in self._requests:
            return
        if len(self._requests) >= LARGEST_REQUEST_QUEUE:
            raise LocalProtocolError(why="too many questions wait on one line")
        self._requests.append(request)

    # Sending

    def _poll(self, now_us: int, wall_ms: int) -> Transmission | None:
        turn = self._turns.due(now_us)
        return None if turn is None else self._polled(turn, now_us, wall_ms)

    def _polled(self, turn: Turn[Nozzle], now_us: int, wall_ms: int) -> Transmission:
        if turn.cycle_us is not None:
            self._events.append(CycleCompleted(turn.cycle_us))
        self._asked_last = False
        body = poll_body(local_time(wall_ms))
        return self._begin(turn.nozzle, Command.STATUS, body, now_us, request=None)

    def _ask(self, now_us: int, _wall_ms: int) -> Transmission | None:
        for request in list(self._requests):
            nozzle = self._nozzles[request.gun]
            if nozzle.link is Link.OFFLINE:
                self._requests.remove(request)
                self._events.append(RequestFailed(request))
            elif nozzle.undecided is None:
                self._requests.remove(request)
                self._asked_last = True
                command = QUESTIONS[request.question]
                by_no = request.question is Question.RECORD
                body = record_no_body(request.device_seq) if by_no else b""
                return self._begin(nozzle, command, body, now_us, request=request)
        return None

    def _begin(
        self,
        nozzle: Nozzle,
        command: Command,
        body: bytes,
        now_us: int,
        *,
        request: Request | None,
    ) -> Transmission:
        data = Frame(Sender.HOST, nozzle.gun, command, body).to_bytes()
        limit_us = self._speed.answer_limit_us(len(data), longest_answer_bytes(command))
        transmission = Transmission(nozzle.gun, data)
        self._occupy(transmission, now_us, answered=True)
        self._exchange = Exchange(nozzle, command, now_us + limit_us, request)
        return transmission

    def _occupy(
        self, transmission: Transmission, now_us: int, *, answered: bool
    ) -> None:
        self._parser.reset()
        self._begun_us = now_us
        size = len(transmission.data)
        self._free_from_us = now_us + self._speed.spacing_us(size, answered=answered)

    def _decide(
        self, nozzle: Nozzle, command: Command, body: bytes | None, now_us: int
    ) -> None:
        nozzle.undecided = None
        if body is None:
            nozzle.rests_until_us = now_us + REFUSED_REST_US
            return
        data = Frame(Sender.HOST, nozzle.gun, command, body).to_bytes()
        self._answers.append(Transmission(nozzle.gun, data))

    def _held_until_us(self) -> int:
        waiting = (n.undecided for n in self._nozzles.values())
        return max((u.since_us + ANSWER_HOLD_US for u in waiting if u), default=0)

    # Receiving

    def _take(self, frame: Frame, now_us: int) -> None:
        fault = self._misfit(frame)
        exchange = self._exchange
        if fault is not None or exchange is None:
            gun = frame.gun if frame.gun in self._nozzles else None
            self._faults[fault or FaultKind.LATE_REPLY, gun] += 1
            return
        try:
            event = read_answer(exchange, frame, now_us)
        except RemoteProtocolError:
            self._faults[FaultKind.BAD_BODY, frame.gun] += 1
            self._end_exchange(exchange, now_us, valid=False)
            return
        self._end_exchange(exchange, now_us, valid=True)
        self._events.append(event)

    def _misfit(self, frame: Frame) -> FaultKind | None:
        if frame.sender is Sender.HOST:
            return FaultKind.OWN_ECHO
        if frame.host != 0 or frame.gun not in self._nozzles:
            return FaultKind.WRONG_ADDRESS
        if self._exchange is None:
            return FaultKind.LATE_REPLY
        if frame.gun != self._exchange.nozzle.gun:
            late = self._nozzles[frame.gun].misses > 0
            return FaultKind.LATE_REPLY if late else FaultKind.WRONG_GUN
        if not self._exchange.expects(frame):
            return FaultKind.UNEXPECTED_COMMAND
        return None

    def _end_exchange(self, exchange: Exchange, now_us: int, *, valid: bool) -> None:
        self._exchange = None
        nozzle = exchange.nozzle
        changed = nozzle.answered(now_us) if valid else nozzle.missed()
        if changed:
            self._events.append(LinkChanged(nozzle.gun, nozzle.link))
        if not valid:
            self._events.append(AnswerMissed(nozzle.gun))
            if exchange.request is not None:
                self._events.append(RequestFailed(exchange.request))
        self._report_faults()

    def _pass_time(self, now_us: int) -> None:
        if self._exchange is not None and now_us >= self._exchange.until_us:
            self._parser.reset()
            self._end_exchange(self._exchange, now_us, valid=False)
        for nozzle in self._nozzles.values():
            nozzle.forget_undecided(now_us)
            if nozzle.grow_silent(now_us):
                self._events.append(LinkChanged(nozzle.gun, nozzle.link))

    def _report_faults(self) -> None:
        """Report once an exchange, so that a noisy line does not flood anybody."""
        for kind, count in self._parser.faults.items():
            self._faults[kind, None] += count
        self._parser.faults.clear()
        self._events += [
            ProtocolFault(kind, gun, count)
            for (kind, gun), count in self._faults.items()
        ]
        self._faults.clear()

    def _drain(self) -> list[Event]:
        events, self._events = [*self._events, *self.refused], []
        self.refused.clear()
        return events

"""The host's side of a JX-V4 bus: who is asked what and when, without I/O.

Theory of operation. The host is the only one that begins; a nozzle answers what it
finds most urgent:

    we send            a nozzle answers             we
    51H poll           51H status                   report it
                       52H record                   report it; 52H once it is committed
                       55H debit request            report it; 55H with the decision
                       5AH shift, 5BH parameter     report it; 5AH, 5BH once committed
                       5CH card, 56H list check     report it; 5CH, 56H with the verdict
                       53H 54H 5EH                  report it; see `downloads`
                       nothing                      count; it is normal now and then
    57H 58H 59H        the same command             report it
    5DH 5FH 70H 72H    the same command             see `orders`
    other answers      nothing                      -

Our poll announces version 0 of the key, so that none is ever sent in clear.

A dispenser gives a record up after ten uploads without acknowledgement. A nozzle
whose upload or question the service has not decided is therefore not polled, and one
whose upload was refused rests: at one poll in 4 s its ten tries last 40 s, and it
still hears us more often than the 10 s after which it shows "off line".

Timing. Each dispenser empties its receive buffer on a 100 ms tick, so two host frames
begin at least 110 ms apart, and the frame after one that nobody answers waits for the
tick behind that frame's end. An answer is awaited for the wire time of the request
and of the longest answer, and 250 ms. Nothing is repeated within a cycle; whose turn
it is say the `turns`. What the service has decided goes first, then orders, then what
is due, with questions between.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cngstation.errors import RemoteProtocolError
from cngstation.moments import local_time
from cngstation.protocols.dispenser.canonical import (
    DeviceKind,
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    Event,
    LinkChanged,
    OrderAnswered,
    ProtocolFault,
    Request,
    RequestFailed,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    Order,
    OrderOutcome,
)
from cngstation.protocols.dispenser.jxv4.answers import ServiceAnswers
from cngstation.protocols.dispenser.jxv4.downloads import Distribution
from cngstation.protocols.dispenser.jxv4.frames import (
    Command,
    Frame,
    FrameParser,
    Sender,
)
from cngstation.protocols.dispenser.jxv4.nozzles import Nozzle, NozzleSettings
from cngstation.protocols.dispenser.jxv4.orders import order_body
from cngstation.protocols.dispenser.jxv4.readers import (
    QUESTIONS,
    AnswerReader,
    Exchange,
    longest_answer_bytes,
)
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.jxv4.variant import OWN, Variant
from cngstation.protocols.dispenser.jxv4.waiting import WaitingRoom
from cngstation.protocols.dispenser.turns import Turn, Turns


class BusDialogue(ServiceAnswers):
    """All nozzles of one RS-485 line; fits `dispenser.dialogue.Dialogue`."""

    def __init__(
        self,
        nozzles: Sequence[NozzleSettings],
        speed: LineSpeed,
        variant: Variant = OWN,
    ) -> None:
        if not nozzles:
            raise ValueError("a line without nozzles has nobody to talk to")
        if len({settings.gun for settings in nozzles}) != len(nozzles):
            raise ValueError("two nozzles of one line have the same gun number")
        distribution = Distribution([one.gun for one in nozzles], variant)
        super().__init__(
            {one.gun: Nozzle(one.gun, settings=one) for one in nozzles},
            variant,
            distribution,
        )
        self._speed = speed
        self._turns = Turns(self._nozzles.values())
        self._reader = AnswerReader(variant, distribution)
        self._parser = FrameParser()
        self._exchange: Exchange | None = None
        self._begun_us = 0
        self._free_from_us = 0
        self._part_sent_us = 0
        self._waiting = WaitingRoom(self._nozzles, variant, distribution)
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
        self._waiting.abandon(self._exchange.asked if self._exchange else None)
        self._exchange = None
        self._answers.clear()
        for nozzle in self._nozzles.values():
            nozzle.undecided = None
            self._distribution.lost(nozzle.gun)
            self._give_up_unsure(nozzle)
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
        polls = [self._ask, self._poll]
        if self._asked_last:
            polls.reverse()
        for step in (self._command, self._part, *polls, self._spare):
            transmission = step(now_us, wall_ms)
            if transmission is not None:
                return transmission
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

    def request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many questions wait.
        """
        if self._exchange is None or self._exchange.asked != request:
            self._waiting.add_request(request)

    def offer(self, downloads: Downloads) -> None:
        """Say what every nozzle shall hold from now on.

        Raises:
            LocalProtocolError: the protocol cannot carry it; all stays as it was.
        """
        self._distribution.offer(downloads)

    def order(self, order: Order) -> None:
        """Put an order in the queue; it is sent at most once.

        One that the protocol or the nozzle's link cannot take is REFUSED at the next
        tick.
        """
        if self._exchange is None or self._exchange.asked != order:
            self._waiting.add_order(order)

    def withdraw(self, order: Order) -> bool:
        """Take back an order that waits; False where it may have been sent."""
        return self._waiting.withdraw(order)

    # Sending

    def _command(self, now_us: int, _wall_ms: int) -> Transmission | None:
        order = self._waiting.next_order()
        if order is None:
            return None
        nozzle = self._nozzles[order.gun]
        command = self._variant.commands[order.kind]
        body = order_body(order, self._variant)
        return self._begin(nozzle, command, body, now_us, asked=order)

    def _part(self, now_us: int, _wall_ms: int) -> Transmission | None:
        """Send the next part of a list, unless a poll waits since the last one."""
        if self._turns.waits_since(self._part_sent_us, now_us):
            return None
        for gun in self._distribution.waiting():
            nozzle = self._nozzles[gun]
            is_lng = nozzle.device_kind is DeviceKind.LNG
            part = self._distribution.next_part(
                gun, is_lng=is_lng, order=self._variant.order
            )
            if part is None:
                continue
            self._part_sent_us = now_us
            self._events.append(part.event)
            if part.is_answered:
                return self._begin(nozzle, part.command, part.body, now_us, asked=None)
            data = Frame(Sender.HOST, gun, part.command, part.body).to_bytes()
            transmission = Transmission(gun, data)
            self._occupy(transmission, now_us, answered=False)
            return transmission
        return None

    def _poll(self, now_us: int, wall_ms: int) -> Transmission | None:
        return self._polled(self._turns.due(now_us), now_us, wall_ms)

    def _spare(self, now_us: int, wall_ms: int) -> Transmission | None:
        return self._polled(self._turns.spare(now_us), now_us, wall_ms)

    def _polled(
        self, turn: Turn[Nozzle] | None, now_us: int, wall_ms: int
    ) -> Transmission | None:
        if turn is None:
            return None
        if turn.cycle_us is not None:
            self._events.append(CycleCompleted(turn.cycle_us))
        self._asked_last = False
        nozzle = turn.nozzle
        versions = self._distribution.versions(nozzle.gun)
        body = self._variant.poll(local_time(wall_ms), versions, nozzle.has_unpaid)
        return self._begin(nozzle, Command.STATUS, body, now_us, asked=None)

    def _ask(self, now_us: int, _wall_ms: int) -> Transmission | None:
        request = self._waiting.next_request()
        if request is None:
            return None
        self._asked_last = True
        nozzle, command = self._nozzles[request.gun], QUESTIONS[request.question]
        body = self._waiting.question_body(request)
        return self._begin(nozzle, command, body, now_us, asked=request)

    def _begin(
        self,
        nozzle: Nozzle,
        command: Command,
        body: bytes,
        now_us: int,
        *,
        asked: Request | Order | None,
    ) -> Transmission:
        data = Frame(Sender.HOST, nozzle.gun, command, body).to_bytes()
        limit_us = self._speed.answer_limit_us(len(data), longest_answer_bytes(command))
        transmission = Transmission(nozzle.gun, data)
        self._occupy(transmission, now_us, answered=True)
        self._exchange = Exchange(nozzle, command, now_us + limit_us, asked)
        return transmission

    def _occupy(
        self, transmission: Transmission, now_us: int, *, answered: bool
    ) -> None:
        self._parser.reset()
        self._begun_us = now_us
        size = len(transmission.data)
        self._free_from_us = now_us + self._speed.spacing_us(size, answered=answered)

    # Receiving

    def _take(self, frame: Frame, now_us: int) -> None:
        fault = self._misfit(frame)
        exchange = self._exchange
        if fault is not None or exchange is None:
            gun = frame.gun if frame.gun in self._nozzles else None
            self._faults[fault or FaultKind.LATE_REPLY, gun] += 1
            return
        try:
            events = self._reader.read(exchange, frame, now_us)
        except RemoteProtocolError:
            self._faults[FaultKind.BAD_BODY, frame.gun] += 1
            self._end_exchange(exchange, now_us, valid=False)
            return
        self._end_exchange(exchange, now_us, valid=True)
        self._events += events

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
        if valid or not self._is_normal_silence(exchange):
            changed = nozzle.answered(now_us) if valid else nozzle.missed()
            if changed:
                self._link_changed(nozzle)
            if not valid:
                self._events.append(AnswerMissed(nozzle.gun))
                self._missed(exchange)
        self._report_faults()

    def _is_normal_silence(self, exchange: Exchange) -> bool:
        is_poll = exchange.asked is None and exchange.command is Command.STATUS
        return is_poll and self._distribution.is_saved_in_silence(exchange.nozzle.gun)

    def _missed(self, exchange: Exchange) -> None:
        nozzle = exchange.nozzle
        if exchange.command is Command.LIST:
            self._distribution.not_begun(nozzle.gun)
        match exchange.asked:
            case Request():
                self._events.append(RequestFailed(exchange.asked))
                if exchange.command is Command.IDENTITY:
                    self._events += self._distribution.unidentified(nozzle.gun)
            case Order():
                # It may have been heard; the next status is read as soon as can be.
                nozzle.unsure = exchange.asked
                nozzle.has_more = True

    def _link_changed(self, nozzle: Nozzle) -> None:
        self._events.append(LinkChanged(nozzle.gun, nozzle.link))
        if nozzle.link is Link.ONLINE:
            self._distribution.linked(nozzle.gun)
            return
        self._distribution.unheard(nozzle.gun)
        if nozzle.link is Link.OFFLINE:
            self._distribution.lost(nozzle.gun)
        self._give_up_unsure(nozzle)

    def _give_up_unsure(self, nozzle: Nozzle) -> None:
        if nozzle.unsure is not None:
            unsure, nozzle.unsure = nozzle.unsure, None
            self._events.append(OrderAnswered(unsure, OrderOutcome.UNKNOWN))

    def _pass_time(self, now_us: int) -> None:
        if self._exchange is not None and now_us >= self._exchange.until_us:
            self._parser.reset()
            self._end_exchange(self._exchange, now_us, valid=False)
        for nozzle in self._nozzles.values():
            nozzle.forget_undecided(now_us)
            if nozzle.grow_silent(now_us):
                self._link_changed(nozzle)

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
        events, self._events = [*self._events, *self._waiting.events], []
        self._waiting.events.clear()
        return events

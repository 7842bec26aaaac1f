"""The host's side of a line on which a request has one answer, without I/O.

Theory of operation. The line visits one nozzle after another. What is said in a visit
is a script of the protocol, a generator that yields what to send and gets the answer:

    the line                              the script of a strategy
    a nozzle is due                       poll
    somebody asked                        question
    somebody gave an order                order
    yields Ask: sends it, awaits ...      gets the frame, or NoAnswer is raised in it
    yields Tell: sends it                 goes on
    the script ends                       has reported its events to the visit

The line alone keeps the time: spacing, deadlines, repeated asking, whose turn it is,
who is suspect or offline. It forgives noise, its own echo, late and foreign answers,
and counts them. A frame of an order is sent once: where no answer comes, its script
reads the state and says what that shows. The next visit begins when the script ended,
so a script is short: what takes several seconds is spread over several polls.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from cngstation.errors import LocalProtocolError, RemoteProtocolError
from cngstation.protocols.dispenser.canonical import (
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
    StatusReceived,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.echo import EchoFilter
from cngstation.protocols.dispenser.forecourt import Downloads, Order, OrderOutcome
from cngstation.protocols.dispenser.polled_strategy import (
    Ask,
    NoAnswer,
    Script,
    Strategy,
    Tell,
    Visit,
)
from cngstation.protocols.dispenser.turns import PolledNozzle, Turns, poll_period_us
from cngstation.protocols.dispenser.waiting import Waiting
from cngstation.protocols.dispenser.without import WithoutForecourtCommands

F = TypeVar("F")


@dataclass(slots=True)
class _Talk(Generic[F]):
    """A script under way, and the frame that it wants sent or has out."""

    nozzle: PolledNozzle
    visit: Visit
    script: Script[F, OrderOutcome | None]
    matter: Request | Order | None
    step: Ask | Tell | None = None
    tries_left: int = 0
    until_us: int | None = None  # while a frame is out
    was_sent: bool = False


class PolledLine(WithoutForecourtCommands, Generic[F]):
    """All nozzles of one line; fits `dispenser.dialogue.Dialogue`."""

    def __init__(self, guns: Sequence[int], strategy: Strategy[F]) -> None:
        super().__init__()
        if not guns or len(set(guns)) != len(guns):
            raise ValueError("a line has one or more nozzles, each with its own gun")
        self._nozzles = {gun: strategy.nozzle_type(gun) for gun in guns}
        self._strategy = strategy
        self._turns = Turns(self._nozzles.values())
        self._echo = EchoFilter()
        self._talk: _Talk[F] | None = None
        self._begun_us = 0
        self._free_from_us = 0
        self._waiting = Waiting(frozenset(guns))
        self._asked_last = False
        self._faults: Counter[tuple[FaultKind, int | None]] = Counter()
        self._events: list[Event] = []

    def line_opened(self, now_us: int) -> None:
        """Begin afresh: every nozzle is polled in the first cycle."""
        self._strategy.reader.reset()
        self._turns.restart()
        self._free_from_us = now_us
        for gun in self._nozzles:
            self._strategy.heard_again(gun)

    def line_closed(self, now_us: int) -> None:
        """Forget what was under way; an order that was sent ends as UNKNOWN."""
        talk, self._talk = self._talk, None
        if talk is not None:
            talk.script.close()
            self._fail(talk)
        self._events += self._waiting.give_up()
        self._pass_time(now_us)

    def next_transmission(self, now_us: int, wall_ms: int) -> Transmission | Wait:
        """Say what to send now, or how long there is nothing to send.

        Collect what it brought about with `tick`.
        """
        self._pass_time(now_us)
        talk = self._talk
        if talk is not None and talk.until_us is not None:
            return Wait(talk.until_us)
        if now_us < self._free_from_us:
            return Wait(self._free_from_us)
        while self._talk is None:
            if not self._begin(now_us, wall_ms):
                return Wait(max(self._turns.next_due_us(), now_us))
        return self._send(self._talk, now_us)

    def sent(self, now_us: int) -> None:
        """Say that the transmission is on its way; its times count from here."""
        late_us, self._begun_us = now_us - self._begun_us, now_us
        self._free_from_us += late_us
        if self._talk is not None and self._talk.until_us is not None:
            self._talk.until_us += late_us

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """Take received bytes."""
        heard = self._echo.strip(data)
        if self._echo.take_count():
            self._faults[FaultKind.OWN_ECHO, None] += 1
        for frame in self._strategy.reader.feed(heard):
            self._take(frame, now_us)
        return self._drain()

    def tick(self, now_us: int) -> list[Event]:
        """Let time pass, and collect what `next_transmission` brought about."""
        self._pass_time(now_us)
        return self._drain()

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a record is committed, or that it cannot be taken now."""
        self._strategy.answer_record(gun, device_seq, now_us, accepted=accepted)
        self._nozzles[gun].has_more = True

    def request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many questions wait.
        """
        talk = self._talk
        if talk is None or talk.matter != request:
            self._waiting.ask(request)

    def offer(self, downloads: Downloads) -> None:
        """Say what every nozzle shall hold from now on."""
        self._strategy.offer(downloads)

    def order(self, order: Order) -> None:
        """Put an order in the queue; it goes before questions and polls.

        Raises:
            LocalProtocolError: there is no such nozzle, or too many orders wait.
        """
        self._waiting.order(order)

    def withdraw(self, order: Order) -> bool:
        """Take back an order that waits; False where it may have been sent."""
        return self._waiting.withdraw(order)

    # Visits

    def _begin(self, now_us: int, wall_ms: int) -> bool:
        """Begin the next visit; False if there is none now.

        One that ends before it sends anything leaves no talk behind.
        """
        steps = [self._begin_order, self._begin_question, self._begin_poll]
        if self._asked_last:
            steps = [self._begin_order, self._begin_poll, self._begin_question]
        return any(step(now_us, wall_ms) for step in steps)

    def _begin_order(self, now_us: int, wall_ms: int) -> bool:
        if not self._waiting.orders:
            return False
        order = self._waiting.orders.popleft()
        nozzle = self._nozzles[order.gun]
        visit = Visit(order.gun, now_us, wall_ms)
        script = None
        # A figure that does not fit the frame is refused with the order.
        with suppress(LocalProtocolError):
            if nozzle.link is not Link.OFFLINE:
                script = self._strategy.order(visit, order)
        if script is None:
            self._events.append(OrderAnswered(order, OrderOutcome.REFUSED))
            return True
        self._start(_Talk(nozzle, visit, script, order))
        return True

    def _begin_question(self, now_us: int, wall_ms: int) -> bool:
        if not self._waiting.requests:
            return False
        request = self._waiting.requests.popleft()
        nozzle = self._nozzles[request.gun]
        visit = Visit(request.gun, now_us, wall_ms)
        script = None
        if nozzle.link is not Link.OFFLINE:
            script = self._strategy.question(visit, request)
        if script is None:
            self._events.append(RequestFailed(request))
            return True
        self._asked_last = True
        self._start(_Talk(nozzle, visit, script, request))
        return True

    def _begin_poll(self, now_us: int, wall_ms: int) -> bool:
        turn = self._turns.due(now_us) or self._turns.spare(now_us)
        if turn is None:
            return False
        if turn.cycle_us is not None:
            self._events.append(CycleCompleted(turn.cycle_us))
        self._asked_last = False
        turn.nozzle.has_more = False
        visit = Visit(turn.nozzle.gun, now_us, wall_ms)
        self._start(_Talk(turn.nozzle, visit, self._strategy.poll(visit), None))
        return True

    def _start(self, talk: _Talk[F]) -> None:
        self._talk = talk
        self._advance(talk, lambda: next(talk.script))

    def _advance(self, talk: _Talk[F], run: Callable[[], Ask | Tell]) -> bool:
        """Let the script run to its next step, or to its end; False for a bad body."""
        talk.until_us = None
        try:
            talk.step = run()
        except StopIteration as end:
            self._end(talk, end.value)
        except NoAnswer:
            self._fail(talk)
        except RemoteProtocolError:
            self._faults[FaultKind.BAD_BODY, talk.nozzle.gun] += 1
            self._missed(talk.nozzle)
            self._fail(talk)
            return False
        except LocalProtocolError:
            if talk.matter is None:
                raise
            self._fail(talk)
        else:
            talk.tries_left = 1
            is_heard = talk.nozzle.link is Link.ONLINE
            is_order = isinstance(talk.matter, Order)
            if isinstance(talk.step, Ask) and is_heard and not is_order:
                talk.tries_left = talk.step.tries
        return True

    def _end(self, talk: _Talk[F], outcome: OrderOutcome | None) -> None:
        self._close(talk)
        match talk.matter:
            case Order() as order:
                outcome = outcome or OrderOutcome.UNKNOWN
                self._events.append(OrderAnswered(order, outcome))
                talk.nozzle.has_more = True  # its state is what matters now
            case Request() as request:
                if not any(_answers(event, request) for event in talk.visit.events):
                    self._events.append(RequestFailed(request))

    def _fail(self, talk: _Talk[F]) -> None:
        sent = talk.was_sent
        self._end(talk, OrderOutcome.UNKNOWN if sent else OrderOutcome.REFUSED)

    def _close(self, talk: _Talk[F]) -> None:
        self._talk = None
        talk.script.close()
        nozzle, visit = talk.nozzle, talk.visit
        nozzle.has_more = nozzle.has_more or visit.has_more
        for event in visit.events:
            if isinstance(event, StatusReceived):
                nozzle.period_us = poll_period_us(event.status)
        self._events += visit.events
        self._report_faults()

    # Sending

    def _send(self, talk: _Talk[F], now_us: int) -> Transmission:
        step, pace = talk.step, self._strategy.pace
        assert step is not None
        self._strategy.reader.reset()
        self._begun_us = now_us
        wire_us = pace.wire_us(len(step.data))
        self._free_from_us = now_us + max(pace.spacing_us, wire_us + pace.quiet_us)
        talk.was_sent = True
        if isinstance(step, Tell):
            self._echo.sent(step.data, may_be_answer=False)
            self._advance(talk, lambda: talk.script.send(None))
        else:
            self._echo.sent(step.data, may_be_answer=step.answer_may_repeat)
            talk.tries_left -= 1
            answer_us = pace.wire_us(step.answer_bytes) + pace.allowance_us
            talk.until_us = now_us + wire_us + answer_us
        return Transmission(talk.nozzle.gun, step.data)

    # Receiving

    def _take(self, frame: F, now_us: int) -> None:
        gun = self._strategy.gun_of(frame)
        fault = self._misfit(gun, frame)
        talk = self._talk
        if fault is not None or talk is None:
            known = gun if gun in self._nozzles else None
            self._faults[fault or FaultKind.LATE_REPLY, known] += 1
            return
        if talk.nozzle.link is not Link.ONLINE:
            self._strategy.heard_again(talk.nozzle.gun)
        talk.visit.now_us = now_us
        quiet_until_us = now_us + self._strategy.pace.quiet_us
        self._free_from_us = max(self._free_from_us, quiet_until_us)
        is_sound = self._advance(talk, lambda: talk.script.send(frame))
        if is_sound and talk.nozzle.answered(now_us):
            self._events.append(LinkChanged(talk.nozzle.gun, talk.nozzle.link))

    def _misfit(self, gun: int | None, frame: F) -> FaultKind | None:
        if gun is None or gun not in self._nozzles:
            return FaultKind.WRONG_ADDRESS
        talk = self._talk
        if talk is None or talk.until_us is None or not isinstance(talk.step, Ask):
            return FaultKind.LATE_REPLY
        if gun != talk.nozzle.gun:
            late = self._nozzles[gun].misses > 0
            return FaultKind.LATE_REPLY if late else FaultKind.WRONG_GUN
        if not self._strategy.answers(talk.step, frame):
            return FaultKind.UNEXPECTED_COMMAND
        return None

    def _pass_time(self, now_us: int) -> None:
        talk = self._talk
        if talk is not None and talk.until_us is not None and now_us >= talk.until_us:
            self._give_up(talk, now_us)
        for nozzle in self._nozzles.values():
            if nozzle.grow_silent(now_us):
                self._events.append(LinkChanged(nozzle.gun, nozzle.link))

    def _give_up(self, talk: _Talk[F], now_us: int) -> None:
        """Ask again, or tell the script that no answer comes."""
        self._strategy.reader.reset()
        talk.visit.now_us = now_us
        if talk.tries_left > 0:
            talk.until_us = None
            self._events.append(AnswerMissed(talk.nozzle.gun))
            return
        self._missed(talk.nozzle)
        self._advance(talk, lambda: talk.script.throw(NoAnswer()))

    def _missed(self, nozzle: PolledNozzle) -> None:
        if nozzle.missed():
            self._events.append(LinkChanged(nozzle.gun, nozzle.link))
        self._events.append(AnswerMissed(nozzle.gun))

    def _report_faults(self) -> None:
        """Report once a visit, so that a noisy line does not flood anybody."""
        reader = self._strategy.reader
        for kind, count in reader.faults.items():
            self._faults[kind, None] += count
        reader.faults.clear()
        self._events += [
            ProtocolFault(kind, gun, count)
            for (kind, gun), count in self._faults.items()
        ]
        self._faults.clear()

    def _drain(self) -> list[Event]:
        events, self._events = [*self._events, *self.refused], []
        self.refused.clear()
        return events


def _answers(event: Event, request: Request) -> bool:
    return getattr(event, "request", None) == request

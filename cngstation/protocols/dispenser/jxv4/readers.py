"""What a nozzle's answer means: one reader for each command the station understands.

What the station does not serve is noted and not answered. A question for a key (53H
type 6) is noted without what it carries.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import DebitKind
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    DebitRequested,
    DownloadAsked,
    Event,
    IdentityReceived,
    NoticeReceived,
    OrderAnswered,
    ParameterReceived,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    ShiftReceived,
    StatusReceived,
    TotalsReceived,
)
from cngstation.protocols.dispenser.forecourt import CardCheck, CardQuestion, Order
from cngstation.protocols.dispenser.jxv4 import duty_messages, mapping, orders
from cngstation.protocols.dispenser.jxv4.downloads import Distribution
from cngstation.protocols.dispenser.jxv4.frames import OVERHEAD_BYTES, Command, Frame
from cngstation.protocols.dispenser.jxv4.holding import (
    CountAsked,
    PricesAsked,
    Wanted,
)
from cngstation.protocols.dispenser.jxv4.list_messages import (
    BlockAsked,
    list_asked,
    read_prices_asked,
)
from cngstation.protocols.dispenser.jxv4.messages import (
    DebitRequestBody,
    IdentityBody,
    Record,
    Reread,
    TotalsBody,
)
from cngstation.protocols.dispenser.jxv4.nozzles import (
    AskedCard,
    AskedDebit,
    AskedDownload,
    Nozzle,
    OfferedParameter,
    OfferedRecord,
    OfferedShift,
)
from cngstation.protocols.dispenser.jxv4.variant import Variant
from cngstation.protocols.dispenser.turns import Undecided, poll_period_us

# While a nozzle fetches, its polls bring the next question and no status: it is asked
# on free wire, and at the latest then, long before it shows "off line".
FETCH_POLL_US = 3_000_000
QUESTIONS = {
    Question.TOTALS: Command.TOTALS,
    Question.RECORD: Command.REREAD,
    Question.IDENTITY: Command.IDENTITY,
}
# Longest body that may answer a command; to a poll that is a record.
_LONGEST_BODIES = {
    Command.STATUS: 147,
    Command.TOTALS: 20,
    Command.REREAD: 5 + 147,
    Command.IDENTITY: 119,
    Command.LIST: 4,
}
_LONGEST_RESULT = 1


@dataclass(frozen=True, slots=True)
class Exchange:
    """A frame that is out and wants an answer.

    `asked` is None for a poll, and for the length of a list (53H), which brings the
    question for its first block.
    """

    nozzle: Nozzle
    command: Command
    until_us: int
    asked: Request | Order | None

    def expects(self, frame: Frame) -> bool:
        """Tell whether a frame of this nozzle can be the answer."""
        if self.asked is None and self.command is Command.STATUS:
            return frame.command in POLL_ANSWERS
        if self.command is Command.LIST:
            return frame.command == Command.LIST_BLOCK
        return frame.command == self.command


def longest_answer_bytes(command: Command) -> int:
    """Return the size of the longest frame that answers a command."""
    return _LONGEST_BODIES.get(command, _LONGEST_RESULT) + OVERHEAD_BYTES


class AnswerReader:
    """Turns expected frames into events, and notes what they say of their nozzle."""

    def __init__(self, variant: Variant, distribution: Distribution) -> None:
        self._variant = variant
        self._distribution = distribution
        self._poll_readers: Mapping[int, Callable[[Nozzle, Frame, int], list[Event]]]
        self._poll_readers = {
            Command.STATUS: self._status,
            Command.RECORD: self._record,
            Command.LIST: self._list,
            Command.LIST_BLOCK: self._block,
            Command.DEBIT: self._debit,
            Command.LIST_CHECK: self._list_check,
            Command.SHIFT_RECORD: self._shift,
            Command.PARAMETER_CHANGE: self._parameter,
            Command.CARD_CHECK: self._card_check,
            Command.PRICES: self._prices,
        }

    def read(self, exchange: Exchange, frame: Frame, now_us: int) -> list[Event]:
        """Read an answer; what the service must decide leaves its nozzle undecided.

        Raises:
            RemoteProtocolError: its body breaks the protocol.
        """
        match exchange.asked:
            case Request():
                return self._answer(exchange.nozzle, exchange.asked, frame)
            case Order():
                return [OrderAnswered(exchange.asked, orders.outcome(frame.body))]
        exchange.nozzle.has_more = frame.command != Command.STATUS
        return self._poll_readers[frame.command](exchange.nozzle, frame, now_us)

    # Answers to a poll

    def _status(self, nozzle: Nozzle, frame: Frame, _now_us: int) -> list[Event]:
        status = self._variant.read_status(frame.body)
        nozzle.period_us = poll_period_us(status)
        nozzle.device_kind = status.device_kind
        nozzle.has_unpaid = self._variant.has_unpaid(status)
        is_asking = self._variant.is_asking(status)
        self._distribution.answered_otherwise(
            nozzle.gun,
            lacks_nothing=is_asking,
            is_at_rest=is_asking and not nozzle.has_unpaid,
        )
        events: list[Event] = [StatusReceived(nozzle.gun, status)]
        if nozzle.unsure is not None:
            outcome = orders.shown(nozzle.unsure, status)
            events.append(OrderAnswered(nozzle.unsure, outcome))
            nozzle.unsure = None
        return events

    def _record(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        record = Record.from_bytes(frame.body)
        matter = OfferedRecord(record.seq, record.transaction)
        sale = mapping.sale_record(record, nozzle.settings.units, frame)
        return self._undecided(nozzle, matter, now_us, RecordReceived(nozzle.gun, sale))

    def _debit(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        body = DebitRequestBody.from_bytes(frame.body)
        request = mapping.debit_request(body)
        self._answered(nozzle, lacks_nothing=request.kind is DebitKind.UNLOCK)
        nozzle.undecided = Undecided(now_us, AskedDebit(request, body.card))
        return [DebitRequested(nozzle.gun, request)]

    def _shift(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        record = duty_messages.shift_record(frame.body, nozzle.settings.units)
        matter = OfferedShift(record.device_seq)
        event = ShiftReceived(nozzle.gun, record)
        return self._undecided(nozzle, matter, now_us, event)

    def _parameter(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        change = duty_messages.parameter_change(frame.body)
        matter = OfferedParameter(change.device_seq)
        event = ParameterReceived(nozzle.gun, change)
        return self._undecided(nozzle, matter, now_us, event)

    def _card_check(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        return self._asked_card(
            nozzle, duty_messages.card_check(frame.body), frame, now_us
        )

    def _list_check(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        return self._asked_card(
            nozzle, duty_messages.list_check(frame.body), frame, now_us
        )

    def _asked_card(
        self, nozzle: Nozzle, check: CardCheck, frame: Frame, now_us: int
    ) -> list[Event]:
        matter = AskedCard(check, frame.command)
        event = CardCheckRequested(nozzle.gun, check)
        return self._undecided(nozzle, matter, now_us, event)

    def _undecided(
        self, nozzle: Nozzle, matter: object, now_us: int, event: Event
    ) -> list[Event]:
        # Where in its order a dispenser puts a list check (56H) is not known.
        is_behind = not isinstance(event, CardCheckRequested) or (
            event.check.question is CardQuestion.CHECK
        )
        self._answered(nozzle, lacks_nothing=is_behind)
        nozzle.undecided = Undecided(now_us, matter)
        return [event]

    def _answered(self, nozzle: Nozzle, *, lacks_nothing: bool) -> None:
        self._distribution.answered_otherwise(nozzle.gun, lacks_nothing=lacks_nothing)

    # Questions for lists and prices

    def _list(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        kind = list_asked(frame.body)
        if kind is None:
            # Our poll announces no key; whatever wants one gets nothing.
            self._answered(nozzle, lacks_nothing=False)
            return _noted(nozzle, frame, frame.body[:1])
        return self._wants(nozzle, CountAsked(kind), frame, now_us)

    def _block(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        return self._wants(nozzle, BlockAsked.from_bytes(frame.body), frame, now_us)

    def _prices(self, nozzle: Nozzle, frame: Frame, now_us: int) -> list[Event]:
        read_prices_asked(frame.body)
        return self._wants(nozzle, PricesAsked(), frame, now_us)

    def _wants(
        self, nozzle: Nozzle, wanted: Wanted, frame: Frame, now_us: int
    ) -> list[Event]:
        if self._distribution.wants(nozzle.gun, wanted):
            nozzle.period_us = FETCH_POLL_US
            return self._asked(nozzle, now_us)
        return _noted(nozzle, frame, frame.body)

    def _asked(self, nozzle: Nozzle, now_us: int) -> list[Event]:
        """Ask that the sending be noted, where it is not."""
        found = self._distribution.to_note(nozzle.gun)
        if found is None:
            return []
        kind, version = found
        nozzle.undecided = Undecided(now_us, AskedDownload(kind, version))
        return [DownloadAsked((nozzle.gun,), kind, version)]

    # Answers to a question

    def _answer(self, nozzle: Nozzle, request: Request, frame: Frame) -> list[Event]:
        match request.question:
            case Question.TOTALS:
                answer = mapping.totals(TotalsBody.from_bytes(frame.body))
                return [TotalsReceived(request, answer)]
            case Question.RECORD:
                return [_reread(nozzle, request, frame)]
            case Question.IDENTITY:
                identity = mapping.identity(IdentityBody.from_bytes(frame.body))
                held = self._distribution.identified(nozzle.gun, identity.versions)
                return [IdentityReceived(request, identity), *held]


def _noted(nozzle: Nozzle, frame: Frame, body: bytes) -> list[Event]:
    """It gets no answer, so it would say the same again at once."""
    nozzle.has_more = False
    return [NoticeReceived(nozzle.gun, frame.command, body)]


def _reread(nozzle: Nozzle, request: Request, frame: Frame) -> Event:
    body = Reread.from_bytes(frame.body)
    if body.seq != request.device_seq:
        raise RemoteProtocolError(why=f"record {body.seq} was not asked for")
    if body.record is None:
        return RecordReread(request, None)
    units = nozzle.settings.units
    return RecordReread(request, mapping.sale_record(body.record, units, frame))


# What a nozzle may find more urgent than its status.
POLL_ANSWERS = frozenset(
    {
        Command.STATUS,
        Command.RECORD,
        Command.LIST,
        Command.LIST_BLOCK,
        Command.DEBIT,
        Command.LIST_CHECK,
        Command.SHIFT_RECORD,
        Command.PARAMETER_CHANGE,
        Command.CARD_CHECK,
        Command.PRICES,
    }
)

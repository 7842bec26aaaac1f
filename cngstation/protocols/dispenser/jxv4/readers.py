"""What a nozzle's answer means: one reader for each command the station understands.

A command without a reader (lists, prices, shift records, parameter changes, card
checks) is noted and not answered; a new reader is one entry of `_READERS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.dialogue import (
    DebitRequested,
    Event,
    IdentityReceived,
    NoticeReceived,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    StatusReceived,
    TotalsReceived,
)
from cngstation.protocols.dispenser.jxv4 import mapping
from cngstation.protocols.dispenser.jxv4.frames import OVERHEAD_BYTES, Command, Frame
from cngstation.protocols.dispenser.jxv4.messages import (
    DebitRequestBody,
    IdentityBody,
    Record,
    Reread,
    Status,
    TotalsBody,
)
from cngstation.protocols.dispenser.jxv4.nozzles import (
    AskedDebit,
    Nozzle,
    OfferedRecord,
)
from cngstation.protocols.dispenser.turns import Undecided, poll_period_us

# What a nozzle may find more urgent than its status.
_POLL_ANSWERS = frozenset(
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
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A frame that is out and wants an answer; `request` is None for a poll."""

    nozzle: Nozzle
    command: Command
    until_us: int
    request: Request | None

    def expects(self, frame: Frame) -> bool:
        """Tell whether a frame of this nozzle can be the answer."""
        if self.request is None:
            return frame.command in _POLL_ANSWERS
        return frame.command == self.command


def longest_answer_bytes(command: Command) -> int:
    """Return the size of the longest frame that answers a command."""
    return _LONGEST_BODIES[command] + OVERHEAD_BYTES


def read_answer(exchange: Exchange, frame: Frame, now_us: int) -> Event:
    """Turn an expected frame into an event.

    A record or a debit request leaves its nozzle undecided.

    Raises:
        RemoteProtocolError: its body breaks the protocol.
    """
    if exchange.request is not None:
        return _QUESTION_READERS[frame.command](exchange, exchange.request, frame)
    exchange.nozzle.has_more = frame.command != Command.STATUS
    reader = _READERS.get(frame.command, _notice)
    return reader(exchange.nozzle, frame, now_us)


def _status(nozzle: Nozzle, frame: Frame, _now_us: int) -> Event:
    status = mapping.nozzle_status(Status.from_bytes(frame.body), frame.body)
    nozzle.period_us = poll_period_us(status)
    return StatusReceived(nozzle.gun, status)


def _record(nozzle: Nozzle, frame: Frame, now_us: int) -> Event:
    record = Record.from_bytes(frame.body)
    matter = OfferedRecord(record.seq, record.transaction)
    nozzle.undecided = Undecided(now_us, matter)
    sale = mapping.sale_record(record, nozzle.settings.units, frame)
    return RecordReceived(nozzle.gun, sale)


def _debit(nozzle: Nozzle, frame: Frame, now_us: int) -> Event:
    body = DebitRequestBody.from_bytes(frame.body)
    request = mapping.debit_request(body)
    nozzle.undecided = Undecided(now_us, AskedDebit(request, body.card))
    return DebitRequested(nozzle.gun, request)


def _notice(nozzle: Nozzle, frame: Frame, _now_us: int) -> Event:
    return NoticeReceived(nozzle.gun, frame.command, frame.body)


def _totals(_exchange: Exchange, request: Request, frame: Frame) -> Event:
    return TotalsReceived(request, mapping.totals(TotalsBody.from_bytes(frame.body)))


def _reread(exchange: Exchange, request: Request, frame: Frame) -> Event:
    body = Reread.from_bytes(frame.body)
    if body.seq != request.device_seq:
        raise RemoteProtocolError(why=f"record {body.seq} was not asked for")
    if body.record is None:
        return RecordReread(request, None)
    units = exchange.nozzle.settings.units
    return RecordReread(request, mapping.sale_record(body.record, units, frame))


def _identity(_exchange: Exchange, request: Request, frame: Frame) -> Event:
    body = IdentityBody.from_bytes(frame.body)
    return IdentityReceived(request, mapping.identity(body))


_READERS: Mapping[int, Callable[[Nozzle, Frame, int], Event]] = {
    Command.STATUS: _status,
    Command.RECORD: _record,
    Command.DEBIT: _debit,
}
_QUESTION_READERS: Mapping[int, Callable[[Exchange, Request, Frame], Event]] = {
    Command.TOTALS: _totals,
    Command.REREAD: _reread,
    Command.IDENTITY: _identity,
}

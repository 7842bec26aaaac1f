"""What a dispenser's message means: one reader for each command.

31H 32H 35H 36H 3BH    events; all but 31H leave their dispenser undecided until the
                       service has answered
33H 34H                answered with a length, or with segments: the first time when it
                       is noted that the dispenser is sent this version
38H 3AH 32H 3FH        answers to our questions
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cngstation.errors import RemoteProtocolError
from cngstation.protocols.dispenser.canonical import FaultKind
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    DebitRequested,
    DeviceEventReceived,
    DownloadAsked,
    Event,
    IdentityReceived,
    ProtocolFault,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    ShiftReceived,
    StatusReceived,
    TotalsReceived,
)
from cngstation.protocols.dispenser.entry import NozzleSetup
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.protocols.dispenser.sinopec import codes, mapping
from cngstation.protocols.dispenser.sinopec.dispensers import (
    POLLS_UNTIL_RECORD,
    Dispenser,
)
from cngstation.protocols.dispenser.sinopec.downloads import Part
from cngstation.protocols.dispenser.sinopec.frames import Command, Frame
from cngstation.protocols.dispenser.sinopec.messages import (
    ASN_BYTES,
    GreyQuery,
    Info,
    ListAsk,
    RealTime,
    Record,
    SegmentAsk,
    TotalsBody,
    list_length_data,
    segments_data,
)
from cngstation.protocols.dispenser.sinopec.offers import Offers, advanced
from cngstation.protocols.dispenser.turns import BUSY_POLL_US, IDLE_POLL_US

QUESTIONS = {
    Question.TOTALS: Command.TOTALS,
    Question.RECORD: Command.REREAD,
    Question.IDENTITY: Command.IDENTITY,
}
_ANSWERS: Mapping[Command, frozenset[int]] = {
    Command.TOTALS: frozenset({Command.TOTALS}),
    Command.REREAD: frozenset({Command.RECORD, Command.NO_RECORD}),
    Command.IDENTITY: frozenset({Command.IDENTITY}),
}


@dataclass(slots=True)
class Heard:
    """What a message brought about; `block` is our answer of a download."""

    events: list[Event] = field(default_factory=list)
    block: bytes | None = None


def answers(command: Command) -> frozenset[int]:
    """Return the commands that answer one of ours; to a poll that is any message."""
    return _ANSWERS.get(command, MESSAGES)


def matter_of(kind: Command, number: int) -> tuple[Command, int]:
    """Name a numbered record for the time in which the service decides."""
    return kind, number


class MessageReader:
    """Reads what dispensers say of themselves, in answer to a poll or unasked."""

    def __init__(self, offers: Offers) -> None:
        self._offers = offers

    def read(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        """Read a message.

        Raises:
            RemoteProtocolError: its data break the protocol.
        """
        dispenser.has_more = True
        return _READERS[frame.command](self, dispenser, frame, now_us)

    def identity(self, dispenser: Dispenser, frame: Frame) -> tuple[Info, list[Event]]:
        """Read an identity, and what it shows to be in force."""
        info = Info.from_bytes(frame.body)
        dispenser.held, dispenser.wants_identity = info.versions, False
        dispenser.has_more = True
        return info, list(self._offers.came_into_force(dispenser))

    def question(
        self, dispenser: Dispenser, frame: Frame, request: Request
    ) -> list[Event]:
        """Read the answer to a question.

        Raises:
            RemoteProtocolError: it is none.
        """
        match request.question:
            case Question.IDENTITY:
                info, news = self.identity(dispenser, frame)
                answer = mapping.identity(info, request.gun)
                return [IdentityReceived(request, answer), *news]
            case Question.TOTALS:
                totals = TotalsBody.from_bytes(frame.body).totals
                for number, setup in dispenser.nozzles.items():
                    if setup.gun == request.gun and number in totals:
                        answered = mapping.totals(totals[number])
                        return [TotalsReceived(request, answered)]
                raise RemoteProtocolError(why="totals without this nozzle")
            case Question.RECORD:
                return _reread(dispenser, frame, request)

    def _real_time(self, dispenser: Dispenser, frame: Frame, _now_us: int) -> Heard:
        by_nozzle = {
            entry.nozzle: entry for entry in RealTime.from_bytes(frame.body).entries
        }
        heard = Heard()
        strange = len(by_nozzle.keys() - dispenser.nozzles.keys())
        if strange:
            fault = ProtocolFault(FaultKind.WRONG_GUN, dispenser.gun, strange)
            heard.events.append(fault)
        for number, setup in dispenser.nozzles.items():
            price = dispenser.prices_e4.get(number, 0)
            if number in by_nozzle:
                status = mapping.nozzle_status(by_nozzle[number], price, frame.data)
            else:
                status = mapping.idle_status(price, frame.data)
            dispenser.prices_e4[number] = status.price_e4
            heard.events.append(StatusReceived(setup.gun, status))
        dispenser.is_fuelling = any(map(mapping.is_fuelling, by_nozzle.values()))
        dispenser.period_us = BUSY_POLL_US if by_nozzle else IDLE_POLL_US
        left = dispenser.expects_record - 1
        dispenser.expects_record = POLLS_UNTIL_RECORD if by_nozzle else max(left, 0)
        dispenser.has_more = not by_nozzle and dispenser.expects_record > 0
        return heard

    def _record(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        record = Record.from_bytes(frame.body)
        event = _record_event(dispenser, record, frame)
        if isinstance(event, RecordReceived):
            dispenser.prices_e4[record.nozzle] = event.record.price_e4
        matter: object = matter_of(Command.RECORD, record.seq)
        if isinstance(event, DeviceEventReceived):
            matter = event.event
        is_new = dispenser.wait_for_service(matter, frame, now_us)
        return Heard([event] if is_new else [])

    def _list_length(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        ask = ListAsk.from_bytes(frame.body)
        kind, part = self._asked(dispenser, ask.kind)
        if part is None:
            return Heard()
        if not _is_noted(dispenser, kind, part):
            return _to_note(dispenser, kind, part, frame, now_us)
        block = list_length_data(ask.kind, len(part.data))
        return Heard(list(advanced(dispenser, kind, part, 0)), block)

    def _segments(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        ask = SegmentAsk.from_bytes(frame.body)
        kind, part = self._asked(dispenser, ask.kind)
        segments = part.segments(ask.offset, ask.count) if part else []
        if part is None or not segments:
            return Heard()
        if not _is_noted(dispenser, kind, part):
            return _to_note(dispenser, kind, part, frame, now_us)
        if ask.offset == 0:
            dispenser.tries.begin(kind, part.version)
        end = ask.offset + len(segments)
        if end >= part.segment_count:
            dispenser.ask_identity()
        news = advanced(dispenser, kind, part, part.served(end))
        return Heard(list(news), segments_data(ask, segments))

    def _asked(
        self, dispenser: Dispenser, code: int
    ) -> tuple[DownloadKind, Part | None]:
        """Return what may be fetched now; no price changes while gas flows."""
        if code not in codes.DOWNLOADS:
            raise RemoteProtocolError(why=f"download of kind {code}")
        kind = codes.DOWNLOADS[code]
        if kind is DownloadKind.PRICES and dispenser.is_fuelling:
            return kind, None
        return kind, self._offers.part(dispenser, kind)

    def _grey_card(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        query = GreyQuery.from_bytes(frame.body)
        request = mapping.grey_request(query)
        is_new = dispenser.wait_for_service(request, frame, now_us, query)
        return Heard([DebitRequested(dispenser.gun, request)] if is_new else [])

    def _list_check(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        if len(frame.body) != ASN_BYTES:
            raise RemoteProtocolError(why=f"{len(frame.body)} bytes of a card number")
        check = mapping.card_check(frame.body, frame.data)
        is_new = dispenser.wait_for_service(check, frame, now_us)
        return Heard([CardCheckRequested(dispenser.gun, check)] if is_new else [])

    def _text(self, dispenser: Dispenser, frame: Frame, now_us: int) -> Heard:
        event = mapping.text_event(frame.body, frame.data)
        is_new = dispenser.wait_for_service(event, frame, now_us)
        return Heard([DeviceEventReceived(dispenser.gun, event)] if is_new else [])


def _is_noted(dispenser: Dispenser, kind: DownloadKind, part: Part) -> bool:
    """Tell whether a part may go out; the station's data have no history."""
    return kind is DownloadKind.STATION or dispenser.noted.get(kind) == part.version


def _to_note(
    dispenser: Dispenser, kind: DownloadKind, part: Part, frame: Frame, now_us: int
) -> Heard:
    asked = DownloadAsked(tuple(dispenser.guns), kind, part.version)
    is_new = dispenser.wait_for_service(asked, frame, now_us)
    return Heard([asked] if is_new else [])


def _record_event(
    dispenser: Dispenser, record: Record, frame: Frame, *, asked_gun: int | None = None
) -> RecordReceived | ShiftReceived | DeviceEventReceived:
    """Turn a numbered record into what it is.

    Raises:
        RemoteProtocolError: it sells gas at a nozzle that is not configured.
    """
    nozzle: NozzleSetup | None = dispenser.nozzles.get(record.nozzle)
    gun = dispenser.gun if nozzle is None else nozzle.gun
    if not mapping.is_sale(record):
        # Without the frame number, by which a repeat would look like another one.
        if record.sort in codes.SHIFTS:
            shift = mapping.shift_record(record, nozzle, frame.data)
            return ShiftReceived(gun, shift)
        return DeviceEventReceived(gun, mapping.record_event(record, frame.data))
    if nozzle is None:
        raise RemoteProtocolError(why=f"nozzle {record.nozzle} is not configured")
    other = None if asked_gun in (None, gun) else gun
    raw = frame.to_bytes()
    return RecordReceived(gun, mapping.sale_record(record, nozzle, raw, gun=other))


def _reread(dispenser: Dispenser, frame: Frame, request: Request) -> list[Event]:
    if frame.command == Command.NO_RECORD:
        if int.from_bytes(frame.body, "big") != request.device_seq:
            raise RemoteProtocolError(why="another number is not there")
        return [RecordReread(request, None)]
    record = Record.from_bytes(frame.body)
    if record.seq != request.device_seq:
        raise RemoteProtocolError(why=f"record {record.seq} was not asked for")
    event = _record_event(dispenser, record, frame, asked_gun=request.gun)
    if isinstance(event, RecordReceived):
        return [RecordReread(request, event.record)]
    # It is kept as if it had been sent unasked; nobody waits for its answer.
    return [event, RecordReread(request, None)]


_READERS: Mapping[int, Callable[[MessageReader, Dispenser, Frame, int], Heard]] = {
    Command.REAL_TIME: MessageReader._real_time,
    Command.RECORD: MessageReader._record,
    Command.LIST_LENGTH: MessageReader._list_length,
    Command.LIST_SEGMENTS: MessageReader._segments,
    Command.GREY_CARD: MessageReader._grey_card,
    Command.LIST_CHECK: MessageReader._list_check,
    Command.TEXT: MessageReader._text,
}
MESSAGES = frozenset(_READERS)

"""The seam between a line driver and a dispenser protocol: steps, events, requests.

A dialogue is sans-IO: it says what to send and until when to wait, and turns received
bytes into events. Time is monotonic microseconds (`_us`); the station's wall clock is
only passed through to the devices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cngstation.protocols.dispenser.canonical import (
    DebitDecision,
    DebitRequest,
    FaultKind,
    Identity,
    Link,
    NoFill,
    NozzleStatus,
    SaleRecord,
    Totals,
)
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
    DownloadKind,
    Downloads,
    Order,
    OrderOutcome,
    ParameterChange,
    ShiftRecord,
)


@dataclass(frozen=True, slots=True)
class Transmission:
    """Send these bytes now."""

    gun: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to send before this moment unless something happens."""

    until_us: int


class Question(StrEnum):
    """What can be asked of a nozzle at any time."""

    TOTALS = "totals"
    RECORD = "record"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one nozzle; `device_seq` names the record of RECORD."""

    gun: int
    question: Question
    device_seq: int = 0


@dataclass(frozen=True, slots=True)
class StatusReceived:
    gun: int
    status: NozzleStatus


@dataclass(frozen=True, slots=True)
class RecordReceived:
    """A finished transaction that the dispenser keeps until it is acknowledged."""

    gun: int
    record: SaleRecord


@dataclass(frozen=True, slots=True)
class DebitRequested:
    gun: int
    request: DebitRequest


@dataclass(frozen=True, slots=True)
class TotalsReceived:
    request: Request
    answer: Totals


@dataclass(frozen=True, slots=True)
class RecordReread:
    """The answer is None when the dispenser does not hold the record."""

    request: Request
    answer: SaleRecord | NoFill | None


@dataclass(frozen=True, slots=True)
class IdentityReceived:
    request: Request
    answer: Identity


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request got no valid answer, or its nozzle is offline."""

    request: Request


@dataclass(frozen=True, slots=True)
class NoticeReceived:
    """A message that the station takes note of and does not answer."""

    gun: int
    command: int
    body: bytes


@dataclass(frozen=True, slots=True)
class ShiftReceived:
    """A shift record that the dispenser keeps until it is acknowledged."""

    gun: int
    record: ShiftRecord


@dataclass(frozen=True, slots=True)
class ParameterReceived:
    """A changed parameter that the dispenser keeps until it is acknowledged."""

    gun: int
    change: ParameterChange


@dataclass(frozen=True, slots=True)
class DeviceEventReceived:
    """An event that the dispenser keeps until it is acknowledged."""

    gun: int
    event: DeviceEvent


@dataclass(frozen=True, slots=True)
class CardCheckRequested:
    gun: int
    check: CardCheck


class WhyRefused(StrEnum):
    """Why a nozzle does not take what it is sent."""

    NO = "no"  # it says so
    DAMAGED = "damaged"  # it says that the bytes came damaged
    DOES_NOT_FIT = "does_not_fit"  # more digits than it has; it was not sent
    ASKS_AGAIN = "asks_again"  # it got it and asks for it again and again
    OTHER_PRICE = "other_price"  # it was sent the price and goes on with another


@dataclass(frozen=True, slots=True)
class DownloadAdvanced:
    """A nozzle fetched or was sent a part; `is_in_force` when it holds the version.

    `sent` and `count` are cards, or price levels; 0 of a version that is in force and
    not the one that is offered. Version 0 in force is none. `refused` begins with a
    `WhyRefused` where the nozzle does not take it; what the device says may follow.
    """

    gun: int
    kind: DownloadKind
    version: int
    sent: int
    count: int
    is_in_force: bool
    refused: str = ""


@dataclass(frozen=True, slots=True)
class DownloadAsked:
    """Nozzles of one dispenser ask for a version that they do not hold.

    No part of it goes out before `answer_download` says that the sending is noted.
    """

    guns: tuple[int, ...]
    kind: DownloadKind
    version: int


@dataclass(frozen=True, slots=True)
class OrderAnswered:
    order: Order
    outcome: OrderOutcome


@dataclass(frozen=True, slots=True)
class TotaliserJumped:
    """A totaliser moved, or stood still, where no fill of its pump explains it."""

    gun: int
    known_milli: int
    found_milli: int


@dataclass(frozen=True, slots=True)
class LinkChanged:
    gun: int
    link: Link


@dataclass(frozen=True, slots=True)
class AnswerMissed:
    """A frame that wants an answer got none that is valid."""

    gun: int


@dataclass(frozen=True, slots=True)
class ProtocolFault:
    """Ignored bytes or frames of one kind since the last report of it."""

    kind: FaultKind
    gun: int | None
    count: int


@dataclass(frozen=True, slots=True)
class CycleCompleted:
    """Every nozzle had its turn; from the first poll to the next cycle's first."""

    cycle_us: int


Event = (
    StatusReceived
    | RecordReceived
    | DebitRequested
    | TotalsReceived
    | RecordReread
    | IdentityReceived
    | RequestFailed
    | NoticeReceived
    | ShiftReceived
    | ParameterReceived
    | DeviceEventReceived
    | CardCheckRequested
    | DownloadAdvanced
    | DownloadAsked
    | OrderAnswered
    | TotaliserJumped
    | LinkChanged
    | AnswerMissed
    | ProtocolFault
    | CycleCompleted
)


class Dialogue(Protocol):
    """One line's conversation with all of its nozzles."""

    def line_opened(self, now_us: int) -> None:
        """Begin afresh: every nozzle is polled in the first cycle."""

    def line_closed(self, now_us: int) -> None:
        """Forget what was under way; its nozzles go offline with time."""

    def next_transmission(self, now_us: int, wall_ms: int) -> Transmission | Wait:
        """Say what to send now, or how long there is nothing to send."""

    def sent(self, now_us: int) -> None:
        """Say that the transmission is on its way; its times count from here."""

    def receive(self, data: bytes, now_us: int) -> Sequence[Event]:
        """Take received bytes."""

    def tick(self, now_us: int) -> Sequence[Event]:
        """Let time pass, and collect what `next_transmission` brought about."""

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a record is committed, or that it cannot be taken now."""

    def answer_debit(
        self,
        gun: int,
        request: DebitRequest,
        decision: DebitDecision | None,
        now_us: int,
    ) -> None:
        """Answer a debit request; None leaves it unanswered for a while."""

    def request(self, request: Request) -> None:
        """Put a question in the queue; one that waits already is not repeated.

        A question that the protocol does not know fails at the next tick.
        """

    def answer_shift(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a shift record is committed, or cannot be taken now."""

    def answer_parameter(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a changed parameter is committed, or cannot be taken now."""

    def answer_event(
        self, gun: int, event: DeviceEvent, now_us: int, *, accepted: bool
    ) -> None:
        """Say that an event is committed, or cannot be taken now."""

    def answer_card_check(
        self, gun: int, check: CardCheck, verdict: CardVerdict | None, now_us: int
    ) -> None:
        """Answer a question about a card; None leaves it unanswered for a while."""

    def answer_download(
        self, asked: DownloadAsked, now_us: int, *, accepted: bool
    ) -> None:
        """Say that it is noted who is sent what, or that it cannot be sent now."""

    def offer(self, downloads: Downloads) -> None:
        """Say what every nozzle shall hold from now on.

        Blocks of it wait for polls: one never delays a poll by more than an exchange.

        Raises:
            LocalProtocolError: the protocol cannot carry it; all stays as it was.
        """

    def order(self, order: Order) -> None:
        """Put an order in the queue; it is sent at most once.

        One that the protocol or the nozzle's link cannot take is REFUSED at the next
        tick.
        """

    def withdraw(self, order: Order) -> bool:
        """Take back an order that waits; False where it may have been sent."""

"""What the service decides, as frames that wait for the next free moment."""

from collections import deque
from collections.abc import Mapping

from cngstation.protocols.dispenser.canonical import DebitDecision, DebitRequest
from cngstation.protocols.dispenser.dialogue import DownloadAsked, Transmission
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
)
from cngstation.protocols.dispenser.jxv4 import mapping
from cngstation.protocols.dispenser.jxv4.downloads import Distribution
from cngstation.protocols.dispenser.jxv4.duty_messages import ACCEPTED, verdict_body
from cngstation.protocols.dispenser.jxv4.frames import Command, Frame, Sender
from cngstation.protocols.dispenser.jxv4.messages import acknowledgement_body
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

# A commit takes some milliseconds: the bus waits that long for the service, so that
# its answer is the next frame, and then goes on with the other nozzles.
ANSWER_HOLD_US = 100_000
REFUSED_REST_US = 4_000_000


class ServiceAnswers:
    """The answering half of the bus; what comes too late is dropped: it is repeated."""

    def __init__(
        self,
        nozzles: Mapping[int, Nozzle],
        variant: Variant,
        distribution: Distribution,
    ) -> None:
        self._nozzles = nozzles
        self._variant = variant
        self._distribution = distribution
        self._answers: deque[Transmission] = deque()  # at most one for each nozzle

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a record is committed, or that it cannot be taken now."""
        matter = self._matter(gun)
        if not isinstance(matter, OfferedRecord) or matter.seq != device_seq:
            return
        order = self._variant.order
        body = acknowledgement_body(matter.transaction, device_seq, order)
        self._decide(gun, Command.RECORD, body if accepted else None, now_us)

    def answer_debit(
        self,
        gun: int,
        request: DebitRequest,
        decision: DebitDecision | None,
        now_us: int,
    ) -> None:
        """Answer a debit request; None leaves it unanswered for a while.

        Raises:
            LocalProtocolError: a figure of the decision does not fit the frame.
        """
        matter = self._matter(gun)
        if not isinstance(matter, AskedDebit) or matter.request != request:
            return
        body = None
        if decision is not None:
            decided = mapping.decision_body(request, matter.card, decision)
            body = decided.to_bytes(self._variant.order)
        self._decide(gun, Command.DEBIT, body, now_us)

    def answer_shift(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a shift record is committed, or cannot be taken now."""
        if self._matter(gun) == OfferedShift(device_seq):
            body = ACCEPTED if accepted else None
            self._decide(gun, Command.SHIFT_RECORD, body, now_us)

    def answer_parameter(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a changed parameter is committed, or cannot be taken now."""
        if self._matter(gun) == OfferedParameter(device_seq):
            body = ACCEPTED if accepted else None
            self._decide(gun, Command.PARAMETER_CHANGE, body, now_us)

    def answer_event(
        self, gun: int, event: DeviceEvent, now_us: int, *, accepted: bool
    ) -> None:
        """Nothing was asked: the protocol has no events."""

    def answer_card_check(
        self, gun: int, check: CardCheck, verdict: CardVerdict | None, now_us: int
    ) -> None:
        """Answer a question about a card; None leaves it unanswered for a while.

        Raises:
            LocalProtocolError: the verdict answers another kind of question.
        """
        matter = self._matter(gun)
        if not isinstance(matter, AskedCard) or matter.check != check:
            return
        body = None if verdict is None else verdict_body(check, verdict)
        self._decide(gun, Command(matter.command), body, now_us)

    def answer_download(
        self, asked: DownloadAsked, now_us: int, *, accepted: bool
    ) -> None:
        """Say that it is noted who is sent what, or that it cannot be sent now."""
        (gun,) = asked.guns
        if self._matter(gun) != AskedDownload(asked.kind, asked.version):
            return
        self._nozzles[gun].undecided = None
        if accepted:
            self._distribution.noted(gun, asked.kind, asked.version)
        else:
            self._nozzles[gun].rests_until_us = now_us + REFUSED_REST_US

    def _held_until_us(self) -> int:
        waiting = (n.undecided for n in self._nozzles.values())
        return max((u.since_us + ANSWER_HOLD_US for u in waiting if u), default=0)

    def _matter(self, gun: int) -> object:
        undecided = self._nozzles[gun].undecided
        return undecided.matter if undecided else None

    def _decide(
        self, gun: int, command: Command, body: bytes | None, now_us: int
    ) -> None:
        nozzle = self._nozzles[gun]
        nozzle.undecided = None
        if body is None:
            nozzle.rests_until_us = now_us + REFUSED_REST_US
            return
        data = Frame(Sender.HOST, gun, command, body).to_bytes()
        self._answers.append(Transmission(gun, data))

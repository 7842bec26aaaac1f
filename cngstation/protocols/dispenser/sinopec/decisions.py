"""What the service has decided, as answers that wait to be sent."""

from collections import deque
from collections.abc import Iterable

from cngstation.protocols.dispenser.canonical import DebitDecision, DebitRequest
from cngstation.protocols.dispenser.dialogue import DownloadAsked, Transmission
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
)
from cngstation.protocols.dispenser.sinopec import mapping
from cngstation.protocols.dispenser.sinopec.dispensers import Dispenser
from cngstation.protocols.dispenser.sinopec.frames import Command, Frame
from cngstation.protocols.dispenser.sinopec.messages import (
    acknowledgement_data,
    list_check_data,
    text_taken_data,
)
from cngstation.protocols.dispenser.sinopec.readers import matter_of
from cngstation.protocols.dispenser.without import WithoutForecourtCommands

# A commit takes some milliseconds: the line waits that long for the service, so that
# its answer is the next frame, and then goes on with the other dispensers.
ANSWER_HOLD_US = 100_000
REFUSED_REST_US = 4_000_000
_LISTED = frozenset({CardVerdict.LISTED, CardVerdict.BLACKLISTED})


class Decisions(WithoutForecourtCommands):
    """The half of a dialogue that the service answers to.

    What comes too late is dropped: the dispenser says it again.
    """

    def __init__(self, dispensers: Iterable[Dispenser]) -> None:
        super().__init__()
        self.by_gun = {gun: one for one in dispensers for gun in one.guns}
        self.answers: deque[Transmission] = deque()

    def answer_record(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a record is committed, or that it cannot be taken now."""
        data = acknowledgement_data() if accepted else None
        self._decide(gun, matter_of(Command.RECORD, device_seq), data, now_us)

    def answer_shift(
        self, gun: int, device_seq: int, now_us: int, *, accepted: bool
    ) -> None:
        """Say that a log-on or log-off is committed, or cannot be taken now."""
        self.answer_record(gun, device_seq, now_us, accepted=accepted)

    def answer_event(
        self, gun: int, event: DeviceEvent, now_us: int, *, accepted: bool
    ) -> None:
        """Say that an event is committed, or cannot be taken now."""
        is_text = event.device_seq is None
        data = text_taken_data() if is_text else acknowledgement_data()
        self._decide(gun, event, data if accepted else None, now_us)

    def answer_debit(
        self,
        gun: int,
        request: DebitRequest,
        decision: DebitDecision | None,
        now_us: int,
    ) -> None:
        """Answer for a grey card; None leaves it unanswered for a while."""
        query = self.by_gun[gun].query
        data = None
        if decision is not None and query is not None:
            data = mapping.grey_answer(query, decision)
        self._decide(gun, request, data, now_us)

    def answer_card_check(
        self, gun: int, check: CardCheck, verdict: CardVerdict | None, now_us: int
    ) -> None:
        """Answer whether a card is listed; None leaves it unanswered for a while."""
        answering = self.by_gun[gun].answering
        data = None
        if verdict is not None and answering is not None:
            data = list_check_data(answering.body, is_listed=verdict in _LISTED)
        self._decide(gun, check, data, now_us)

    def held_until_us(self) -> int:
        """Return until when the line waits for the service."""
        waiting = (one.undecided for one in self.by_gun.values())
        return max((u.since_us + ANSWER_HOLD_US for u in waiting if u), default=0)

    def forget_decisions(self) -> None:
        """Forget what waits to be sent, and what was to be decided."""
        self.answers.clear()
        for dispenser in self.by_gun.values():
            dispenser.undecided = None

    def _decide(
        self, gun: int, matter: object, data: bytes | None, now_us: int
    ) -> None:
        dispenser = self.by_gun[gun]
        answering = self._decided(dispenser, matter)
        if answering is None:
            return
        if data is None:
            dispenser.rests_until_us = now_us + REFUSED_REST_US
            return
        self.answers.append(answer_to(dispenser, answering, data))

    def _noted(
        self, asked: DownloadAsked, now_us: int, *, accepted: bool
    ) -> tuple[Dispenser, Frame] | None:
        """Return the question that may be answered now, and who asked it."""
        dispenser = self.by_gun[asked.guns[0]]
        question = self._decided(dispenser, asked)
        if question is None:
            return None
        if not accepted:
            dispenser.rests_until_us = now_us + REFUSED_REST_US
            return None
        dispenser.noted[asked.kind] = asked.version
        return dispenser, question

    def _decided(self, dispenser: Dispenser, matter: object) -> Frame | None:
        """Return the message that is answered now; None if nobody waits for it."""
        undecided, answering = dispenser.undecided, dispenser.answering
        if undecided is None or undecided.matter != matter or answering is None:
            return None
        dispenser.undecided = dispenser.answering = dispenser.query = None
        return answering


def answer_to(dispenser: Dispenser, asked: Frame, data: bytes) -> Transmission:
    """Return our answer to a frame: addresses swapped, the number copied."""
    frame = Frame(asked.sender, asked.receiver, asked.number, data)
    return Transmission(dispenser.gun, frame.to_bytes())

"""Questions to a JX-V4 dispenser: in turn with polls, answered, failed or bounded."""

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    FaultKind,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    Event,
    IdentityReceived,
    Question,
    RecordReread,
    Request,
    RequestFailed,
    TotalsReceived,
)
from cngstation.protocols.dispenser.waiting import LARGEST_QUEUE
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import SECOND, Bus, fuelling, idle


@pytest.mark.parametrize(
    ("question", "reply", "kind"),
    [
        (Question.TOTALS, vectors.totals(), TotalsReceived),
        (Question.IDENTITY, vectors.identity(), IdentityReceived),
        (Question.RECORD, vectors.answer(1, 0x58, b"\x07" + bytes(4)), RecordReread),
    ],
)
def test_a_question_is_answered(
    question: Question, reply: bytes, kind: type[Event]
) -> None:
    """Each question gets its own answer."""
    bus = Bus()
    request = Request(1, question, 7 if question is Question.RECORD else 0)
    bus.dialogue.request(request)
    (_, answer) = bus.exchange(reply)
    assert isinstance(answer, kind)
    assert answer.request == request  # type: ignore[attr-defined]  # each has it


def test_a_record_is_read_again_by_its_number() -> None:
    """The question is the vector; the answer holds the whole record."""
    bus = Bus()
    bus.dialogue.request(Request(1, Question.RECORD, 1_027))
    assert bus.send().data == vectors.REREAD_ASKED
    head = (1_027).to_bytes(4, "little") + b"\x01"
    (_, reread) = bus.hear(vectors.answer(1, 0x58, head + vectors.record_body()))
    assert isinstance(reread, RecordReread)
    assert reread.answer is not None
    assert reread.answer.card_no == "5101000100012345"


def test_another_record_than_asked_for_is_a_fault() -> None:
    """A re-read record with another number fails the question."""
    bus = Bus()
    request = Request(1, Question.RECORD, 5)
    bus.dialogue.request(request)
    assert RequestFailed(request) in bus.exchange(vectors.REREAD_NONE)
    assert bus.faults() == {FaultKind.BAD_BODY: 1}


def test_questions_take_turns_with_polls() -> None:
    """A long list of questions does not blind the board."""
    bus = Bus(guns=4)
    for seq in range(5):
        bus.dialogue.request(Request(1, Question.RECORD, seq))
    bus.run(bus.now_us + 3 * SECOND, fuelling)
    commands = [sent.data[4] for _, sent in bus.sent]
    assert commands[:8] == [0x58, 0x51] * 4


def test_a_question_without_answer_fails() -> None:
    """Silence fails the question and counts as a missing answer."""
    bus = Bus()
    request = Request(1, Question.TOTALS)
    bus.dialogue.request(request)
    bus.send()
    bus.send()
    assert bus.events[-2:] == [AnswerMissed(1), RequestFailed(request)]


def test_an_offline_nozzle_is_not_asked() -> None:
    """A question to a dead nozzle fails without a frame."""
    bus = Bus(guns=2)
    bus.run(bus.now_us + 12 * SECOND, lambda s: idle(s) if s.gun == 1 else b"")
    request = Request(2, Question.TOTALS)
    bus.dialogue.request(request)
    bus.send()
    assert RequestFailed(request) in bus.events
    assert all(sent.data[4] == 0x51 for _, sent in bus.sent)


def test_the_same_question_is_asked_once() -> None:
    """A question that waits or is under way is not queued again."""
    bus = Bus()
    bus.dialogue.request(Request(1, Question.TOTALS))
    bus.dialogue.request(Request(1, Question.TOTALS))
    bus.send()
    bus.dialogue.request(Request(1, Question.TOTALS))
    bus.hear(vectors.totals())
    bus.run(bus.now_us + SECOND)
    assert [sent.data[4] for _, sent in bus.sent].count(0x57) == 1


def test_the_queue_of_questions_is_bounded() -> None:
    """One too many is refused, and so is a gun that is not on the line."""
    bus = Bus()
    for seq in range(LARGEST_QUEUE):
        bus.dialogue.request(Request(1, Question.RECORD, seq))
    with pytest.raises(LocalProtocolError, match="too many"):
        bus.dialogue.request(Request(1, Question.TOTALS))
    with pytest.raises(LocalProtocolError, match="gun 9"):
        bus.dialogue.request(Request(9, Question.TOTALS))

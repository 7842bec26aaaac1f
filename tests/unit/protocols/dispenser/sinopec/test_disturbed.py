"""Sinopec dispensers that begin to talk, fall silent or make no sense."""

import random
from collections.abc import Callable

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    LinkChanged,
    Question,
    RecordReceived,
    Request,
    RequestFailed,
    StatusReceived,
)
from cngstation.protocols.dispenser.sinopec.frames import Frame
from tests.unit.protocols.dispenser.sinopec.talk import (
    ACK,
    IDLE,
    INFO,
    Talk,
    faults,
    record,
)


def test_a_dispenser_may_begin() -> None:
    """What it says of its own accord is answered by its own number."""
    talk = Talk()
    talk.settle()
    talk.answer(IDLE)
    talk.hear(Frame(0, 1, 0x77, record()).to_bytes(), after_us=20_000)
    assert len(talk.of(RecordReceived)) == 1
    talk.dialogue.answer_record(101, 0x403, talk.clock, accepted=True)
    frame = talk.next_frame()
    assert (frame.data, frame.number) == (ACK, 0x77)


def test_nobody_talks_into_what_a_dispenser_begins_to_say() -> None:
    """A poll waits for the end of a frame that has begun, or for its silence."""
    talk = Talk()
    talk.settle()
    talk.answer(IDLE)
    spoken = Frame(0, 1, 0x77, record()).to_bytes()
    due_us = talk.starts[-1] + 1_000_000
    talk.clock = due_us - 1_000
    for at in range(0, len(spoken), 4):
        talk.hear(spoken[at : at + 4], after_us=4_000)
        step = talk.dialogue.next_transmission(talk.clock, talk.wall_ms)
        if at + 4 < len(spoken):
            assert step.until_us > talk.clock
    assert len(talk.of(RecordReceived)) == 1


def test_a_message_beside_an_exchange_does_not_end_it() -> None:
    """Another dispenser begins while one is asked; both are heard."""
    talk = Talk((101, 201))
    talk.settle()
    poll = talk.next_frame()
    other = 3 - poll.receiver
    talk.hear(Frame(0, other, 0x99, record()).to_bytes())
    talk.say(IDLE, poll)
    assert len(talk.of(RecordReceived)) == 1
    assert talk.of(StatusReceived)
    assert not talk.of(AnswerMissed)


def misfits() -> dict[str, tuple[FaultKind, Callable[[Talk, Frame], None]]]:
    """Return ways in which a frame is none of the answer."""
    return {
        "our own echo": (
            FaultKind.OWN_ECHO,
            lambda talk, poll: talk.hear(poll.to_bytes()),
        ),
        "from an address that is not on the line": (
            FaultKind.WRONG_ADDRESS,
            lambda talk, poll: talk.say(record(), poll, sender=7),
        ),
        "for another host": (
            FaultKind.WRONG_ADDRESS,
            lambda talk, poll: talk.say(record(), poll, receiver=9),
        ),
        "from the wrong dispenser": (
            FaultKind.WRONG_GUN,
            lambda talk, poll: talk.say(record(), poll, sender=3 - poll.receiver),
        ),
        "with a command that is no answer": (
            FaultKind.UNEXPECTED_COMMAND,
            lambda talk, poll: talk.say(b"\x38\x00", poll),
        ),
        "an answer to nothing": (
            FaultKind.UNEXPECTED_COMMAND,
            lambda talk, poll: talk.say(b"\x3f\x00\x00\x00\x01", poll, number=99),
        ),
    }


@pytest.mark.parametrize("name", misfits())
def test_a_frame_that_does_not_fit_is_counted_and_ignored(name: str) -> None:
    """The answer behind it is taken."""
    kind, spoil = misfits()[name]
    talk = Talk((101, 201))
    talk.settle()
    poll = talk.next_frame()
    spoil(talk, poll)
    assert not talk.of(RecordReceived)
    talk.say(IDLE, poll)
    assert talk.of(StatusReceived)
    assert faults(talk) == {kind: 1}


def test_a_late_answer_and_a_repeated_one_are_dropped() -> None:
    """The number tells that they answer an older poll."""
    talk = Talk()
    talk.settle()
    missed = talk.next_frame()
    poll = talk.next_frame()
    assert len(talk.of(AnswerMissed)) == 1
    talk.say(record(), missed)
    assert not talk.of(RecordReceived)
    talk.say(record(), poll)
    talk.say(record(), poll)
    assert len(talk.of(RecordReceived)) == 1
    talk.dialogue.answer_record(101, 0x403, talk.clock, accepted=True)
    talk.next_frame()
    assert faults(talk)[FaultKind.LATE_REPLY] == 1


def test_the_link_is_suspect_after_three_misses_and_lost_after_ten_seconds() -> None:
    """A dispenser that is heard again tells again what it holds."""
    talk = Talk((101, 102))
    talk.settle()
    while len(talk.of(AnswerMissed)) < 3:
        talk.next_frame()
    assert [e.link for e in talk.of(LinkChanged)] == [Link.SUSPECT] * 2
    silent_us = talk.clock
    while talk.clock < silent_us + 11_000_000:
        talk.next_frame()
    assert [e.link for e in talk.of(LinkChanged)][2:] == [Link.OFFLINE] * 2
    talk.dialogue.request(Request(101, Question.TOTALS))
    assert talk.next_frame().command == 0x3A or talk.next_frame().command == 0x30
    assert talk.of(RequestFailed)
    talk.events.clear()
    talk.answer(IDLE)
    assert [e.link for e in talk.of(LinkChanged)] == [Link.ONLINE] * 2


def test_frames_begin_twenty_milliseconds_apart() -> None:
    """And behind one that nobody answers, so long after its end."""
    talk = Talk((101, 201, 301))
    for _ in range(30):
        frame = talk.next_frame()
        if frame.command == 0x3A:
            talk.say(INFO, frame)
        elif frame.command == 0x30:
            talk.say(record(talk.clock & 0xFFFF), frame)
            seq = talk.of(RecordReceived)[-1]
            talk.dialogue.answer_record(
                seq.gun, seq.record.device_seq, talk.clock, accepted=True
            )
    gaps = [b - a for a, b in zip(talk.starts, talk.starts[1:], strict=False)]
    assert min(gaps) >= 20_000
    wire_us = 10 * 10 * 1_000_000 // 9600
    after_ack = [
        gap
        for gap, frame in zip(gaps, talk.sent, strict=False)
        if frame.command == 0x32
    ]
    assert min(after_ack) >= 20_000 + wire_us


def test_a_lost_line_forgets_what_was_under_way() -> None:
    """An acknowledgement that was not sent is not sent on the next line."""
    talk = Talk()
    talk.settle()
    talk.answer(record())
    talk.dialogue.answer_record(101, 0x403, talk.clock, accepted=True)
    talk.dialogue.request(Request(101, Question.TOTALS))
    talk.dialogue.line_closed(talk.clock)
    talk.events += talk.dialogue.tick(talk.clock)
    assert talk.of(RequestFailed)
    talk.dialogue.line_opened(talk.clock)
    assert talk.next_frame().command in (0x30, 0x3A)


def test_a_fill_at_a_nozzle_that_is_not_configured_is_not_taken() -> None:
    """It is no fill of ours to acknowledge; what it says is without sense here."""
    talk = Talk()
    talk.settle()
    talk.answer(record(at67=b"\x02"))
    assert not talk.of(RecordReceived)
    assert faults(talk) == {FaultKind.BAD_BODY: 1}


@pytest.mark.parametrize(
    "data",
    [
        "31", "3101", "310103010000", "31020201", "3101010111", "3100FF",
        "3101010110", "32", "3200", "33", "340000", "33060001", "34 07 0000 01",
        "35", "36", "3601",
    ],
)  # fmt: skip
def test_messages_that_break_the_protocol_are_ignored(data: str) -> None:
    """Counted, and the next answer is taken."""
    talk = Talk()
    talk.settle()
    talk.answer(bytes.fromhex(data))
    assert faults(talk) == {FaultKind.BAD_BODY: 1}


def babble(frame_count: int, seed: int) -> None:
    """Answer with whole frames of random data, and say some unasked."""
    chance = random.Random(seed)
    talk = Talk((101, 102, 201))
    for _ in range(frame_count):
        frame = talk.next_frame()
        body = chance.randbytes(chance.randrange(100))
        command = chance.choice([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3A, 0x3B])
        if chance.random() < 0.3:
            body = record(chance.randrange(2**32), chance.randrange(256))[1:]
            command = 0x32
        number = frame.number if chance.random() < 0.7 else chance.randrange(0xFA)
        talk.say(bytes([command]) + body, frame, number=number)
        for event in talk.of(RecordReceived):
            talk.dialogue.answer_record(
                event.gun, event.record.device_seq, talk.clock, accepted=True
            )
        talk.events.clear()
        talk.sent.clear()
        talk.starts.clear()


def test_any_data_are_survived() -> None:
    """Nothing is raised; a sample of the campaign below."""
    babble(1_000, seed=5)


@pytest.mark.campaign
def test_ten_million_bytes_of_data_are_survived() -> None:
    """The whole campaign."""
    babble(180_000, seed=6)


def test_too_many_questions_and_strange_nozzles_are_refused() -> None:
    """A question for nobody is our mistake."""
    talk = Talk()
    with pytest.raises(LocalProtocolError):
        talk.dialogue.request(Request(102, Question.TOTALS))
    for number in range(64):
        talk.dialogue.request(Request(101, Question.RECORD, number))
    talk.dialogue.request(Request(101, Question.RECORD, 0))
    with pytest.raises(LocalProtocolError):
        talk.dialogue.request(Request(101, Question.RECORD, 64))


@pytest.mark.parametrize(
    ("guns", "options"),
    [
        ((), {}),
        ((1,), {}),
        ((100,), {}),
        ((10_001,), {}),
        ((101, 101), {}),
        ((101,), {"speed": 1}),
        ((101,), {"area": "12"}),
        ((101,), {"area": 12}),
        ((101,), {"product": "XYZ1"}),
        ((101,), {"density": -1}),
        ((101,), {"terminal": 0}),
        ((101,), {"card_mark": "0100"}),
        ((101,), {"card_mark": 1}),
    ],
)
def test_a_line_that_cannot_be_is_refused(
    guns: tuple[int, ...], options: dict[str, int | str]
) -> None:
    """Guns are 100 times the address and the nozzle; options are known ones."""
    with pytest.raises(ValueError, match=r"gun|nozzle|option|digits|number"):
        Talk(guns, **options)

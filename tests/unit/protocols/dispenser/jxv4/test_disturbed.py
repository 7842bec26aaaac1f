"""A JX-V4 line that garbles, babbles or goes away."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    FaultKind,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    DebitRequested,
    LinkChanged,
    NoticeReceived,
    ProtocolFault,
    Question,
    RecordReceived,
    Request,
    RequestFailed,
    StatusReceived,
)
from cngstation.protocols.dispenser.jxv4.dialogue import (
    BusDialogue,
)
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import (
    MS,
    SECOND,
    Bus,
    of_kind,
    silent,
)

GOOD = vectors.IDLE
BAD_INPUT = {
    "garbage": (b"\x12\x34" * 20, {FaultKind.NOISE: 40}),
    "half a frame": (GOOD[:60], {FaultKind.HALF_FRAME: 1}),
    "a wrong CRC": (GOOD[:-4] + b"\0\0\xdd\xee", {FaultKind.BAD_CRC: 1}),
    "a wrong host address": (
        b"\xbb\xee"
        + (bad := b"\x05\x01\x51\x00\x00")
        + vectors.crc(bad).to_bytes(2, "big")
        + b"\xdd\xee",
        {FaultKind.WRONG_ADDRESS: 1},
    ),
    "a gun of another line": (vectors.status(77), {FaultKind.WRONG_ADDRESS: 1}),
    "another gun": (vectors.status(2), {FaultKind.WRONG_GUN: 1}),
    "another command": (vectors.totals(), {FaultKind.UNEXPECTED_COMMAND: 1}),
    "our own echo": (vectors.POLL, {FaultKind.OWN_ECHO: 1}),
    "too long a body": (bytes.fromhex("BBEE000151FFFF"), {FaultKind.TOO_LONG: 1}),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input_is_ignored_named_and_does_not_stop_the_answer(name: str) -> None:
    """Before a good answer it is passed over; alone it is a missing answer."""
    data, expected = BAD_INPUT[name]
    before = Bus(guns=2)
    before.send()
    before.hear(data)
    if FaultKind.HALF_FRAME not in expected:
        assert of_kind(before.hear(GOOD), StatusReceived)
        assert expected.items() <= before.faults().items()
    alone = Bus(guns=2)
    alone.send()
    alone.hear(data)
    alone.send()
    assert expected.items() <= alone.faults().items()
    assert AnswerMissed(1) in alone.events
    assert not of_kind(alone.events, LinkChanged)


@pytest.mark.parametrize(
    "reply",
    [
        vectors.answer(1, 0x51, bytes(83)),
        vectors.status(state=0x33),
        vectors.answer(1, 0x52, bytes(122)),
        vectors.answer(1, 0x55, bytes(30)),
        vectors.debit(kind=9),
    ],
)
def test_a_body_that_breaks_the_protocol_is_no_answer(reply: bytes) -> None:
    """It is counted, the nozzle is not thought well, and the bus goes on."""
    bus = Bus()
    assert AnswerMissed(1) in bus.exchange(reply)
    assert bus.faults() == {FaultKind.BAD_BODY: 1}
    assert bus.send().data[4] == 0x51


def test_a_late_reply_is_told_from_a_wrong_gun() -> None:
    """What comes from a nozzle that just missed its answer is late."""
    bus = Bus(guns=2)
    bus.send()
    bus.send()
    bus.hear(vectors.status(1))
    bus.hear(vectors.status(2))
    assert bus.faults() == {FaultKind.LATE_REPLY: 1}


def test_half_a_frame_does_not_spoil_the_next_exchange() -> None:
    """The rest of a broken reply is forgotten when the next poll goes out."""
    bus = Bus(guns=2)
    bus.exchange(vectors.status(1)[:50])
    bus.send()
    assert of_kind(bus.hear(vectors.status(2)), StatusReceived)


def test_noise_is_reported_once_an_exchange() -> None:
    """A babbling line brings one event for each kind, however many bytes."""
    bus = Bus()
    bus.send()
    for _ in range(100):
        assert bus.hear(b"\x01\x02\x03", after_us=MS) == []
    assert of_kind(bus.hear(GOOD), ProtocolFault) == [
        ProtocolFault(FaultKind.NOISE, None, 300)
    ]


UNSERVED = {
    "a list": vectors.LIST_ASKED,
    "a block": vectors.BLOCK_ASKED,
    "prices": vectors.PRICES_ASKED,
}


@pytest.mark.parametrize("name", UNSERVED)
def test_what_is_not_offered_is_noted_and_not_answered(name: str) -> None:
    """It counts as an answer and gets none; the nozzle is not asked in haste."""
    bus = Bus()
    frame = UNSERVED[name]
    (_, notice) = bus.exchange(frame)
    assert notice == NoticeReceived(1, frame[4], frame[7:-4])
    assert bus.send().data[4] == 0x51
    assert bus.sent[1][0] - bus.sent[0][0] == SECOND


@pytest.mark.parametrize("command", [0x53, 0x54, 0x56, 0x5A, 0x5B, 0x5C, 0x5E])
def test_an_upload_of_another_size_is_no_answer(command: int) -> None:
    """Two bytes are none of these bodies."""
    bus = Bus()
    assert AnswerMissed(1) in bus.exchange(vectors.answer(1, command, b"\x01\x02"))
    assert bus.faults() == {FaultKind.BAD_BODY: 1}


def test_a_closed_line_forgets_without_blame() -> None:
    """Questions fail, the open exchange does not count, all are polled afresh."""
    bus = Bus(guns=2)
    bus.exchange(vectors.record(1))
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    request = Request(2, Question.TOTALS)
    bus.dialogue.request(request)
    bus.dialogue.line_closed(bus.now_us)
    assert bus.dialogue.tick(bus.now_us) == [RequestFailed(request)]
    bus.dialogue.line_opened(bus.now_us)
    assert bus.send().data == vectors.POLL
    bus.dialogue.line_closed(bus.now_us)
    assert AnswerMissed(1) not in bus.dialogue.tick(bus.now_us + SECOND)


def test_a_question_under_way_fails_when_the_line_closes() -> None:
    """Whoever asked does not wait for a port that is gone."""
    bus = Bus()
    request = Request(1, Question.TOTALS)
    bus.dialogue.request(request)
    bus.send()
    bus.dialogue.line_closed(bus.now_us)
    assert bus.dialogue.tick(bus.now_us) == [RequestFailed(request)]


def test_what_was_undecided_is_asked_again_on_a_new_line() -> None:
    """A nozzle does not stay silent because the port went during a commit."""
    bus = Bus()
    bus.exchange(vectors.RECORD)
    bus.dialogue.line_closed(bus.now_us)
    bus.dialogue.line_opened(bus.now_us)
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    opened_us = bus.now_us
    assert bus.send().data == vectors.POLL
    assert bus.now_us == opened_us


def test_a_question_waits_while_its_nozzle_is_undecided() -> None:
    """A nozzle that waits for an acknowledgement hears that first."""
    bus = Bus(guns=2)
    bus.exchange(vectors.RECORD)
    bus.dialogue.request(Request(1, Question.TOTALS))
    bus.run(bus.now_us + SECOND)
    assert {sent.data[4] for _, sent in bus.sent} == {0x51}
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    bus.run(bus.now_us + SECOND)
    assert [s.data[4] for _, s in bus.sent if s.gun == 1][1:3] == [0x52, 0x57]


def test_what_follows_an_answer_does_not_spoil_the_next() -> None:
    """The beginning of a frame behind an answer is forgotten at the next poll."""
    bus = Bus(guns=2)
    bus.exchange(vectors.status(1) + vectors.status(1)[:40])
    bus.send()
    assert of_kind(bus.hear(vectors.status(2)), StatusReceived)
    assert bus.faults() == {FaultKind.HALF_FRAME: 1}


def test_a_fault_is_reported_once() -> None:
    """A clean exchange behind a faulty one reports nothing."""
    bus = Bus()
    bus.exchange(b"\x01" + vectors.POLL + vectors.IDLE)
    assert len(of_kind(bus.events, ProtocolFault)) == 2
    assert not of_kind(bus.exchange(vectors.IDLE), ProtocolFault)


def test_after_opening_offline_nozzles_are_all_tried() -> None:
    """A line that was away does not take a cycle for each nozzle to come back."""
    bus = Bus(guns=4)
    bus.run(bus.now_us + 12 * SECOND, silent)
    bus.dialogue.line_closed(bus.now_us)
    bus.dialogue.line_opened(bus.now_us)
    bus.sent.clear()
    bus.run(bus.now_us + SECOND)
    assert bus.guns()[:4] == [1, 2, 3, 4]


@pytest.mark.parametrize("nozzles", [[], [NozzleSettings(1), NozzleSettings(1)]])
def test_impossible_lines_are_refused(nozzles: list[NozzleSettings]) -> None:
    """A line has nozzles, each with its own number."""
    with pytest.raises(ValueError, match="line"):
        BusDialogue(nozzles, LineSpeed(9_600))


@pytest.mark.parametrize("gun", [0, 256])
def test_impossible_guns_are_refused(gun: int) -> None:
    """0 is the host, and a byte ends at 255."""
    with pytest.raises(ValueError, match="gun"):
        NozzleSettings(gun)


def test_an_impossible_speed_is_refused() -> None:
    """A line without speed has no wire time."""
    with pytest.raises(ValueError, match="speed"):
        LineSpeed(0)


wire = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([d for d, _ in vectors.EVERY.values()]),
    st.sampled_from([vectors.debit(), vectors.debit(2, 1), vectors.record(2)]),
    st.builds(vectors.status, st.integers(1, 4), st.integers(0x9F, 0xF2)),
)


@given(st.lists(st.tuples(wire, st.integers(0, 400 * MS), st.booleans()), max_size=30))
def test_whatever_arrives_the_rules_hold(
    script: list[tuple[bytes, int, bool]],
) -> None:
    """No byte stream raises, breaks the spacing or gets an acknowledgement unasked."""
    bus = Bus(guns=3)
    committed = 0
    for data, after_us, accepted in script:
        bus.send()
        for event in bus.hear(data, after_us):
            if isinstance(event, RecordReceived):
                committed += accepted
                seq = event.record.device_seq
                bus.dialogue.answer_record(
                    event.gun, seq, bus.now_us, accepted=accepted
                )
            if isinstance(event, DebitRequested):
                bus.dialogue.answer_debit(
                    event.gun, event.request, NOT_FOUND, bus.now_us
                )
    bus.send()
    starts = [at for at, _ in bus.sent]
    assert all(b - a >= 110 * MS for a, b in itertools.pairwise(starts))
    assert sum(sent.data[4] == 0x52 for _, sent in bus.sent) <= committed

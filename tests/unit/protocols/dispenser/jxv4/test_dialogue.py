"""The JX-V4 bus dialogue on a fake clock: each rule of who is asked what and when."""

import itertools
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    DebitDecision,
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    DebitRequested,
    Event,
    IdentityReceived,
    LinkChanged,
    NoticeReceived,
    ProtocolFault,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    RequestFailed,
    StatusReceived,
    TotalsReceived,
    Transmission,
)
from cngstation.protocols.dispenser.jxv4.dialogue import (
    LARGEST_REQUEST_QUEUE,
    BusDialogue,
)
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from tests.unit.protocols.dispenser.jxv4 import vectors

WALL_MS = 1_748_737_815_000  # 2025-06-01 08:30:15 in China
MS = 1_000
SECOND = 1_000 * MS
SPACING = 111 * MS
POLL_LIMIT = 250 * MS + (24 + 158) * 10 * SECOND // 38_400

Answers = Callable[[Transmission], bytes]


def silent(_sent: Transmission) -> bytes:
    return b""


def idle(sent: Transmission) -> bytes:
    """Answer every poll with a status and nothing else."""
    return vectors.status(sent.gun) if sent.data[4] == 0x51 else b""


def fuelling(sent: Transmission) -> bytes:
    """Answer every poll with the status of a fill."""
    return vectors.status(sent.gun, 0xA4) if sent.data[4] == 0x51 else b""


class Bus:
    """A line on a fake clock, with a script for its far end."""

    def __init__(self, guns: int = 1, baud: int = 38_400) -> None:
        nozzles = [NozzleSettings(gun) for gun in range(1, guns + 1)]
        self.dialogue = BusDialogue(nozzles, LineSpeed(baud))
        self.now_us = 1_000_000
        self.sent: list[tuple[int, Transmission]] = []
        self.events: list[Event] = []
        self.dialogue.line_opened(self.now_us)

    def send(self) -> Transmission:
        """Let time pass until the next transmission."""
        for _ in range(1_000):
            step = self.dialogue.next_transmission(self.now_us, WALL_MS)
            self.events += self.dialogue.tick(self.now_us)
            if isinstance(step, Transmission):
                self.sent.append((self.now_us, step))
                return step
            self.now_us = max(self.now_us + 1, step.until_us)
        raise AssertionError("the dialogue never sends again")

    def hear(self, data: bytes, after_us: int = 30 * MS) -> list[Event]:
        """Let bytes arrive; return the events that they bring about."""
        self.now_us += after_us
        events = self.dialogue.receive(data, self.now_us)
        self.events += events
        return events

    def run(self, until_us: int, far_end: Answers = idle) -> None:
        """Send and answer until a moment is past."""
        while self.now_us < until_us:
            data = far_end(self.send())
            if data:
                self.hear(data)

    def exchange(self, data: bytes) -> list[Event]:
        self.send()
        return self.hear(data)

    def guns(self) -> list[int]:
        return [sent.gun for _, sent in self.sent]

    def faults(self) -> dict[FaultKind, int]:
        seen = [e for e in self.events if isinstance(e, ProtocolFault)]
        return {fault.kind: fault.count for fault in seen}


E = TypeVar("E")


def of_kind(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def test_the_poll_carries_the_stations_time() -> None:
    """The first frame is the constructed poll with all versions 0."""
    assert Bus().send().data == vectors.POLL


def test_a_status_brings_the_nozzle_on_line() -> None:
    """The first answer reports the link, then the status."""
    online, status = Bus().exchange(vectors.FUELLING)
    assert online == LinkChanged(1, Link.ONLINE)
    assert isinstance(status, StatusReceived)
    assert status.status.quantity_milli == 12_340


@pytest.mark.parametrize("baud", [9_600, 38_400, 115_200])
def test_frames_begin_110_ms_apart(baud: int) -> None:
    """However fast the answers are, no two host frames begin closer."""
    bus = Bus(guns=3, baud=baud)
    script = [vectors.record(1), vectors.status(2), vectors.debit(3)]

    def far_end(sent: Transmission) -> bytes:
        if sent.data[4] != 0x51:
            return b""
        bus.dialogue.request(Request(2, Question.TOTALS))
        return script[sent.gun - 1]

    for _ in range(40):
        data = far_end(bus.send())
        for event in bus.hear(data, after_us=1) if data else []:
            if isinstance(event, RecordReceived):
                bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
            if isinstance(event, DebitRequested):
                bus.dialogue.answer_debit(3, event.request, NOT_FOUND, bus.now_us)
    starts = [at for at, _ in bus.sent]
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert min(gaps) >= 110 * MS
    assert {data.data[4] for _, data in bus.sent} == {0x51, 0x52, 0x55, 0x57}


def test_the_next_poll_waits_for_nothing_else() -> None:
    """With quick answers of busy nozzles the spacing alone sets the pace."""
    bus = Bus(guns=4)
    bus.run(bus.now_us + 2 * SECOND, fuelling)
    starts = [at for at, _ in bus.sent]
    assert {b - a for a, b in itertools.pairwise(starts)} == {SPACING}


def test_a_slow_answer_is_followed_at_once() -> None:
    """When the answer took longer than the spacing, the next frame goes with it."""
    bus = Bus(guns=2)
    bus.send()
    bus.hear(vectors.IDLE, after_us=150 * MS)
    bus.send()
    assert bus.sent[1][0] - bus.sent[0][0] == 150 * MS


def test_times_count_from_the_sending_not_from_the_saying() -> None:
    """A machine that was busy before the write does not shorten spacing or wait."""
    bus = Bus(guns=3)
    bus.send()
    said_us = bus.now_us
    bus.dialogue.sent(said_us + 40 * MS)
    late_us = said_us + 40 * MS + POLL_LIMIT
    bus.now_us = late_us - 1
    assert not bus.dialogue.tick(bus.now_us)
    bus.hear(vectors.IDLE, after_us=0)
    bus.send()
    bus.dialogue.sent(bus.now_us + 7 * MS)
    begun_us = bus.now_us + 7 * MS
    bus.hear(vectors.status(2))
    bus.send()
    assert bus.now_us == begun_us + SPACING


def test_behind_a_frame_without_answer_the_tick_is_waited_for() -> None:
    """At 9600 baud an acknowledgement lasts 17.7 ms, and its tick comes after that."""
    bus = Bus(baud=9_600)
    bus.exchange(vectors.RECORD)
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    bus.send()
    bus.send()
    assert bus.sent[2][0] - bus.sent[1][0] == 100 * MS + 17 * 10 * SECOND // 9_600


def test_a_missing_answer_is_given_up_after_its_time() -> None:
    """Wire time of poll and longest answer and 250 ms, then the next nozzle."""
    bus = Bus(guns=2)
    bus.send()
    bus.send()
    assert bus.guns() == [1, 2]
    assert bus.sent[1][0] - bus.sent[0][0] == POLL_LIMIT
    assert of_kind(bus.events, AnswerMissed) == [AnswerMissed(1)]


def test_an_answer_in_the_last_moment_counts() -> None:
    """Just before the limit an answer is an answer, at the limit it is late."""
    in_time, late = Bus(), Bus()
    in_time.send()
    assert of_kind(in_time.hear(vectors.IDLE, POLL_LIMIT - 1), StatusReceived)
    late.send()
    late.now_us += POLL_LIMIT
    late.events += late.dialogue.tick(late.now_us)
    assert not late.hear(vectors.IDLE, after_us=0)
    late.exchange(vectors.IDLE)
    assert late.faults() == {FaultKind.LATE_REPLY: 1}


def test_nothing_is_repeated_within_a_cycle() -> None:
    """A silent nozzle is asked once in each cycle."""
    bus = Bus(guns=3)

    def far_end(sent: Transmission) -> bytes:
        return b"" if sent.gun == 2 else idle(sent)

    bus.run(bus.now_us + 3 * SECOND, far_end)
    assert bus.guns()[:9] == [1, 2, 3] * 3


def test_one_missing_answer_changes_nothing_and_three_are_suspect() -> None:
    """One or two silences are normal; the third in a row makes the nozzle SUSPECT."""
    bus = Bus()
    bus.exchange(vectors.IDLE)
    bus.events.clear()
    bus.send()
    bus.send()
    bus.send()
    assert not of_kind(bus.events, LinkChanged)
    bus.send()
    assert of_kind(bus.events, LinkChanged) == [LinkChanged(1, Link.SUSPECT)]
    assert LinkChanged(1, Link.ONLINE) in bus.hear(vectors.IDLE)


def test_an_answer_between_silences_starts_the_count_again() -> None:
    """Two silences, an answer and two silences are no suspicion."""
    bus = Bus()
    bus.exchange(vectors.IDLE)
    bus.events.clear()
    for _ in range(5):
        bus.send()
        bus.send()
        bus.exchange(vectors.IDLE)
    assert not of_kind(bus.events, LinkChanged)


def test_ten_seconds_of_silence_are_offline() -> None:
    """Not before and not much after 10 s without a valid answer."""
    bus = Bus()
    bus.exchange(vectors.IDLE)
    heard_us = bus.now_us
    bus.run(heard_us + 10 * SECOND - 1, silent)
    bus.dialogue.tick(heard_us + 10 * SECOND - 1)
    changes = [e.link for e in of_kind(bus.events, LinkChanged)]
    assert changes[:2] == [Link.ONLINE, Link.SUSPECT]
    bus.run(heard_us + 11 * SECOND, silent)
    changes = [e.link for e in of_kind(bus.events, LinkChanged)]
    assert changes == [Link.ONLINE, Link.SUSPECT, Link.OFFLINE]


def test_a_line_that_never_opens_is_offline_too() -> None:
    """Time alone takes a nozzle off line; nothing needs to be sent."""
    dialogue = BusDialogue([NozzleSettings(1)], LineSpeed(9_600))
    assert dialogue.tick(0) == []
    assert dialogue.tick(10 * SECOND) == [LinkChanged(1, Link.OFFLINE)]
    assert dialogue.tick(20 * SECOND) == []


def test_dead_nozzles_cost_one_time_out_a_cycle() -> None:
    """Offline nozzles are probed in turn, one in each cycle."""
    bus = Bus(guns=5)

    def far_end(sent: Transmission) -> bytes:
        return idle(sent) if sent.gun == 1 else b""

    bus.run(bus.now_us + 20 * SECOND, far_end)
    last = bus.guns()[-16:]
    assert last.count(1) == 8
    assert all(sorted(last[at : at + 8]) == [1, 1, 1, 1, 2, 3, 4, 5] for at in (0, 8))
    cycles = of_kind(bus.events, CycleCompleted)
    assert cycles[-1].cycle_us == SECOND


def test_a_dead_nozzle_comes_back() -> None:
    """An answer to a probe takes the nozzle into every cycle again."""
    bus = Bus(guns=2)
    bus.run(bus.now_us + 12 * SECOND, lambda s: idle(s) if s.gun == 1 else b"")
    bus.run(bus.now_us + 2 * SECOND)
    assert bus.guns()[-4:] in ([1, 2, 1, 2], [2, 1, 2, 1])
    assert of_kind(bus.events, LinkChanged)[-1] == LinkChanged(2, Link.ONLINE)


def test_a_cycle_is_measured_from_first_poll_to_first_poll() -> None:
    """Four busy nozzles with quick answers take four spacings."""
    bus = Bus(guns=4)
    bus.run(bus.now_us + 2 * SECOND, fuelling)
    cycles = of_kind(bus.events, CycleCompleted)
    assert {cycle.cycle_us for cycle in cycles} == {4 * SPACING}


def test_a_record_is_acknowledged_only_after_the_commit() -> None:
    """Until the service has committed nothing is said; then it is the next frame."""
    bus = Bus(guns=2)
    (_, received) = bus.exchange(vectors.RECORD)
    assert isinstance(received, RecordReceived)
    assert received.record.device_seq == 1_027
    step = bus.dialogue.next_transmission(bus.now_us + 90 * MS, WALL_MS)
    assert not isinstance(step, Transmission)
    bus.now_us += 95 * MS
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    assert bus.send().data == vectors.ACKNOWLEDGEMENT
    assert [at for at, _ in bus.sent] == [1_000_000, 1_000_000 + 125 * MS]


def test_a_slow_commit_does_not_hold_the_others() -> None:
    """After 100 ms the others are polled, the waiting nozzle is not."""
    bus = Bus(guns=3)
    bus.exchange(vectors.RECORD)
    received_us = bus.now_us
    bus.run(bus.now_us + 2 * SECOND)
    assert bus.sent[1][0] == received_us + 100 * MS
    assert set(bus.guns()[1:]) == {2, 3}
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    assert bus.send().data == vectors.ACKNOWLEDGEMENT
    bus.run(bus.now_us + SECOND)
    assert 1 in bus.guns()[-3:]


def test_a_refused_record_is_not_acknowledged_and_its_nozzle_rests() -> None:
    """The dispenser keeps its record and does not spend its ten tries at once."""
    bus = Bus(guns=2)
    bus.exchange(vectors.RECORD)
    refused_us = bus.now_us
    bus.dialogue.answer_record(1, 1_027, refused_us, accepted=False)
    bus.run(refused_us + 5 * SECOND)
    to_first = [at for at, sent in bus.sent[1:] if sent.gun == 1]
    assert 4 * SECOND <= to_first[0] - refused_us < 4_250 * MS
    assert all(sent.data[4] == 0x51 for _, sent in bus.sent)


def test_a_service_that_never_decides_is_given_up() -> None:
    """After 5 s the nozzle is polled again; what is decided later is dropped."""
    bus = Bus(guns=1)
    bus.exchange(vectors.RECORD)
    received_us = bus.now_us
    assert bus.send().data[4] == 0x51
    assert bus.now_us == received_us + 5 * SECOND
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    bus.hear(vectors.IDLE)
    assert bus.send().data[4] == 0x51


def test_an_answer_for_another_record_is_not_sent() -> None:
    """Only the record that the dispenser is waiting for is acknowledged."""
    bus = Bus()
    bus.exchange(vectors.RECORD)
    bus.dialogue.answer_record(1, 1_026, bus.now_us, accepted=True)
    assert bus.send().data[4] == 0x51


def test_the_acknowledgement_repeats_type_and_number() -> None:
    """A grey record of code FFH is acknowledged as FFH."""
    bus = Bus()
    body = bytearray(vectors.record_body(0x01020304))
    body[13] = 0xFF
    bus.exchange(vectors.answer(1, 0x52, bytes(body)))
    bus.dialogue.answer_record(1, 0x01020304, bus.now_us, accepted=True)
    assert bus.send().data[7:-4] == bytes.fromhex("01 FF 01020304")


@pytest.mark.parametrize("kind", [0, 1])
def test_a_debit_request_is_answered_by_the_service(kind: int) -> None:
    """Debit and unlock go through the same hook; the answer is the next frame."""
    bus = Bus(guns=2)
    (_, asked) = bus.exchange(vectors.debit(kind=kind))
    assert isinstance(asked, DebitRequested)
    decision = DebitDecision(found=True, amount_e4=491_100, debited_hundredths=4_911)
    bus.dialogue.answer_debit(1, asked.request, decision, bus.now_us)
    sent = bus.send()
    assert (sent.gun, sent.data[4], len(sent.data)) == (1, 0x55, 59)
    head = bytes([1, kind]) + bytes.fromhex("5101000100012345 0000132F 0000132F")
    assert sent.data[7:25] == head


def test_an_undecided_debit_leaves_the_nozzle_in_peace() -> None:
    """No decision, no frame, and no poll that would spend a try."""
    bus = Bus()
    (_, asked) = bus.exchange(vectors.debit())
    assert isinstance(asked, DebitRequested)
    decided_us = bus.now_us
    bus.dialogue.answer_debit(1, asked.request, None, decided_us)
    assert bus.send().data[4] == 0x51
    assert bus.now_us == decided_us + 4 * SECOND


def test_a_decision_for_an_earlier_request_is_dropped() -> None:
    """A card never gets the figures of another fill."""
    bus = Bus()
    (_, first) = bus.exchange(vectors.debit(seq=1))
    assert isinstance(first, DebitRequested)
    bus.send()
    (second,) = of_kind(bus.hear(vectors.debit(seq=2)), DebitRequested)
    bus.dialogue.answer_debit(1, first.request, NOT_FOUND, bus.now_us)
    assert bus.send().data[4] == 0x51
    assert second.request.device_seq == 2


def test_a_decision_that_does_not_fit_is_raised_and_not_sent() -> None:
    """Our own mistake reaches the log, never the card."""
    bus = Bus()
    (_, asked) = bus.exchange(vectors.debit())
    assert isinstance(asked, DebitRequested)
    wrong = DebitDecision(found=True, amount_e4=1)
    with pytest.raises(LocalProtocolError):
        bus.dialogue.answer_debit(1, asked.request, wrong, bus.now_us)
    assert bus.send().data[4] == 0x51


def test_an_acknowledgement_is_no_decision() -> None:
    """A debit request is not settled by acknowledging a record of its number."""
    bus = Bus()
    bus.exchange(vectors.debit(seq=1_027))
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    assert bus.send().data[4] == 0x51


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
    for seq in range(LARGEST_REQUEST_QUEUE):
        bus.dialogue.request(Request(1, Question.RECORD, seq))
    with pytest.raises(LocalProtocolError, match="too many"):
        bus.dialogue.request(Request(1, Question.TOTALS))
    with pytest.raises(LocalProtocolError, match="gun 9"):
        bus.dialogue.request(Request(9, Question.TOTALS))


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


@pytest.mark.parametrize("command", [0x53, 0x54, 0x56, 0x5A, 0x5B, 0x5C, 0x5E])
def test_other_uploads_are_noted_and_not_answered(command: int) -> None:
    """What the station does not serve counts as an answer and gets none."""
    bus = Bus()
    (_, notice) = bus.exchange(vectors.answer(1, command, b"\x01\x02"))
    assert notice == NoticeReceived(1, command, b"\x01\x02")
    assert bus.send().data[4] == 0x51


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

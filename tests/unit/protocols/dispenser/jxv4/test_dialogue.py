"""The JX-V4 dialogue on a fake clock: who is polled when, and how a link is known."""

import itertools

import pytest

from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    FaultKind,
    Link,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    DebitRequested,
    LinkChanged,
    Question,
    RecordReceived,
    Request,
    StatusReceived,
    Transmission,
)
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import (
    MS,
    POLL_LIMIT,
    SECOND,
    SPACING,
    Bus,
    fuelling,
    idle,
    of_kind,
    silent,
)


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

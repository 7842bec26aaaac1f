"""Records and debits of a JX-V4 dispenser: answered when the service has decided."""

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    DebitDecision,
)
from cngstation.protocols.dispenser.dialogue import (
    DebitRequested,
    RecordReceived,
    Transmission,
)
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import MS, SECOND, WALL_MS, Bus, of_kind


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

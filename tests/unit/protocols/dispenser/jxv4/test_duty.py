"""Shift records, changed parameters and card questions on a JX-V4 bus."""

from collections.abc import Callable

import pytest

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    Event,
    ParameterReceived,
    ShiftReceived,
)
from cngstation.protocols.dispenser.forecourt import (
    CardQuestion,
    CardVerdict,
)
from cngstation.units import Unit
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import MS, SECOND, Bus, of_kind

Answer = Callable[[Bus, bool], None]


def answer_shift(bus: Bus, accepted: bool) -> None:
    bus.dialogue.answer_shift(1, 31, bus.now_us, accepted=accepted)


def answer_parameter(bus: Bus, accepted: bool) -> None:
    bus.dialogue.answer_parameter(1, 12, bus.now_us, accepted=accepted)


UPLOADS = {
    "shift": (vectors.shift(), answer_shift, 0x5A, ShiftReceived),
    "parameter": (vectors.parameter(), answer_parameter, 0x5B, ParameterReceived),
}


def test_a_shift_record_is_read() -> None:
    """Every figure of the duty in the station's units."""
    (received,) = of_kind(Bus().exchange(vectors.shift()), ShiftReceived)
    record = received.record
    assert (record.device_seq, record.is_off_duty, record.shift_no) == (31, True, 2)
    assert record.employee_card == "0000000000001001"
    assert record.started_at == "2025-06-01 08:00:00"
    assert record.ended_at == "2025-06-01 16:00:00"
    assert record.gun_total_quantity_milli == 2_435_670
    assert record.gun_total_amount_e4 == 99_999_900
    assert (record.shift_quantity_milli, record.shift_amount_e4) == (98_760, 3_930_600)
    assert (record.fills, record.unit, record.on_duty_seq) == (8, Unit.KG, 30)
    assert record.raw == vectors.shift()[7:-4]


def test_going_on_duty_has_no_end_and_no_record_before_it() -> None:
    """Kind 0 is the beginning; zeros are no time and no number."""
    body = bytearray(vectors.shift(kind=0)[7:-4])
    body[21:28], body[50:54] = bytes(7), bytes(4)
    frame = vectors.answer(1, 0x5A, bytes(body))
    (received,) = of_kind(Bus().exchange(frame), ShiftReceived)
    assert not received.record.is_off_duty
    assert received.record.ended_at is None
    assert received.record.on_duty_seq is None


def test_a_shift_record_without_its_reserve_is_read() -> None:
    """The core is 54 bytes; what stands behind it belongs to the firmware."""
    frame = vectors.answer(1, 0x5A, vectors.shift()[7:-4][:54])
    assert of_kind(Bus().exchange(frame), ShiftReceived)


def test_a_changed_parameter_is_read() -> None:
    """Who changed what from what to what."""
    (received,) = of_kind(Bus().exchange(vectors.parameter()), ParameterReceived)
    change = received.change
    assert (change.device_seq, change.shift_no) == (12, 2)
    assert (change.parameter, change.decimals) == (260, 2)
    assert (change.before, change.after) == (2_500, 2_250)
    assert change.card_no == "0000000000001001"
    assert change.changed_at == "2025-06-01 09:15:00"


@pytest.mark.parametrize("name", UPLOADS)
def test_it_is_acknowledged_after_the_commit_and_not_before(name: str) -> None:
    """Until the service has committed nothing is said; then it is the next frame."""
    upload, answer, command, kind = UPLOADS[name]
    bus = Bus(guns=2)
    assert of_kind(bus.exchange(upload), kind)
    bus.now_us += 80 * MS
    bus.dialogue.tick(bus.now_us)
    answer(bus, True)
    sent = bus.send()
    assert (sent.gun, sent.data[4], sent.data[7:-4]) == (1, command, b"\x01")
    assert len(bus.sent) == 2


@pytest.mark.parametrize("name", UPLOADS)
def test_what_is_refused_is_not_acknowledged_and_its_nozzle_rests(name: str) -> None:
    """As with a sale: the dispenser's ten tries are not spent at once."""
    upload, answer, command, _ = UPLOADS[name]
    bus = Bus(guns=2)
    bus.exchange(upload)
    refused_us = bus.now_us
    answer(bus, False)
    bus.run(refused_us + 5 * SECOND)
    to_first = [at for at, sent in bus.sent[1:] if sent.gun == 1]
    assert 4 * SECOND <= to_first[0] - refused_us < 4_300 * MS
    assert command not in bus.commands()


@pytest.mark.parametrize("name", UPLOADS)
def test_an_answer_for_another_one_is_not_sent(name: str) -> None:
    """Only what the dispenser is waiting for is acknowledged."""
    upload, _, command, _ = UPLOADS[name]
    bus = Bus()
    bus.exchange(upload)
    bus.dialogue.answer_shift(1, 12, bus.now_us, accepted=True)
    bus.dialogue.answer_parameter(1, 31, bus.now_us, accepted=True)
    bus.dialogue.answer_record(1, 31, bus.now_us, accepted=True)
    bus.dialogue.answer_record(1, 12, bus.now_us, accepted=True)
    assert bus.send().data[4] == 0x51
    assert command not in bus.commands()


def asked(events: list[Event]) -> CardCheckRequested:
    (check,) = of_kind(events, CardCheckRequested)
    return check


def test_a_card_check_is_read() -> None:
    """Card, balance and the time of its last use."""
    check = asked(Bus().exchange(vectors.card_check())).check
    assert check.question is CardQuestion.CHECK
    assert check.card_no == "5101000100012345"
    assert check.balance_hundredths == 50_000
    assert check.last_used_at == "2025-05-31 17:30:00"


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (CardVerdict.MAY_FILL, 0),
        (CardVerdict.UNKNOWN_CARD, 1),
        (CardVerdict.BLACKLISTED, 2),
        (CardVerdict.BALANCE_DIFFERS, 3),
        (CardVerdict.TIME_DIFFERS, 4),
    ],
)
def test_a_card_check_is_answered(verdict: CardVerdict, code: int) -> None:
    """The card comes back with the verdict's code, as the next frame."""
    bus = Bus(guns=2)
    check = asked(bus.exchange(vectors.card_check())).check
    bus.dialogue.answer_card_check(1, check, verdict, bus.now_us)
    sent = bus.send()
    assert (sent.gun, sent.data[4]) == (1, 0x5C)
    assert sent.data[7:-4] == bytes.fromhex("5101000100012345") + bytes([code])


@pytest.mark.parametrize(
    ("kind", "question"), [(0, CardQuestion.BLACKLIST), (1, CardQuestion.WHITELIST)]
)
@pytest.mark.parametrize(
    ("verdict", "code"), [(CardVerdict.NOT_LISTED, 0), (CardVerdict.LISTED, 1)]
)
def test_a_list_check_is_answered(
    kind: int, question: CardQuestion, verdict: CardVerdict, code: int
) -> None:
    """The same through 56H, with the codes of a list."""
    bus = Bus()
    check = asked(bus.exchange(vectors.list_check(kind=kind))).check
    assert (check.question, check.balance_hundredths) == (question, None)
    bus.dialogue.answer_card_check(1, check, verdict, bus.now_us)
    sent = bus.send()
    assert sent.data[4] == 0x56
    assert sent.data[7:-4] == bytes.fromhex("5101000100012345") + bytes([code])


def test_an_undecided_card_leaves_the_nozzle_in_peace() -> None:
    """No verdict, no frame; the dispenser asks again after a rest."""
    bus = Bus()
    check = asked(bus.exchange(vectors.card_check())).check
    decided_us = bus.now_us
    bus.dialogue.answer_card_check(1, check, None, decided_us)
    assert bus.send().data[4] == 0x51
    assert bus.now_us == decided_us + 4 * SECOND


def test_a_verdict_for_another_card_is_dropped() -> None:
    """What was decided for a card never lets another one fill."""
    bus = Bus()
    first = asked(bus.exchange(vectors.card_check())).check
    bus.send()
    asked(bus.hear(vectors.card_check(card="5101000100099999")))
    bus.dialogue.answer_card_check(1, first, CardVerdict.MAY_FILL, bus.now_us)
    assert bus.send().data[4] == 0x51


@pytest.mark.parametrize(
    ("frame", "verdict"),
    [
        (vectors.card_check(), CardVerdict.LISTED),
        (vectors.list_check(), CardVerdict.MAY_FILL),
    ],
)
def test_a_verdict_of_another_question_is_raised_and_not_sent(
    frame: bytes, verdict: CardVerdict
) -> None:
    """0 is "may fill" to one question and "not listed" to the other."""
    bus = Bus()
    check = asked(bus.exchange(frame)).check
    with pytest.raises(LocalProtocolError):
        bus.dialogue.answer_card_check(1, check, verdict, bus.now_us)
    assert bus.send().data[4] == 0x51


def test_a_list_check_of_an_unknown_list_is_no_answer() -> None:
    """Kind 7 is neither black nor white."""
    assert not of_kind(Bus().exchange(vectors.list_check(kind=7)), CardCheckRequested)

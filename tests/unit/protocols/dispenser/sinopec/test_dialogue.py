"""The conversation with Sinopec dispensers: polls, records, cards, questions."""

import pytest

from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    DebitDecision,
    DebitKind,
    FaultKind,
    FuellingState,
    TransactionType,
)
from cngstation.protocols.dispenser.dialogue import (
    CardCheckRequested,
    DebitRequested,
    DeviceEventReceived,
    IdentityReceived,
    OrderAnswered,
    ProtocolFault,
    Question,
    RecordReceived,
    RecordReread,
    Request,
    RequestFailed,
    ShiftReceived,
    StatusReceived,
    TotalsReceived,
)
from cngstation.protocols.dispenser.forecourt import (
    CardQuestion,
    CardVerdict,
    Order,
    OrderKind,
    OrderOutcome,
)
from cngstation.protocols.dispenser.sinopec.frames import Frame
from tests.unit.protocols.dispenser.sinopec import vectors
from tests.unit.protocols.dispenser.sinopec.talk import (
    ACK,
    IDLE,
    INFO,
    Talk,
    faults,
    record,
)

CARD = bytes.fromhex("01005101000100012345")
GREY_QUERY = b"\x35" + CARD + bytes.fromhex("0000C350 0030 00 20250601082547")


def test_a_poll_tells_the_time_and_the_versions_that_the_dispenser_holds() -> None:
    """What nobody offers is announced as it is held, so nothing is fetched."""
    talk = Talk()
    first = talk.next_frame()
    assert (first.receiver, first.sender, first.data) == (1, 0, b"\x3a")
    talk.say(INFO, first)
    assert talk.next_frame().data == vectors.POLL[6:-2]


def test_a_dispenser_without_an_identity_is_polled_all_the_same() -> None:
    """Its silence to 3AH costs a turn now and then."""
    talk = Talk()
    commands = []
    for _ in range(16):
        frame = talk.next_frame()
        commands.append(frame.command)
        if frame.command == 0x30:
            talk.say(IDLE, frame)
    assert commands.count(0x3A) == 2
    assert talk.of(StatusReceived)


def test_every_nozzle_has_its_state() -> None:
    """One answer tells of all nozzles; those that it does not name are idle."""
    talk = Talk((101, 102, 103))
    talk.settle()
    card = vectors.CARD_IN[8:-2].replace(b"\x01\x01", b"\x01\x02", 1)
    talk.answer(b"\x31\x02" + vectors.FUELLING[8:-2] + card)
    fuels, called, idle = (event.status for event in talk.of(StatusReceived))
    assert [event.gun for event in talk.of(StatusReceived)] == [101, 102, 103]
    assert fuels.state is FuellingState.FUELLING
    assert (fuels.amount_e4, fuels.quantity_milli) == (491_100, 12_340)
    assert fuels.price_e4 == 39_800
    assert called.state is FuellingState.CALLING
    assert called.card_no == "01005101000100012345"
    assert idle.state is FuellingState.IDLE
    talk.events.clear()
    talk.answer(IDLE)
    assert {e.status.state for e in talk.of(StatusReceived)} == {FuellingState.IDLE}
    assert talk.of(StatusReceived)[0].status.price_e4 == 39_800


def test_a_record_is_acknowledged_when_it_is_committed_and_not_before() -> None:
    """Its dispenser is not polled meanwhile; our answer copies its number."""
    talk = Talk()
    talk.settle()
    poll = talk.answer(record())
    (received,) = talk.of(RecordReceived)
    sale = received.record
    assert (received.gun, sale.device_seq) == (101, 0x403)
    assert sale.transaction_type is TransactionType.NORMAL
    assert (sale.quantity_milli, sale.price_e4, sale.amount_e4) == (
        12_340, 39_800, 491_100,
    )  # fmt: skip
    assert (sale.balance_before_hundredths, sale.balance_after_hundredths) == (
        50_000, 45_089,
    )  # fmt: skip
    assert (sale.card_no, sale.card_consumption_count) == ("01005101000100012345", 49)
    assert (sale.started_at, sale.ended_at) == (None, "2025-06-01 08:25:47")
    assert sale.gun_total_quantity_milli == 987_654 * 10
    assert sale.employee_card == "1"
    assert sale.raw_frame == Frame(0, 1, poll.number, record()).to_bytes()
    before = talk.clock
    with pytest.raises(AssertionError):
        talk.next_frame(within_us=1_000_000)
    talk.dialogue.answer_record(101, 0x403, talk.clock, accepted=True)
    frame = talk.next_frame()
    assert (frame.data, frame.number) == (ACK, poll.number)
    assert talk.clock >= before
    assert talk.next_frame().command == 0x30


def test_a_refused_record_is_not_acknowledged_and_rests() -> None:
    """It is asked for again after four seconds, before the dispenser shows off line."""
    talk = Talk()
    talk.settle()
    talk.answer(record())
    refused_us = talk.clock
    talk.dialogue.answer_record(101, 0x403, talk.clock, accepted=False)
    frame = talk.next_frame()
    assert frame.command == 0x30
    assert 4_000_000 <= talk.clock - refused_us < 10_000_000


def test_a_service_that_never_answers_is_asked_again() -> None:
    """After five seconds the dispenser is polled, and its record comes again."""
    talk = Talk()
    talk.settle()
    talk.answer(record())
    talk.say(record(), talk.next_frame())
    assert len(talk.of(RecordReceived)) == 2


def test_an_answer_that_is_too_late_or_for_another_record_is_dropped() -> None:
    """Nothing is acknowledged that is not the record last sent."""
    talk = Talk()
    talk.settle()
    talk.answer(record(7))
    talk.dialogue.answer_record(101, 6, talk.clock, accepted=True)
    with pytest.raises(AssertionError):
        talk.next_frame(within_us=1_000_000)
    talk.dialogue.answer_record(101, 7, talk.clock, accepted=True)
    talk.dialogue.answer_record(101, 7, talk.clock, accepted=True)
    assert talk.next_frame().data == ACK
    assert talk.next_frame().command == 0x30


@pytest.mark.parametrize(
    ("kind", "expected", "debited"),
    [
        (0x00, TransactionType.NORMAL, 4911),
        (0x20, TransactionType.NORMAL, 4911),
        (0x70, TransactionType.NORMAL, 4911),
        (0x80, TransactionType.UNKNOWN, 4911),
        (0x81, TransactionType.GREY, 0),
        (0x01, TransactionType.GREY, 0),
        (0x02, TransactionType.UNKNOWN, 4911),
        (0x03, TransactionType.MAKE_UP_DEBIT, 4911),
        (0x07, TransactionType.NO_CARD, 0),
        (0x0C, TransactionType.NO_CARD, 0),
        (0x0F, TransactionType.UNKNOWN, 4911),
        (0x09, TransactionType.UNKNOWN, 4911),  # says that gas has moved
    ],
)
def test_kinds_of_sales(kind: int, expected: TransactionType, debited: int) -> None:
    """The low four bits say what it is, 20H that it was made off line."""
    talk = Talk()
    talk.settle()
    talk.answer(record(kind=kind))
    (received,) = talk.of(RecordReceived)
    sale = received.record
    assert (sale.transaction_type, sale.debited_hundredths) == (expected, debited)
    assert (sale.transaction_code, sale.is_offline) == (kind, bool(kind & 0x20))
    assert (sale.card_no is None) is (expected is TransactionType.NO_CARD)
    assert sale.balance_before_hundredths - debited == sale.balance_after_hundredths


def test_points_are_no_money() -> None:
    """The amount is what the gas costs, nothing is debited, somebody looks at it."""
    talk = Talk()
    talk.settle()
    talk.answer(record(at64=b"\x01", at26=b"\x00\x00\x05"))
    sale = talk.of(RecordReceived)[0].record
    assert (sale.amount_e4, sale.debited_hundredths) == (491_100, 0)
    assert sale.transaction_type is TransactionType.UNKNOWN


@pytest.mark.parametrize("kind", [5, 6])
def test_a_log_on_or_off_is_a_shift_record(kind: int) -> None:
    """Its figures but the time, the card and the total are not there."""
    talk = Talk()
    talk.settle()
    poll = talk.answer(record(kind=kind))
    (received,) = talk.of(ShiftReceived)
    shift = received.record
    assert (shift.device_seq, shift.is_off_duty) == (0x403, kind == 6)
    assert shift.employee_card == "01005101000100012345"
    assert (shift.ended_at if kind == 6 else shift.started_at) == "2025-06-01 08:25:47"
    assert (shift.fills, shift.shift_quantity_milli) == (None, None)
    talk.dialogue.answer_shift(101, 0x403, talk.clock, accepted=True)
    assert (talk.next_frame().data, talk.sent[-1].number) == (ACK, poll.number)


@pytest.mark.parametrize(
    ("kind", "name"), [(4, "grey_cleared"), (8, "price_received"), (0x0A, "other")]
)
def test_other_numbered_records_are_events(kind: int, name: str) -> None:
    """They are kept with their number and acknowledged after that."""
    talk = Talk()
    talk.settle()
    talk.answer(record(kind=kind, at70=bytes(3), at67=b"\x00"))
    (received,) = talk.of(DeviceEventReceived)
    assert (received.gun, received.event.name) == (101, name)
    assert (received.event.device_seq, received.event.code) == (0x403, kind)
    talk.dialogue.answer_event(101, received.event, talk.clock, accepted=True)
    assert talk.next_frame().data == ACK


def test_a_text_is_kept_and_then_taken() -> None:
    """3BH is answered by 3CH 3BH; the text is clean."""
    talk = Talk()
    talk.settle()
    talk.answer(b"\x3b\x02" + "打印机\x1b[2J".encode("gb18030"))
    (received,) = talk.of(DeviceEventReceived)
    assert received.event.device_seq is None
    assert received.event.text.startswith("打印机")
    assert "\x1b" not in received.event.text
    talk.dialogue.answer_event(101, received.event, talk.clock, accepted=True)
    assert talk.next_frame().data == b"\x3c\x3b"


def test_a_grey_card_is_answered_from_its_record() -> None:
    """The codes of the unpaid fill's own record go back to the card."""
    talk = Talk()
    talk.settle()
    talk.answer(GREY_QUERY)
    (asked,) = talk.of(DebitRequested)
    request = asked.request
    assert (request.kind, request.card_no) == (DebitKind.UNLOCK, CARD.hex())
    assert (request.card_consumption_count, request.balance_hundredths) == (49, 50_000)
    kept = Frame(0, 1, 9, record(kind=1)).to_bytes()
    decision = DebitDecision(found=True, grey_frame=kept)
    talk.dialogue.answer_debit(101, request, decision, talk.clock)
    figures = "0000B021 00132F 0030 00 20250601082547 55667788 510100000001 0000004D"
    assert talk.next_frame().data == b"\x35\x00" + CARD + bytes.fromhex(figures)


@pytest.mark.parametrize(
    "decision",
    [
        NOT_FOUND,
        DebitDecision(found=True, grey_frame=b""),
        DebitDecision(found=True, grey_frame=vectors.IDLE),
        DebitDecision(
            found=True,
            grey_frame=Frame(0, 1, 9, record(kind=1, at29=b"\x00\x31")).to_bytes(),
        ),
    ],
)
def test_a_grey_card_without_its_own_record_owes_nothing_known(
    decision: DebitDecision,
) -> None:
    """No record, a strange one, or that of another fill unlocks nothing."""
    talk = Talk()
    talk.settle()
    talk.answer(GREY_QUERY)
    talk.dialogue.answer_debit(101, talk.of(DebitRequested)[0].request, decision,
                               talk.clock)  # fmt: skip
    answer = talk.next_frame().data
    assert answer[:12] == b"\x35\x01" + CARD
    assert len(answer) == 43
    assert not any(answer[12:19])


@pytest.mark.parametrize(
    ("verdict", "flag"),
    [
        (CardVerdict.LISTED, 0),
        (CardVerdict.BLACKLISTED, 0),
        (CardVerdict.NOT_LISTED, 1),
        (CardVerdict.MAY_FILL, 1),
    ],
)
def test_a_card_is_looked_up(verdict: CardVerdict, flag: int) -> None:
    """Bit 0 clear says that it is listed."""
    talk = Talk()
    talk.settle()
    talk.answer(b"\x36" + CARD)
    (asked,) = talk.of(CardCheckRequested)
    assert (asked.check.question, asked.check.card_no) == (
        CardQuestion.BLACKLIST, CARD.hex(),
    )  # fmt: skip
    talk.dialogue.answer_card_check(101, asked.check, verdict, talk.clock)
    assert talk.next_frame().data == b"\x36" + bytes([flag]) + CARD


def test_questions() -> None:
    """Totals, a record by its number, who it is."""
    talk = Talk((101, 102))
    talk.settle()
    for request in (
        Request(102, Question.TOTALS),
        Request(101, Question.RECORD, 0x403),
        Request(101, Question.RECORD, 9),
        Request(102, Question.IDENTITY),
    ):
        talk.dialogue.request(request)
    talk.answer(bytes.fromhex("3802 01 0000 0001 02 000F 1206"), 0x38)
    assert talk.answer(record(), 0x3E).data == bytes.fromhex("3E00000403")
    talk.answer(bytes.fromhex("3F00000009"), 0x3E)
    talk.answer(INFO, 0x3A)
    (totals,) = talk.of(TotalsReceived)
    assert totals.answer.gun_total_quantity_milli == 987_654 * 10
    assert totals.answer.device_seq is None
    found, missing = talk.of(RecordReread)
    assert found.answer is not None
    assert (found.answer.device_seq, found.answer.gun) == (0x403, None)
    assert missing.answer is None
    (identity,) = talk.of(IdentityReceived)
    assert (identity.answer.gun, identity.answer.station_no) == (102, "51010001")
    assert (identity.answer.maker, identity.answer.versions.base_blacklist) == (
        "MAKER", 3,
    )  # fmt: skip
    assert not talk.of(RequestFailed)


def test_no_dispenser_has_a_number_beyond_its_counter() -> None:
    """Asked for behind the end of u32, it is not there; nothing is sent."""
    talk = Talk()
    talk.settle()
    request = Request(101, Question.RECORD, 0x1_0000_0000)
    talk.dialogue.request(request)
    assert talk.dialogue.tick(talk.clock) == [RecordReread(request, None)]
    assert talk.next_frame().command == 0x30


def test_a_nozzle_that_is_not_configured_does_not_hide_the_others() -> None:
    """Its state is passed over and counted."""
    talk = Talk()
    talk.settle()
    strange = vectors.FUELLING[8:-2].replace(b"\x02\x01", b"\x02\x07", 1)
    talk.answer(b"\x31\x02" + strange + vectors.FUELLING[8:-2])
    (known,) = talk.of(StatusReceived)
    assert (known.gun, known.status.quantity_milli) == (101, 12_340)
    assert [f.kind for f in talk.of(ProtocolFault)] == [FaultKind.WRONG_GUN]


def test_a_number_that_another_nozzle_used_comes_with_its_nozzle() -> None:
    """Numbers are the dispenser's, not the nozzle's."""
    talk = Talk((101, 102))
    talk.settle()
    talk.dialogue.request(Request(102, Question.RECORD, 0x403))
    talk.answer(record(), 0x3E)
    (found,) = talk.of(RecordReread)
    assert found.answer is not None
    assert found.answer.gun == 101


def test_a_number_of_a_log_on_is_told_as_such() -> None:
    """Nobody gets an acknowledgement for what was read again."""
    talk = Talk()
    talk.settle()
    talk.dialogue.request(Request(101, Question.RECORD, 0x403))
    talk.answer(record(kind=5), 0x3E)
    assert talk.of(RecordReread)[0].answer is None
    assert talk.of(ShiftReceived)
    talk.dialogue.answer_shift(101, 0x403, talk.clock, accepted=True)
    assert talk.next_frame().command == 0x30


@pytest.mark.parametrize(
    ("question", "command", "answer"),
    [
        (Question.TOTALS, 0x38, "3801 05 00000001"),
        (Question.TOTALS, 0x38, "3802 01 00000001"),
        (Question.RECORD, 0x3E, "3F00000008"),
        (Question.RECORD, 0x3E, record(8).hex()),
        (Question.IDENTITY, 0x3A, INFO[:-1].hex()),
    ],
)
def test_an_answer_without_sense_fails_the_question(
    question: Question, command: int, answer: str
) -> None:
    """The wrong nozzle, half of it, another number."""
    talk = Talk()
    talk.settle()
    request = Request(101, question, 9)
    talk.dialogue.request(request)
    talk.answer(bytes.fromhex(answer), command)
    assert talk.of(RequestFailed) == [RequestFailed(request)]
    assert faults(talk) == {FaultKind.BAD_BODY: 1}


def test_an_order_is_refused_at_once() -> None:
    """Mode 1 has no command for it."""
    talk = Talk()
    order = Order(101, OrderKind.LOCK)
    talk.dialogue.order(order)
    assert talk.dialogue.tick(talk.clock) == [
        OrderAnswered(order, OrderOutcome.REFUSED)
    ]

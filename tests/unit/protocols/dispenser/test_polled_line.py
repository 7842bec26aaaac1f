"""The polled line: polls, questions, orders, and whatever the wire does to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.errors import LocalProtocolError
from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    Link,
    Totals,
)
from cngstation.protocols.dispenser.dialogue import (
    AnswerMissed,
    CycleCompleted,
    LinkChanged,
    OrderAnswered,
    Question,
    Request,
    RequestFailed,
    StatusReceived,
    TotalsReceived,
    Transmission,
    Wait,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.polled_strategy import (
    Ask,
    Script,
    Visit,
    asked,
)
from cngstation.protocols.dispenser.waiting import LARGEST_QUEUE
from tests.unit.protocols.dispenser.toy_line import (
    FILLING,
    LIMIT_US,
    MS,
    SECOND,
    WALL_MS,
    Toy,
    Wire,
    gaps,
    silent,
    well,
)


def test_an_idle_nozzle_is_polled_every_second_and_a_busy_one_every_300_ms() -> None:
    wire = Wire(2)

    def answers(sent: Transmission) -> bytes:
        return well(sent)[:2] + bytes([FILLING if sent.gun == 2 else 0])

    wire.run(11 * SECOND, answers)
    assert set(gaps(wire.polls(1))[1:]) <= set(range(SECOND, SECOND + 50 * MS))
    assert set(gaps(wire.polls(2))[1:]) <= set(range(300 * MS, 350 * MS))


def test_frames_begin_no_nearer_than_the_spacing() -> None:
    strategy = Toy()
    strategy.tells = True
    wire = Wire(8, strategy)
    wire.run(4 * SECOND, lambda sent: well(sent) if sent.data[1:2] == b"p" else b"")
    assert min(gaps([at for at, _ in wire.sent])) >= 20 * MS
    assert any(sent.data[1:2] == b"s" for _, sent in wire.sent)


def test_a_frame_that_nobody_answers_is_not_waited_for() -> None:
    strategy = Toy()
    strategy.tells = True
    wire = Wire(1, strategy)
    wire.send()
    wire.hear(b"\x01P\x00")
    told = wire.send()
    wire.events += wire.line.tick(wire.now_us)
    assert told.data == b"\x01s\x00"
    assert len(wire.of(StatusReceived)) == 1
    assert not wire.of(AnswerMissed)


def test_times_count_from_the_moment_a_frame_is_on_its_way() -> None:
    wire = Wire()
    wire.send()
    late_us = 5 * MS
    wire.now_us += late_us
    wire.line.sent(wire.now_us)
    step = wire.line.next_transmission(wire.now_us, WALL_MS)
    assert step == Wait(wire.now_us + LIMIT_US)


def test_a_missing_answer_is_given_up_at_its_deadline_and_counted() -> None:
    wire = Wire()
    wire.send()
    begun_us = wire.now_us
    assert wire.line.next_transmission(begun_us, WALL_MS) == Wait(begun_us + LIMIT_US)
    wire.send()
    assert wire.of(AnswerMissed) == [AnswerMissed(1)]


def test_a_poll_is_repeated_in_its_visit_to_a_nozzle_that_is_heard() -> None:
    wire = Wire(2, Toy(tries=3))
    wire.run(3 * SECOND)
    first = len(wire.sent)
    wire.run(wire.now_us + 10 * SECOND, lambda s: b"" if s.gun == 1 else well(s))
    after = [sent.gun for _, sent in wire.sent[first:]]
    runs = [guns for guns in "".join(map(str, after)).split("2") if guns]
    assert runs[0] == "111"
    suspect = [at for at in wire.polls(1) if 6_500 * MS < at < 12 * SECOND]
    assert min(gaps(suspect)) > LIMIT_US, "what is suspect costs one time-out"


def test_three_misses_are_suspect_and_ten_seconds_are_offline() -> None:
    wire = Wire()
    wire.run(3 * SECOND)
    wire.run(16 * SECOND, silent)
    links = [e.link for e in wire.of(LinkChanged) if isinstance(e, LinkChanged)]
    assert links == [Link.ONLINE, Link.SUSPECT, Link.OFFLINE]
    assert len(wire.of(AnswerMissed)) >= 3
    wire.run(20 * SECOND)
    assert wire.of(LinkChanged)[-1] == LinkChanged(1, Link.ONLINE)


def test_the_dead_cost_one_time_out_a_cycle_together() -> None:
    wire = Wire(8)

    def answers(sent: Transmission) -> bytes:
        return well(sent) if sent.gun <= 2 else b""

    wire.run(15 * SECOND, answers)
    begun = len(wire.sent)
    wire.run(45 * SECOND, answers)
    later = [sent.gun for _, sent in wire.sent[begun:]]
    dead = [gun for gun in later if gun > 2]
    assert 24 <= len(dead) <= 32
    assert set(dead[:6]) == {3, 4, 5, 6, 7, 8}, "they are probed round robin"
    assert min(gaps(wire.polls(1))) >= SECOND - 100 * MS
    assert max(gaps(wire.polls(1))) <= SECOND + 2 * LIMIT_US


def test_a_cycle_is_told_when_every_nozzle_had_its_turn() -> None:
    wire = Wire(3)
    wire.run(4 * SECOND)
    cycles = [
        e.cycle_us for e in wire.of(CycleCompleted) if isinstance(e, CycleCompleted)
    ]
    assert cycles
    assert all(900 * MS <= cycle <= 1_100 * MS for cycle in cycles[1:])


def test_a_strategy_hears_that_a_nozzle_is_back() -> None:
    wire = Wire()
    wire.run(3 * SECOND)
    wire.strategy.again.clear()
    wire.run(6 * SECOND)
    assert wire.strategy.again == []
    wire.run(20 * SECOND, silent)
    wire.run(22 * SECOND)
    assert wire.strategy.again == [1]


# Questions


def test_a_question_is_asked_between_polls_and_answered() -> None:
    wire = Wire()
    wire.run(2 * SECOND)
    wire.line.request(Request(1, Question.TOTALS))
    wire.line.request(Request(1, Question.TOTALS))
    wire.run(3 * SECOND, lambda sent: sent.data[:1] + sent.data[1:2].upper() + b"\7")
    request = Request(1, Question.TOTALS)
    assert wire.of(TotalsReceived) == [
        TotalsReceived(request, Totals(7, 0, 0, 0, 0))
    ], "one that waits is not repeated"


def test_a_question_outside_the_protocol_fails() -> None:
    wire = Wire()
    request = Request(1, Question.RECORD, 4)
    wire.line.request(request)
    wire.run(2 * SECOND)
    assert wire.of(RequestFailed) == [RequestFailed(request)]


def test_a_question_without_an_answer_fails() -> None:
    wire = Wire()
    wire.run(2 * SECOND)
    request = Request(1, Question.TOTALS)
    wire.line.request(request)
    wire.run(3 * SECOND, lambda s: b"" if s.data[1:2] == b"t" else well(s))
    assert wire.of(RequestFailed) == [RequestFailed(request)]


def test_questions_do_not_hold_up_polls() -> None:
    wire = Wire()
    wire.run(2 * SECOND)
    begun = len(wire.sent)
    while wire.now_us < 8 * SECOND:
        wire.line.request(Request(1, Question.TOTALS))
        wire.hear(well(wire.send()))
    later = [sent.data[1:2] for _, sent in wire.sent[begun:]]
    assert later.count(b"p") >= 5


def test_too_many_questions_are_our_own_fault() -> None:
    wire = Wire(guns=100)
    for gun in range(1, LARGEST_QUEUE + 1):
        wire.line.request(Request(gun, Question.TOTALS))
    with pytest.raises(LocalProtocolError):
        wire.line.request(Request(100, Question.TOTALS))


def test_a_nozzle_that_is_not_on_the_line_is_our_own_fault() -> None:
    wire = Wire()
    with pytest.raises(LocalProtocolError):
        wire.line.request(Request(9, Question.TOTALS))
    with pytest.raises(LocalProtocolError):
        wire.line.order(Order(9, OrderKind.STOP))


# Orders


def test_an_order_goes_first_and_is_done() -> None:
    wire = Wire(8)
    order = Order(8, OrderKind.STOP)
    wire.hear(well(wire.send()))
    wire.line.request(Request(1, Question.TOTALS))
    wire.line.order(order)
    sent = wire.send()
    assert sent.data == b"\x08g\x00"
    wire.hear(well(sent))
    assert wire.of(OrderAnswered) == [OrderAnswered(order, OrderOutcome.DONE)]


@pytest.mark.parametrize(
    ("figure", "outcome"), [(0, OrderOutcome.DONE), (FILLING, OrderOutcome.UNKNOWN)]
)
def test_an_order_without_an_answer_is_not_sent_again_but_the_state_read(
    figure: int, outcome: OrderOutcome
) -> None:
    wire = Wire()
    wire.run(2 * SECOND)
    order = Order(1, OrderKind.STOP)
    wire.line.order(order)
    wire.run(
        9 * SECOND,
        lambda s: b"" if s.data[1:2] == b"g" else well(s)[:2] + bytes([figure]),
    )
    assert [sent.data for _, sent in wire.sent].count(b"\x01g\x00") == 1
    assert wire.of(OrderAnswered) == [OrderAnswered(order, outcome)]


def test_an_order_is_taken_back_while_it_waits_and_not_behind_that() -> None:
    wire = Wire(2)
    wire.run(2 * SECOND)
    order = Order(1, OrderKind.STOP)
    wire.line.order(order)
    assert wire.line.withdraw(order)
    wire.run(5 * SECOND)
    assert not [s for _, s in wire.sent if s.data[1:2] == b"g"]
    wire.line.order(order)
    assert wire.send().data[1:2] == b"g"
    assert not wire.line.withdraw(order)


def test_an_order_outside_the_protocol_is_refused() -> None:
    wire = Wire()
    order = Order(1, OrderKind.LOCK)
    wire.line.order(order)
    wire.run(2 * SECOND)
    assert wire.of(OrderAnswered) == [OrderAnswered(order, OrderOutcome.REFUSED)]


def test_an_order_to_a_nozzle_that_is_offline_is_refused_unsent() -> None:
    wire = Wire()
    wire.run(13 * SECOND, silent)
    order = Order(1, OrderKind.STOP)
    wire.line.order(order)
    wire.run(15 * SECOND, silent)
    assert wire.of(OrderAnswered) == [OrderAnswered(order, OrderOutcome.REFUSED)]
    assert not [s for _, s in wire.sent if s.data[1:2] == b"g"]


def test_a_lost_port_leaves_a_sent_order_unknown_and_an_unsent_one_refused() -> None:
    wire = Wire()
    wire.run(2 * SECOND)
    sent, waiting = Order(1, OrderKind.STOP), Order(1, OrderKind.STOP, 1)
    request = Request(1, Question.TOTALS)
    wire.line.order(sent)
    wire.send()
    wire.line.order(waiting)
    wire.line.request(request)
    wire.line.line_closed(wire.now_us)
    wire.events += wire.line.tick(wire.now_us)
    assert wire.of(OrderAnswered) == [
        OrderAnswered(sent, OrderOutcome.UNKNOWN),
        OrderAnswered(waiting, OrderOutcome.REFUSED),
    ]
    assert wire.of(RequestFailed) == [RequestFailed(request)]
    wire.line.line_opened(wire.now_us)
    wire.run(wire.now_us + SECOND)
    assert not [s for at, s in wire.sent[-2:] if s.data[1:2] == b"g"]


@pytest.mark.parametrize(
    ("frames", "outcome"), [(0, OrderOutcome.REFUSED), (1, OrderOutcome.UNKNOWN)]
)
def test_an_order_that_cannot_be_written_is_refused_if_nothing_of_it_went_out(
    frames: int, outcome: OrderOutcome
) -> None:
    """A preset with too many digits was given to no pump; half an order was."""

    class Wordless(Toy):
        def order(self, visit: Visit, order: Order) -> Script[bytes, OrderOutcome]:
            for _ in range(frames):
                yield from asked(Ask(bytes([order.gun]) + b"g\x00", 3))
            raise LocalProtocolError(why="too many digits")

    wire = Wire(1, Wordless())
    wire.run(2 * SECOND)
    order = Order(1, OrderKind.STOP)
    wire.line.order(order)
    wire.run(3 * SECOND)
    assert wire.of(OrderAnswered) == [OrderAnswered(order, outcome)]
    assert sum(sent.data[1:2] == b"g" for _, sent in wire.sent) == frames


# What the wire does


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        (b"\x02P\x00", FaultKind.WRONG_GUN),
        (b"\x09P\x00", FaultKind.WRONG_ADDRESS),
        (b"\x00P\x00", FaultKind.WRONG_ADDRESS),
        (b"\x01T\x00", FaultKind.UNEXPECTED_COMMAND),
        (b"\x01\xff\x00", FaultKind.NOISE),
        (b"\x01P\xff", FaultKind.BAD_BODY),
    ],
)
def test_what_is_no_answer_is_counted_and_passed_over(
    heard: bytes, fault: FaultKind
) -> None:
    wire = Wire(2)
    wire.send()
    wire.hear(heard)
    assert not wire.of(StatusReceived)
    if fault is not FaultKind.BAD_BODY:
        wire.hear(b"\x01P\x00", after_us=0)
        assert len(wire.of(StatusReceived)) == 1, "the answer behind it is heard"
    assert wire.faults()[fault] >= 1


def test_a_reply_after_its_deadline_is_late_for_whoever_is_asked_then() -> None:
    wire = Wire(2)
    wire.send()
    assert wire.send().gun == 2
    wire.hear(b"\x01P\x00")
    assert not wire.of(StatusReceived)
    assert wire.faults()[FaultKind.LATE_REPLY] == 1


def test_a_reply_that_comes_twice_counts_once() -> None:
    wire = Wire()
    wire.send()
    wire.hear(b"\x01P\x00\x01P\x00")
    assert len(wire.of(StatusReceived)) == 1
    assert wire.faults()[FaultKind.LATE_REPLY] == 1


def test_half_a_frame_is_not_joined_to_the_next_answer() -> None:
    wire = Wire()
    wire.send()
    wire.hear(b"\x01P")
    wire.send()
    wire.hear(b"\x07\x01P\x00")
    assert wire.faults()[FaultKind.HALF_FRAME] >= 1


def test_our_own_echo_is_taken_off_in_any_pieces() -> None:
    wire = Wire()
    sent = wire.send()
    heard = [*sent.data, *b"\x01P\x07"]
    for byte in heard:
        wire.hear(bytes([byte]), after_us=MS)
    (event,) = wire.of(StatusReceived)
    assert isinstance(event, StatusReceived)
    assert event.status.quantity_milli == 7
    assert wire.faults()[FaultKind.OWN_ECHO] == 1


@pytest.mark.parametrize("echoes", [True, False])
def test_an_answer_equal_to_its_request_is_told_from_an_echo(echoes: bool) -> None:
    class Mirror(Toy):
        def answers(self, ask: Ask, frame: bytes) -> bool:
            return frame[1:2].lower() == ask.data[1:2]

    def answers(sent: Transmission) -> bytes:
        own = sent.data if echoes else b""
        return own + (sent.data if sent.data[1:2] == b"t" else well(sent))

    wire = Wire(1, Mirror())
    wire.run(2 * SECOND, answers)
    wire.line.request(Request(1, Question.TOTALS))
    wire.run(3 * SECOND, answers)
    assert len(wire.of(TotalsReceived)) == 1
    assert not wire.of(RequestFailed)


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_no_bytes_break_the_line(pieces: list[bytes]) -> None:
    wire = Wire(3)
    for piece in pieces:
        wire.send()
        wire.hear(piece)
    wire.run(wire.now_us + 5 * SECOND)
    links = [e.link for e in wire.of(LinkChanged) if isinstance(e, LinkChanged)]
    assert links.count(Link.ONLINE) == 3

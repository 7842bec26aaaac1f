"""Orders on a JX-V4 bus: sent once, and read from the state when nobody answers."""

import pytest

from cngstation.protocols.dispenser.dialogue import (
    LinkChanged,
    OrderAnswered,
    Question,
    Request,
    Transmission,
)
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import MS, SECOND, Bus, idle, of_kind

LOCK, UNLOCK = Order(1, OrderKind.LOCK), Order(1, OrderKind.UNLOCK)
END_SHIFT = Order(1, OrderKind.END_SHIFT)


def outcomes(bus: Bus) -> list[OrderOutcome]:
    return [event.outcome for event in of_kind(bus.events, OrderAnswered)]


def ordered(order: Order, guns: int = 1) -> Bus:
    """Return a bus whose nozzle is on line, with an order that waits."""
    bus = Bus(guns)
    for gun in range(1, guns + 1):
        bus.exchange(vectors.status(gun))
    bus.dialogue.order(order)
    return bus


def test_lock_is_the_vector_and_its_answer_is_done() -> None:
    """5FH 01, and the dispenser says the same."""
    bus = ordered(LOCK)
    assert bus.send().data == vectors.LOCK
    bus.hear(vectors.LOCKED)
    assert outcomes(bus) == [OrderOutcome.DONE]


def test_unlock_is_zero() -> None:
    """5FH 00."""
    assert ordered(UNLOCK).send().data[7:-4] == b"\x00"


@pytest.mark.parametrize(
    ("result", "outcome"), [(1, OrderOutcome.DONE), (0, OrderOutcome.REFUSED)]
)
def test_a_shift_ends_when_nothing_goes_on(result: int, outcome: OrderOutcome) -> None:
    """5DH has no body; 0 says that the nozzle is not idle."""
    bus = ordered(END_SHIFT)
    sent = bus.send()
    assert (sent.data[4], sent.data[7:-4]) == (0x5D, b"")
    bus.hear(vectors.answer(1, 0x5D, bytes([result])))
    assert outcomes(bus) == [outcome]


@pytest.mark.parametrize("kind", [OrderKind.AUTHORISE, OrderKind.STOP])
def test_what_the_protocol_cannot_is_refused(kind: OrderKind) -> None:
    """Its own dialect neither authorises nor stops."""
    bus = ordered(Order(1, kind))
    bus.run(bus.now_us + 2 * SECOND)
    assert outcomes(bus) == [OrderOutcome.REFUSED]
    assert set(bus.commands()) == {0x51}


@pytest.mark.parametrize(
    ("order", "state", "outcome"),
    [
        (LOCK, 0xF0, OrderOutcome.DONE),
        (LOCK, 0xA1, OrderOutcome.UNKNOWN),
        (LOCK, 0xA4, OrderOutcome.UNKNOWN),
        (UNLOCK, 0xA1, OrderOutcome.DONE),
        (UNLOCK, 0xF0, OrderOutcome.UNKNOWN),
        (UNLOCK, 0xA4, OrderOutcome.UNKNOWN),
        (UNLOCK, 0xA0, OrderOutcome.UNKNOWN),
        (END_SHIFT, 0xA0, OrderOutcome.DONE),
        (END_SHIFT, 0xA1, OrderOutcome.UNKNOWN),
    ],
)
def test_without_an_answer_the_state_is_read_and_nothing_sent_again(
    order: Order, state: int, outcome: OrderOutcome
) -> None:
    """The next status says DONE where it shows what was ordered."""
    bus = ordered(order)
    command = bus.send().data[4]
    assert bus.send().data[4] == 0x51
    assert outcomes(bus) == []
    bus.hear(vectors.status(1, state))
    assert outcomes(bus) == [outcome]
    bus.run(bus.now_us + 3 * SECOND)
    assert bus.commands().count(command) == 1


def test_the_state_is_read_as_soon_as_can_be() -> None:
    """The poll behind a missing answer does not wait for the nozzle's second."""
    bus = ordered(LOCK)
    bus.send()
    ordered_us = bus.now_us
    bus.send()
    assert bus.now_us - ordered_us < 270 * MS


def test_a_nozzle_that_falls_silent_leaves_its_order_unknown() -> None:
    """When no status comes either, nobody knows."""
    bus = ordered(LOCK)
    bus.run(bus.now_us + 6 * SECOND, lambda _sent: b"")
    assert outcomes(bus) == [OrderOutcome.UNKNOWN]
    assert bus.commands().count(0x5F) == 1


def test_an_offline_nozzle_gets_no_order() -> None:
    """Nothing is sent that might be heard much later."""
    bus = ordered(LOCK)
    bus.dialogue.line_closed(bus.now_us)
    bus.events += bus.dialogue.tick(bus.now_us + 11 * SECOND)
    bus.now_us += 11 * SECOND
    bus.dialogue.line_opened(bus.now_us)
    bus.dialogue.order(UNLOCK)
    bus.run(bus.now_us + SECOND, lambda _sent: b"")
    assert outcomes(bus) == [OrderOutcome.REFUSED, OrderOutcome.REFUSED]
    assert 0x5F not in bus.commands()
    assert of_kind(bus.events, LinkChanged)


def test_a_line_that_closes_answers_its_orders() -> None:
    """What was sent is unknown, what waits was never sent."""
    bus = ordered(LOCK, guns=2)
    bus.send()
    bus.dialogue.order(Order(2, OrderKind.LOCK))
    bus.dialogue.line_closed(bus.now_us)
    bus.events += bus.dialogue.tick(bus.now_us)
    assert outcomes(bus) == [OrderOutcome.UNKNOWN, OrderOutcome.REFUSED]


def test_an_order_goes_before_polls_and_questions() -> None:
    """A lock does not wait for the nozzles that are due."""
    bus = Bus(guns=4)
    bus.run(bus.now_us + SECOND, lambda s: vectors.status(s.gun, 0xA4))
    bus.dialogue.request(Request(1, Question.TOTALS))
    bus.dialogue.order(Order(3, OrderKind.LOCK))
    assert bus.send().data[4] == 0x5F


def test_an_order_waits_for_the_acknowledgement_before_it() -> None:
    """A nozzle that waits for its commit hears that first, however long it lasts."""
    bus = Bus(guns=2)
    bus.exchange(vectors.RECORD)
    bus.dialogue.order(LOCK)
    bus.run(bus.now_us + 2 * SECOND)
    assert 0x5F not in bus.commands()
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    assert [bus.send().data[4], bus.send().data[4]] == [0x52, 0x5F]


def test_an_order_waits_until_the_one_before_it_is_read_from_the_state() -> None:
    """A lock without answer, then an unlock: the status between belongs to the lock."""
    bus = ordered(LOCK)
    bus.dialogue.order(UNLOCK)
    assert bus.send().data[7:-4] == b"\x01"
    assert bus.send().data[4] == 0x51
    bus.hear(vectors.status(1, 0xF0))
    assert outcomes(bus) == [OrderOutcome.DONE]
    assert bus.send().data[7:-4] == b"\x00"


def test_an_order_is_taken_back_while_it_waits_and_not_behind_that() -> None:
    """The commit before it takes long; what was sent cannot be taken back."""
    bus = Bus(guns=2)
    bus.exchange(vectors.RECORD)
    bus.dialogue.order(LOCK)
    assert bus.dialogue.withdraw(LOCK)
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    bus.run(bus.now_us + 3 * SECOND)
    assert 0x5F not in bus.commands()
    bus.dialogue.order(LOCK)
    bus.send()
    assert not bus.dialogue.withdraw(LOCK)


def test_an_order_under_way_is_not_repeated() -> None:
    """The same order twice is one frame."""
    bus = ordered(LOCK)
    bus.dialogue.order(LOCK)
    bus.send()
    bus.dialogue.order(LOCK)
    bus.hear(vectors.LOCKED)
    bus.run(bus.now_us + 3 * SECOND)
    assert bus.commands().count(0x5F) == 1


def test_orders_of_all_nozzles_follow_each_other() -> None:
    """Eight nozzles are locked in eight spacings."""
    bus = ordered(LOCK, guns=8)
    for gun in range(2, 9):
        bus.dialogue.order(Order(gun, OrderKind.LOCK))
    began_us = bus.now_us

    def far_end(sent: Transmission) -> bytes:
        if sent.data[4] == 0x5F:
            return vectors.answer(sent.gun, 0x5F, b"\x01")
        return idle(sent)

    bus.run(began_us + SECOND, far_end)
    assert outcomes(bus) == [OrderOutcome.DONE] * 8
    assert bus.commands()[8:16] == [0x5F] * 8


def test_the_queue_of_orders_is_bounded() -> None:
    """What no queue can hold is refused, and so is a gun that is not on the line."""
    bus = Bus(guns=70)
    for gun in range(1, 71):
        bus.dialogue.order(Order(gun, OrderKind.LOCK))
    bus.dialogue.order(Order(99, OrderKind.LOCK))
    bus.events += bus.dialogue.tick(bus.now_us)
    assert outcomes(bus) == [OrderOutcome.REFUSED] * 7

"""The adapter's dialect of JX-V4: its poll, states, byte order and orders."""

import pytest

from cngstation.protocols.dispenser.canonical import (
    Capability,
    DebitDecision,
    Fault,
    FaultKind,
    FuellingState,
)
from cngstation.protocols.dispenser.dialogue import (
    DebitRequested,
    DownloadAdvanced,
    OrderAnswered,
    Question,
    Request,
    StatusReceived,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    Downloads,
    ListKind,
    Order,
    OrderKind,
    OrderOutcome,
    PriceTable,
)
from cngstation.protocols.dispenser.jxv4.variant import PresetCodes, petrochina
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import SECOND, Bus, of_kind

JX = PROTOCOLS["jxv4"]
NOZZLES = (NozzleSetup(1, Unit.KG, 1),)


def ifsf(
    state: int = 3, unpaid: int = 0, error: int = 0, gun: int = 1, card: str = "00" * 10
) -> bytes:
    """Make a status: 3.98 yuan, 12.34 units, 49.11 yuan, 18.50 MPa."""
    body = (
        bytes([1, state])
        + (398).to_bytes(2, "little")
        + (1234).to_bytes(4, "little")
        + (4911).to_bytes(4, "little")
        + bytes.fromhex(card)
        + (1850).to_bytes(2, "little")
        + unpaid.to_bytes(4, "little")
        + error.to_bytes(4, "little")
    )
    return vectors.answer(gun, 0x51, body)


def make_bus(guns: int = 1, codes: PresetCodes | None = None) -> Bus:
    return Bus(guns, variant=petrochina(codes or PresetCodes()))


def test_the_poll_has_twelve_bytes() -> None:
    """Time, on-line, nothing unpaid, fuelling mode, payment, price version."""
    bus = make_bus()
    prices = PriceTable(9, (39_800,), "2025-06-01 00:00:00")
    bus.dialogue.offer(Downloads({}, prices))
    for unpaid, poll in ((1, "00 00 00 00"), (0, "01 00 00 00"), (0, "00 00 00 09")):
        assert bus.poll()[7:-4] == bytes.fromhex("20250601083015 01" + poll)
        bus.hear(ifsf(unpaid=unpaid))


@pytest.mark.parametrize("state", range(1, 10))
def test_the_states_are_ifsfs_own(state: int) -> None:
    """1 to 9 mean what they say."""
    (received,) = of_kind(make_bus().exchange(ifsf(state)), StatusReceived)
    status = received.status
    assert status.state == FuellingState(state)
    assert status.quantity_milli == 12_340
    assert (status.price_e4, status.amount_e4) == (39_800, 491_100)
    assert status.pressure_kpa == 18_500
    assert (status.card_no, status.faults) == (None, frozenset())


def test_a_card_has_twenty_digits_and_an_error_is_a_fault() -> None:
    """The adapter's card numbers are longer than a JX card's."""
    frame = ifsf(4, error=0x100, card="90311234567890123456")
    (received,) = of_kind(make_bus().exchange(frame), StatusReceived)
    assert received.status.card_no == "90311234567890123456"
    assert received.status.faults == {Fault.UNKNOWN}


@pytest.mark.parametrize("frame", [ifsf(0), ifsf(10), vectors.answer(1, 0x51, b"\x01")])
def test_what_is_no_ifsf_status_is_no_answer(frame: bytes) -> None:
    """0 and 10 are no states, and 32 bytes are the least."""
    bus = make_bus()
    assert not of_kind(bus.exchange(frame), StatusReceived)
    assert bus.faults() == {FaultKind.BAD_BODY: 1}


def test_what_is_unpaid_is_asked_for() -> None:
    """A nozzle that keeps records is polled with the switch that brings them."""
    bus = make_bus()
    bus.exchange(ifsf(unpaid=2))
    assert bus.send().data[7 + 8] == 1
    bus.hear(ifsf(unpaid=0))
    assert bus.send().data[7 + 8] == 0


def test_an_acknowledgement_is_little_endian() -> None:
    """Number 1027 is 03 04 00 00 here."""
    bus = make_bus()
    bus.exchange(vectors.RECORD)
    bus.dialogue.answer_record(1, 1_027, bus.now_us, accepted=True)
    assert bus.send().data[7:-4] == bytes.fromhex("01 00 03040000")


def test_prices_are_little_endian() -> None:
    """3.98 yuan is 8E 01."""
    bus = make_bus()
    bus.dialogue.offer(Downloads({}, PriceTable(7, (39_800,), "2025-06-01 08:30:15")))
    bus.exchange(vectors.PRICES_ASKED)
    assert bus.send().data[7:-4] == bytes.fromhex("07 01 20250601083015 01 8E01")


def test_a_record_number_and_a_decision_are_little_endian() -> None:
    """The host's integers all turn round together."""
    bus = make_bus()
    bus.dialogue.request(Request(1, Question.RECORD, 1_027))
    assert bus.send().data[7:-4] == bytes.fromhex("03040000")
    bus.hear(vectors.REREAD_NONE)
    (asked,) = of_kind(bus.exchange(vectors.debit()), DebitRequested)
    decision = DebitDecision(found=True, amount_e4=491_100, debited_hundredths=4_911)
    bus.dialogue.answer_debit(1, asked.request, decision, bus.now_us)
    assert bus.send().data[17:25] == bytes.fromhex("2F130000 2F130000")


def test_lists_are_neither_announced_nor_held() -> None:
    """Its poll has no room for them, and what was not announced is not in force."""
    bus = make_bus()
    one = CardList(ListKind.BASE, 3, (), "2025-06-01", "2026-06-01")
    bus.dialogue.offer(Downloads({ListKind.BASE: one}))
    assert bus.send().data[7:-4] == bytes.fromhex("20250601083015 01 00 00 00 00")
    bus.hear(ifsf())
    bus.run(bus.now_us + 3 * SECOND, lambda s: ifsf() if s.data[4] == 0x51 else b"")
    assert not of_kind(bus.events, DownloadAdvanced)


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (Order(1, OrderKind.AUTHORISE), "00 00000000"),
        (Order(1, OrderKind.AUTHORISE, preset_quantity_milli=12_340), "05 D2040000"),
        (Order(1, OrderKind.AUTHORISE, preset_amount_e4=491_100), "06 2F130000"),
        (Order(1, OrderKind.STOP), ""),
    ],
)
def test_authorise_and_stop(order: Order, body: str) -> None:
    """70H with what it limits, 72H; the codes are the station's."""
    bus = make_bus(codes=PresetCodes(quantity=5, amount=6))
    bus.exchange(ifsf())
    bus.dialogue.order(order)
    sent = bus.send()
    command = 0x72 if order.kind is OrderKind.STOP else 0x70
    assert (sent.data[4], sent.data[7:-4]) == (command, bytes.fromhex(body))
    bus.hear(vectors.answer(1, command, b"\x01"))
    outcomes = [event.outcome for event in of_kind(bus.events, OrderAnswered)]
    assert outcomes == [OrderOutcome.DONE]


@pytest.mark.parametrize(
    "order",
    [
        Order(1, OrderKind.AUTHORISE, 12_345),
        Order(1, OrderKind.AUTHORISE, 0, 491_150),
        Order(1, OrderKind.AUTHORISE, 12_340, 491_100),
        Order(1, OrderKind.AUTHORISE, 50_000_000_000),
    ],
)
def test_a_preset_that_does_not_fit_is_refused(order: Order) -> None:
    """It is not cut to what fits."""
    bus = make_bus()
    bus.dialogue.order(order)
    bus.run(bus.now_us + SECOND, lambda s: ifsf(gun=s.gun))
    outcomes = [event.outcome for event in of_kind(bus.events, OrderAnswered)]
    assert outcomes == [OrderOutcome.REFUSED]
    assert set(bus.commands()) == {0x51}


@pytest.mark.parametrize(
    ("kind", "state", "outcome"),
    [
        (OrderKind.AUTHORISE, 5, OrderOutcome.DONE),
        (OrderKind.AUTHORISE, 8, OrderOutcome.DONE),
        (OrderKind.AUTHORISE, 4, OrderOutcome.UNKNOWN),
        (OrderKind.STOP, 3, OrderOutcome.DONE),
        (OrderKind.STOP, 8, OrderOutcome.UNKNOWN),
    ],
)
def test_without_an_answer_the_state_is_read(
    kind: OrderKind, state: int, outcome: OrderOutcome
) -> None:
    """An authorisation is never sent twice."""
    bus = make_bus()
    bus.exchange(ifsf(4))
    bus.dialogue.order(Order(1, kind))
    bus.send()
    bus.exchange(ifsf(state))
    outcomes = [event.outcome for event in of_kind(bus.events, OrderAnswered)]
    assert outcomes == [outcome]
    bus.run(bus.now_us + 2 * SECOND, lambda _s: ifsf(state))
    assert sum(command > 0x5F for command in bus.commands()) == 1


def test_an_adapters_idle_nozzle_shows_that_its_prices_are_in_force() -> None:
    """It no longer asks; its identity names the version."""
    bus = make_bus()
    bus.dialogue.offer(Downloads({}, PriceTable(7, (39_800,), "2025-06-01 08:30:15")))
    bus.run(bus.now_us + 2 * SECOND, lambda s: ifsf() if s.data[4] == 0x51 else b"")
    assert 0x59 in bus.commands()


def test_the_registry_opens_either_dialect() -> None:
    """Its own without an option; the adapter by name."""
    own = JX.dialogue(LineSetup(38_400, NOZZLES))
    adapter = JX.dialogue(LineSetup(38_400, NOZZLES, {"variant": "petrochina"}))
    sent = [d.next_transmission(0, 0) for d in (own, adapter)]
    assert [len(one.data) for one in sent] == [24, 23]  # type: ignore[union-attr]  # frames


def test_capabilities_follow_the_dialect() -> None:
    """Only the adapter authorises and stops; only the own dialect has lists."""
    own, adapter = JX.capabilities, JX.capabilities_with({"variant": "petrochina"})
    assert JX.capabilities_with({}) == JX.capabilities_with({"variant": "own"}) == own
    assert adapter - own == {
        Capability.AUTHORISE,
        Capability.PRESET,
        Capability.STOP,
    }
    assert own - adapter == {Capability.LISTS}


@pytest.mark.parametrize(
    "options",
    [
        {"variant": "sinopec"},
        {"variant": 1},
        {"colour": "red"},
        {"preset_amount_code": 3},
        {"variant": "petrochina", "preset_amount_code": 256},
        {"variant": "petrochina", "preset_amount_code": "two"},
        {"variant": "petrochina", "preset_amount_code": 1},
        {"variant": "petrochina", "preset_quantity_code": 0},
    ],
)
def test_options_are_checked(options: dict[str, int | str]) -> None:
    """An option that nobody reads is a mistake of whoever wrote it."""
    with pytest.raises(ValueError, match=r"option|variant|code"):
        JX.dialogue(LineSetup(38_400, NOZZLES, options))

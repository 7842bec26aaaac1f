"""UniPump fuelling points on a fake clock, against the simulated controller."""

from collections.abc import Callable

import pytest

from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    FuellingState,
    Link,
    TransactionType,
)
from cngstation.protocols.dispenser.dialogue import (
    Dialogue,
    DownloadAdvanced,
    IdentityReceived,
    LinkChanged,
    OrderAnswered,
    ProtocolFault,
    Question,
    Request,
    RequestFailed,
    StatusReceived,
    TotaliserJumped,
    TotalsReceived,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    Order,
    OrderKind,
    OrderOutcome,
    PriceTable,
)
from cngstation.protocols.dispenser.unipump.entry import ENTRY
from cngstation.protocols.dispenser.unipump.frames import Frame, FrameParser
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.simulators.unipump_controller import PointState, UnipumpController
from cngstation.units import Unit
from tests.unit.protocols.dispenser.plain_station import (
    PlainStation,
    only,
    records,
    states,
)

BAUD = 57_600


def dialogue(guns: int = 1, **options: int) -> Dialogue:
    nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in range(1, guns + 1))
    return ENTRY.dialogue(LineSetup(BAUD, nozzles, options))


def station(
    *nozzles: PlainNozzle, is_extended: bool = False
) -> tuple[PlainStation, dict[int, PointState]]:
    points = {nozzle.number: PointState(nozzle) for nozzle in nozzles}
    controller = UnipumpController(points, is_extended)
    line = dialogue(len(nozzles), extended=int(is_extended))
    return PlainStation(line, [controller], baud=BAUD, bits=10), points


def hose(**more: int | bool) -> PlainNozzle:
    return PlainNozzle(1, closes_itself=False, **more)  # type: ignore[arg-type]


def fill(at: PlainStation, nozzle: PlainNozzle, volume: int = 12_340) -> None:
    nozzle.lift()
    nozzle.begin(volume, 5_000.0, at.now_s)


def said(at: PlainStation) -> str:
    """Return the codes of what was sent, statuses left out."""
    frames = FrameParser().feed(b"".join(at.sent))
    codes = (f.data[0] if f.code == 0x45 else f.code for f in frames)
    return bytes(code for code in codes if code != ord("S")).decode()


@pytest.mark.parametrize("is_extended", [False, True])
def test_a_fill_becomes_a_record_and_is_closed_after_the_commit(
    is_extended: bool,
) -> None:
    """Called, filling, ended; totaliser read; then lock, close, unlock."""
    nozzle = hose(total_volume=1_000_000, total_amount=398_000, transaction=99)
    at, points = station(nozzle, is_extended=is_extended)
    at.run(10)
    nozzle.lift()
    at.run(1.5)
    fill(at, nozzle)
    at.sent.clear()
    at.run(20)
    (sale,) = records(at.events)
    assert sale.transaction_type is TransactionType.NO_CARD
    assert (sale.quantity_milli, sale.price_e4, sale.amount_e4) == (
        12_340,
        39_800,
        491_100,
    )
    assert sale.device_seq == sale.gun_total_quantity_milli == 1_012_340
    assert said(at) == "TLCU"
    assert not nozzle.is_open
    assert not points[1].is_ours
    assert states(at.events)[:4] == [
        FuellingState.IDLE,
        FuellingState.CALLING,
        FuellingState.FUELLING,
        FuellingState.IDLE,
    ]


def test_live_figures_are_priced_for_the_display() -> None:
    """The controller tells the volume alone while gas flows."""
    nozzle = hose()
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle)
    statuses = [event.status for event in only(StatusReceived, at.run(1.5))]
    live = [s for s in statuses if s.state is FuellingState.FUELLING][-1]
    assert live.quantity_milli > 0
    assert live.price_e4 == 39_800
    assert abs(live.amount_e4 - live.quantity_milli * 398 // 10) < 100


def test_nothing_is_closed_before_the_commit() -> None:
    """The controller keeps the transaction; the service is told again."""
    nozzle = hose()
    at, _ = station(nozzle)
    at.run(10)
    at.commits = False
    fill(at, nozzle, 1_000)
    at.sent.clear()
    at.run(20)
    assert nozzle.is_open
    assert set(said(at)) == {"T"}
    assert len(records(at.events)) >= 2
    at.commits = True
    at.run(10)
    assert not nozzle.is_open


def test_a_lock_of_another_station_leaves_the_transaction_open() -> None:
    """It is booked; it is closed when the lock can be had."""
    nozzle = hose()
    at, points = station(nozzle)
    at.run(10)
    points[1].is_others = True
    fill(at, nozzle, 1_000)
    at.run(20)
    assert nozzle.is_open
    assert len(records(at.events)) == 1
    points[1].is_others = False
    at.run(5)
    assert not nozzle.is_open
    assert len(records(at.events)) == 1


def test_the_ids_of_transactions_begin_again_and_are_no_numbers() -> None:
    """Behind 99 comes 0; the sales are numbered by their totaliser."""
    nozzle = hose(transaction=97)
    at, _ = station(nozzle)
    at.run(10)
    for _ in range(4):
        fill(at, nozzle, 5_000)
        at.run(15)
        nozzle.hang_up()
    numbers = [sale.device_seq for sale in records(at.events)]
    assert numbers == [5_000, 10_000, 15_000, 20_000]
    assert nozzle.transaction == 1


def test_a_restart_in_the_middle_of_a_fill_tells_the_same_number() -> None:
    """Before the end, and once more while the transaction is still open."""
    nozzle = hose(total_volume=50_000)
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle, 20_000)
    at.run(1)
    at.commits = False
    at.restart(dialogue())
    at.run(20)
    at.restart(dialogue())
    at.commits = True
    at.run(20)
    sales = records(at.events)
    assert len(sales) >= 2
    assert {(sale.device_seq, sale.quantity_milli) for sale in sales} == {
        (70_000, 20_000)
    }
    assert not nozzle.is_open


def test_a_transaction_that_another_station_closed_is_named() -> None:
    """What the totaliser moved and nobody saw is a jump."""
    nozzle = hose(total_volume=50_000)
    at, _ = station(nozzle)
    at.run(10)
    at.lose = lambda frame: True
    at.run(12)
    nozzle.sell(3_000)
    nozzle.close(nozzle.transaction)
    at.lose = lambda frame: False
    at.run(30)
    assert records(at.events) == []
    (jump,) = only(TotaliserJumped, at.events)
    assert (jump.known_milli, jump.found_milli) == (50_000, 53_000)


@pytest.mark.parametrize(
    ("preset", "volume"),
    [
        ({}, 30_000),
        ({"preset_quantity_milli": 7_000}, 7_000),
        ({"preset_amount_e4": 199_000}, 5_000),
    ],
)
def test_an_authorised_point_gives_what_was_ordered(
    preset: dict[str, int], volume: int
) -> None:
    """Lock, then authorise with the price in force; unlocked after the close."""
    nozzle = hose(is_automatic=False)
    at, points = station(nozzle)
    at.run(10)
    at.sent.clear()
    order = Order(1, OrderKind.AUTHORISE, **preset)
    at.dialogue.order(order)
    assert only(OrderAnswered, at.run(1)) == [OrderAnswered(order, OrderOutcome.DONE)]
    assert said(at) == "LA"
    assert states(at.events)[-1] is FuellingState.AUTHORISED
    fill(at, nozzle, 30_000)
    at.run(20)
    (sale,) = records(at.events)
    assert sale.quantity_milli == volume
    assert not points[1].is_ours


def test_an_authorisation_that_nobody_uses_gives_the_lock_back() -> None:
    """When the point is at rest again the station lets go."""
    nozzle = hose(is_automatic=False)
    at, points = station(nozzle)
    at.run(10)
    at.dialogue.order(Order(1, OrderKind.AUTHORISE))
    at.run(2)
    assert points[1].is_ours
    nozzle.hang_up()
    at.run(3)
    assert not points[1].is_ours


@pytest.mark.parametrize(
    "preset",
    [
        {"preset_quantity_milli": 1_000, "preset_amount_e4": 10_000},
        {"preset_quantity_milli": 1_005},
        {"preset_amount_e4": 150},
        {"preset_quantity_milli": 10**10},
    ],
)
def test_a_preset_that_the_wire_cannot_carry_is_refused(
    preset: dict[str, int],
) -> None:
    """Nothing is sent."""
    at, _ = station(hose())
    at.run(10)
    at.sent.clear()
    order = Order(1, OrderKind.AUTHORISE, **preset)
    at.dialogue.order(order)
    answered = only(OrderAnswered, at.run(1))
    assert answered == [OrderAnswered(order, OrderOutcome.REFUSED)]
    assert said(at) == ""


def test_a_point_that_another_station_holds_is_not_authorised() -> None:
    """The order is refused, not sent."""
    nozzle = hose(is_automatic=False)
    at, points = station(nozzle)
    at.run(10)
    points[1].is_others = True
    at.sent.clear()
    order = Order(1, OrderKind.AUTHORISE)
    at.dialogue.order(order)
    answered = only(OrderAnswered, at.run(1))
    assert answered == [OrderAnswered(order, OrderOutcome.REFUSED)]
    assert not nozzle.is_authorised
    assert said(at) == "L"


@pytest.mark.parametrize(
    ("lost", "outcome"),
    [("answer", OrderOutcome.DONE), ("order", OrderOutcome.UNKNOWN)],
)
def test_an_order_without_an_answer_is_sent_once(
    lost: str, outcome: OrderOutcome
) -> None:
    """The state that is read then says what became of it."""
    nozzle = hose(is_automatic=False)
    at, _ = station(nozzle)
    at.run(10)
    at.sent.clear()

    def spoil(frame: bytes) -> bytes | None:
        return None if at.sent[-1][3] == ord("A") else frame

    if lost == "answer":
        at.spoil = spoil
    else:
        at.lose = lambda frame: frame[3] == ord("A")
    order = Order(1, OrderKind.AUTHORISE)
    at.dialogue.order(order)
    assert only(OrderAnswered, at.run(2)) == [OrderAnswered(order, outcome)]
    assert said(at).count("A") == 1


def test_a_halt_ends_the_fill() -> None:
    """What had flowed is a sale."""
    nozzle = hose()
    at, _ = station(nozzle)
    at.run(10)
    fill(at, nozzle, 50_000)
    at.run(1)
    order = Order(1, OrderKind.STOP)
    at.dialogue.order(order)
    events = at.run(20)
    assert only(OrderAnswered, events) == [OrderAnswered(order, OrderOutcome.DONE)]
    (sale,) = records(at.events)
    assert 0 < sale.quantity_milli < 50_000


def test_a_price_is_set_under_the_lock() -> None:
    """Not during a fill; the other nozzles' prices stay; in force when read back."""
    nozzle = hose()
    at, points = station(nozzle)
    points[1].prices[1] = 77
    at.run(10)
    fill(at, nozzle, 10_000)
    at.run(0.5)
    table = PriceTable(9, (42_000,), "2026-01-01 00:00:00")
    at.dialogue.offer(Downloads(prices=table))
    assert only(DownloadAdvanced, at.run(1)) == []
    at.run(10)
    nozzle.hang_up()
    at.run(5)
    forced = [one.is_in_force for one in only(DownloadAdvanced, at.events)]
    assert (forced, nozzle.price) == ([False, True], 420)
    (set_prices,) = [
        frame
        for frame in FrameParser().feed(b"".join(at.sent))
        if frame.code == ord("p")
    ]
    assert set_prices.data == b"042000770000000000000000"
    assert not points[1].is_ours


def test_questions_get_totals_and_the_controllers_version() -> None:
    """Records there are none."""
    at, _ = station(hose(total_volume=77_770, total_amount=30_000))
    at.run(1)
    for question in Question:
        at.dialogue.request(Request(1, question))
    events = at.run(2)
    (totals,) = only(TotalsReceived, events)
    assert totals.answer.gun_total_quantity_milli == 77_770
    assert totals.answer.device_seq is None
    (identity,) = only(IdentityReceived, events)
    assert identity.answer.firmware == "PTS 5.12"
    assert len(only(RequestFailed, events)) == 1


def test_a_point_that_the_controller_cannot_reach_is_inoperative() -> None:
    """When it is back its totaliser is compared, and its prices are read."""
    nozzle = hose(total_volume=50_000)
    at, points = station(nozzle)
    at.run(10)
    points[1].is_offline = True
    at.run(3)
    assert states(at.events)[-1] is FuellingState.INOPERATIVE
    nozzle.sell(2_000)
    nozzle.close(nozzle.transaction)
    points[1].is_offline = False
    at.sent.clear()
    at.run(20)
    assert states(at.events)[-1] is FuellingState.IDLE
    assert len(only(TotaliserJumped, at.events)) == 1
    assert "P" in said(at)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda frame: frame[:-3], FaultKind.HALF_FRAME),
        (lambda frame: frame[:-4] + b"\x00\x00\x10\x03", FaultKind.BAD_CRC),
        (lambda frame: Frame(0x32, 0x53, b"110").to_bytes(), FaultKind.WRONG_GUN),
        (lambda frame: Frame(0x71, 0x53, b"110").to_bytes(), FaultKind.WRONG_ADDRESS),
        (lambda frame: Frame(0x31, 0x53, b"1x0").to_bytes(), FaultKind.BAD_BODY),
        (
            lambda frame: Frame(0x31, 0x50, b"0" * 24).to_bytes(),
            FaultKind.UNEXPECTED_COMMAND,
        ),
    ],
)
def test_answers_without_sense_are_named(
    spoil: Callable[[bytes], bytes], kind: FaultKind
) -> None:
    """Half a frame, a bad CRC, another's answer: the link suffers, nothing else."""
    second = PlainNozzle(2, closes_itself=False)
    at, _ = station(hose(), second)
    at.run(5)
    at.spoil = lambda frame: spoil(frame) if frame[2] == 0x31 else frame
    events = at.run(15)
    assert kind in {fault.kind for fault in only(ProtocolFault, events)}
    links = [one for one in only(LinkChanged, events) if one.gun == 1]
    assert links[-1].link is Link.OFFLINE
    assert records(at.events) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: b"\x10\x10\x99" + frame,
        lambda frame: b"\x10\x02\x31\x53" + frame,
        lambda frame: frame + frame,
    ],
)
def test_noise_and_doubled_answers_change_nothing(
    spoil: Callable[[bytes], bytes],
) -> None:
    """The good answer is found in them, once."""
    nozzle = hose()
    at, _ = station(nozzle)
    at.spoil = spoil
    at.run(10)
    fill(at, nozzle, 2_000)
    at.run(20)
    assert len(records(at.events)) == 1
    assert only(LinkChanged, at.events) == [LinkChanged(1, Link.ONLINE)]


@pytest.mark.parametrize("options", [{"nozzle": 7}, {"extended": 2}, {"colour": 1}])
def test_options_that_are_none_are_refused(options: dict[str, int]) -> None:
    """A wrong switch is refused at start."""
    with pytest.raises(ValueError, match=next(iter(options))):
        dialogue(**options)

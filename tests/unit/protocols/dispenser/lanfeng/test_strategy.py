"""Lanfeng whole, against simulated pumps on a fake clock."""

from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import FaultKind, FuellingState
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    Question,
    Request,
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
from cngstation.protocols.dispenser.lanfeng.entry import ENTRY
from cngstation.simulators.lanfeng_dispenser import LanfengDispenser
from cngstation.units import Unit
from tests.unit.protocols.dispenser.side_bench import SideBench, Wire, works

AUTHORISE = Order(1, OrderKind.AUTHORISE)
STOP = Order(1, OrderKind.STOP)


def bench(
    folder: Path, guns: int = 1, *, wire: Wire | None = None, **options: int
) -> SideBench:
    nozzles = tuple(NozzleSetup(gun, Unit.KG) for gun in range(1, guns + 1))
    devices = {
        gun: LanfengDispenser(works(folder, gun, must_be_reset=False), gun)
        for gun in range(1, guns + 1)
    }
    dialogue = ENTRY.dialogue(LineSetup(9_600, nozzles, options))
    return SideBench(dialogue, devices, wire or Wire())


def lined_up(folder: Path, **changes: object) -> SideBench:
    return bench(folder, **changes).run(9)


def sell(line: SideBench, quantity: int, gun: int = 1) -> None:
    line.lift(gun)
    line.fill(quantity, gun)
    line.run(quantity / 500 + 2)
    line.hang_up(gun)
    line.run(4)


def test_a_fill_that_nobody_authorised_is_a_sale(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    assert line.status().state is FuellingState.IDLE
    line.lift()
    line.fill(1_234)
    line.run(1)
    status = line.status()
    assert status.state is FuellingState.FUELLING
    assert 0 < status.quantity_milli < 12_340
    line.run(3)
    line.hang_up()
    line.run(4)
    (record,) = line.records()
    assert (record.quantity_milli, record.amount_e4) == (12_340, 49_1100)
    assert record.device_seq == 1_234_560 + 12_340
    assert record.gun_total_amount_e4 == 4_913_5500 + 49_1100
    assert record.is_watched
    assert line.status().state is FuellingState.IDLE
    assert not line.faults()


def test_under_control_a_pump_waits_for_its_order(tmp_path: Path) -> None:
    line = lined_up(tmp_path, control=1)
    assert line.devices[1].works.needs_host
    line.lift()
    line.fill(9_999)
    line.run(1)
    assert line.status().state is FuellingState.CALLING
    preset = replace(AUTHORISE, preset_amount_e4=19_9000)
    assert line.give(preset) is OrderOutcome.DONE
    line.run(4)
    line.hang_up()
    line.run(5)
    assert [record.amount_e4 for record in line.records()] == [19_9000]


def test_a_pump_that_sells_by_itself_is_not_authorised(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    assert line.give(AUTHORISE) is OrderOutcome.REFUSED
    assert line.give(Order(1, OrderKind.LOCK)) is OrderOutcome.REFUSED


def test_a_stop_ends_the_fill(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.fill(9_999)
    line.run(2)
    assert line.give(STOP) is OrderOutcome.DONE
    line.run(5)
    assert len(line.records()) == 1


@pytest.mark.parametrize("arrives", [True, False])
def test_an_order_without_an_answer_is_sent_once_and_the_state_read(
    tmp_path: Path, arrives: bool
) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.fill(9_999)
    line.run(2)
    begun = len(line.sent)
    share = "lose_answer" if arrives else "lose_request"
    setattr(line.wire, share, 1.0)
    line.dialogue.order(STOP)
    while not any(sent.data[2] == 0xB1 for sent in line.sent[begun:]):
        line.run(0.001)
    setattr(line.wire, share, 0.0)
    line.run(3)
    assert [sent.data[2] for sent in line.sent[begun:]].count(0xB1) == 1
    wanted = OrderOutcome.DONE if arrives else OrderOutcome.UNKNOWN
    assert [e.outcome for e in line.events if hasattr(e, "outcome")] == [wanted]


def test_totals_are_read_when_asked(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.dialogue.request(Request(1, Question.TOTALS))
    line.run(1)
    (answer,) = line.of(TotalsReceived)
    assert answer.answer.gun_total_quantity_milli == 1_234_560
    assert answer.answer.gun_total_amount_e4 == 4_913_5500


def test_a_price_is_in_force_when_the_pump_shows_it(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.dialogue.offer(Downloads(prices=PriceTable(7, (41_500,), "")))
    line.run(4)
    assert line.devices[1].works.kept.price == 415
    assert [e.is_in_force for e in line.of(DownloadAdvanced)][-1] is True


def test_a_price_waits_for_the_end_of_the_fill(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.fill(1_000)
    line.run(1)
    line.dialogue.offer(Downloads(prices=PriceTable(7, (41_500,), "")))
    line.run(4)
    assert not [sent for sent in line.sent if sent.data[2] == 0xA4]
    line.hang_up()
    line.run(6)
    assert [record.price_e4 for record in line.records()] == [39_800]
    assert line.devices[1].works.kept.price == 415


def test_a_status_that_comes_twice_is_not_a_total(tmp_path: Path) -> None:
    line = bench(tmp_path, wire=Wire(3, duplicate=1.0))
    line.run(10)
    sell(line, 400)
    assert [record.device_seq for record in line.records()] == [1_234_560 + 4_000]
    assert line.faults()[FaultKind.LATE_REPLY] > 0


def test_a_late_status_is_not_taken_for_a_total(tmp_path: Path) -> None:
    """Nothing in an answer names its request: what was heard before is passed over."""
    line = lined_up(tmp_path)
    status = line.status().raw
    line.dialogue.request(Request(1, Question.TOTALS))
    while line.sent[-1].data[2] != 0xAD:
        line.run(0.001)
    line.take(line.dialogue.receive(status, line.now_us))
    line.run(1)
    (answer,) = line.of(TotalsReceived)
    assert answer.answer.gun_total_quantity_milli == 1_234_560
    assert line.faults() == {FaultKind.UNEXPECTED_COMMAND: 1}


def test_a_line_that_echoes_is_understood(tmp_path: Path) -> None:
    line = bench(tmp_path, control=1)
    hear = line.devices[1].hear

    def echoing(data: bytes, now: float) -> bytes | None:
        answer = hear(data, now)
        return data if answer is None else data + answer

    line.devices[1].hear = echoing
    line.run(10)
    assert line.status().state is FuellingState.IDLE
    assert line.devices[1].works.needs_host
    assert set(line.faults()) == {FaultKind.OWN_ECHO}


@pytest.mark.parametrize(
    "options", [{"speed": 3}, {"control": 2}, {"total_decimals": "2"}]
)
def test_a_wrong_option_is_told(options: dict[str, int | str]) -> None:
    with pytest.raises(ValueError, match=r"option|is \d"):
        ENTRY.dialogue(LineSetup(9_600, (NozzleSetup(1, Unit.M3),), options))


WRONGS = ["lose_request", "lose_answer", "bit_error", "duplicate", "noise", "truncate",
          "late"]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONGS)
@pytest.mark.parametrize("seed", range(2))
def test_every_fill_is_reported_once_on_a_bad_wire(
    tmp_path: Path, wrong: str, seed: int
) -> None:
    line = bench(tmp_path, wire=Wire(seed, **{wrong: 0.1}))
    line.run(20)
    sold = []
    for quantity in (150, 420, 777):
        line.lift()
        line.run(1)
        line.fill(quantity)
        line.run(5)
        line.hang_up()
        line.run(25)
        sold.append(line.devices[1].works.kept.quantity * 10)
    accepted = {r.device_seq: r.quantity_milli for r in line.records()}
    assert list(accepted.values()) == sold
    moved = line.devices[1].works.kept.total_quantity - 123_456
    assert sum(accepted.values()) == moved * 10

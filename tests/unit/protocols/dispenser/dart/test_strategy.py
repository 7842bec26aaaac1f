"""DART whole, against simulated pumps on a fake clock."""

from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.protocols.dispenser.canonical import (
    FaultKind,
    FuellingState,
    Link,
    TransactionType,
)
from cngstation.protocols.dispenser.dart.entry import ENTRY
from cngstation.protocols.dispenser.dialogue import (
    LinkChanged,
    Question,
    Request,
    RequestFailed,
    TotaliserJumped,
    TotalsReceived,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    Order,
    OrderKind,
    OrderOutcome,
)
from cngstation.simulators.dart_dispenser import DartDispenser
from cngstation.simulators.dart_frames import data_block
from cngstation.units import Unit
from tests.unit.protocols.dispenser.side_bench import SideBench, Wire, works

AUTHORISE = Order(1, OrderKind.AUTHORISE)
STOP = Order(1, OrderKind.STOP)
LINED_UP_S = 9.0  # the totaliser must stand for 5 s


def bench(
    folder: Path,
    guns: int = 1,
    *,
    late_total_s: float = 0.0,
    wire: Wire | None = None,
    **options: int,
) -> SideBench:
    nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in range(1, guns + 1))
    devices = {
        gun: DartDispenser(works(folder, gun, late_total_s=late_total_s), gun)
        for gun in range(1, guns + 1)
    }
    dialogue = ENTRY.dialogue(LineSetup(9_600, nozzles, options))
    return SideBench(dialogue, devices, wire or Wire())


def lined_up(folder: Path, **changes: object) -> SideBench:
    line = bench(folder, **changes).run(LINED_UP_S)
    assert line.records() == []
    return line


def sell(line: SideBench, quantity: int, gun: int = 1) -> None:
    line.lift(gun)
    line.run(1)
    assert line.give(Order(gun, OrderKind.AUTHORISE)) is OrderOutcome.DONE
    line.fill(quantity, gun)
    line.run(quantity / 500 + 2)
    line.hang_up(gun)
    line.run(4)


def test_states_from_the_nozzle_to_the_sale(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    assert line.status().state is FuellingState.IDLE
    line.lift()
    line.run(2)
    assert line.status().state is FuellingState.CALLING
    assert line.give(AUTHORISE) is OrderOutcome.DONE
    line.fill(1_234)
    line.run(1)
    status = line.status()
    assert status.state is FuellingState.FUELLING
    assert 0 < status.quantity_milli < 12_340
    assert status.price_e4 == 39_800
    line.run(4)
    assert line.status().quantity_milli == 12_340
    line.hang_up()
    line.run(5)
    assert line.status().state is FuellingState.IDLE
    (record,) = line.records()
    assert record.transaction_type is TransactionType.NO_CARD
    assert record.quantity_milli == 12_340
    assert record.amount_e4 == 49_1100
    assert record.price_e4 == 3_9800
    assert record.device_seq == record.gun_total_quantity_milli == 1_234_560 + 12_340
    assert record.is_numbered_by_total
    assert record.is_watched
    assert record.unit is Unit.M3
    assert not line.faults()


def test_a_pump_is_reset_when_its_fill_is_in_the_books_and_not_before(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path)
    line.accepts = False
    sell(line, 500)
    line.run(10)
    device = line.devices[1].works
    assert device.is_complete, "its fill is nowhere else"
    assert line.give(AUTHORISE) is OrderOutcome.REFUSED
    assert len(line.records()) >= 2, "it is offered again"
    line.accepts = True
    line.run(10)
    assert not device.is_complete
    assert line.give(AUTHORISE) is OrderOutcome.DONE


@pytest.mark.parametrize(
    ("preset", "quantity"),
    [
        ({"preset_quantity_milli": 5_000}, 5_000),
        ({"preset_amount_e4": 19_9000}, 5_000),
    ],
)
def test_a_preset_ends_the_fill(
    tmp_path: Path, preset: dict[str, int], quantity: int
) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.run(1)
    assert line.give(replace(AUTHORISE, **preset)) is OrderOutcome.DONE
    line.fill(9_999)
    line.run(5)
    assert line.status().state is FuellingState.SUSPENDED_FUELLING
    line.hang_up()
    line.run(5)
    assert [record.quantity_milli for record in line.records()] == [quantity]


def test_both_presets_or_one_with_more_decimals_are_refused(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    both = replace(AUTHORISE, preset_quantity_milli=1_000, preset_amount_e4=10_000)
    assert line.give(both) is OrderOutcome.REFUSED
    odd = replace(AUTHORISE, preset_quantity_milli=1_001)
    assert line.give(odd) is OrderOutcome.REFUSED
    assert not line.devices[1].works.is_authorised


def test_a_stop_ends_the_fill_with_the_nozzle_out(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.give(AUTHORISE)
    line.fill(9_999)
    line.run(2)
    assert line.give(STOP) is OrderOutcome.DONE
    assert not line.devices[1].works.is_running
    line.run(5)
    (record,) = line.records()
    assert record.quantity_milli == line.devices[1].works.kept.quantity * 10


def test_lock_switches_off_and_unlock_resets(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    assert line.give(Order(1, OrderKind.LOCK)) is OrderOutcome.DONE
    line.run(2)
    assert line.status().state is FuellingState.CLOSED
    assert line.status().locked
    assert line.give(AUTHORISE) is OrderOutcome.REFUSED
    assert line.give(Order(1, OrderKind.UNLOCK)) is OrderOutcome.DONE
    line.run(2)
    assert line.status().state is FuellingState.IDLE
    assert line.give(Order(1, OrderKind.END_SHIFT)) is OrderOutcome.REFUSED


def test_a_lock_never_ends_a_fill(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.give(AUTHORISE)
    line.fill(5_000)
    line.run(1)
    assert line.give(Order(1, OrderKind.LOCK)) is OrderOutcome.REFUSED
    assert line.devices[1].works.is_running


@pytest.mark.parametrize("arrives", [True, False])
def test_an_order_without_an_ack_is_sent_once_and_the_state_read(
    tmp_path: Path, arrives: bool
) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.run(2)
    line.dialogue.order(AUTHORISE)
    begun = len(line.sent)
    # The pump hears the order, or not; its acknowledgement is lost in any case.
    share = "lose_answer" if arrives else "lose_request"
    setattr(line.wire, share, 1.0)
    while not any(b"\x01\x01\x06" in sent.data for sent in line.sent[begun:]):
        line.run(0.001)
    setattr(line.wire, share, 0.0)
    line.run(3)
    sent = [one.data for one in line.sent[begun:] if b"\x01\x01\x06" in one.data]
    assert len(sent) == 1
    wanted = OrderOutcome.DONE if arrives else OrderOutcome.UNKNOWN
    assert [e.outcome for e in line.events if hasattr(e, "outcome")] == [wanted]


def test_totals_are_read_when_asked(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    request = Request(1, Question.TOTALS)
    line.dialogue.request(request)
    line.run(2)
    (answer,) = line.of(TotalsReceived)
    assert answer.request == request
    assert answer.answer.gun_total_quantity_milli == 1_234_560
    assert answer.answer.gun_total_amount_e4 == 4_913_5500
    assert answer.answer.device_seq is None
    line.dialogue.request(Request(1, Question.RECORD, 3))
    line.run(2)
    assert line.of(RequestFailed)


def test_decimals_and_nozzle_are_options(tmp_path: Path) -> None:
    line = bench(tmp_path, price_decimals=3, volume_decimals=1, total_decimals=1)
    line.run(LINED_UP_S)
    sell(line, 100)
    (record,) = line.records()
    assert record.price_e4 == 3_980
    assert record.quantity_milli == 10_000


@pytest.mark.parametrize(
    "options", [{"speed": 3}, {"price_decimals": 9}, {"nozzle": 0}, {"gap_ms": "20"}]
)
def test_a_wrong_option_is_told(options: dict[str, int | str]) -> None:
    with pytest.raises(ValueError, match=r"option|is \d"):
        ENTRY.dialogue(LineSetup(9_600, (NozzleSetup(1, Unit.M3),), options))


@pytest.mark.parametrize(("plain", "acks"), [(1, {"50C0FA"}), (0, set())])
def test_a_block_is_acknowledged_by_its_number_or_plainly(
    tmp_path: Path, plain: int, acks: set[str]
) -> None:
    line = lined_up(tmp_path, plain_ack=plain)
    sell(line, 500)
    sent = {one.data.hex().upper() for one in line.sent if one.data[1] >> 4 == 0xC}
    assert sent
    assert (sent == {"50C0FA"}) == bool(acks)


def test_blocks_are_numbered_from_0_and_go_round(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.run(200)
    blocks = [one.data[1] & 0xF for one in line.sent if one.data[1] >> 4 == 3]
    assert blocks[:2] == [0, 1]
    assert set(blocks) == set(range(16))


def test_sixteen_pumps_take_their_turns(tmp_path: Path) -> None:
    line = bench(tmp_path, guns=16).run(30)
    assert {one.gun for one in line.sent} == set(range(1, 17))
    for gun in range(1, 17):
        assert line.status(gun).state is FuellingState.IDLE
    sell(line, 300, gun=16)
    assert [record.quantity_milli for record in line.records(16)] == [3_000]


def test_a_silent_pump_is_offline_after_5_s_and_its_fill_found_when_it_is_back(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.give(AUTHORISE)
    line.fill(2_000)
    line.run(1)
    line.wire.lose_answer = 1.0
    line.run(7)
    assert line.of(LinkChanged)[-1] == LinkChanged(1, Link.OFFLINE)
    line.hang_up()
    line.run(3)
    line.wire.lose_answer = 0.0
    line.run(10)
    assert [record.quantity_milli for record in line.records()] == [20_000]


def test_a_fill_that_ended_while_nobody_listened_is_offered_at_the_start(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path)
    sell(line, 500)
    (first,) = line.records()
    line.devices[1].works.lift(line.now_us / 1e6)
    line.devices[1].works.authorise(line.now_us / 1e6)
    line.fill(700)
    line.now_us += 5_000_000
    line.hang_up()
    again = bench(tmp_path)
    again.run(12)
    (record,) = again.records()
    assert record.quantity_milli == 7_000
    assert record.device_seq == first.device_seq + 7_000
    assert not record.is_watched


def test_a_program_that_begins_behind_a_lost_acknowledgement_asks_for_the_price(
    tmp_path: Path,
) -> None:
    """The block that waits names status and figures, and no price."""
    line = lined_up(tmp_path)
    sell(line, 500)
    line.run(3)
    device = line.devices[1]
    assert isinstance(device, DartDispenser)
    news = bytes.fromhex("02 08 00 00 05 00 00 00 19 90 01 01 01")
    device._waiting = data_block(0x50, 3, news)
    nozzles = (NozzleSetup(1, Unit.M3),)
    dialogue = ENTRY.dialogue(LineSetup(9_600, nozzles))
    again = SideBench(dialogue, line.devices, now_us=line.now_us).run(12)
    assert [record.price_e4 for record in again.records()] == [39_800]


def test_a_totaliser_that_comes_4_s_late_numbers_the_fill_all_the_same(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path, late_total_s=4.0)
    sell(line, 500)
    line.run(6)
    assert [r.device_seq for r in line.records()] == [1_234_560 + 5_000]


def test_gas_that_no_fill_explains_is_told(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.devices[1].works.kept.total_quantity += 77
    line.wire.lose_answer = 1.0
    line.run(8)
    line.wire.lose_answer = 0.0
    line.run(20)
    assert line.of(TotaliserJumped) == [TotaliserJumped(1, 1_234_560, 1_234_560 + 770)]


def test_a_power_cut_in_a_fill_leaves_what_was_seen_of_it(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.lift()
    line.give(AUTHORISE)
    line.fill(400)
    line.run(3)
    line.devices = {1: DartDispenser(works(tmp_path, 1), 1)}
    line.run(12)
    (record,) = line.records()
    assert record.quantity_milli == 4_000
    assert record.stop_reason.value == "power_loss"


WRONGS = ["lose_request", "lose_answer", "bit_error", "duplicate", "noise", "truncate",
          "late"]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONGS)
@pytest.mark.parametrize("seed", range(2))
def test_every_fill_is_reported_once_on_a_bad_wire(
    tmp_path: Path, wrong: str, seed: int
) -> None:
    share = 0.1 if wrong == "late" else 0.2
    line = bench(tmp_path, wire=Wire(seed, **{wrong: share}))
    line.run(20)
    sold = []
    for quantity in (150, 420, 777):
        line.lift()
        line.run(3)
        for _ in range(6):
            line.give(AUTHORISE, seconds=3)
            if line.devices[1].works.is_running:
                break
        line.fill(quantity)
        line.run(5)
        line.hang_up()
        line.run(25)
        sold.append(line.devices[1].works.kept.quantity * 10)
    accepted = {r.device_seq: r.quantity_milli for r in line.records()}
    assert list(accepted.values()) == sold
    moved = line.devices[1].works.kept.total_quantity - 123_456
    assert sum(accepted.values()) == moved * 10


def test_a_reply_of_another_pump_is_not_this_ones(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    device = line.devices[1]
    hear = device.hear

    def foreign(data: bytes, now: float) -> bytes | None:
        answer = hear(data, now)
        return None if answer is None else bytes([0x51]) + answer[1:]

    device.hear = foreign
    line.run(5)
    assert line.faults()[FaultKind.WRONG_ADDRESS] + line.faults()[FaultKind.BAD_CRC]
    assert line.records() == []

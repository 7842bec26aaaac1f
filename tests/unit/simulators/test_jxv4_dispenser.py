"""What a simulated gun answers, in the firmware's order."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_frames import Record
from cngstation.simulators.purse_on_card import CardRefused
from cngstation.simulators.virtual_card import CardInField, card_path
from tests.unit.simulators.bench_gun import BenchGun
from tests.unit.simulators.cards import UID, issue

CARD_16 = "0000510100010012"


@pytest.fixture
def bench(tmp_path: Path) -> BenchGun:
    issue(tmp_path / "cards")
    return BenchGun(tmp_path)


def record_of(answer: bytes) -> Record:
    assert answer[0] == 0x52
    return Record.from_bytes(answer[1:])


def test_an_idle_gun_says_so(bench: BenchGun) -> None:
    """84 bytes of status, nothing of a fill."""
    answer = bench.poll()
    assert answer[:4].hex() == "5101a18e"
    assert len(answer) == 85
    assert answer[5:13] == bytes(8)


@pytest.mark.parametrize(
    ("host", "is_silent"),
    [
        ("20250601083215", False),  # two minutes: not more than two
        ("20250601083315", True),
        ("20250601072959", True),  # another hour
        ("20250602083015", True),
        ("20260601083015", True),
    ],
)
def test_a_differing_clock_is_set_in_silence(
    bench: BenchGun, host: str, is_silent: bool
) -> None:
    """The poll that sets the clock gets no answer, the next one does."""
    assert (bench.poll(host) == b"") is is_silent
    assert bench.poll(host)[:1] == b"\x51"
    assert bench.gun.ear.ignored["clock_set"] == int(is_silent)
    if is_silent:
        read = bench.gun.clock.read(bench.now)
        assert read.strftime("%Y%m%d%H%M%S") == host


def test_a_clock_is_not_set_while_gas_flows(bench: BenchGun) -> None:
    """A fuelling gun answers whatever the host's time is."""
    bench.insert()
    bench.begin()
    assert bench.poll("20300101000000")[:3].hex() == "5101a4"


def test_a_fuelling_gun_shows_the_fill(bench: BenchGun) -> None:
    """Quantity by flow and loop time, amount half up, pressure by share."""
    bench.insert()
    bench.begin(limit=1234, flow=100.0)
    bench.now += 5.0
    answer = bench.poll()[1:]
    quantity, amount = struct.unpack_from("<II", answer, 4)
    assert quantity == 510
    assert amount == 2030  # 5.10 x 3.98 = 20.298
    assert answer[21:29].hex() == CARD_16
    assert answer[29:38] == b"\x00" + "川A12345".encode("gb2312")
    assert struct.unpack_from("<H", answer, 38)[0] == 420 + 647  # 1565 x 510 / 1234


def test_a_finished_fill_asks_for_its_debit(bench: BenchGun) -> None:
    """55H type 0 with every figure of the fill."""
    bench.fill()
    answer = bench.poll()
    assert answer[0] == 0x55
    assert answer[1:3] == b"\x00\x01"
    assert answer[3:11].hex() == CARD_16
    assert struct.unpack("<III", answer[11:23]) == (1234, 4911, 10_000)
    assert answer[23:27].hex() == "03160001"
    assert (answer[27], answer[28:]) == (1, struct.pack("<I", 1027))


def test_ten_debit_requests_one_silence_then_ten_more(bench: BenchGun) -> None:
    """The retry counter is 10; the poll after the silent one finds it full."""
    bench.fill()
    kinds = [bench.poll()[:1].hex() for _ in range(22)]
    assert kinds == ["55"] * 10 + [""] + ["55"] * 10 + [""]


def test_a_decision_debits_and_gives_a_record(bench: BenchGun) -> None:
    """The record of type 0 carries balances, counters, totals, gas that came back."""
    bench.settings = replace(bench.settings, return_quantity=250)
    bench.start()
    bench.fill()
    bench.poll()
    assert bench.decide(4800, 10_000, 5_200) == b""
    record = record_of(bench.poll())
    assert record.return_quantity == 250
    assert (record.trans_no, record.trans_type, record.card_type) == (1027, 0, 1)
    assert (record.quantity, record.amount, record.real_debit) == (1234, 4911, 4800)
    assert (record.balance_before, record.balance_after) == (10_000, 5_200)
    assert (record.top_up_count, record.consumption_count) == (1, 1)
    assert (record.topped_up, record.consumed_money) == (10_000, 4_800)
    assert (record.gun_total_quantity, record.gun_total_amount) == (2234, 8891)
    assert (record.pressure_before, record.pressure_after) == (420, 1985)
    assert (record.stop_reason, record.shift, record.price) == (6, 2, 398)
    assert record.started_at.hex() == "20250601083015"


@pytest.mark.parametrize(
    "wrong",
    [
        {"found": 0},
        {"kind": 1},
        {"card": 0x0000510100010013},
        {"debit": 10_001, "after": -1},
        {"before": 9_999, "after": 5_088},
        {"after": 5_090},
    ],
)
def test_a_decision_that_does_not_fit_changes_nothing(
    bench: BenchGun, wrong: dict[str, int]
) -> None:
    """Another card, another balance, or more than the purse holds: ask again."""
    bench.fill()
    right = {"debit": 4911, "before": 10_000, "after": 5_089}
    bench.decide(**{**right, **wrong})
    assert bench.gun.ear.ignored["decision_unfit"] == 1
    assert bench.poll()[0] == 0x55
    bench.decide(**right)
    assert bench.poll()[0] == 0x52


def test_a_record_is_sent_until_acknowledged(bench: BenchGun) -> None:
    """A wrong ack does not count, the right one ends the upload."""
    bench.fill()
    bench.decide(4911, 10_000, 5_089)
    for number, trans_type, ok in ((1026, 0, 1), (1027, 1, 1), (1027, 0, 0)):
        assert bench.poll()[0] == 0x52
        bench.acknowledge(number, trans_type, ok)
    assert bench.poll()[0] == 0x52
    bench.acknowledge(1027)
    assert bench.poll()[0] == 0x51
    assert bench.gun.memory.records.waiting_count() == 0


def test_a_record_is_skipped_after_ten_uploads(bench: BenchGun) -> None:
    """The eleventh poll gets the next record; 58H still reads the skipped one."""
    for number in (1027, 1028):
        bench.fill(limit=100)
        bench.take_out()
        issue(bench.folder / "cards", pseq=number)
    sent = [record_of(bench.poll()).trans_no for _ in range(20)]
    assert sent == [1027] * 10 + [1028] * 10
    assert bench.poll()[0] == 0x51
    again = bench.ask(0x58, (1027).to_bytes(4, "big"))
    assert again[:6].hex() == "580304000001"
    assert Record.from_bytes(again[6:]).trans_no == 1027


def test_a_number_that_is_not_kept_is_none(bench: BenchGun) -> None:
    """58H says exists = 0."""
    assert bench.ask(0x58, (9999).to_bytes(4, "big")).hex() == "580f27000000"


def test_totals_and_identity(bench: BenchGun) -> None:
    """57H carries number, gun and shift figures; 59H is 119 bytes."""
    bench.fill()
    bench.decide(4911, 10_000, 5_089)
    totals = bench.ask(0x57)
    assert struct.unpack("<5I", totals[1:]) == (1027, 2234, 8891, 1234, 4911)
    identity = bench.ask(0x59)
    assert len(identity) == 120
    assert struct.unpack_from("<BI", identity, 1) == (1, 1027)
    assert identity[12:16].hex() == "03160001"


def test_a_lock_persists_and_keeps_cards_out(bench: BenchGun) -> None:
    """Status F0 after a restart too; unlocking brings A1 back."""
    assert bench.ask(0x5F, b"\x01").hex() == "5f01"
    bench.kill()
    bench.start()
    assert bench.poll()[2] == 0xF0
    with pytest.raises(CardRefused, match="locked"):
        bench.insert()
    bench.ask(0x5F, b"\x00")
    assert bench.poll()[2] == 0xA1


def test_off_duty_is_refused_while_a_card_is_served(bench: BenchGun) -> None:
    """5DH answers 0 until the transaction is over."""
    bench.insert()
    assert bench.ask(0x5D).hex() == "5d00"
    bench.take_out()
    assert bench.ask(0x5D).hex() == "5d01"
    assert bench.gun.status == 0xA0
    assert bench.ask(0x5D).hex() == "5d00"
    with pytest.raises(CardRefused, match="off_duty"):
        bench.insert()


def test_a_shift_record_follows_the_sales(bench: BenchGun) -> None:
    """5AH comes after every 52H, is acknowledged once, and names its shift."""
    bench.fill()
    bench.decide(4911, 10_000, 5_089)
    bench.ask(0x5D)
    assert bench.poll()[0] == 0x52
    bench.acknowledge(1027)
    answer = bench.poll()
    assert answer[0] == 0x5A
    assert len(answer) == 75
    assert struct.unpack_from("<IBB", answer, 1) == (2, 1, 2)
    assert struct.unpack_from("<5I", answer, 29) == (2234, 8891, 1234, 4911, 1)
    bench.ask(0x5A, b"\x00")
    assert bench.poll()[0] == 0x5A
    bench.ask(0x5A, b"\x01")
    assert bench.poll()[:3].hex() == "5101a0"
    bench.gun.duty.begin("0000000000001002", 3, bench.gun.clock.read(bench.now))
    assert struct.unpack_from("<IBB", bench.poll(), 1) == (3, 0, 3)
    with pytest.raises(HandsRefused, match="on duty"):
        bench.gun.duty.begin("0000000000001003", 1, bench.gun.clock.read(bench.now))


def test_unknown_commands_get_silence(bench: BenchGun) -> None:
    """They are counted, and the gun stays well."""
    assert bench.ask(0x60) == b""
    assert bench.gun.ear.ignored["unknown_command"] == 1
    assert bench.ask(0x51, bytes(12)) == b""
    assert bench.gun.ear.ignored["bad_length"] == 1
    assert bench.poll()[0] == 0x51


def test_bodies_of_a_wrong_length_get_silence(bench: BenchGun) -> None:
    """No figure is read out of half a body, and no lock is set by a strange one."""
    assert bench.ask(0x58, bytes(5)) == b""
    assert bench.ask(0x5F, b"\x02") == b""
    assert bench.ask(0x55, bytes(47)) == b""
    assert bench.gun.ear.ignored["bad_length"] == 3
    bench.fill()
    bench.decide(4911, 10_000, 5_089)
    bench.poll()
    bench.ask(0x52, b"\x01\x00" + (1027).to_bytes(4, "big") + b"\x00")
    assert bench.gun.ear.ignored["ack_unfit"] == 1
    assert bench.poll()[0] == 0x52


def test_two_cards_do_not_fit_one_gun(bench: BenchGun) -> None:
    """The hands are told; the first card stays."""
    bench.insert()
    with pytest.raises(HandsRefused, match="already"):
        bench.insert()
    assert bench.gun.nozzle.card is not None
    bench.take_out()
    with pytest.raises(HandsRefused, match="no card"):
        bench.insert(bytes(4))
    with (
        CardInField(card_path(bench.folder / "cards", UID)),
        pytest.raises(HandsRefused, match="another field"),
    ):
        bench.insert()

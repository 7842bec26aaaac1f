"""A simulated gun that asks its host: unlocks, card checks, authorisations."""

from pathlib import Path

import pytest

from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_transaction import PETROCHINA
from tests.unit.simulators.bench_gun import POLL_TIME, BenchGun
from tests.unit.simulators.cards import STATION, issue

CARD = bytes.fromhex("0000510100010012")
GREY = {"grey": (2, STATION, 777), "pseq": 4, "balance": 10_000}


def make_bench(folder: Path, grey: bool = False, **settings: object) -> BenchGun:
    (folder / "cards").mkdir()
    issue(folder / "cards", **(GREY if grey else {}))
    return BenchGun(folder, **settings)  # type: ignore[arg-type]  # its own switches


def unlock(bench: BenchGun, found: int, debit: int, after: int) -> bytes:
    body = bytes([found, 1]) + CARD
    for figure in (debit, debit, 10_000, after):
        body += figure.to_bytes(4, "big")
    return bench.ask(0x55, body.ljust(44, b"\x00") + (777).to_bytes(4, "big"))


def test_a_grey_card_is_asked_about_with_what_it_names(tmp_path: Path) -> None:
    """Type 1, no gas, and station, gun and number of the unpaid fill."""
    bench = make_bench(tmp_path, grey=True, unlocks_grey=True)
    bench.insert()
    assert bench.gun.nozzle.waits_for == "unlock"
    asked = bench.poll()
    assert asked[:3] == b"\x55\x01\x01"
    assert asked[3:11] == CARD
    assert asked[11:23] == bytes(8) + (10_000).to_bytes(4, "little")
    assert asked[23:] == bytes.fromhex(STATION) + b"\x02" + (777).to_bytes(4, "little")


def test_what_is_found_is_collected_with_a_record_of_its_own(tmp_path: Path) -> None:
    """The card is debited and clean; record type 2 names the grey fill, no gas."""
    bench = make_bench(tmp_path, grey=True, unlocks_grey=True)
    bench.insert()
    bench.poll()
    unlock(bench, 1, 4_911, 5_089)
    purse = bench.gun.nozzle.purse
    assert purse is not None
    assert (purse.balance, purse.grey, purse.pseq) == (5_089, None, 5)
    counters = bench.gun.memory.counters
    assert (counters.last_trans_no, counters.total_quantity) == (1_027, 1_000)
    record = bench.poll()
    assert record[0] == 0x52
    assert record[1 + 13] == 2
    assert int.from_bytes(record[1 + 52 : 1 + 56], "little") == 0
    assert int.from_bytes(record[1 + 60 : 1 + 64], "little") == 4_911
    assert int.from_bytes(record[1 + 80 : 1 + 84], "little") == 5
    assert record[1 + 114] == 0xFF
    assert int.from_bytes(record[1 + 115 : 1 + 119], "little") == 777


def test_what_is_not_found_is_given_back_grey(tmp_path: Path) -> None:
    """The card leaves as it came."""
    bench = make_bench(tmp_path, grey=True, unlocks_grey=True)
    bench.insert()
    bench.poll()
    unlock(bench, 0, 0, 0)
    assert (bench.gun.nozzle.card, bench.gun.nozzle.refused) == (None, "grey")
    assert bench.poll()[0] == 0x51


@pytest.mark.parametrize(("debit", "after"), [(4_911, 5_090), (10_001, 0)])
def test_figures_that_do_not_add_up_are_not_written(
    tmp_path: Path, debit: int, after: int
) -> None:
    """A wrong balance leaves the card and the question as they are."""
    bench = make_bench(tmp_path, grey=True, unlocks_grey=True)
    bench.insert()
    bench.poll()
    unlock(bench, 1, debit, after)
    assert bench.gun.ear.ignored["decision_unfit"] == 1
    assert bench.poll()[0] == 0x55


def test_a_torn_unlock_leaves_the_card_grey(tmp_path: Path) -> None:
    """No record: nothing was collected."""
    bench = make_bench(tmp_path, grey=True, unlocks_grey=True)
    bench.insert()
    bench.poll()
    bench.gun.nozzle.blocks_before_tear = 1
    unlock(bench, 1, 4_911, 5_089)
    assert bench.gun.nozzle.refused == "write_failed"
    assert bench.gun.memory.records.waiting_count() == 0
    bench.insert()
    assert bench.poll()[0] == 0x55


@pytest.mark.parametrize(
    ("asks", "result", "refused"),
    [
        ("check", 0, ""),
        ("check", 1, "unknown_card"),
        ("check", 2, "blacklist"),
        ("check", 3, "balance_abnormal"),
        ("check", 4, "time_abnormal"),
        ("blacklist", 0, ""),
        ("blacklist", 1, "blacklist"),
        ("whitelist", 1, ""),
        ("whitelist", 0, "not_on_whitelist"),
    ],
)
def test_a_card_waits_for_the_hosts_verdict(
    tmp_path: Path, asks: str, result: int, refused: str
) -> None:
    """No gas before it; a refusal gives the card back with its reason."""
    bench = make_bench(tmp_path, asks_about_cards=asks)
    bench.insert()
    with pytest.raises(HandsRefused, match="accepted"):
        bench.begin()
    asked = bench.poll()
    command = 0x5C if asks == "check" else 0x56
    assert (asked[0], asked[1:9]) == (command, CARD)
    bench.ask(command, CARD + bytes([result]))
    assert bench.gun.nozzle.refused == refused
    if refused:
        assert bench.gun.nozzle.card is None
    else:
        bench.begin()


def test_a_verdict_for_another_card_is_not_heard(tmp_path: Path) -> None:
    """Nor one for another question."""
    bench = make_bench(tmp_path, asks_about_cards="check")
    bench.insert()
    bench.ask(0x5C, bytes(8) + b"\x00")
    bench.ask(0x56, CARD + b"\x00")
    assert bench.gun.ear.ignored["verdict_unfit"] == 2
    assert bench.gun.nozzle.waits_for == "verdict"


def test_a_changed_setting_is_told_until_it_is_acknowledged(tmp_path: Path) -> None:
    """31 bytes: number, shift, card, index, decimals, before, after, time."""
    bench = make_bench(tmp_path)
    when = bench.gun.clock.read(bench.now)
    bench.gun.duty.change((260, 2, 2_500, 2_250), when)
    told = bench.poll()
    assert told[0] == 0x5B
    assert told[1:].hex() == (
        "01000000020000000000001001040102c4090000ca08000020250601083015"
    )
    bench.ask(0x5B, b"\x00")
    assert bench.poll()[0] == 0x5B
    bench.ask(0x5B, b"\x01")
    assert bench.poll()[0] == 0x51


def test_a_setting_that_is_never_acknowledged_is_skipped(tmp_path: Path) -> None:
    """Ten times, then the gun goes on."""
    bench = make_bench(tmp_path)
    bench.gun.duty.change((1, 0, 1, 2), bench.gun.clock.read(bench.now))
    assert [bench.poll()[0] for _ in range(11)] == [0x5B] * 10 + [0x51]


def test_shift_totals_wrap_as_u32(tmp_path: Path) -> None:
    """A totaliser beyond its 32 bits begins again at 0."""
    bench = make_bench(tmp_path)
    bench.gun.memory.counters.total_quantity = 0x1_0000_0005
    assert bench.gun.duty.end(bench.gun.clock.read(bench.now))
    told = bench.poll()
    assert int.from_bytes(told[29:33], "little") == 5


def adapter_poll(bench: BenchGun, unpaid: int = 0, version: int = 0) -> bytes:
    return bench.ask(0x51, bytes.fromhex(POLL_TIME) + bytes([1, unpaid, 0, 0, version]))


def test_the_adapters_states_are_ifsfs(tmp_path: Path) -> None:
    """Idle, calling, authorised, fuelling, suspended, and idle again."""
    bench = make_bench(tmp_path, variant=PETROCHINA)
    seen = [adapter_poll(bench)[2]]
    bench.insert()
    seen.append(adapter_poll(bench)[2])
    with pytest.raises(HandsRefused, match="authorised"):
        bench.begin()
    assert bench.ask(0x70, bytes(5)) == b"\x70\x01"
    assert bench.ask(0x70, bytes(5)) == b"\x70\x00"
    seen.append(adapter_poll(bench)[2])
    bench.begin(flow=1)
    seen.append(adapter_poll(bench)[2])
    assert bench.ask(0x72) == b"\x72\x01"
    assert bench.ask(0x72) == b"\x72\x00"
    assert seen == [3, 4, 5, 8]
    assert adapter_poll(bench)[0] == 0x55
    bench.take_out()
    assert len(adapter_poll(bench)) == 33
    assert bench.gun.memory.counters.last_trans_no == 1_027


@pytest.mark.parametrize(
    ("preset", "flows"), [("01 64000000", 100), ("02 8E010000", 100), ("00", 1_234)]
)
def test_a_preset_ends_the_fill(tmp_path: Path, preset: str, flows: int) -> None:
    """1.00 unit, or 3.98 yuan, or nothing."""
    bench = make_bench(tmp_path, variant=PETROCHINA)
    bench.insert()
    bench.ask(0x70, bytes.fromhex(preset).ljust(5, b"\x00"))
    bench.begin(flow=1e6)
    bench.tick()
    assert bench.gun.memory.open is not None
    assert bench.gun.memory.open.quantity == flows


def test_the_adapter_sends_records_that_are_asked_for(tmp_path: Path) -> None:
    """The count of unpaid ones stands in the status; the ack is little-endian."""
    bench = make_bench(tmp_path, variant=PETROCHINA)
    bench.insert()
    bench.take_out()
    status = adapter_poll(bench)
    assert int.from_bytes(status[25:29], "little") == 1
    assert adapter_poll(bench, unpaid=1)[0] == 0x52
    bench.ask(0x52, bytes([1, 0]) + (1_027).to_bytes(4, "big"))
    assert adapter_poll(bench, unpaid=1)[0] == 0x52
    bench.ask(0x52, bytes([1, 0]) + (1_027).to_bytes(4, "little"))
    assert adapter_poll(bench, unpaid=1)[0] == 0x51


def test_the_adapter_takes_prices_little_endian(tmp_path: Path) -> None:
    """F4 01 is 5.00 yuan."""
    bench = make_bench(tmp_path, variant=PETROCHINA)
    assert adapter_poll(bench, version=9) == b"\x5e\x01"
    bench.ask(0x5E, bytes.fromhex("09 01 20250601080000 01 F401"))
    assert bench.gun.memory.held.prices == [500]
    assert adapter_poll(bench, version=9)[0] == 0x51


def test_the_ports_own_switch_silences_a_gun(tmp_path: Path) -> None:
    """Off line it hears nothing; its records wait in their ring."""
    bench = make_bench(tmp_path)
    bench.gun.is_off_line = True
    assert bench.poll() == b""
    bench.insert()
    bench.take_out()
    bench.gun.is_off_line = False
    assert bench.poll()[0] == 0x52

"""Lists and prices at a simulated gun: asked for, saved in silence, and obeyed."""

from pathlib import Path

import pytest

from cngstation.simulators.control import HandsRefused
from cngstation.simulators.purse_on_card import CardRefused
from tests.unit.simulators.bench_gun import BenchGun
from tests.unit.simulators.cards import issue

OURS = "0000510100010012"
INFO = "20250601 20260601 FFFF 19000000 00"


@pytest.fixture
def bench(tmp_path: Path) -> BenchGun:
    (tmp_path / "cards").mkdir()
    issue(tmp_path / "cards")
    return BenchGun(tmp_path)


def cards(count: int, first: int = 0) -> list[str]:
    return [f"51010001{n:08}" for n in range(first, first + count)]


def block(kind: int, offset: int, numbers: list[str], version: int = 3) -> bytes:
    head = bytes([kind]) + offset.to_bytes(2, "big") + bytes([len(numbers), version])
    return head + bytes.fromhex(INFO + "".join(numbers))


def download(bench: BenchGun, kind: int, numbers: list[str], version: int = 3) -> None:
    """Give a list whole, and let it be saved."""
    at = {1: 0, 2: 1, 3: 2, 4: 3}[kind]
    held = bench.gun.memory.held.versions
    announced = [held[k] for k in (1, 2, 3, 4)]
    announced[at] = version
    versions = bytes([*announced, 0, 0]).hex()
    assert bench.poll(versions=versions) == bytes([0x53, kind]) + bytes(6)
    asked = bench.ask(0x53, bytes([kind]) + len(numbers).to_bytes(4, "big"))
    for offset in range(0, max(len(numbers), 1), 20):
        assert asked == bytes([0x54, kind]) + offset.to_bytes(2, "little") + b"\x14"
        piece = numbers[offset : offset + 20]
        assert bench.ask(0x54, block(kind, offset, piece, version)) == b""
        asked = bench.poll(versions=versions)
    assert asked == b""
    assert bench.poll(versions=versions)[0] == 0x51


def test_a_list_is_asked_for_block_by_block_and_saved_in_silence(
    bench: BenchGun,
) -> None:
    """The poll behind the last block has no answer; the next one a status."""
    download(bench, 1, cards(45))
    held = bench.gun.memory.held
    assert (held.versions[1], held.lists[1]) == (3, cards(45))
    assert bench.gun.ear.ignored["list_saved"] == 1


def test_an_empty_list_is_saved_too(bench: BenchGun) -> None:
    """Nothing on it is a content."""
    download(bench, 2, [])
    assert bench.gun.memory.held.lists[2] == []


def test_what_is_lacking_comes_before_everything_else(bench: BenchGun) -> None:
    """Base, added, deleted, white, prices, key, and only then the record."""
    bench.fill()
    bench.decide(4911, 10_000, 5_089)
    every = "030303030301"
    asked = bench.poll(versions=every)
    assert asked[:2] == b"\x53\x01"
    for kind in (1, 2, 3, 4):
        bench.ask(0x53, bytes([kind]) + bytes(4))
        assert bench.poll(versions=every) == b""
        asked = bench.poll(versions=every)
    assert asked == b"\x5e\x01"
    bench.ask(0x5E, bytes.fromhex("03 01 20250601080000 01 018E"))
    assert bench.poll(versions=every) == b"\x53\x06" + bytes(6)
    assert bench.poll(versions="030303030300")[0] == 0x52


def test_version_zero_asks_for_nothing(bench: BenchGun) -> None:
    """0 is "nothing valid", also against a version that is held."""
    download(bench, 1, cards(1))
    assert bench.poll()[0] == 0x51


def test_a_card_on_the_blacklist_is_given_back(bench: BenchGun) -> None:
    """Base and added refuse, deleted takes back."""
    download(bench, 2, [OURS])
    with pytest.raises(CardRefused, match="blacklist"):
        bench.insert()
    download(bench, 3, [OURS])
    bench.insert()


def test_a_wrong_block_is_not_taken(bench: BenchGun) -> None:
    """Another offset, another list, or half a block."""
    versions = "030000000000"
    bench.poll(versions=versions)
    bench.ask(0x53, bytes.fromhex("0100000019"))
    bench.ask(0x54, block(1, 20, cards(5)))
    bench.ask(0x54, block(2, 0, cards(20)))
    bench.ask(0x54, block(1, 0, cards(20))[:-1])
    assert bench.gun.ear.ignored["list_unfit"] == 3
    assert bench.poll(versions=versions)[:4] == bytes.fromhex("54010000")


def test_a_power_cut_forgets_what_was_under_way_and_keeps_what_was_saved(
    bench: BenchGun,
) -> None:
    """It begins again with the length."""
    download(bench, 1, cards(3))
    bench.poll(versions="040000000000")
    bench.ask(0x53, bytes.fromhex("0100000019"))
    bench.ask(0x54, block(1, 0, cards(20), 4))
    bench.kill()
    bench.start()
    assert bench.gun.memory.held.lists[1] == cards(3)
    assert bench.poll(versions="040000000000")[:2] == b"\x53\x01"
    assert bench.ask(0x59)[6:12] == bytes.fromhex("030000000000")


def test_prices_count_by_level_from_the_next_fill(bench: BenchGun) -> None:
    """A table never touches a sale in progress."""
    bench.insert()
    bench.begin(1_234, flow=100)
    bench.tick()
    bench.ask(0x5E, bytes.fromhex("07 01 20250601080000 02 01F4 0190"))
    assert bench.gun.memory.held.prices == [500, 400]
    status = bench.poll()
    assert int.from_bytes(status[3:5], "little") == 398
    for _ in range(130):
        bench.tick()
    open_sale = bench.gun.memory.open
    assert open_sale is not None
    assert (open_sale.price, open_sale.amount) == (398, 4_911)
    bench.decide(4_911, 10_000, 5_089)
    bench.take_out()
    assert bench.poll()[0] == 0x52
    bench.acknowledge(1_027)
    assert int.from_bytes(bench.poll()[3:5], "little") == 500
    bench.insert()
    assert bench.gun.memory.open is not None
    assert bench.gun.memory.open.price == 500


def test_a_table_of_tomorrow_waits_for_its_time(bench: BenchGun) -> None:
    """It is held, its version named, and in force when the gun's clock says so."""
    bench.ask(0x5E, bytes.fromhex("07 01 20250601083045 01 01F4"))
    assert int.from_bytes(bench.poll(versions="000000000700")[3:5], "little") == 398
    assert bench.ask(0x59)[10] == 7
    for _ in range(300):
        bench.tick()
    assert int.from_bytes(bench.poll(versions="000000000700")[3:5], "little") == 500


@pytest.mark.parametrize(
    "body", ["", "07 01 20250601083015 00", "07 01 20250601083015 02 01F4"]
)
def test_a_table_that_is_none_is_not_taken(bench: BenchGun, body: str) -> None:
    """No levels, or fewer prices than levels."""
    bench.ask(0x5E, bytes.fromhex(body))
    assert bench.gun.memory.held.price_version == 0
    assert bench.gun.ear.ignored["bad_length"] == 1


def test_a_cleared_memory_begins_again(bench: BenchGun) -> None:
    """Numbers, totals, lists and prices are gone: a new epoch."""
    download(bench, 1, cards(3))
    bench.fill()
    with pytest.raises(HandsRefused, match="card"):
        bench.gun.clear_memory()
    bench.decide(4911, 10_000, 5_089)
    bench.take_out()
    bench.gun.clear_memory()
    counters = bench.gun.memory.counters
    assert (counters.last_trans_no, counters.total_quantity) == (0, 0)
    assert bench.gun.memory.held.versions[1] == 0
    assert bench.poll()[0] == 0x51
    bench.kill()
    bench.start()
    assert bench.gun.memory.counters.last_trans_no == 0
    assert bench.gun.memory.records.last() is None

"""Card, gas and records of a simulated gun, and what a power cut leaves of them."""

import contextlib
from pathlib import Path

import pytest

from cngstation.simulators import jxv4_memory
from cngstation.simulators.control import HandsRefused
from cngstation.simulators.jxv4_frames import Record
from cngstation.simulators.purse_on_card import CardRefused, CardTorn
from cngstation.simulators.virtual_card import CardInField, card_path
from tests.unit.simulators.bench_gun import BenchGun
from tests.unit.simulators.cards import STATION, UID, block, info, issue, slot

GREY = (1, STATION, 1027)
SLOT_A, SLOT_B = 4, 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cards"


@pytest.fixture
def bench(tmp_path: Path, folder: Path) -> BenchGun:
    issue(folder)
    return BenchGun(tmp_path)


def in_slot(folder: Path, first: int) -> bytes:
    return b"".join(block(folder, first + n) for n in range(3))


def last_record(bench: BenchGun) -> Record:
    kept = bench.gun.memory.records.last()
    assert kept is not None
    return Record.from_bytes(kept.body)


def is_free(folder: Path) -> bool:
    CardInField(card_path(folder, UID)).leave()
    return True


def test_an_accepted_card_is_written_grey_once(bench: BenchGun, folder: Path) -> None:
    """One write of the stale slot: grey and pseq + 1, the other slot untouched."""
    before = in_slot(folder, SLOT_A)
    bench.insert()
    assert in_slot(folder, SLOT_B) == slot(UID, gen=2, pseq=1, grey=GREY)
    assert in_slot(folder, SLOT_A) == before


def test_a_debit_is_one_write_under_the_same_pseq(
    bench: BenchGun, folder: Path
) -> None:
    """Balance, consumed total and the cleared grey go into the other slot."""
    bench.fill()
    grey = in_slot(folder, SLOT_B)
    bench.decide(4911, 10_000, 5_089)
    paid = slot(UID, gen=3, pseq=1, balance=5_089, consumed=4_911)
    assert in_slot(folder, SLOT_A) == paid
    assert in_slot(folder, SLOT_B) == grey
    bench.take_out()
    assert is_free(folder)
    assert len([bench.gun.memory.records.last()]) == 1
    assert last_record(bench).trans_no == 1027


@pytest.mark.parametrize(
    ("mode", "after", "card_type", "consumed"),
    [
        (0, 10_000 - 1991, 1, (0, 1991)),
        (1, 10_000 - 500, 1, (500, 0)),
        (2, 10_000 + 1991, 2, (0, 1991)),
        (3, 10_000 + 500, 2, (500, 0)),
    ],
)
def test_each_payment_mode_debits_its_purse(
    bench: BenchGun,
    folder: Path,
    mode: int,
    after: int,
    card_type: int,
    consumed: tuple[int, int],
) -> None:
    """Stored value goes down, accounts go up; quantity modes count 0.01 unit."""
    issue(folder, payment_mode=mode)
    bench.fill(limit=500)  # 5.00 x 3.98 = 19.90; a debit of 19.91 shows as itself
    bench.decide(abs(after - 10_000), 10_000, after)
    record = last_record(bench)
    assert (record.trans_type, record.card_type) == (0, card_type)
    assert record.amount == 1990
    assert (record.balance_after, record.real_debit) == (after, abs(after - 10_000))
    assert (record.consumed_quantity, record.consumed_money) == consumed
    spent = abs(after - 10_000)
    assert in_slot(folder, SLOT_A) == slot(
        UID, gen=3, pseq=1, balance=after, consumed=spent, payment_mode=mode
    )


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("mac", {"slot_a": bytes(48)}),
        ("info_mac", {"sector_3": bytes(48)}),
        ("grey", {"grey": (2, STATION, 5)}),
        ("cylinder_due", {"cylinder_due": "250531"}),
        ("cylinder_due", {"cylinder_due": "2a0101"}),
        ("balance", {"balance": 3}),  # 0.01 unit costs 3.98 fen: 4
        ("balance", {"balance": 0, "payment_mode": 1}),
        ("balance", {"balance": -1}),
        ("blacklist", {"card_no": "00000666"}),
        ("payment_mode", {"payment_mode": 4}),
        ("price_level", {"price_level": 3}),
        ("worn_out", {"gen": 0xFFFFFE}),
        ("worn_out", {"pseq": 0xFFFFFF}),
    ],
)
def test_a_refused_card_is_given_back_unwritten(
    tmp_path: Path, folder: Path, code: str, fields: dict[str, object]
) -> None:
    """Each rule has its code; the card is free, untouched, and uses no number."""
    path = issue(folder, **fields)  # type: ignore[arg-type]
    before = path.read_bytes()
    bench = BenchGun(tmp_path, blacklist=frozenset({"0000510100000666"}))
    with pytest.raises(CardRefused) as refused:
        bench.insert()
    assert refused.value.code == code
    assert path.read_bytes() == before
    assert is_free(folder)
    assert bench.gun.memory.open is None


@pytest.mark.parametrize(
    "fields",
    [
        {"cylinder_due": "250601"},  # due today
        {"balance": 4},
        {"balance": 0, "payment_mode": 2},
        {"gen": 0xFFFFFD},
        {"pseq": 0xFFFFFE},
    ],
)
def test_a_card_at_the_edge_is_still_taken(
    tmp_path: Path, folder: Path, fields: dict[str, object]
) -> None:
    """The last good value of each rule."""
    issue(folder, **fields)  # type: ignore[arg-type]
    bench = BenchGun(tmp_path)
    bench.insert()
    assert bench.gun.nozzle.purse is not None


def test_a_foreign_card_is_refused(bench: BenchGun, folder: Path) -> None:
    """A card with the transport keys is not ours."""
    image = bytearray(card_path(folder, UID).read_bytes())
    image[2 * 64 + 48 : 2 * 64 + 54] = b"\xff" * 6
    card_path(folder, UID).write_bytes(image)
    with pytest.raises(CardRefused, match="not_ours"):
        bench.insert()


@pytest.mark.parametrize(
    ("fields", "limit_yuan", "limit", "quantity", "amount", "reason"),
    [
        ({}, 0, 700, 700, 2786, 6),
        ({}, 0, 9_999, 2_512, 9_998, 14),  # 25.13 would cost 100.02
        ({"payment_mode": 1, "balance": 300}, 0, 9_999, 300, 1_194, 14),
        ({}, 50, 9_999, 1_256, 4_999, 15),
        ({"payment_mode": 2, "balance": 0}, 0, 9_999, 9_999, 39_796, 6),
        ({"price_level": 2}, 0, 1_000, 1_000, 3_780, 6),
    ],
)
def test_a_fill_ends_at_the_first_limit(
    tmp_path: Path,
    folder: Path,
    fields: dict[str, object],
    limit_yuan: int,
    limit: int,
    quantity: int,
    amount: int,
    reason: int,
) -> None:
    """Driver's limit, balance, or the card's limit for one fill, exactly."""
    issue(folder, sector_3=info(UID, limit_yuan=limit_yuan), **fields)  # type: ignore[arg-type]
    bench = BenchGun(tmp_path)
    bench.fill(limit=limit)
    assert bench.gun.status == 0xA5
    bench.take_out()
    record = last_record(bench)
    assert (record.quantity, record.amount) == (quantity, amount)
    assert record.stop_reason == reason


def test_a_stop_by_hand_keeps_what_has_flowed(bench: BenchGun) -> None:
    """Reason 0, quantity at that moment, then the debit as ever."""
    bench.insert()
    with pytest.raises(HandsRefused, match="no gas"):
        bench.gun.nozzle.stop(bench.now, bench.gun.clock.read(bench.now))
    bench.begin(flow=100.0)
    bench.now += 2.5
    bench.gun.nozzle.stop(bench.now, bench.gun.clock.read(bench.now))
    assert bench.gun.status == 0xA5
    bench.decide(995, 10_000, 9_005)
    record = last_record(bench)
    assert (record.quantity, record.stop_reason, record.trans_type) == (250, 0, 0)


def test_a_fill_begins_once_and_ends_once(bench: BenchGun) -> None:
    """A second order is refused, a decision before the end does not fit, and a stop
    after the end keeps the reason."""
    bench.insert()
    bench.begin(limit=100, flow=10.0)
    with pytest.raises(HandsRefused, match="no accepted card"):
        bench.begin()
    bench.decide(0, 10_000, 10_000)
    assert bench.gun.status == 0xA4
    bench.now += 11
    bench.tick()
    bench.gun.nozzle.stop(bench.now, bench.gun.clock.read(bench.now))
    bench.take_out()
    assert last_record(bench).stop_reason == 6


def test_a_card_pulled_while_gas_flows_stays_grey(
    bench: BenchGun, folder: Path
) -> None:
    """Record type 1, stop reason 13, nothing debited; the card is free."""
    bench.insert()
    bench.begin(flow=100.0)
    bench.now += 3.0
    bench.take_out()
    record = last_record(bench)
    assert (record.trans_type, record.stop_reason) == (1, 13)
    assert (record.quantity, record.amount, record.real_debit) == (300, 1194, 0)
    assert (record.balance_before, record.balance_after) == (10_000, 10_000)
    assert in_slot(folder, SLOT_B) == slot(UID, gen=2, pseq=1, grey=GREY)
    assert is_free(folder)
    with pytest.raises(CardRefused, match="grey"):
        bench.insert()


def test_a_card_pulled_before_its_debit_stays_grey(
    bench: BenchGun, folder: Path
) -> None:
    """Record type 1 with the reason that had ended the fill."""
    bench.fill()
    bench.take_out()
    record = last_record(bench)
    assert (record.trans_type, record.stop_reason, record.amount) == (1, 6, 4911)
    assert bench.gun.status == 0xA1
    assert in_slot(folder, SLOT_B) == slot(UID, gen=2, pseq=1, grey=GREY)
    bench.decide(4911, 10_000, 5_089)
    assert bench.gun.ear.ignored["decision_unfit"] == 1


def test_a_card_given_back_without_gas_is_clean(bench: BenchGun, folder: Path) -> None:
    """One write clears the grey, and a record of nothing explains the pseq."""
    bench.insert()
    bench.take_out()
    record = last_record(bench)
    assert (record.trans_type, record.quantity, record.real_debit) == (0, 0, 0)
    assert record.consumption_count == 1
    assert in_slot(folder, SLOT_A) == slot(UID, gen=3, pseq=1)
    bench.insert()


def test_a_torn_grey_write_refuses_the_card(bench: BenchGun, folder: Path) -> None:
    """The old slot still counts, no number is used, and the card works again."""
    bench.gun.nozzle.blocks_before_tear = 2
    with pytest.raises(CardRefused, match="write_failed"):
        bench.insert()
    assert bench.gun.memory.open is None
    bench.insert()
    assert in_slot(folder, SLOT_B) == slot(UID, gen=2, pseq=1, grey=GREY)


def test_a_torn_debit_gives_a_grey_record(bench: BenchGun, folder: Path) -> None:
    """Type 1, nothing debited, and the card still shows its grey slot."""
    bench.fill()
    bench.gun.nozzle.blocks_before_tear = 1
    bench.decide(4911, 10_000, 5_089)
    record = last_record(bench)
    assert (record.trans_type, record.real_debit) == (1, 0)
    assert record.balance_after == 10_000
    assert in_slot(folder, SLOT_B) == slot(UID, gen=2, pseq=1, grey=GREY)


def restarted(bench: BenchGun) -> BenchGun:
    bench.kill()
    bench.start()
    return bench


def test_a_power_cut_ends_a_fill_with_reason_5(bench: BenchGun, folder: Path) -> None:
    """What had flowed by the last tick is kept, the card stays grey."""
    bench.insert()
    bench.begin(flow=100.0)
    bench.now += 1.9
    bench.tick()
    restarted(bench)
    record = last_record(bench)
    assert (record.trans_type, record.stop_reason) == (1, 5)
    assert (record.quantity, record.amount) == (200, 796)
    assert record.gun_total_quantity == 1200
    assert in_slot(folder, SLOT_B) == slot(UID, gen=2, pseq=1, grey=GREY)
    assert bench.poll()[0] == 0x52
    bench.acknowledge(1027, 1)
    assert restarted(bench).poll()[0] == 0x51
    with pytest.raises(CardRefused, match="grey"):
        bench.insert()


def test_a_power_cut_before_the_debit_keeps_the_reason(bench: BenchGun) -> None:
    """The fill had ended by itself; the record is type 1."""
    bench.fill()
    record = last_record(restarted(bench))
    assert (record.trans_type, record.stop_reason) == (1, 6)


@pytest.mark.parametrize(("blocks", "trans_type"), [(0, 1), (2, 1), (None, 0)])
def test_a_power_cut_around_the_debit_asks_the_card(
    bench: BenchGun,
    monkeypatch: pytest.MonkeyPatch,
    blocks: int | None,
    trans_type: int,
) -> None:
    """The record says what the card says: grey before block 2, paid after it."""
    bench.fill()
    cut_after_card_write(bench, monkeypatch, blocks)
    with pytest.raises(PowerCut):
        bench.decide(4911, 10_000, 5_089)
    monkeypatch.undo()
    record = last_record(restarted(bench))
    assert record.trans_type == trans_type
    assert record.real_debit == (4911 if trans_type == 0 else 0)


@pytest.mark.parametrize(("blocks", "trans_type"), [(1, 1), (None, 0)])
def test_a_power_cut_while_a_card_is_given_back_asks_the_card(
    bench: BenchGun,
    monkeypatch: pytest.MonkeyPatch,
    blocks: int | None,
    trans_type: int,
) -> None:
    """A debit of nothing is told from no debit by the grey alone."""
    bench.insert()
    cut_after_card_write(bench, monkeypatch, blocks)
    with pytest.raises(PowerCut):
        bench.take_out()
    monkeypatch.undo()
    assert last_record(restarted(bench)).trans_type == trans_type


@pytest.mark.parametrize(("blocks", "records"), [(0, 0), (2, 0), (None, 1)])
def test_a_power_cut_around_the_grey_write_asks_the_card(
    bench: BenchGun,
    monkeypatch: pytest.MonkeyPatch,
    blocks: int | None,
    records: int,
) -> None:
    """A card that never went grey leaves no record; a grey one leaves type 1."""
    cut_after_card_write(bench, monkeypatch, blocks)
    with pytest.raises(PowerCut):
        bench.insert()
    monkeypatch.undo()
    restarted(bench)
    assert bench.gun.memory.records.waiting_count() == records
    if records:
        record = last_record(bench)
        assert (record.trans_type, record.quantity, record.stop_reason) == (1, 0, 5)


class PowerCut(BaseException):
    """The process ends here."""


def cut_after_card_write(
    bench: BenchGun, monkeypatch: pytest.MonkeyPatch, blocks: int | None
) -> None:
    nozzle = bench.gun.nozzle
    nozzle.blocks_before_tear = blocks
    real_write = nozzle._write

    def write(*arguments: object) -> None:
        with contextlib.suppress(CardTorn):
            real_write(*arguments)  # type: ignore[arg-type]
        raise PowerCut

    monkeypatch.setattr(nozzle, "_write", write)


def test_a_line_cut_short_counts_as_not_written(bench: BenchGun) -> None:
    """Memory is what the last whole line says, and goes on from there."""
    bench.fill()
    bench.decide(4911, 10_000, 5_089)
    path = bench.folder / "gun-1.json"
    bench.kill()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[-300:-100].replace(b"\n", b""))
    bench.start()
    assert last_record(bench).trans_no == 1027
    bench.poll()
    bench.acknowledge(1027)
    assert restarted(bench).gun.memory.records.waiting_count() == 0


def test_memory_stays_small_and_whole(
    bench: BenchGun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines are folded as they grow; the ring overwrites its oldest record."""
    monkeypatch.setattr(jxv4_memory, "FOLD_ABOVE_BYTES", 20_000)
    memory = bench.gun.memory
    for number in range(1, jxv4_memory.RING_RECORDS + 11):
        memory.records.add(number, bytes(4))
    for _ in range(1000):
        memory.save()
    size = (bench.folder / "gun-1.json").stat().st_size
    again = restarted(bench).gun.memory
    assert size < 200_000
    assert again.records.find(10) is None
    assert again.records.find(11) is not None
    assert again.records.waiting_count() == jxv4_memory.RING_RECORDS

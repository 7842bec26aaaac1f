"""Simulated Sinopec dispensers on a pty, driven by the product's line."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cngstation.protocols.dispenser.canonical import (
    DebitKind,
    FaultKind,
    FuellingState,
    Link,
    TransactionType,
)
from cngstation.protocols.dispenser.forecourt import (
    CardList,
    CardVerdict,
    DownloadKind,
    Downloads,
    ListKind,
    PriceTable,
    StationData,
)
from cngstation.protocols.dispenser.sinopec import readers
from cngstation.simulators.control import HandsRefused
from tests.e2e.sinopec_bench import CARD, FAST, Service, running, until


@pytest.fixture(autouse=True)
def short_periods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow each other at once: nothing here waits for a second."""
    monkeypatch.setattr(readers, "IDLE_POLL_US", 20_000)
    monkeypatch.setattr(readers, "BUSY_POLL_US", 20_000)


TWO_NOZZLES = {"address": 1, "nozzles": (1, 2)}


async def test_fills_with_and_without_a_card(tmp_path: Path) -> None:
    """Live figures, then a record each, acknowledged once; the card is debited."""
    service = Service()
    async with running(tmp_path, service, TWO_NOZZLES) as bench:
        await until(lambda: len(service.links) == 2)
        await bench.hand("card_in", card=CARD, balance=100_000, count=7)
        await until(
            lambda: (
                101 in service.statuses
                and service.statuses[101].state is FuellingState.CALLING
            )
        )
        assert service.statuses[101].card_no == CARD
        await bench.hand("fill", limit_hundredths=1234, flow_hundredths_per_s=1_500)
        await until(lambda: service.statuses[101].quantity_milli)
        assert service.statuses[101].state is FuellingState.FUELLING
        assert service.statuses[102].state is FuellingState.IDLE
        await bench.fill(500, gun=102)
        await bench.uploaded()
        await until(lambda: service.statuses[101].state is not FuellingState.FUELLING)
        assert service.statuses[101].price_e4 == 39_800
        limits = await bench.hand("limits")
    (second, cash), (first, paid) = service.records
    assert (first, second) == (101, 102)
    assert (paid.quantity_milli, paid.amount_e4) == (12_340, 491_100)
    assert (paid.balance_before_hundredths, paid.balance_after_hundredths) == (
        100_000, 95_089,
    )  # fmt: skip
    assert paid.card_consumption_count == 8
    assert cash.transaction_type is TransactionType.NO_CARD
    assert limits["frames_taken"] == {"record_ack": 2}
    assert limits["frames_ignored"] == {}
    assert set(service.links.values()) == {Link.ONLINE}


async def test_a_card_that_was_pulled_is_made_up_for_from_its_record(
    tmp_path: Path,
) -> None:
    """Grey at one nozzle; the other asks, gets the fill's codes, debits the card."""
    service = Service()
    async with running(tmp_path, service, TWO_NOZZLES) as bench:
        await bench.hand("card_in", card=CARD, balance=100_000)
        await bench.hand("fill", limit_hundredths=5_000, flow_hundredths_per_s=1_000)
        await asyncio.sleep(0.3)
        await bench.hand("card_out")
        await bench.uploaded()
        (_, grey) = service.records[0]
        assert grey.transaction_type is TransactionType.GREY
        assert (grey.debited_hundredths, grey.balance_after_hundredths) == (0, 100_000)
        await bench.hand("card_in", gun=102, card=CARD)
        await bench.uploaded()
        await until(lambda: len(service.records) == 2)
        state = await bench.hand("state", gun=102)
        await bench.hand("card_out", gun=102)
    owed = grey.amount_e4 // 100
    assert (state["is_grey"], state["balance"]) == (False, 100_000 - owed)
    assert [d.kind for d in service.debits] == [DebitKind.UNLOCK]
    gun, made_up = service.records[1]
    assert (gun, made_up.transaction_type) == (102, TransactionType.MAKE_UP_DEBIT)
    assert made_up.debited_hundredths == owed
    assert made_up.card_consumption_count == grey.card_consumption_count


async def test_a_grey_card_that_nobody_knows_stays_grey(tmp_path: Path) -> None:
    """No record, no codes: the dispenser gives it back."""
    service = Service(accepts=False)
    async with running(tmp_path, service, TWO_NOZZLES) as bench:
        await bench.hand("card_in", card=CARD, balance=100_000)
        await bench.hand("fill", limit_hundredths=5_000, flow_hundredths_per_s=1_000)
        await asyncio.sleep(0.2)
        await bench.hand("card_out")
        await bench.hand("card_in", gun=102, card=CARD)
        for _ in range(200):
            state = await bench.hand("state", gun=102)
            if state["refused"]:
                break
            await asyncio.sleep(0.05)
        with pytest.raises(HandsRefused, match="nobody knows"):
            await bench.hand(
                "fill", gun=102, limit_hundredths=1, flow_hundredths_per_s=1
            )
    assert state["is_grey"]


@pytest.mark.parametrize(
    ("verdict", "refused"),
    [(CardVerdict.NOT_LISTED, None), (CardVerdict.LISTED, "listed")],
)
async def test_a_card_is_looked_up_before_it_fills(
    tmp_path: Path, verdict: CardVerdict, refused: str | None
) -> None:
    """A dispenser that asks does not open its valve before the answer."""
    service = Service(verdict=verdict)
    dispenser = {"address": 1, "asks_lists": True}
    async with running(tmp_path, service, dispenser) as bench:
        await bench.hand("card_in", card=CARD, balance=1_000)
        limits: dict[str, Any] = {}
        async with asyncio.timeout(60):
            while not limits.get("frames_taken"):
                await asyncio.sleep(0.02)
                limits = await bench.hand("limits")
        state = await bench.hand("state")
    assert limits["frames_taken"] == {"listed": 1}
    assert (state["refused"], state["question"]) == (refused, "")
    assert {check.card_no for check in service.checks} == {CARD}


async def test_shifts_texts_and_price_notices(tmp_path: Path) -> None:
    """Each is told once and acknowledged."""
    service = Service()
    async with running(tmp_path, service) as bench:
        await bench.hand("log_on", card=CARD, employee=3)
        await bench.fill(100)
        await bench.hand("log_off", card=CARD, employee=3)
        await bench.hand("text", flag=2, text="打印机缺纸")
        await bench.uploaded()
        await until(lambda: service.events)
        prices = PriceTable(9, (45_000,), "2026-01-01 00:00:00")
        bench.line.offer(Downloads(prices=prices))
        await until(lambda: len(service.events) == 2)
        await bench.uploaded()
        state = await bench.hand("state")
    assert sorted((s.device_seq, s.is_off_duty) for s in service.shifts) == [
        (1, False), (3, True),
    ]  # fmt: skip
    assert [record.employee_card for _, record in service.records] == ["3"]
    text, notice = service.events
    assert (text.name, text.code, text.text) == ("text", 2, "打印机缺纸")
    assert (notice.name, notice.device_seq) == ("price_received", 4)
    assert (state["price"], state["texts"]) == (450, 0)


async def test_lists_prices_and_station_data_arrive(tmp_path: Path) -> None:
    """Fetched by version, in force when the dispenser says so; live figures go on."""
    service = Service()
    cards = tuple(f"5101{number:08d}" for number in range(300))
    black = CardList(ListKind.BASE, 300, cards, "2026-01-01", "2027-01-01")
    white = replace(black, kind=ListKind.WHITE, version=2, cards=(cards[1],))
    async with running(tmp_path, service, TWO_NOZZLES) as bench:
        await until(lambda: service.statuses)
        await bench.hand(
            "fill", gun=102, limit_hundredths=100_000, flow_hundredths_per_s=100
        )
        bench.line.offer(
            Downloads(
                {ListKind.BASE: black, ListKind.WHITE: white},
                PriceTable(7, (45_000, 44_000), "2026-01-01 00:00:00"),
                StationData(5, 51, 1, 5101, 51010001),
            )
        )

        def in_force() -> set[DownloadKind]:
            return {d.kind for d in service.downloads if d.is_in_force and d.gun == 102}

        await until(lambda: len(in_force()) == 3)
        assert DownloadKind.PRICES not in in_force()
        fills = service.statuses[102].quantity_milli
        await until(lambda: service.statuses[102].quantity_milli > fills)
        state = await bench.hand("stop", gun=102)
        assert state["price"] == 398
        await until(lambda: len(in_force()) == 4)
        await bench.uploaded()
        state = await bench.hand("state")
        with pytest.raises(HandsRefused, match="blacklist"):
            await bench.hand("card_in", card=f"0100{cards[2]:>016}", balance=1)
        await bench.hand("card_in", card=f"0100{cards[1]:>016}", balance=1)
    assert state["lists"] == {"0": 300, "3": 1}
    assert state["versions"] == [300, 0, 0, 2, 7, 5]
    assert state["price"] == 450
    assert service.records[0][1].price_e4 == 39_800


async def test_a_dispenser_that_begins_of_its_own_accord(tmp_path: Path) -> None:
    """Its records and questions come unasked and are answered all the same."""
    service = Service()
    dispenser = {"address": 1, "initiates": True}
    async with running(tmp_path, service, dispenser) as bench:
        await bench.fill(300, card=CARD, balance=5_000)
        await bench.uploaded()
        limits = await bench.hand("limits")
    assert [record.device_seq for _, record in service.records] == [1]
    assert limits["frames_unasked"] >= 1
    assert limits["frames_taken"] == {"record_ack": 1}


FAULTS: dict[str, dict[str, float]] = {
    "lost answers": {"lose_answer": 0.3},
    "lost acknowledgements": {"lose_request": 0.3},
    "noise before answers": {"noise": 0.5, "noise_bytes": 9},
    "repeated answers": {"duplicate": 0.5},
    "answers cut short": {"truncate": 0.3},
    "bit errors": {"bit_error": 0.003},
    "lost bytes": {"byte_loss": 0.003},
    "late answers": {"delay": 0.3, "delay_ms": 300},
    "answers of another address": {"wrong_address": 0.3},
    "answers with another number": {"wrong_number": 0.3},
}


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fill_arrives_through_faults(tmp_path: Path, name: str) -> None:
    """Each fill once or repeated, none lost, none invented."""
    service = Service()
    dispenser = {**TWO_NOZZLES, "upload_retry_s": 0.1}
    async with running(tmp_path, service, dispenser, faults=FAULTS[name]) as bench:
        for number in range(1, 5):
            await bench.fill(100 * number, gun=101 + number % 2)
        await bench.uploaded()
        counts = (await bench.hand("limits"))["wire"]
        drawn = sum(bench.device.answer_faults.counts.values()) + sum(counts.values())
    assert drawn
    found = {(gun, r.device_seq, r.quantity_milli) for gun, r in service.records}
    assert found == {(101 + n % 2, n, 1_000 * n) for n in range(1, 5)}
    named = {fault.kind for fault in service.faults}
    if "another address" in name:
        assert FaultKind.WRONG_ADDRESS in named
    if "noise" in name:
        assert FaultKind.NOISE in named


async def test_a_power_cut_while_gas_flows(tmp_path: Path) -> None:
    """The memory knows the fill; the card stays grey, and the record says so."""
    service = Service()
    async with running(tmp_path, service) as bench:
        await bench.hand("card_in", card=CARD, balance=100_000)
        await bench.hand("fill", limit_hundredths=5_000, flow_hundredths_per_s=2_000)
        await asyncio.sleep(0.3)
        flowed = (await bench.hand("state"))["quantity"]
    async with running(tmp_path, service) as bench:
        await bench.uploaded()
    (_, grey) = service.records[0]
    assert grey.transaction_type is TransactionType.GREY
    assert grey.quantity_milli >= 10 * flowed > 0


async def test_two_thousand_records_that_nobody_fetches(tmp_path: Path) -> None:
    """The dispenser sells nothing more, until some are fetched."""
    service = Service()
    async with running(tmp_path, service) as bench:
        memory = bench.device.dispensers[1].memory
        for number in range(1, 2_001):
            memory.records.add(number + 10_000, bytes(4) + b"\x05" + bytes(90))
        with pytest.raises(HandsRefused, match="too many records"):
            await bench.hand("fill", limit_hundredths=1, flow_hundredths_per_s=FAST)
        await until(lambda: service.shifts)
        await asyncio.sleep(0.2)
        await bench.hand("fill", limit_hundredths=1, flow_hundredths_per_s=FAST)


async def test_questions_are_answered(tmp_path: Path) -> None:
    """Totals, identity, a record again, a record that is not there."""
    service = Service()
    async with running(tmp_path, service, TWO_NOZZLES) as bench:
        await bench.fill(250, gun=102)
        await bench.uploaded()
        totals = await bench.line.request_totals(102)
        identity = await bench.line.request_identity(101)
        again = await bench.line.request_record(102, 1)
        missing = await bench.line.request_record(102, 99)
    assert totals.gun_total_quantity_milli == 2_500
    assert (identity.maker, identity.station_no) == ("SIMULATED", "51010001")
    assert again is not None
    assert replace(again, raw_frame=b"") == replace(
        service.records[0][1], raw_frame=b""
    )
    assert missing is None

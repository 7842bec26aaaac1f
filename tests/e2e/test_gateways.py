"""Compac, UniPump and jsonPTS: from the simulated far end to the booked sale."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cngstation.protocols.dispenser import last_sale, turns
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.pts import dialogue as pts
from cngstation.protocols.dispenser.pts import settling
from cngstation.services import watch_forecourt
from tests.e2e.gateway_bench import WITHIN_S, FarEnd, far_end, monitor

PROTOCOLS = ("compac", "unipump", "pts")
FLOW = 20_000
SETTLED_S = 0.6
ENDLESS = 10_000_000


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow each other at once; a simulated totaliser never comes late."""
    for module in (turns, pts):
        monkeypatch.setattr(module, "IDLE_POLL_US", 60_000)
        monkeypatch.setattr(module, "BUSY_POLL_US", 60_000)
    monkeypatch.setattr(last_sale, "STABLE_US", 50_000)
    monkeypatch.setattr(last_sale, "SETTLE_US", 150_000)
    monkeypatch.setattr(last_sale, "OFFERED_AGAIN_US", 300_000)
    monkeypatch.setattr(settling, "CLOSED_AGAIN_US", 300_000)
    monkeypatch.setattr(watch_forecourt, "COMPARE_AFTER_MS", 50)


@pytest.fixture(params=PROTOCOLS)
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FarEnd]:
    """One nozzle of each protocol."""
    with far_end(tmp_path, request.param) as end:
        yield end


async def begin(far: FarEnd, volume: int = 12_340, flow: int = FLOW) -> None:
    await far.hand("lift")
    await far.hand("fill", volume=volume, flow_per_s=flow)


async def ended(far: FarEnd) -> tuple[int, int, int]:
    """Hang up; return the number, quantity and amount that are to be booked."""
    facts = await far.hand("hang_up")
    sold = facts["total_volume"] - 1_000_000
    amount_e4 = (facts["total_amount"] - 398_000) * 100
    if far.section.protocol == "pts":
        return 8, sold, amount_e4
    number = facts["total_volume"] // 10 * 10
    cut = 10 if far.section.protocol == "unipump" else 1
    return number, sold // cut * cut, amount_e4


async def test_a_fill_is_shown_and_booked_once(tmp_path: Path, far: FarEnd) -> None:
    """Live, then a sale with the dispenser's figures; a repeat adds nothing."""
    async with monitor(tmp_path, far.section) as station:
        await station.lined_up()
        await begin(far, ENDLESS)
        await station.until(lambda s: s.states == {"fuelling"})
        await station.until(
            lambda s: any(f.quantity_milli > 0 for f in s.told["nozzle"])
        )
        expected = await ended(far)
        assert await station.booked(1) == [expected]
        closed = await far.hand("wait", until="closed", timeout_s=60)
        assert closed["reached"]
    async with monitor(tmp_path, far.section) as station:
        await station.until(lambda s: s.links == {"online"})
        await asyncio.sleep(SETTLED_S)
        assert await station.sales() == [expected]
        assert not await station.kinds() & {"sequence_gap", "totaliser_break"}


async def test_a_restart_in_the_middle_of_a_fill_books_it_once(
    tmp_path: Path, far: FarEnd
) -> None:
    """The monitor ends while gas flows, and again while the sale is new."""
    async with monitor(tmp_path, far.section) as station:
        await station.lined_up()
        await begin(far, ENDLESS)
        await station.until(lambda s: s.states == {"fuelling"})
    async with monitor(tmp_path, far.section) as station:
        await station.until(lambda s: s.states == {"fuelling"})
        expected = await ended(far)
        assert await station.booked(1) == [expected]
    for _ in range(2):
        async with monitor(tmp_path, far.section) as station:
            await station.until(lambda s: s.links == {"online"})
            await asyncio.sleep(SETTLED_S)
            assert await station.sales() == [expected]


async def test_a_fill_that_ended_while_the_monitor_was_down_is_booked_once(
    tmp_path: Path, far: FarEnd
) -> None:
    """It is shown, or fetched, when the monitor is back."""
    async with monitor(tmp_path, far.section) as station:
        await station.until(lambda s: s.links == {"online"})
        await asyncio.sleep(SETTLED_S)
        await begin(far, 5_000)
        await station.booked(1)
        await far.hand("wait", until="closed", timeout_s=60)
        await far.hand("hang_up")
        await asyncio.sleep(0.3)
    await far.hand("sell", volume=2_000)
    async with monitor(tmp_path, far.section) as station:
        assert [sale[1] for sale in await station.booked(2)] == [5_000, 2_000]
        await asyncio.sleep(SETTLED_S)
        assert len(await station.sales()) == 2


async def test_sales_of_a_controller_that_nobody_saw_are_all_fetched(
    tmp_path: Path,
) -> None:
    """Several fills closed by themselves while the monitor was down."""
    with far_end(tmp_path, "pts") as far:
        await far.hand("automatic", closes_itself=True)
        async with monitor(tmp_path, far.section) as station:
            await station.until(lambda s: s.links == {"online"})
            await far.hand("sell", volume=1_000)
            await station.booked(1)
        for volume in (2_000, 3_000, 4_000):
            await far.hand("sell", volume=volume)
        async with monitor(tmp_path, far.section) as station:
            sales = await station.booked(4)
            assert sorted(sale[0] for sale in sales) == [8, 9, 10, 11]
            assert sum(sale[1] for sale in sales) == 10_000
            await asyncio.sleep(0.3)
            assert "sequence_gap" not in await station.kinds()


async def test_a_controller_that_misbehaves_loses_no_sale(tmp_path: Path) -> None:
    """Broken, half, late and missing answers, refused log-ins and connections."""
    faults = {
        "half_answer": 0.1, "garble": 0.1, "server_error": 0.1, "stale": 0.1,
        "lose_packets": 0.1, "deep": 0.05, "drop": 0.1, "refuse_login": 0.05,
    }  # fmt: skip
    with far_end(tmp_path, "pts") as far:
        async with monitor(tmp_path, far.section) as station:
            await station.until(lambda s: s.links == {"online"})
            await far.hand("fault", seed=4, **faults)
            for count in range(1, 4):
                await begin(far, 2_000, flow=20_000)
                await station.booked(count)
                await far.hand("wait", until="closed", timeout_s=60)
                await far.hand("hang_up")
            await far.hand("fault", **dict.fromkeys(faults, 0))
            await asyncio.sleep(0.3)
            assert [sale[:2] for sale in await station.sales()] == [
                (8, 2_000),
                (9, 2_000),
                (10, 2_000),
            ]
            counts = await far.hand("counts")
            assert sum(counts["http"].get(name, 0) for name in faults) > 3


async def test_a_controller_that_is_away_is_said_and_comes_back(
    tmp_path: Path,
) -> None:
    """Connections refused, then taken again; what it sold meanwhile is booked."""
    with far_end(tmp_path, "pts") as far:
        async with monitor(tmp_path, far.section) as station:
            await station.until(lambda s: s.links == {"online"})
            await begin(far, 1_000)
            await station.booked(1)
            await far.hand("wait", until="closed", timeout_s=60)
            await far.hand("close")
            await station.until(lambda s: s.told["line"][-1].health.state == "offline")
            assert "secret" not in str(station.told["line"])
            await far.hand("sell", volume=3_000)
            await far.hand("open")
            assert [sale[1] for sale in await station.booked(2)] == [1_000, 3_000]


@pytest.mark.parametrize("protocol", ["unipump", "pts"])
async def test_an_order_authorises_a_preset(tmp_path: Path, protocol: str) -> None:
    """The amount that was ordered is the amount that is booked."""
    with far_end(tmp_path, protocol) as far:
        async with monitor(tmp_path, far.section) as station:
            await station.until(lambda s: s.links == {"online"})
            await asyncio.sleep(SETTLED_S)
            order = Order(1, OrderKind.AUTHORISE, preset_amount_e4=199_000)
            async with asyncio.timeout(WITHIN_S):
                # Until the totaliser is known nothing is authorised.
                while await station.line.give(order) is not OrderOutcome.DONE:
                    await asyncio.sleep(0.05)
            await begin(far, 50_000, flow=20_000)
            ((_, quantity, amount),) = await station.booked(1)
            assert (quantity, amount) == (5_000, 199_000)

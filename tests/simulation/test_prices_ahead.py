"""Prices that were sent ahead change at their time, whether our program runs or not."""

from dataclasses import replace
from pathlib import Path

from cngstation.protocols.dispenser.forecourt import Downloads, PriceTable
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.jxv4.variant import OWN
from cngstation.simulators.jxv4_transaction import FillOrder
from tests.simulation.jxv4_world import World

NOW = PriceTable(7, (50_000, 48_000, 47_000), "2025-06-01 08:00:00")
NEXT = PriceTable(8, (60_000, 58_000, 57_000), "2025-06-01 08:31:00")
UNTIL_THEN_S = 45


def keeping(world: World) -> BusDialogue:
    """Return a dialogue with dispensers that keep a table until its time."""
    nozzles = [NozzleSettings(number) for number in world.guns]
    variant = replace(OWN, keeps_prices=True)
    return BusDialogue(nozzles, LineSpeed(38_400), variant)


def test_a_price_begins_at_its_time_without_us(tmp_path: Path) -> None:
    """A fill under way keeps its price; the next one, still without us, has the new."""
    world = World(tmp_path)
    world.dialogue = keeping(world)
    world.dialogue.line_opened(world.now_us)
    first, second = world.card(1), world.card(2)
    begun = world.seconds
    world.dialogue.offer(Downloads(prices=NOW, coming=NEXT))
    guns = [gun.memory.held for gun in world.guns.values()]
    assert world.run_until(
        lambda: all(
            (held.prices, held.next_prices, held.price_version)
            == ([500, 480, 470], [600, 580, 570], 8)
            for held in guns
        )
    )
    gun = world.guns[1]
    world.run(UNTIL_THEN_S - 5 - (world.seconds - begun))
    gun.insert(first, world.seconds)
    gun.nozzle.begin(FillOrder(1_000, 100, 420, 1_985), world.seconds)  # ten seconds
    world.run(0.5)

    lives, hears = world._step, world._hear
    world._step, world._hear = (lambda: None), (lambda _data: None)  # type: ignore[method-assign]
    world.run(20)
    assert [held.prices for held in guns] == [[600, 580, 570]] * 2
    world.guns[2].insert(second, world.seconds)
    world.guns[2].nozzle.begin(FillOrder(1_000, 1e6, 420, 1_985), world.seconds)
    world.run(2)

    world._step, world._hear = lives, hears  # type: ignore[method-assign]
    world.dialogue = keeping(world)
    world.dialogue.line_opened(world.now_us)
    world.dialogue.offer(Downloads(prices=NEXT))
    world._step()
    records = world.service.records
    assert world.run_until(lambda: {(1, 1_027), (2, 1_027)} <= records.keys())
    assert [records[n, 1_027].price_e4 for n in (1, 2)] == [50_000, 60_000]
    world.run(5)
    assert [held.prices for held in guns] == [[600, 580, 570]] * 2

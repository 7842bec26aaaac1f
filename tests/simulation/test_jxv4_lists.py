"""Lists and prices on a whole JX-V4 line: obeyed, never mixed, after the money."""

from pathlib import Path

import pytest

from cngstation.protocols.dispenser.forecourt import (
    CardList,
    Downloads,
    ListKind,
    PriceTable,
)
from cngstation.simulators.jxv4_transaction import (
    FillOrder,
)
from cngstation.simulators.purse_on_card import CardRefused
from tests.simulation.jxv4_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def card_no(number: int) -> str:
    return f"00005101{number:08}"


def base(numbers: list[str], version: int = 3) -> CardList:
    return CardList(ListKind.BASE, version, tuple(numbers), "2025-06-01", "2026-06-01")


def prices(*fen: int, version: int = 7) -> Downloads:
    table = PriceTable(version, tuple(100 * one for one in fen), "2025-06-01 00:00:00")
    return Downloads({}, table)


def test_a_blacklisted_card_is_given_back(world: World) -> None:
    """What the station offers is what the dispensers obey."""
    lost, good = world.card(41), world.card(42)
    others = [card_no(n) for n in range(1_000, 1_044)]
    world.dialogue.offer(Downloads({ListKind.BASE: base([*others, card_no(41)])}))
    assert world.run_until(
        lambda: all(gun.memory.held.versions[1] == 3 for gun in world.guns.values())
    )
    for gun in world.guns.values():
        assert len(gun.memory.held.lists[1]) == 45
        with pytest.raises(CardRefused, match="blacklist"):
            gun.insert(lost, world.seconds)
    world.fill(1, good)
    assert world.run_until(lambda: (1, 1_027) in world.service.records)

    def in_force() -> list[tuple[int, int, int]]:
        return sorted(
            (step.gun, step.version, step.sent)
            for step in world.service.downloads
            if step.kind == "base" and step.is_in_force and step.version
        )

    assert world.run_until(lambda: in_force() == [(1, 3, 45), (2, 3, 45)])


def test_the_price_of_the_level_counts_from_the_next_fill(world: World) -> None:
    """A change never touches a sale in progress; the next one has the new price."""
    uid = world.card(1, price_level=1)
    gun = world.guns[1]
    gun.insert(uid, world.seconds)
    gun.nozzle.begin(FillOrder(1_000, 100, 420, 1_985), world.seconds)
    world.run(1)
    world.dialogue.offer(prices(500, 480, 470))
    assert world.run_until(lambda: (1, 1_027) in world.service.records)
    world.leave(1)
    first = world.service.records[1, 1_027]
    assert (first.price_e4, first.amount_e4) == (38_800, 388_000)
    assert world.run_until(lambda: gun.memory.held.prices == [500, 480, 470])
    world.fill(1, uid, 1_000)
    assert world.run_until(lambda: (1, 1_028) in world.service.records)
    second = world.service.records[1, 1_028]
    assert (second.price_e4, second.amount_e4) == (48_000, 480_000)


def test_a_second_version_replaces_the_first_whole(world: World) -> None:
    """Offered in the middle of the first, it follows it; no block is mixed."""
    old, new = [card_no(n) for n in range(90)], [card_no(n) for n in range(500, 570)]
    world.dialogue.offer(Downloads({ListKind.BASE: base(old, 3)}))
    world.run(2.5)
    world.dialogue.offer(Downloads({ListKind.BASE: base(new, 4)}))
    seen: set[tuple[str, ...]] = set()

    def is_new() -> bool:
        for gun in world.guns.values():
            seen.add(tuple(gun.memory.held.lists.get(1, ())))
        return all(gun.memory.held.versions[1] == 4 for gun in world.guns.values())

    assert world.run_until(is_new)
    assert seen <= {(), tuple(old), tuple(new)}
    assert all(gun.memory.held.infos[1][:2] == "04" for gun in world.guns.values())


def test_a_monitor_that_comes_back_takes_the_records_first(world: World) -> None:
    """What was filled meanwhile is money; a whole new base waits for it."""
    uid = world.card(1)
    gun = world.guns[1]
    world.run(3)
    gun.is_off_line = True
    for _ in range(3):
        gun.insert(uid, world.seconds)
        world.leave(1)
    world.restart_host()
    world.dialogue.offer(
        Downloads({ListKind.BASE: base([card_no(n) for n in range(90)])})
    )
    gun.is_off_line = False
    world.sent.clear()
    assert world.run_until(lambda: gun.memory.held.versions[1] == 3)
    commands = [sent.data[4] for _, sent in world.sent if sent.gun == 1]
    assert len(world.service.records) == 3
    assert (
        commands.index(0x53) > [n for n, one in enumerate(commands) if one == 0x52][2]
    )


def test_a_list_that_came_whole_is_saved_though_a_fill_begins(world: World) -> None:
    """Its version is announced for that poll, or it would be fetched once more."""
    uid = world.card(1)
    numbers = [card_no(n) for n in range(40)]
    world.dialogue.offer(Downloads({ListKind.BASE: base(numbers)}))

    def is_sent_whole() -> bool:
        told = [one for one in world.service.downloads if one.gun == 1]
        return any(one.sent == len(numbers) for one in told)

    assert world.run_until(is_sent_whole)
    world.fill(1, uid)
    assert world.run_until(lambda: world.guns[1].memory.held.versions[1] == 3)
    assert world.run_until(lambda: (1, 1_027) in world.service.records)
    commands = [sent.data[4] for _, sent in world.sent if sent.gun == 1]
    assert commands.count(0x54) == 2

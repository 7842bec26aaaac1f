"""Prices that follow go ahead to JX-V4 nozzles that keep them until their time."""

from dataclasses import replace

import pytest

from cngstation.protocols.dispenser.canonical import Capability, ListVersions
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import Downloads, PriceTable
from cngstation.protocols.dispenser.jxv4.downloads import Distribution
from cngstation.protocols.dispenser.jxv4.variant import OWN
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.units import Unit
from tests.unit.protocols.dispenser.jxv4.bus import SECOND, Bus, of_kind
from tests.unit.protocols.dispenser.jxv4.keeper import Keeper

NOW = PriceTable(7, (39_800,), "2025-06-01 08:00:00")
NEXT = PriceTable(8, (42_000,), "2025-06-01 10:00:00")
PRICES = 0x5E


def sent(bus: Bus) -> list[tuple[int, str]]:
    """Return version and time of every table that went out."""
    bodies = [one.data[7:] for _, one in bus.sent if one.data[4] == PRICES]
    return [(body[0], body[2:9].hex()) for body in bodies]


def station(*, keeps: bool = True) -> tuple[Bus, Keeper]:
    """Return a bus whose dispenser was looked at once, and its memory."""
    return Bus(variant=replace(OWN, keeps_prices=keeps)), Keeper()


def go(bus: Bus, keeper: Keeper, seconds: int = 5) -> None:
    """Let time pass."""
    bus.run(bus.now_us + seconds * SECOND, keeper.answer)


def test_the_next_table_follows_the_one_of_now() -> None:
    """With its own time, once each; the nozzle is heard to hold both."""
    bus, keeper = station()
    bus.dialogue.offer(Downloads(prices=NOW, coming=NEXT))
    go(bus, keeper)
    assert sent(bus) == [(7, "20250601080000"), (8, "20250601100000")]
    held = [e.version for e in of_kind(bus.events, DownloadAdvanced) if e.is_in_force]
    assert held[-1] == 8
    bus.dialogue.offer(Downloads(prices=NEXT))  # its time has come
    go(bus, keeper)
    assert len(sent(bus)) == 2


def test_who_is_known_is_not_asked_again_before_it_has_fetched() -> None:
    """Its identity is read once for each change: behind the prices."""
    bus, keeper = station()
    bus.dialogue.offer(Downloads(prices=NOW))
    go(bus, keeper)
    bus.sent.clear()
    bus.dialogue.offer(Downloads(prices=replace(NOW, version=9)))
    go(bus, keeper)
    told = [code for code in bus.commands() if code in (PRICES, 0x59)]
    assert told == [PRICES, 0x59]


def test_after_our_restart_nothing_is_sent_before_it_says_what_it_holds() -> None:
    """A table of now would take the place of the one that waits in it."""
    bus, keeper = station()
    keeper.versions[4] = 8
    bus.dialogue.offer(Downloads(prices=NOW, coming=NEXT))
    go(bus, keeper)
    assert sent(bus) == []


def test_nothing_is_announced_while_its_versions_are_not_known() -> None:
    """It may hold what follows already."""
    guns = Distribution([1], replace(OWN, keeps_prices=True))
    guns.offer(Downloads(prices=NOW, coming=NEXT))
    guns.linked(1)
    guns.answered_otherwise(1, lacks_nothing=True, is_at_rest=True)
    assert guns.versions(1).price == 0
    guns.identified(1, ListVersions(0, 0, 0, 0, 8, 0))
    assert guns.versions(1).price == 8


@pytest.mark.parametrize("knows", [True, False])
def test_prices_for_now_go_first_and_the_next_ones_again(knows: bool) -> None:
    """Whether its identity names versions or not."""
    bus, keeper = station()
    keeper.knows_identity = knows
    bus.dialogue.offer(Downloads(prices=NOW, coming=NEXT))
    go(bus, keeper, 20)
    sent_before = len(sent(bus))
    at_once = PriceTable(9, (40_500,), "2025-06-01 08:30:00")
    bus.dialogue.offer(Downloads(prices=at_once, coming=replace(NEXT, version=10)))
    go(bus, keeper, 20)
    assert [version for version, _ in sent(bus)[sent_before:]] == [9, 10]
    bus.dialogue.offer(Downloads(prices=replace(at_once, version=11)))  # taken back
    go(bus, keeper)
    assert [version for version, _ in sent(bus)[sent_before:]] == [9, 10, 11]


def test_without_the_option_nothing_goes_ahead() -> None:
    """Nobody knows what a firmware does with a table that lies ahead."""
    bus, keeper = station(keeps=False)
    bus.dialogue.offer(Downloads(prices=NOW, coming=NEXT))
    go(bus, keeper)
    assert [version for version, _ in sent(bus)] == [7]
    entry = PROTOCOLS["jxv4"]
    assert Capability.PRICE_AHEAD not in entry.capabilities_with({"price_ahead": 0})
    for options in ({"price_ahead": 1}, {"price_ahead": 1, "variant": "petrochina"}):
        assert Capability.PRICE_AHEAD in entry.capabilities_with(options)
        entry.dialogue(LineSetup(9_600, (NozzleSetup(1, Unit.M3),), options))
    with pytest.raises(ValueError, match="price_ahead is 0 or 1"):
        entry.dialogue(LineSetup(9_600, (NozzleSetup(1, Unit.M3),), {"price_ahead": 2}))

"""Lists and prices for some nozzles alone, and for lines of several units."""

from pathlib import Path
from typing import Any

from cngstation.protocols.dispenser.forecourt import Downloads, ListKind
from cngstation.protocols.dispenser.posted_price import PostedPrice
from cngstation.services.publish_downloads import ServedNozzle
from cngstation.storage import prices
from cngstation.units import Price, Unit
from tests.download_world import OfferedLine, download_station
from tests.small_station import CASHIER, MORNING
from tests.unit.protocols.dispenser.jxv4 import vectors
from tests.unit.protocols.dispenser.jxv4.bus import Bus
from tests.unit.protocols.dispenser.jxv4.test_downloads import PRICES, card_list
from tests.unit.protocols.dispenser.sinopec.talk import Talk
from tests.unit.protocols.dispenser.sinopec.test_downloads import BASE

HELD_BY_INFO = 3
NOZZLES = (
    ServedNozzle(1, 11, Unit.M3),
    ServedNozzle(2, 12, Unit.M3),
    ServedNozzle(3, 13, Unit.KG),
)


async def test_each_unit_of_a_line_gets_its_own_prices(tmp_path: Path) -> None:
    """Nozzles of one unit never see the table of the other."""
    async with download_station(tmp_path / "s.db") as station:
        await station.price(0, 398)
        await station.db.write(
            lambda tx: prices.plan(
                tx, level=0, price=Price(52_000), unit=Unit.KG, from_ms=MORNING,
                operator_no="01",
            )
        )  # fmt: skip
        line = OfferedLine()
        station.keeper.serve(line, [n.unit for n in NOZZLES], "south", NOZZLES)
        await station.keeper.look()
    told = {offer.guns: offer.prices.prices_e4 for offer in line.offers[-2:]}
    assert told == {frozenset({11, 12}): (39_800,), frozenset({13}): (52_000,)}


async def test_one_dispenser_is_told_alone_and_the_others_with_the_next_news(
    tmp_path: Path,
) -> None:
    """The whole blacklist as a new base; other lines hear nothing."""
    async with download_station(tmp_path / "s.db") as station:
        line = OfferedLine()
        station.keeper.serve(line, [Unit.M3], "south", NOZZLES[:2])
        await station.keeper.look()
        before, elsewhere = len(line.offers), len(station.line.offers)
        only = frozenset({2})
        await station.keeper.send_lists(CASHIER, whole=True, only=only)
        (offer,) = line.offers[before:]
        assert offer.guns == frozenset({12})
        assert offer.lists[ListKind.BASE].version == 2
        await station.price(0, 398)
        await station.keeper.look()
        assert line.offers[-1].guns is None
        assert line.offers[-1].lists[ListKind.BASE].version == 2
        assert len(station.line.offers) > elsewhere


def test_a_poll_announces_to_each_nozzle_what_it_was_offered() -> None:
    """JX-V4: the version of one nozzle is no other's."""
    bus = Bus(guns=2)
    for gun in (1, 2):  # both are at rest: each is told of a new version
        bus.exchange(vectors.status(gun))
    bus.dialogue.offer(Downloads({ListKind.BASE: card_list()}, PRICES))
    new = Downloads({ListKind.BASE: card_list(version=9)}, guns=frozenset({2}))
    bus.dialogue.offer(new)
    distribution = bus.dialogue._distribution
    assert [distribution.versions(gun).base for gun in (1, 2)] == [3, 9]
    assert [distribution.versions(gun).price for gun in (1, 2)] == [7, 0]


def test_sinopec_dispensers_fetch_what_they_were_offered() -> None:
    """One nozzle of a dispenser stands for it; another address goes on as before."""
    talk = Talk((101, 102, 201))
    talk.settle()
    dialogue: Any = talk.dialogue
    lists = {ListKind.BASE: BASE}
    talk.dialogue.offer(Downloads(lists, guns=frozenset({102})))
    announced = {
        address: dialogue._offers.announced(dispenser).base
        for address, dispenser in dialogue._dispensers.items()
    }
    assert announced == {1: BASE.version, 2: HELD_BY_INFO}


def test_a_posted_price_is_sent_to_the_nozzles_that_are_meant() -> None:
    """The others show their price on; an offer to all ends the difference."""
    posted = PostedPrice()
    new = Downloads(prices=PRICES, guns=frozenset({2}))
    posted.offer(new)
    assert posted.to_send(1, 1, 0, MORNING) is None
    assert posted.to_send(2, 1, 0, MORNING) == 39_800
    assert posted.advanced(2, 39_800) is not None
    assert posted.advanced(1, 39_800) is None
    posted.offer(Downloads(prices=PRICES))
    assert posted.to_send(1, 1, 0, MORNING) == 39_800
    assert posted.advanced(2, 39_800) is None

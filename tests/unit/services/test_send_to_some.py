"""Lists and prices for some nozzles alone, and for lines of several units."""

from pathlib import Path
from typing import Any

from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    Downloads,
    ListKind,
)
from cngstation.protocols.dispenser.posted_price import PostedPrice
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.served_line import ServedNozzle
from cngstation.services.show_downloads import DownloadWatch
from cngstation.storage import prices
from cngstation.storage.sales import NozzleKey
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


async def test_a_board_of_one_price_has_its_own_level_and_versions(
    tmp_path: Path,
) -> None:
    """Other levels are no news for it; a version is never of two contents."""
    boards = (
        ServedNozzle(1, 11, Unit.M3),
        ServedNozzle(2, 12, Unit.M3, 1),
        ServedNozzle(3, 13, Unit.M3, 2),
    )
    async with download_station(tmp_path / "s.db") as station:
        await station.price(0, 398)
        await station.price(1, 380)
        line = OfferedLine()
        station.keeper.serve(line, [n.unit for n in boards], "south", boards)
        await station.keeper.look()

        def told() -> dict[int, tuple[int, tuple[int, ...]]]:
            tables = {offer.guns: offer.prices for offer in line.offers[-3:]}
            return {g: (t.version, t.prices_e4) for (g,), t in tables.items() if t}

        first = told()
        # Level 2 has no price: it is sold at the posted one.
        prices_e4 = {gun: table for gun, (_, table) in first.items()}
        assert prices_e4 == {11: (39_800, 38_000), 12: (38_000,), 13: (39_800,)}
        assert len({version for version, _ in first.values()}) == len(boards)
        station.clock.wall_ms += 1_000
        await station.price(2, 370, station.clock.wall_ms)
        await station.keeper.look()
        second = told()
        assert second[12] == first[12]
        assert [second[gun][1] for gun in (11, 13)] == [
            (39_800, 38_000, 37_000), (37_000,)
        ]  # fmt: skip
        changed = {second[gun][0] for gun in (11, 13)}
        assert not changed & {version for version, _ in first.values()}
        await station.keeper.send_lists(CASHIER, whole=False, only=frozenset({2}))
        assert line.offers[-1].guns == frozenset({12})
        assert line.offers[-1].prices.prices_e4 == (38_000,)

        watch = DownloadWatch(station.db)
        settings = [
            NozzleSetting(
                NozzleKey("03160001", 1, n.nozzle_no), n.unit, (), n.only_level
            )
            for n in boards
        ]
        watch.serve(settings, frozenset(DownloadKind))
        rows = [r for r in (await watch.board()).nozzles if r.kind == "prices"]
        assert {row.nozzle_no: (row.wanted, row.count) for row in rows} == {
            1: (second[11][0], 3), 2: (second[12][0], 1), 3: (second[13][0], 1)
        }  # fmt: skip
        version = second[12][0]
        assert await watch.sent([settings[1]], DownloadKind.PRICES, version)
        assert not await watch.sent([settings[0]], DownloadKind.PRICES, version)
        station.keeper.doubt()  # all goes anew, each under a version of its own
        await station.keeper.look()
        anew = told()
        assert {gun: table for gun, (_, table) in anew.items()} == {
            gun: table for gun, (_, table) in second.items()
        }
        assert len({version for version, _ in anew.values()}) == len(boards)


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

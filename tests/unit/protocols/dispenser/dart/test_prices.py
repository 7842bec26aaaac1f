"""The posted price of a DART pump: sent at rest, in force when shown, or refused."""

from pathlib import Path
from typing import Any

from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import (
    DownloadKind,
    Downloads,
    PriceTable,
)
from tests.unit.protocols.dispenser.dart.test_strategy import AUTHORISE, lined_up


def prices(fen: int, effective_at: str = "2025-06-01 08:00:00") -> Downloads:
    return Downloads(prices=PriceTable(7, (fen * 100, 500), effective_at))


def test_a_price_is_sent_to_an_idle_pump_and_in_force_when_it_shows(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path)
    line.dialogue.offer(prices(415))
    line.run(4)
    assert line.devices[1].works.kept.price == 415
    advanced = line.of(DownloadAdvanced)
    assert advanced[-1] == DownloadAdvanced(
        1, DownloadKind.PRICES, 7, 1, 1, is_in_force=True
    )
    assert len(advanced) <= 2
    line.run(20)
    assert line.of(DownloadAdvanced) == advanced, "it is told once"


def test_a_price_waits_for_the_end_of_the_fill_and_for_its_time(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path)
    line.dialogue.offer(prices(415, "2025-06-01 09:00:00"))
    line.run(3)
    assert line.devices[1].works.kept.price == 398
    line.lift()
    line.give(AUTHORISE)
    line.fill(1_000)
    line.dialogue.offer(prices(415))
    line.run(4)
    assert line.devices[1].works.kept.price == 398
    line.hang_up()
    line.run(6)
    assert [record.price_e4 for record in line.records()] == [39_800]
    assert line.devices[1].works.kept.price == 415


def test_a_price_that_the_pump_cannot_show_is_not_sent(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    line.dialogue.offer(Downloads(prices=PriceTable(7, (41_505,), "")))
    line.run(4)
    assert line.devices[1].works.kept.price == 398
    told = [(e.is_in_force, e.refused) for e in line.of(DownloadAdvanced)]
    assert told == [(False, "does_not_fit")]


def test_a_pump_that_finds_the_checksum_of_a_price_wrong_refuses_it(
    tmp_path: Path,
) -> None:
    line = lined_up(tmp_path)
    device: Any = line.devices[1]
    device.spoils_prices = True
    line.dialogue.offer(prices(415))
    line.run(4)
    told = [(e.is_in_force, e.refused) for e in line.of(DownloadAdvanced)]
    assert told == [(False, "damaged")]
    device.spoils_prices = False
    line.run(20)
    told = [(e.is_in_force, e.refused) for e in line.of(DownloadAdvanced)]
    assert told[-1] == (True, "")
    assert line.devices[1].works.kept.price == 415


def test_a_pump_that_goes_on_with_another_price_refuses_it(tmp_path: Path) -> None:
    line = lined_up(tmp_path)
    works = line.devices[1].works
    works.set_price = lambda _price: None
    line.dialogue.offer(prices(415))
    line.run(20)
    assert {e.refused for e in line.of(DownloadAdvanced)} == {""}
    line.run(20)
    assert line.of(DownloadAdvanced)[-1].refused == "other_price"

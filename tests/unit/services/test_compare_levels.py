"""Before prices change, the levels of cards in use are compared with the nozzles'."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cngstation.domain.card_life import CardState
from cngstation.domain.payment import PaymentMode
from cngstation.errors import NotLoggedIn
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import DownloadKind
from cngstation.rpc.contract.prices import PricePlan
from cngstation.services.answer_prices import PriceAnswers
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.compare_levels import LevelGap, LevelsDiffer, level_gaps
from cngstation.services.plan_prices import PriceDesk
from cngstation.services.show_downloads import DownloadWatch
from cngstation.storage import cards
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit
from tests.download_world import Station, download_station
from tests.small_station import CARD, a_card
from tests.unit.services.test_plan_prices import Nobody
from tests.unit.services.test_register_customers import RULES

KEYS = [NozzleKey("03160001", 1, number) for number in range(1, 5)]
HERE = replace(
    RULES,
    nozzle_units={**dict.fromkeys(KEYS[:3], Unit.M3), KEYS[3]: Unit.KG},
    only_levels={KEYS[2]: 1},
    sold_units=frozenset({Unit.M3, Unit.KG}),
)


async def gaps(station: Station) -> list[LevelGap]:
    """Return who does not know which level."""
    return await station.db.read(lambda c: level_gaps(c, HERE))


async def took(station: Station, key: NozzleKey, version: int) -> None:
    """Let a nozzle say that it holds a table."""
    watch, kind = DownloadWatch(station.db, clock=station.clock), DownloadKind.PRICES
    setting = NozzleSetting(key, Unit.M3)
    watch.serve([setting], frozenset({kind}))
    await watch.sent([setting], kind, version)
    held = DownloadAdvanced(1, kind, version, 1, 1, is_in_force=True)
    await watch.advanced(setting, held)


async def test_a_nozzle_knows_the_table_that_it_holds(tmp_path: Path) -> None:
    """A board of one price that one; of cards only those in use that hold money."""
    async with download_station(tmp_path / "s.db") as station:
        await station.price(0, 398)
        await station.keeper.look()
        await station.price(2, 350)
        await station.keeper.look()
        assert await gaps(station) == [LevelGap(0, 1, (1, 2, 3))]
        await took(station, KEYS[0], 1)
        await took(station, KEYS[1], 2)
        assert await gaps(station) == [LevelGap(0, 1, (3,))]
        for number, changes in enumerate(
            (
                {"price_level": 1},
                {"price_level": 2},
                {"price_level": 2, "state": CardState.LOST},
                {"price_level": 2, "payment_mode": PaymentMode.PREPAID_QUANTITY},
            ),
            start=11,
        ):
            given: dict[str, Any] = changes
            card = a_card(f"{CARD[:-2]}{number}", uid=f"DEADBE{number}", **given)
            await station.db.write(lambda tx, card=card: cards.add(tx, card))
        assert await gaps(station) == [
            LevelGap(0, 1, (3,)), LevelGap(1, 1, (1,)), LevelGap(2, 1, (1, 3))
        ]  # fmt: skip


async def test_whoever_sets_a_price_reads_it_first(tmp_path: Path) -> None:
    """Nothing is changed before that; for the other gas nobody is asked."""
    async with download_station(tmp_path / "s.db") as station:
        desk = PriceDesk(station.db, Nobody(), HERE, station.clock)  # type: ignore[arg-type]
        nothing: Any = SimpleNamespace(operator_no="01", session=None)
        parts: Any = SimpleNamespace(
            clock=station.clock, database=station.db, prices=desk,
            registers=SimpleNamespace(choices=None),
        )  # fmt: skip
        answers = PriceAnswers(parts)
        plan = PricePlan(level=0, price_e4=39_800, reason="why")
        with pytest.raises(LevelsDiffer) as told:
            await answers.plan(plan, nothing)
        facts = {"level": 0, "cards": 1, "nozzles": "1 2 3"}
        assert told.value.facts == facts
        count = "SELECT count(*) FROM price"
        rows = await station.db.read(lambda c: c.execute(count).fetchone()[0])
        assert rows == 0
        for change in ({"accept_levels": True}, {"unit": "kg"}):
            with pytest.raises(NotLoggedIn):  # behind the question
                await answers.plan(plan.model_copy(update=change), nothing)

"""A nozzle that shows another price than the posted one is a row until it fits."""

from dataclasses import dataclass, replace
from pathlib import Path

from cngstation.domain.rights import ROLES
from cngstation.protocols.dispenser.canonical import Link
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.compare_prices import PriceComparison
from cngstation.services.nozzle_figures import unheard
from cngstation.storage import facts, findings, prices
from cngstation.storage.database import Database
from cngstation.storage.sales import NozzleKey
from cngstation.units import Price, Unit
from tests.small_station import MORNING, HandClock, cash_sale, opened

NOZZLE = NozzleSetting(NozzleKey("03160001", 1, 1), Unit.M3)


@dataclass
class Desk:
    """One nozzle as a test wants it."""

    figures: tuple[NozzleFigure, ...]
    settings: tuple[NozzleSetting, ...] = (NOZZLE,)

    def show(self, **changes: object) -> None:
        """Change what the nozzle shows."""
        self.figures = (self.figures[0].model_copy(update=changes),)


async def rows(db: Database) -> list[str]:
    """Return the open rows."""
    return [found.kind for found in await db.read(findings.open_findings)]


async def test_a_price_that_differs_at_two_looks_is_a_row(tmp_path: Path) -> None:
    """Not while it fills, is off line or says no price; closed when it fits again."""
    clock = HandClock()
    async with opened(tmp_path / "s.db", clock) as db:
        await db.write(
            lambda tx: prices.plan(
                tx, level=0, price=Price(39_800), unit=Unit.M3, from_ms=MORNING,
                operator_no="01",
            )
        )  # fmt: skip
        desk = Desk((unheard(NOZZLE, MORNING),))
        comparison = PriceComparison(db, [desk], clock)
        desk.show(price_e4=42_000)
        for quiet in (
            {"link": str(Link.OFFLINE)},
            {"link": str(Link.ONLINE), "state": "fuelling"},
            {"state": "idle", "price_e4": 0},
        ):
            desk.show(**quiet)
            await comparison.look()
            await comparison.look()
            assert await rows(db) == []

        desk.show(price_e4=42_000)
        await comparison.look()
        assert await rows(db) == []  # it may be fetching the new one
        await comparison.look()
        await comparison.look()
        assert await rows(db) == ["price_differs"]

        # A clock that is a year off makes no other price the posted one.
        await db.write(lambda tx: facts.post(tx, cash_sale("E1")))
        clock.wall_ms -= 365 * 86_400_000
        await comparison.look()
        assert await rows(db) == ["price_differs"]

        another_life = PriceComparison(db, [desk], clock)
        desk.show(price_e4=39_800)
        await another_life.look()
        assert await rows(db) == []
        one = replace(NOZZLE, only_level=1)
        await db.write(
            lambda tx: prices.plan(
                tx, level=1, price=Price(38_000), unit=Unit.M3, from_ms=MORNING,
                operator_no="01",
            )
        )  # fmt: skip
        board = Desk(desk.figures, (one,))
        comparison = PriceComparison(db, [board], clock)
        for price_e4, named in ((38_000, []), (39_800, ["price_differs"])):
            board.show(price_e4=price_e4)
            await comparison.look()
            await comparison.look()
            assert await rows(db) == named
    assert "lists.send" in ROLES["senior"] - ROLES["middle"]
    assert "lists.number" in ROLES["administrator"] - ROLES["senior"]

"""A file with one card, and a line that is offered its lists and prices."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cngstation.domain.card_life import CardState
from cngstation.errors import DatabaseBusy
from cngstation.protocols.dispenser.forecourt import (
    Downloads,
    ListKind,
)
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.storage import cards, prices
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection
from cngstation.units import Price, Unit
from tests.small_station import (
    CARD,
    MORNING,
    HandClock,
    opened,
    register_card,
)

ON_THE_WIRE = CARD.rjust(16, "0")
OTHER, THIRD = "0000999900000001", "0000888800000001"
NOZZLE = NozzleSetting(NozzleKey("03160001", 1, 1), Unit.M3)


@dataclass
class OfferedLine:
    """Keeps what it was offered."""

    offers: list[Downloads] = field(default_factory=list)

    def offer(self, downloads: Downloads) -> None:
        """Take an offer."""
        self.offers.append(downloads)

    def numbers(self, kind: ListKind) -> tuple[str, ...]:
        """Return the numbers of a list of the last offer."""
        return self.offers[-1].lists[kind].cards


@dataclass
class Station:
    """A file with one card, its clock, a line, and who keeps its lists."""

    db: Database
    path: Path
    clock: HandClock
    line: OfferedLine
    keeper: DownloadKeeper

    async def state(self, state: CardState) -> None:
        """Give the card a state."""
        await self.db.write(
            lambda tx: cards.change(tx, CARD, reason="a test", state=state)
        )

    async def price(self, level: int, fen: int, from_ms: int = MORNING) -> None:
        """Plan a price."""
        await self.db.write(
            lambda tx: prices.plan(
                tx, level=level, price=Price(100 * fen), unit=Unit.M3,
                from_ms=from_ms, operator_no="01",
            )
        )  # fmt: skip


@asynccontextmanager
async def download_station(path: Path) -> AsyncIterator[Station]:
    """Open a station whose lists were looked at once."""
    clock = HandClock()
    async with opened(path, clock) as db:
        await db.write(register_card)
        line, keeper = OfferedLine(), DownloadKeeper(db, clock)
        keeper.serve(line, [Unit.M3])
        await keeper.look()
        yield Station(db, path, clock, line, keeper)


class BusyAt:
    """A database that is busy once, at the call with this number."""

    def __init__(self, db: Database, call: int) -> None:
        self._db, self._left = db, call

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise DatabaseBusy(wait_ms=5_000)

    async def read(self, ask: Callable[[Connection], object]) -> object:
        """Read, or be busy."""
        self._count()
        return await self._db.read(ask)

    async def write(self, unit: Callable[[Transaction], object]) -> object:
        """Write, or be busy."""
        self._count()
        return await self._db.write(unit)

"""The monitor's line, desk and book in this process, on simulated far ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cngstation.config.sections import Line as Section
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.moments import SystemClock
from cngstation.services.act_on_card import CardActs
from cngstation.services.book_sale import SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.decide_debit import DebitDesk
from cngstation.services.line_settings import dialogue_of, nozzles_of, settings_of
from cngstation.services.watch_forecourt import Audience, LineDesk
from cngstation.storage import findings
from cngstation.storage.database import Database
from tests.simulated_devices import SimulatedProcess, simulator

STATION_NO = "03160001"
WITHIN_S = 120.0
AT_THE_WHOLE = frozenset({"fault", "counts", "open", "close"})
BAUD = {"compac": 38_400, "unipump": 57_600}


@dataclass
class Monitor:
    """What runs, and what it said."""

    db: Database
    desk: LineDesk
    line: DispenserLine
    told: dict[str, list[Any]] = field(default_factory=dict)

    async def sales(self) -> list[tuple[int, int, int]]:
        """Return number, quantity and amount of what is booked."""
        sql = "SELECT device_seq, quantity_milli, amount_e4 FROM sale ORDER BY seq"
        found = await self.db.read(lambda c: c.execute(sql).fetchall())
        return [tuple(row) for row in found]

    async def booked(self, count: int) -> list[tuple[int, int, int]]:
        """Wait until so many sales are booked."""
        async with asyncio.timeout(WITHIN_S):
            while len(sales := await self.sales()) < count:
                await asyncio.sleep(0.02)
        return sales

    async def until(self, true: Callable[["Monitor"], object]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(WITHIN_S):
            while not true(self):
                await asyncio.sleep(0.02)

    async def lined_up(self) -> None:
        """Wait until it is heard, and what it showed at first is told from a fill."""
        await self.until(lambda s: s.links == {"online"})
        strategy: Any = getattr(self.line._dialogue, "_strategy", None)
        if strategy is not None:
            (one,) = strategy.points.values()
            await self.until(lambda s: one.sale.is_settled)

    @property
    def states(self) -> set[str]:
        """The states of its nozzles."""
        return {figure.state for figure in self.desk.figures}

    @property
    def links(self) -> set[str]:
        """The links of its nozzles."""
        return {figure.link for figure in self.desk.figures}

    async def kinds(self) -> set[str]:
        """Return the kinds of open rows."""
        return {f.kind for f in await self.db.read(findings.open_findings)}


@contextlib.asynccontextmanager
async def monitor(folder: Path, section: Section) -> AsyncIterator[Monitor]:
    """Run a line as the daemon does; at the end nothing of it is remembered."""
    clock = SystemClock()
    database = await Database.open(folder / "station.db", clock)
    acts = CardActs(database, every_kind(), cut_off_minute=0, prints_wanted=0)
    told: dict[str, list[Any]] = {name: [] for name in ("nozzle", "line", "sale")}
    desk = LineDesk(
        section.name,
        section.baud,
        nozzles_of(section, STATION_NO),
        book=SaleBook(database, acts, cut_off_minute=0),
        debits=DebitDesk(database),
        database=database,
        audience=Audience(
            nozzle=told["nozzle"].append,
            line=told["line"].append,
            sale=told["sale"].append,
            stopped=lambda error: None,
        ),
        clock=clock,
    )
    line = DispenserLine(settings_of(section), dialogue_of(section), desk, clock=clock)
    desk.attach(line)
    running = asyncio.ensure_future(line.run())
    try:
        yield Monitor(database, desk, line, told)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await desk.close()
        await database.close()


@dataclass
class FarEnd:
    """A simulated line or controller, and the section that leads to it."""

    device: SimulatedProcess
    section: Section

    async def hand(self, do: str, **arguments: object) -> dict[str, Any]:
        """Do something with one's hands, at nozzle 1 where it is done at one."""
        name = "point" if self.section.protocol == "pts" else "nozzle"
        where = {} if do in AT_THE_WHOLE else {name: 1}
        return await asyncio.to_thread(self.device.hand, do, **where, **arguments)


@contextlib.contextmanager
def far_end(folder: Path, protocol: str, **more: Any) -> Iterator[FarEnd]:
    """Run the far end of a protocol with one nozzle that has sold 1 000 units."""
    sold = {"total_volume": 1_000_000, "total_amount": 398_000}
    config: dict[str, Any] = {"control": str(folder / f"{protocol}.ctl"), **more}
    section: dict[str, Any] = {
        "name": protocol,
        "protocol": protocol,
        "nozzles": [
            {"gun": 1, "nozzle_no": 1, "dispenser_no": 1, "unit": "m3", "unit_code": 0}
        ],
    }
    if protocol == "pts":
        login = folder / "login"
        login.write_text("station\nsecret\n")
        point = {"point": 1, "last_number": 7, "pressure": 2_900_000, **sold}
        config |= {"user": "station", "password": "secret", "points": [point]}
        with simulator("pts_server", config, folder) as device:
            section |= {"url": device.ready["url"], "credential": str(login)}
            yield FarEnd(device, Section.model_validate(section))
        return
    link = folder / protocol
    config |= {
        "protocol": protocol,
        "link": str(link),
        "memory": str(folder / "memory"),
        "baud": BAUD[protocol],
        "nozzles": [{"number": 1, "transaction": 98, **sold}],
    }
    with simulator("dispenser_line", config, folder) as device:
        section |= {"port": str(link), "baud": BAUD[protocol]}
        yield FarEnd(device, Section.model_validate(section))

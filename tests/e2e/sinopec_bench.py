"""A simulated Sinopec line in this process, and the product's driver on its pty."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_service import LineHandler, LineState
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import CHINA, SystemClock
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    DebitDecision,
    DebitRequest,
    Link,
    NozzleStatus,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    DownloadAsked,
    ProtocolFault,
    TotaliserJumped,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    DeviceEvent,
    ParameterChange,
    ShiftRecord,
)
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.simulators.sinopec_line import SinopecConfig, SinopecLine
from cngstation.units import Unit

BAUD = 115_200
CARD = "01000000510100000001"
FAST = 100_000.0
WITHIN_S = 120.0


@dataclass
class Service:
    """A handler that remembers what it was told, and answers as it is set."""

    records: list[tuple[int, SaleRecord]] = field(default_factory=list)
    debits: list[DebitRequest] = field(default_factory=list)
    shifts: list[ShiftRecord] = field(default_factory=list)
    events: list[DeviceEvent] = field(default_factory=list)
    checks: list[CardCheck] = field(default_factory=list)
    statuses: dict[int, NozzleStatus] = field(default_factory=dict)
    links: dict[int, Link] = field(default_factory=dict)
    downloads: list[DownloadAdvanced] = field(default_factory=list)
    faults: list[ProtocolFault] = field(default_factory=list)
    accepts: bool = True
    verdict: CardVerdict = CardVerdict.NOT_LISTED

    async def record(self, gun: int, record: SaleRecord) -> bool:
        self.records.append((gun, record))
        return self.accepts

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        """Answer from what was recorded, as the book does."""
        self.debits.append(request)
        for _, known in self.records:
            counts = (known.card_no, known.card_consumption_count)
            if counts == (request.card_no, request.card_consumption_count):
                return DebitDecision(found=True, grey_frame=known.raw_frame)
        return NOT_FOUND

    async def shift(self, gun: int, record: ShiftRecord) -> bool:
        self.shifts.append(record)
        return True

    async def parameter(self, gun: int, change: ParameterChange) -> bool:
        raise AssertionError("there are none in this protocol")

    async def event(self, gun: int, event: DeviceEvent) -> bool:
        self.events.append(event)
        return True

    async def card_check(self, gun: int, check: CardCheck) -> CardVerdict:
        self.checks.append(check)
        return self.verdict

    def status(self, gun: int, status: NozzleStatus) -> None:
        self.statuses[gun] = status

    async def download_asked(self, asked: DownloadAsked) -> bool:
        return True

    def download(self, advanced: DownloadAdvanced) -> None:
        self.downloads.append(advanced)

    def totaliser_jumped(self, jumped: TotaliserJumped) -> None:
        raise AssertionError("there are none in this protocol")

    def link(self, gun: int, link: Link) -> None:
        self.links[gun] = link

    def line_state(self, state: LineState) -> None:
        """Nobody looks."""

    def fault(self, fault: ProtocolFault) -> None:
        self.faults.append(fault)


@dataclass
class Bench:
    """A line of dispensers and who drives it."""

    device: SinopecLine
    line: DispenserLine
    guns: list[int]

    async def hand(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Do something to a dispenser with one's hands; gun 101 unless named."""
        verbs = self.device.verbs()
        return await verbs[do]({"do": do, "gun": 101, **arguments})

    async def fill(self, limit: int = 1234, gun: int = 101, **card: Any) -> None:
        """Sell gas, with a card when one is named, and pull it."""
        if card:
            await self.hand("card_in", gun=gun, **card)
        await self.hand(
            "fill", gun=gun, limit_hundredths=limit, flow_hundredths_per_s=FAST
        )
        await self.hand("wait", gun=gun, until="idle")
        await self.hand("card_out", gun=gun)

    async def uploaded(self) -> None:
        """Wait until every record is acknowledged."""
        for _ in range(int(WITHIN_S)):
            if (await self.hand("wait", until="uploaded", timeout_s=1))["reached"]:
                return
        raise TimeoutError("records wait")


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(WITHIN_S):
        while not true():
            await asyncio.sleep(0.01)


def simulated(folder: Path, *dispensers: dict[str, Any], **config: Any) -> SinopecLine:
    """Return a simulated line that is not open yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory").mkdir(exist_ok=True)
    given = {
        "protocol": "sinopec",
        "link": folder / "line",
        "control": folder / "line.control",
        "memory": folder / "memory",
        "baud": BAUD,
        "dispensers": dispensers or ({"address": 1},),
        **config,
    }
    return SinopecLine(
        SinopecConfig(**given), datetime(2026, 11, 21, 8, 0, tzinfo=CHINA)
    )


def driven(folder: Path, guns: list[int], service: LineHandler) -> DispenserLine:
    """Return the product's driver for the nozzles of a simulated line."""
    nozzles = tuple(NozzleSetup(gun, Unit.M3) for gun in guns)
    dialogue = PROTOCOLS["sinopec"].dialogue(LineSetup(BAUD, nozzles))
    settings = SerialSettings(str(folder / "line"), BAUD)
    return DispenserLine(settings, dialogue, service, clock=SystemClock())


@contextlib.asynccontextmanager
async def running(
    folder: Path, service: LineHandler, *dispensers: dict[str, Any], **config: Any
) -> AsyncIterator[Bench]:
    """Let a line of dispensers and its driver run."""
    device = simulated(folder, *dispensers, **config)
    guns = [
        address * 100 + nozzle
        for address, one in device.dispensers.items()
        for nozzle in one.nozzles
    ]
    device.open()
    line = driven(folder, guns, service)
    task = asyncio.ensure_future(line.run())
    try:
        yield Bench(device, line, guns)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        device.close()

"""JX-V4 over a pseudo-terminal: the driver, its dialogue, and simulated dispensers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import CHINA, SystemClock
from cngstation.protocols.dispenser.canonical import (
    DebitDecision,
    DebitRequest,
    FuellingState,
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
    CardList,
    CardVerdict,
    DeviceEvent,
    Downloads,
    ListKind,
    Order,
    OrderKind,
    OrderOutcome,
    ParameterChange,
    PriceTable,
    ShiftRecord,
)
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.simulators import dispenser_line as simulated
from cngstation.simulators.dispenser_hands import Hands
from cngstation.units import Unit
from tests.unit.simulators.cards import MASTER, STATION, issue

BAUD = 38_400
WITHIN_S = 120.0
FILL = {
    "limit_hundredths": 1_234,
    "flow_hundredths_per_s": 100_000,
    "pressure_start_kpa": 4_200,
    "pressure_end_kpa": 19_850,
}
LOST, GOOD = bytes.fromhex("a1000041"), bytes.fromhex("a1000042")
LOST_NO = "0000510100000041"


@dataclass
class Service:
    """Books each record once and remembers the rest."""

    verdict: CardVerdict = CardVerdict.MAY_FILL
    records: dict[tuple[int, int], SaleRecord] = field(default_factory=dict)
    different: list[SaleRecord] = field(default_factory=list)
    shifts: list[ShiftRecord] = field(default_factory=list)
    changes: list[ParameterChange] = field(default_factory=list)
    checks: list[CardCheck] = field(default_factory=list)
    downloads: list[DownloadAdvanced] = field(default_factory=list)
    statuses: dict[int, NozzleStatus] = field(default_factory=dict)
    links: dict[int, Link] = field(default_factory=dict)

    async def record(self, gun: int, record: SaleRecord) -> bool:
        await asyncio.sleep(0.005)
        if self.records.setdefault((gun, record.device_seq), record) != record:
            self.different.append(record)
        return True

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        debited = request.amount_e4 // 100
        return DebitDecision(
            found=True,
            amount_e4=request.amount_e4,
            debited_hundredths=debited,
            balance_before_hundredths=request.balance_hundredths,
            balance_after_hundredths=request.balance_hundredths - debited,
        )

    async def shift(self, gun: int, record: ShiftRecord) -> bool:
        self.shifts.append(record)
        return True

    async def parameter(self, gun: int, change: ParameterChange) -> bool:
        self.changes.append(change)
        return True

    async def event(self, gun: int, event: DeviceEvent) -> bool:
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
        """This protocol's records say what flowed."""

    def link(self, gun: int, link: Link) -> None:
        self.links[gun] = link

    def line_state(self, state: LineState) -> None:
        """Nobody looks."""

    def fault(self, fault: ProtocolFault) -> None:
        """Nobody looks."""

    def in_force(self) -> set[tuple[int, str, int]]:
        return {
            (step.gun, step.kind.value, step.version)
            for step in self.downloads
            if step.is_in_force and step.version
        }


@dataclass
class Forecourt:
    """A line with its driver."""

    line: DispenserLine
    service: Service
    verbs: dict[str, Any]

    async def hand(self, do: str, gun: int = 1, **arguments: Any) -> dict[str, Any]:
        """Do something at a gun with one's hands."""
        done: dict[str, Any] = await self.verbs[do]({"gun": gun, **arguments})
        return done

    async def fill(self, gun: int, uid: bytes) -> None:
        """Let a vehicle fill, pay, and leave."""
        assert (await self.hand("card_in", gun, uid=uid.hex()))["accepted"]
        await self.hand("fill", gun, **FILL)
        await self.reached(gun, "uploaded")
        await self.hand("card_out", gun)

    async def reached(self, gun: int, what: str) -> None:
        for _ in range(int(WITHIN_S)):
            if (await self.hand("wait", gun, until=what, timeout_s=1))["reached"]:
                return
        raise TimeoutError(what)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def forecourt(
    folder: Path, variant: str = "own", **gun: Any
) -> AsyncIterator[Forecourt]:
    """Let two guns and the driver run on one line."""
    for name in ("cards", "memory"):
        (folder / name).mkdir()
    (folder / "key").write_text(MASTER.hex())
    for uid, number in ((LOST, 41), (GOOD, 42)):
        money = {"balance": 1_000_000, "topped_up": 1_000_000}
        issue(folder / "cards", uid, card_no=f"{number:08}", **money)
    config = simulated.LineConfig(
        link=folder / "line",
        control=folder / "control",
        cards=folder / "cards",
        memory=folder / "memory",
        master_key=folder / "key",
        station_no=STATION,
        baud=BAUD,
        variant=variant,  # type: ignore[arg-type]  # checked by the model
        guns=tuple(
            simulated.GunConfig(gun=n, prices=(398, 388), phase_ms=37 * n, **gun)
            for n in (1, 2)
        ),
        seed=3,
    )
    device = simulated.DispenserLine(config, datetime.now(CHINA))
    device.open()
    nozzles = tuple(NozzleSetup(n, Unit.KG, 1) for n in (1, 2))
    setup = LineSetup(BAUD, nozzles, {"variant": variant})
    service = Service()
    line = DispenserLine(
        SerialSettings(str(folder / "line"), BAUD),
        PROTOCOLS["jxv4"].dialogue(setup),
        service,
        clock=SystemClock(),
    )
    running = asyncio.ensure_future(line.run())
    try:
        await until(lambda: len(service.statuses) == 2)
        yield Forecourt(line, service, dict(Hands(device).verbs()))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        device.close()


async def test_a_day_at_the_dispensers(tmp_path: Path) -> None:
    """Lists, prices, a lost card, a fill, a lock, a changed setting, end of duty."""
    async with forecourt(tmp_path) as site:
        cards = (*(f"00005101{n:08}" for n in range(1_000, 1_024)), LOST_NO)
        base = CardList(ListKind.BASE, 3, cards, "2026-01-01", "2027-01-01")
        prices = PriceTable(7, (50_000, 48_000), "2026-01-01 00:00:00")
        site.line.offer(Downloads({ListKind.BASE: base}, prices))
        kinds = (("base", 3), ("prices", 7))
        wanted = {(gun, *held) for gun in (1, 2) for held in kinds}
        await until(lambda: site.service.in_force() == wanted)
        refused = await site.hand("card_in", 1, uid=LOST.hex())
        assert refused == {"accepted": False, "refused": "blacklist"}
        await site.fill(2, GOOD)
        (record,) = site.service.records.values()
        assert (record.price_e4, record.amount_e4) == (50_000, 617_000)
        assert await site.line.give(Order(1, OrderKind.LOCK)) is OrderOutcome.DONE
        await until(lambda: site.service.statuses[1].locked)
        assert await site.line.give(Order(1, OrderKind.UNLOCK)) is OrderOutcome.DONE
        await site.hand(
            "parameter", 1, parameter=260, decimals=2, before=2500, after=2250
        )
        assert await site.line.give(Order(2, OrderKind.END_SHIFT)) is OrderOutcome.DONE
        await until(lambda: site.service.changes and site.service.shifts)
        (shift,) = site.service.shifts
        assert (shift.is_off_duty, shift.fills) == (True, 1)
        assert shift.shift_amount_e4 == record.amount_e4


async def test_a_disturbed_line_books_every_fill_once(tmp_path: Path) -> None:
    """Everything goes wrong at once; the cards are debited and the records whole."""
    async with forecourt(tmp_path) as site:
        shares = {
            "lose_request": 0.03,
            "lose_answer": 0.03,
            "bit_error": 0.0003,
            "byte_loss": 0.0003,
            "byte_repeat": 0.0003,
            "noise": 0.1,
            "delay": 0.03,
            "duplicate": 0.1,
            "truncate": 0.03,
            "wrong_gun": 0.03,
            "bad_crc": 0.03,
            "glue": 0.03,
            "lose_ack": 0.2,
        }
        await site.verbs["fault"](shares)
        await site.fill(1, LOST)
        await site.fill(2, GOOD)
        assert sorted(site.service.records) == [(1, 1), (2, 1)]
        assert not site.service.different
        amounts = {record.amount_e4 for record in site.service.records.values()}
        assert amounts == {491_100}


async def test_the_station_decides_about_a_card(tmp_path: Path) -> None:
    """The dispenser waits for the verdict, and gives a card back that may not fill."""
    async with forecourt(tmp_path, asks_about_cards="check") as site:
        site.service.verdict = CardVerdict.BALANCE_DIFFERS
        await site.hand("card_in", 1, uid=GOOD.hex())
        await site.reached(1, "judged")
        assert (await site.hand("state", 1))["refused"] == "balance_abnormal"
        (check,) = site.service.checks
        assert check.balance_hundredths == 1_000_000


async def test_the_adapter_waits_for_an_authorisation(tmp_path: Path) -> None:
    """A preset of 5.00 units over 70H ends the fill there."""
    async with forecourt(tmp_path, variant="petrochina") as site:
        await site.hand("card_in", 1, uid=GOOD.hex())
        calling = FuellingState.CALLING
        await until(lambda: site.service.statuses[1].state is calling)
        order = Order(1, OrderKind.AUTHORISE, preset_quantity_milli=5_000)
        assert await site.line.give(order) is OrderOutcome.DONE
        await site.hand("fill", 1, **FILL)
        await site.reached(1, "uploaded")
        assert site.service.records[1, 1].quantity_milli == 5_000

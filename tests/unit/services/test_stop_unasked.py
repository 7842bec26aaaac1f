"""Gas without an order: stopped once, named, booked; what was ordered goes on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cngstation.config import load_config
from cngstation.config.sections import Line as Section
from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.errors import DatabaseBusy, Refusal
from cngstation.protocols.dispenser.canonical import (
    Capability,
    FuellingState,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import RecordReceived, StatusReceived
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.protocols.dispenser.without_card import status_without_card
from cngstation.services import control_nozzles, stop_unasked
from cngstation.services.act_on_card import CardActs
from cngstation.services.answer_technician import TechnicianAnswers
from cngstation.services.book_sale import RECOVERED, SaleBook
from cngstation.services.card_act_kinds import every_kind
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.control_nozzles import ControlledLine, NozzleControl
from cngstation.services.line_settings import nozzles_of
from cngstation.services.open_line import Parts, open_line
from cngstation.services.open_rows import open_rows
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.show_downloads import DownloadWatch
from cngstation.services.stop_unasked import UnaskedFills
from cngstation.services.watch_device_clocks import DeviceClocks
from cngstation.services.watch_forecourt import Audience
from cngstation.simulators.dart_dispenser import DartDispenser
from cngstation.simulators.lanfeng_dispenser import LanfengDispenser
from cngstation.storage import nozzle_orders
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.units import Unit
from tests.download_world import BusyAt
from tests.furnished_station import fill
from tests.simulated_devices import ROOT
from tests.small_station import CASHIER, HandClock, opened
from tests.unit.protocols.dispenser.side_bench import SideBench, works

NOZZLE = NozzleSetting(NozzleKey("51010001", 1, 1), Unit.M3, is_host_controlled=True)
DEVICES = {"dart": DartDispenser, "lanfeng": LanfengDispenser}
STEP_S = 0.25


class Pump:
    """A simulated pump, its line, and a program in front of it that can begin anew."""

    def __init__(self, protocol: str, folder: Path, db: Database) -> None:
        self.db = db
        self.protocol = protocol
        self.inside = works(folder, 1, must_be_reset=protocol == "dart")
        self.devices = {1: DEVICES[protocol](self.inside, 1)}
        self.by_gun = {1: NOZZLE}
        self.figures: list[object] = []
        self.stops: list[Order] = []
        self.keeps_flowing = False
        self.booked_meanwhile: SaleRecord | None = None
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        self.book = SaleBook(db, acts, cut_off_minute=0)
        self.start()

    def start(self, now_us: int = 1_000_000) -> None:
        """Begin anew: nothing is remembered but the books."""
        options = {"control": 1} if self.protocol == "lanfeng" else {}
        setup = LineSetup(9_600, (NozzleSetup(1, Unit.M3),), options)
        dialogue = PROTOCOLS[self.protocol].dialogue(setup)
        self.bench = SideBench(dialogue, self.devices, accepts=False, now_us=now_us)
        self.seen = 0
        self.ended: list[SaleRecord] = []
        self.unasked = UnaskedFills(self.db)
        line = ControlledLine(self, self, frozenset(Capability))  # type: ignore[arg-type]
        self.control = self.unasked.control = NozzleControl(self.db, [line])

    def restart(self) -> None:
        """Begin anew while the pump goes on."""
        self.start(self.bench.now_us)

    async def give(self, order: Order) -> OrderOutcome:
        """Carry an order to the pump."""
        if order.kind is OrderKind.STOP:
            self.stops.append(order)
            if self.keeps_flowing:
                return OrderOutcome.UNKNOWN
        if self.booked_meanwhile is not None:
            record, self.booked_meanwhile = self.booked_meanwhile, None
            await self.book.book(NOZZLE, record, "online")
        outcome = self.bench.give(order, 0.5)
        self.shown()
        return outcome

    def shown(self) -> bool:
        """Hand on what the pump shows; True when the books are to be asked."""
        events, self.seen = self.bench.events[self.seen :], len(self.bench.events)
        statuses = [e.status for e in events if isinstance(e, StatusReceived)]
        self.ended += [e.record for e in events if isinstance(e, RecordReceived)]
        asked = [self.unasked.saw(NOZZLE, status) for status in statuses]
        return any(asked)

    async def authorise(self, order_id: str) -> None:
        answered = await self.control.give(order_id, 1, OrderKind.AUTHORISE, CASHIER)
        assert answered.outcome is OrderOutcome.DONE

    async def refused_an_order(self) -> None:
        wanted = nozzle_orders.Wanted(1, str(OrderKind.AUTHORISE))

        def unit(tx: Transaction) -> None:
            nozzle_orders.note(tx, "r", "asked", wanted, CASHIER)
            nozzle_orders.note(tx, "r", "answered", wanted, CASHIER, outcome="refused")

        await self.db.write(unit)

    async def run(self, seconds: float) -> None:
        """Let time pass, and the program take what the pump says."""
        until_us = self.bench.now_us + int(seconds * 1_000_000)
        while self.bench.now_us < until_us:
            self.bench.run(STEP_S)
            if self.shown():
                await self.unasked.judge(NOZZLE)
            while self.ended:
                record = self.ended.pop()
                await self.book.book(NOZZLE, record, "online")
                self.bench.dialogue.answer_record(
                    1, record.device_seq, self.bench.now_us, accepted=True
                )

    async def leak(self, quantity: int, seconds: float) -> None:
        """Let gas out that the host did not ask for."""
        self.inside.needs_host = False
        self.bench.lift()
        self.bench.fill(quantity)
        await self.run(seconds)

    async def hang_up(self) -> None:
        self.bench.hang_up()
        await self.run(12)

    async def sold(self) -> list[int]:
        sql = "SELECT quantity_milli FROM sale ORDER BY seq"
        found = await self.db.read(lambda c: c.execute(sql).fetchall())
        return [row[0] for row in found]

    async def rows(self) -> list[tuple[str, str, dict[str, str]]]:
        """Return kind, words and facts of the open rows that are about it."""
        found = await self.db.read(open_rows)
        return [
            (row.kind, row.text, {fact.name: fact.value for fact in row.facts})
            for row in found
            if row.kind.startswith("unasked")
        ]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (control_nozzles, stop_unasked):
        monkeypatch.setattr(module, "SETTLES_MS", 1)


@pytest.fixture(params=DEVICES)
async def pump(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pump]:
    """Return a pump that is lined up."""
    async with opened(tmp_path / "s.db") as db:
        made = Pump(request.param, tmp_path, db)
        await made.run(9)
        yield made


async def test_gas_without_an_order_is_stopped_once_named_and_booked(
    pump: Pump,
) -> None:
    """The next one too, behind a refused order; each row says which fill it was."""
    await pump.leak(40_000, 4)
    assert len(pump.stops) == 1
    assert not pump.inside.is_running
    await pump.hang_up()
    (first,) = await pump.sold()
    ((kind, text, facts),) = await pump.rows()
    assert (kind, "booked as fill" in text) == ("unasked_gas", True)
    assert facts["quantity"] == f"{first / 1000:.3f}".rstrip("0")
    assert facts["became"] == "it was told to stop, and answered"
    await pump.refused_an_order()
    await pump.leak(40_000, 4)
    await pump.hang_up()
    assert len(pump.stops) == len(await pump.rows()) == len(await pump.sold()) == 2


async def test_a_fill_that_was_ordered_goes_on_through_restarts(pump: Pump) -> None:
    """Whatever was forgotten: the order is in the books, and it serves for one fill."""
    pump.bench.lift()
    await pump.run(1)
    await pump.authorise("a")
    pump.bench.fill(4_000)
    await pump.run(2)
    pump.restart()
    await pump.run(6)
    await pump.hang_up()
    assert (pump.stops, await pump.rows()) == ([], [])
    assert await pump.sold() == [40_000]
    pump.restart()
    await pump.run(9)
    await pump.leak(40_000, 4)
    assert len(pump.stops) == 1


async def test_a_fill_that_was_booked_while_an_order_waited_is_not_its(
    pump: Pump,
) -> None:
    """The order was asked before it, and given after it."""
    pump.booked_meanwhile = fill(1, card_no=None, quantity_milli=10)
    pump.bench.lift()
    await pump.run(1)
    await pump.authorise("a")
    pump.bench.fill(4_000)
    await pump.run(4)
    pump.restart()
    await pump.run(4)
    assert pump.stops == []
    await pump.hang_up()
    assert len(await pump.sold()) == 2
    await pump.leak(4_000, 4)
    assert len(pump.stops) == 1


async def test_a_fill_that_is_fetched_behind_an_order_has_not_used_it(
    pump: Pump,
) -> None:
    """It went on unseen, perhaps before: the one that was ordered goes on."""
    pump.bench.lift()
    await pump.run(1)
    await pump.authorise("a")
    missed = fill(1, card_no=None, quantity_milli=10)
    await pump.book.book(NOZZLE, missed, RECOVERED)
    pump.bench.fill(4_000)
    await pump.run(4)
    assert pump.stops == []
    await pump.hang_up()
    await pump.leak(4_000, 4)
    assert len(pump.stops) == 1


async def test_what_flows_on_is_not_told_again(pump: Pump) -> None:
    """Neither by the same program nor by the next one; people are."""
    pump.keeps_flowing = True
    await pump.leak(40_000, 3)
    kinds = [kind for kind, _, _ in await pump.rows()]
    assert kinds == ["unasked_gas", "unasked_gas_flows"]
    assert "booked when it ends" in (await pump.rows())[0][1]
    pump.restart()
    await pump.run(8)
    assert len(pump.stops) == 1
    await pump.hang_up()
    await pump.leak(500, 3)
    assert len(pump.stops) == 2


async def test_an_order_that_serves_one_fill_serves_no_second(pump: Pump) -> None:
    """Also while the first is not in the books yet."""
    pump.bench.lift()
    await pump.run(1)
    await pump.authorise("a")
    for quantity in (4_000, 100, 3_000):
        reading = status_without_card(
            FuellingState.FUELLING, raw=b"", quantity_milli=quantity
        )
        if pump.unasked.saw(NOZZLE, reading):
            await pump.unasked.judge(NOZZLE)
    assert pump.stops == []
    rest = status_without_card(FuellingState.IDLE, raw=b"")
    pump.unasked.saw(NOZZLE, rest)
    for quantity in (100, 200):
        reading = status_without_card(
            FuellingState.FUELLING, raw=b"", quantity_milli=quantity
        )
        if pump.unasked.saw(NOZZLE, reading):
            await pump.unasked.judge(NOZZLE)
    assert len(pump.stops) == 1


@pytest.mark.parametrize("late", [3_900, 0])
async def test_a_late_reply_behind_a_pause_begins_no_second_fill(
    pump: Pump, late: int
) -> None:
    """What was ordered goes on when its figure fell in one reading alone."""
    pump.bench.lift()
    await pump.run(1)
    await pump.authorise("a")
    pause = status_without_card(FuellingState.CALLING, raw=b"")
    for reading in (4_000, 4_100, None, late, 4_100, 4_200, late, None, 4_300, 4_400):
        status = pause if reading is None else flowing(reading)
        if pump.unasked.saw(NOZZLE, status):  # type: ignore[arg-type]
            await pump.unasked.judge(NOZZLE)
    assert pump.stops == []


def flowing(quantity_milli: int) -> object:
    return status_without_card(
        FuellingState.FUELLING, raw=b"", quantity_milli=quantity_milli
    )


async def test_one_reading_of_flow_is_none_and_a_busy_book_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late reply stops nobody; a pump that knows no stop gets the row alone."""
    async with opened(tmp_path / "s.db") as db:
        unasked = UnaskedFills(db)
        assert not unasked.saw(NOZZLE, flowing(10))  # type: ignore[arg-type]
        rest = status_without_card(FuellingState.IDLE, raw=b"")
        assert not unasked.saw(NOZZLE, rest)
        assert not unasked.saw(NOZZLE, flowing(10))  # type: ignore[arg-type]
        assert unasked.saw(NOZZLE, flowing(20))  # type: ignore[arg-type]

        async def busy(_: object) -> None:
            raise DatabaseBusy(wait_ms=1)

        with monkeypatch.context() as patched:
            patched.setattr(db, "read", busy)
            with pytest.raises(DatabaseBusy):
                await unasked.judge(NOZZLE)
        assert unasked.saw(NOZZLE, flowing(30))  # type: ignore[arg-type]

        class NoStop:
            async def give(self, *_: object) -> None:
                raise Refusal

        unasked.control = NoStop()  # type: ignore[assignment]
        await unasked.judge(NOZZLE)
        (row,) = await db.read(open_rows)
        assert "knows no stop" in str(row.facts)


async def test_what_was_stopped_is_named_when_the_books_are_free_again(
    tmp_path: Path,
) -> None:
    """Else nobody would hear of it: the fill is looked at once."""
    async with opened(tmp_path / "s.db") as db:
        unasked = UnaskedFills(BusyAt(db, 2))  # type: ignore[arg-type]
        unasked.saw(NOZZLE, flowing(10))  # type: ignore[arg-type]
        assert unasked.saw(NOZZLE, flowing(20))  # type: ignore[arg-type]
        await unasked.judge(NOZZLE)
        (row,) = await db.read(open_rows)
        assert row.kind == "unasked_gas"


def test_who_fills_by_itself_is_left_alone(tmp_path: Path) -> None:
    """By its protocol, by the option of its line, or by its own line of the file."""
    nozzle = {"gun": 1, "nozzle_no": 1, "dispenser_no": 1, "unit": "kg", "unit_code": 0}

    def waits(protocol: str, *, alone: bool = False, **options: int) -> bool:
        section = Section.model_validate(
            {
                "name": "x",
                "protocol": protocol,
                "options": options,
                "nozzles": [{**nozzle, "stand_alone": alone}],
                **(
                    {"url": "http://a/x", "credential": str(tmp_path)}
                    if protocol == "pts"
                    else {"port": "/dev/ttyS1", "baud": 9600}
                ),
            }
        )
        return nozzles_of(section, "51010001")[1].is_host_controlled

    by_order = [p for p in PROTOCOLS if p != "sinopec" and waits(p)]
    assert by_order == ["dart", "pts", "unipump"]
    assert waits("lanfeng", control=1)
    assert not any(waits(p, alone=True) for p in by_order)
    assert not waits("lanfeng", alone=True, control=1)
    alone = NozzleSetting(NOZZLE.key, NOZZLE.unit)
    unasked = UnaskedFills(None)  # type: ignore[arg-type]
    readings = [unasked.saw(alone, flowing(n)) for n in (10, 20, 30)]  # type: ignore[arg-type]
    assert readings == [False] * 3


async def test_every_line_of_the_daemon_looks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a line reads goes to the books, and the stop to that line."""
    given: list[Order] = []

    async def give(_: DispenserLine, order: Order) -> OrderOutcome:
        given.append(order)
        return OrderOutcome.DONE

    monkeypatch.setattr(DispenserLine, "give", give)
    config = load_config(ROOT / "config.example.toml")
    section = config.lines[0].model_copy(update={"protocol": "dart", "baud": 9600})
    async with opened(tmp_path / "s.db", clock := HandClock()) as db:
        clocks, nobody = DeviceClocks(db, clock), lambda *_: None
        acts = CardActs(db, every_kind(), cut_off_minute=0, prints_wanted=0)
        parts = Parts(
            db, SaleBook(db, acts, cut_off_minute=0), DownloadWatch(db, clocks=clocks),
            DownloadKeeper(db, clock), TechnicianAnswers(), [], [], [], clocks,
        )  # fmt: skip
        audience = Audience(nobody, nobody, nobody, nobody)
        open_line(config, section, parts, audience, clock)
        (desk,) = parts.desks
        for quantity in (10, 20):
            desk.status(2, flowing(quantity))  # type: ignore[arg-type]
        await asyncio.gather(*desk._tasks)
        assert given == [Order(2, OrderKind.STOP)]
        await desk.close()

"""Prices that were sent ahead change at their time, whether our program runs or not."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cngstation.moments import CHINA
from cngstation.protocols.dispenser.dialogue import (
    DeviceEventReceived,
    Dialogue,
    DownloadAsked,
    Event,
    RecordReceived,
    Transmission,
)
from cngstation.protocols.dispenser.entry import LineSetup, NozzleSetup
from cngstation.protocols.dispenser.forecourt import Downloads, PriceTable
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from cngstation.protocols.dispenser.jxv4.variant import OWN
from cngstation.protocols.dispenser.registry import PROTOCOLS
from cngstation.simulators.jxv4_transaction import FillOrder
from cngstation.simulators.sinopec_dispenser import Dispenser, Traits
from cngstation.simulators.sinopec_memory import Figures, Memory
from cngstation.simulators.sinopec_nozzle import Nozzle
from cngstation.units import Unit
from tests.simulation.jxv4_world import World

NOW = PriceTable(7, (50_000, 48_000, 47_000), "2025-06-01 08:00:00")
NEXT = PriceTable(8, (60_000, 58_000, 57_000), "2025-06-01 08:31:00")
UNTIL_THEN_S = 45
MORNING = datetime(2025, 6, 1, 8, 30, 15, tzinfo=CHINA)


def keeping(world: World) -> BusDialogue:
    """Return a dialogue with dispensers that keep a table until its time."""
    nozzles = [NozzleSettings(number) for number in world.guns]
    variant = replace(OWN, keeps_prices=True)
    return BusDialogue(nozzles, LineSpeed(38_400), variant)


def test_a_price_begins_at_its_time_without_us(tmp_path: Path) -> None:
    """A fill under way keeps its price; the next one, still without us, has the new."""
    world = World(tmp_path)
    world.dialogue = keeping(world)
    world.dialogue.line_opened(world.now_us)
    first, second = world.card(1), world.card(2)
    begun = world.seconds
    world.dialogue.offer(Downloads(prices=NOW, coming=NEXT))
    guns = [gun.memory.held for gun in world.guns.values()]
    assert world.run_until(
        lambda: all(
            (held.prices, held.next_prices, held.price_version)
            == ([500, 480, 470], [600, 580, 570], 8)
            for held in guns
        )
    )
    gun = world.guns[1]
    world.run(UNTIL_THEN_S - 5 - (world.seconds - begun))
    gun.insert(first, world.seconds)
    gun.nozzle.begin(FillOrder(1_000, 100, 420, 1_985), world.seconds)  # ten seconds
    world.run(0.5)

    lives, hears = world._step, world._hear
    world._step, world._hear = (lambda: None), (lambda _data: None)  # type: ignore[method-assign]
    world.run(20)
    assert [held.prices for held in guns] == [[600, 580, 570]] * 2
    world.guns[2].insert(second, world.seconds)
    world.guns[2].nozzle.begin(FillOrder(1_000, 1e6, 420, 1_985), world.seconds)
    world.run(2)

    world._step, world._hear = lives, hears  # type: ignore[method-assign]
    world.dialogue = keeping(world)
    world.dialogue.line_opened(world.now_us)
    world.dialogue.offer(Downloads(prices=NEXT))
    world._step()
    records = world.service.records
    assert world.run_until(lambda: {(1, 1_027), (2, 1_027)} <= records.keys())
    assert [records[n, 1_027].price_e4 for n in (1, 2)] == [50_000, 60_000]
    world.run(5)
    assert [held.prices for held in guns] == [[600, 580, 570]] * 2


class Wire:
    """A Sinopec dispenser with one nozzle, and our line while it lives."""

    def __init__(self, folder: Path) -> None:
        figures = Figures(prices={"1": [398]}, versions=[3, 1, 1, 0, 7, 2])
        self.memory = Memory.load(folder / "dispenser.json", figures)
        self.nozzle = Nozzle(1, self.memory, bytes(6), lambda _: (0, MORNING))
        self.now = 0.0
        self.dispenser = Dispenser(
            1, self.memory, {1: self.nozzle}, Traits(), now=0.0, reading=MORNING
        )
        self.nozzle.power_returns(0.0)
        self.records: dict[int, int] = {}  # prices by number

    def talk(self, offer: Downloads, seconds: float) -> None:
        """Start our line, offer it something, let it live for a while."""
        line = PROTOCOLS["sinopec"].dialogue(
            LineSetup(9_600, (NozzleSetup(101, Unit.M3),))
        )
        line.line_opened(self._us)
        line.offer(offer)
        until = self.now + seconds
        while self.now < until:
            wall_ms = int(MORNING.timestamp() * 1_000 + self.now * 1_000)
            step = line.next_transmission(self._us, wall_ms)
            events = [*line.tick(self._us)]
            if isinstance(step, Transmission):
                line.sent(self._us)
                self.now += 0.02
                for answer in self.dispenser.hear(step.data, self.now):
                    events += line.receive(answer, self._us)
            else:
                self.now = max(self.now + 0.001, step.until_us / 1_000_000)
            self.dispenser.advance(self.now)
            self._serve(line, events)

    def alone(self, seconds: float) -> None:
        """Let time pass without our program."""
        for _ in range(int(seconds * 10)):
            self.now += 0.1
            self.dispenser.advance(self.now)

    @property
    def _us(self) -> int:
        return int(self.now * 1_000_000)

    def _serve(self, line: Dialogue, events: list[Event]) -> None:
        for event in events:
            match event:
                case DownloadAsked():
                    line.answer_download(event, self._us, accepted=True)
                case RecordReceived(gun, record):
                    self.records[record.device_seq] = record.price_e4
                    line.answer_record(gun, record.device_seq, self._us, accepted=True)
                case DeviceEventReceived(gun, told):
                    line.answer_event(gun, told, self._us, accepted=True)


def test_a_sinopec_dispenser_changes_without_us_too(tmp_path: Path) -> None:
    """Its second block; a fill that begins before the minute keeps its price."""
    wire = Wire(tmp_path)
    now = PriceTable(8, (50_000,), "2025-06-01 08:00:00")
    following = PriceTable(9, (60_000,), "2025-06-01 08:31:00")
    wire.talk(Downloads(prices=now, coming=following), 30)
    assert wire.memory.figures.prices == {"1": [500]}
    wire.nozzle.begin(2_000, 100, wire.now)  # twenty seconds
    wire.alone(16)
    assert wire.memory.figures.prices == {"1": [600]}
    wire.alone(10)
    wire.nozzle.begin(500, 1e6, wire.now)
    wire.alone(2)
    wire.talk(Downloads(prices=following), 30)
    # The newest one comes first.
    assert [wire.records[n] for n in sorted(wire.records)] == [50_000, 60_000]
    assert wire.memory.figures.prices == {"1": [600]}

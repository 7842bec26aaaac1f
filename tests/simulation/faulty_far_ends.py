"""The simulated nozzles of each protocol, as a test of faults handles them."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cngstation.protocols.dispenser.canonical import (
    NoFill,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import (
    Question,
    RecordReceived,
    RecordReread,
    Request,
    TotalsReceived,
)
from cngstation.simulators.answer_faults import WRONG_GUN
from cngstation.simulators.compac_dispenser import CompacDispenser
from cngstation.simulators.dart_dispenser import DartDispenser
from cngstation.simulators.http_faults import BodySpoiler
from cngstation.simulators.jxv4_faults import BAD_CRC, LOSE_ACK
from cngstation.simulators.jxv4_memory import Counters
from cngstation.simulators.jxv4_nozzle import DEBIT_DUE, IDLE
from cngstation.simulators.jxv4_transaction import FillOrder
from cngstation.simulators.lanfeng_dispenser import LanfengDispenser
from cngstation.simulators.plain_dispenser import Kept, PlainDispenser
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.simulators.pts_controller import Controller
from cngstation.simulators.pts_point import Point
from cngstation.simulators.side_line import TOTAL_WRAP
from cngstation.simulators.sinopec_dispenser import Dispenser, Traits
from cngstation.simulators.sinopec_memory import Figures, Memory
from cngstation.simulators.sinopec_nozzle import Nozzle
from cngstation.simulators.unipump_controller import PointState, UnipumpController
from cngstation.simulators.wire_faults import Heard
from tests.simulation.faulty_line import (
    FLOW_MILLI_PER_S,
    NUMBERS,
    PRICE_FEN,
    TODAY,
    TOP,
    TOTALS,
    FarEnd,
    Fill,
    LineFarEnd,
    Told,
    priced,
)
from tests.simulation.jxv4_world import World


class SideFarEnd(LineFarEnd):
    """A DART or Lanfeng pump that sells without being allowed to."""

    @property
    def _wrap(self) -> int:
        return TOTAL_WRAP[self.protocol]

    def _prepare(self, *, near: str) -> None:
        total = self._wrap - 300 if near == TOTALS else 123_456
        fresh = Kept(total_quantity=total, total_amount=491_355, price=PRICE_FEN)
        self._power_up(fresh)

    def _power_up(self, fresh: Kept) -> None:
        is_dart = self.protocol == "dart"
        self.works = PlainDispenser(
            self.folder / "side",
            fresh=fresh,
            needs_host=False,
            must_be_reset=is_dart,
            total_wrap=self._wrap,
        )
        make = DartDispenser if is_dart else LanfengDispenser
        self.device = make(self.works, self.gun)
        self.works.needs_host = False

    def _hear(self, data: bytes) -> Iterable[bytes]:
        answer = self.device.hear(data, self.seconds)
        return [] if answer is None else [answer]

    def begin(self, milli: int) -> None:
        self.works.lift(self.seconds)
        self.works.fill(milli // 10, FLOW_MILLI_PER_S / 10, self.seconds)

    def end(self) -> None:
        self.works.hang_up(self.seconds)

    def cut_power(self) -> Fill:
        # The figures of its display are gone: the ones that were seen last count.
        assert self.status is not None
        seen = Fill(self.status.quantity_milli, self.status.amount_e4)
        self.works.step(self.seconds)
        self._power_up(Kept())
        return seen

    def clear_memory(self) -> None:
        self.works.clear_memory()


class PlainFarEnd(LineFarEnd):
    """A Compac hose, or a point of a UniPump controller."""

    def _prepare(self, *, near: str) -> None:
        self.nozzle = PlainNozzle(
            1,
            closes_itself=self.protocol == "compac",
            total_volume=10**11 - 3_000 if near == TOTALS else 1_234_560,
            transaction=98,
            file=self.folder / "nozzle",
        )
        self.device: CompacDispenser | UnipumpController = CompacDispenser(self.nozzle)
        if self.protocol == "unipump":
            self.device = UnipumpController({1: PointState(self.nozzle)})

    def _hear(self, data: bytes) -> Iterable[bytes]:
        self.device.pause()
        return self.device.hear(data, self.seconds)

    def begin(self, milli: int) -> None:
        self.nozzle.lift()
        self.nozzle.begin(milli, FLOW_MILLI_PER_S, self.seconds)

    def end(self) -> None:
        self.nozzle.flow(self.seconds)
        self.nozzle.hang_up()

    def cut_power(self) -> Fill:
        self.nozzle.cut_power(self.seconds)
        return Fill(self.nozzle.last_volume, self.nozzle.last_amount * 100)

    def clear_memory(self) -> None:
        self.nozzle.clear_memory()


class SinopecFarEnd(LineFarEnd):
    """A dispenser that sells for cash."""

    def _prepare(self, *, near: str) -> None:
        fresh = Figures(
            last_seq=TOP - 1 if near == NUMBERS else 0x400,
            totals={"1": TOP - 300 if near == TOTALS else 123_456},
            prices={"1": [PRICE_FEN]},
        )
        nozzles: dict[int, Nozzle] = {}
        self.device = Dispenser(
            1,
            Memory.load(self.folder / "dispenser", fresh),
            nozzles,
            Traits(),
            now=self.seconds,
            reading=TODAY,
        )
        nozzles[1] = self.nozzle = Nozzle(
            1,
            self.device.memory,
            bytes.fromhex("510100000101"),
            lambda now: (0, self.device.clock(now)),
        )

    def _hear(self, data: bytes) -> Iterable[bytes]:
        return self.device.hear(data, self.seconds)

    def begin(self, milli: int) -> None:
        self.nozzle.begin(milli // 10, FLOW_MILLI_PER_S / 10, self.seconds)

    def end(self) -> None:
        self.device.advance(self.seconds)
        if self.nozzle.flows:
            self.nozzle.end(self.seconds)

    def cut_power(self) -> Fill:
        self.nozzle.cut_power(self.seconds)
        kept = self.device.memory.records.last()
        assert kept is not None
        return priced(int.from_bytes(kept.body[70:73], "big") * 10)

    def clear_memory(self) -> None:
        self.device.memory.clear_records()
        self.device.memory.figures.totals["1"] = 0


class PtsFarEnd(LineFarEnd):
    """A pump behind a controller on HTTP, whose answers come or do not, whole."""

    def _prepare(self, *, near: str) -> None:
        self.bodies = BodySpoiler(self._seed)
        self.skew = timedelta()
        self.point = Point(
            1,
            last_number=65_534 if near == NUMBERS else 1_026,
            total_volume=1_234_560,
        )
        self.device = Controller([self.point], self._clock)

    def _clock(self) -> datetime:
        return TODAY + self.skew + timedelta(seconds=self.seconds)

    def _hear(self, data: bytes) -> Iterator[bytes]:
        if self.bodies.draws("drop"):
            return
        answer: dict[str, Any] = self.device.answer(json.loads(data), self.seconds)
        body = self.bodies.body(answer)
        if self.bodies.draws("half_answer"):
            body = body[: len(body) // 2]
        if self.bodies.draws("server_error"):
            body = b"<html>busy</html>"
        yield body

    def _on_the_way(self, answer: bytes) -> list[Heard]:
        late_s = self.bodies.faults.delay_ms / 1_000
        return [Heard(answer, late_s if self.bodies.draws("delay") else 0.0)]

    def begin(self, milli: int) -> None:
        self.point.is_lifted = True
        self.point.begin(milli, FLOW_MILLI_PER_S, self.seconds, self._clock())

    def end(self) -> None:
        self.point.flow(self.seconds, self._clock())
        self.point.stop(self._clock())
        self.point.is_lifted = False

    def cut_power(self) -> Fill:
        self.point.cut_power(self.seconds, self._clock())
        self.point.is_lifted = False
        sold = self.point.kept[self.point.last_number]
        return Fill(sold.volume, sold.amount * 100)

    def clear_memory(self) -> None:
        self.point.clear_memory()

    def set_fault(self, name: str, share: float) -> None:
        self.bodies.faults.set({name: share})

    def happened(self) -> int:
        return sum(self.bodies.counts.values())


class JxFarEnd(FarEnd):
    """A gun of JX-V4 with a card in it; its line has a world of its own."""

    protocol = "jxv4"

    def __init__(self, folder: Path, *, near: str, seed: int) -> None:
        fresh = Counters(last_trans_no=1_026, total_quantity=123_456, shift=2)
        if near == NUMBERS:
            fresh.last_trans_no = TOP - 1
        elif near == TOTALS:
            fresh.total_quantity = TOP - 300
        self.world = World(folder, guns=2, fresh=fresh, seed=seed)
        self.uid = self.world.card(1)

    @property
    def told(self) -> list[Told]:  # type: ignore[override]
        """What came of gun 1, in its order."""
        told: list[Told] = []
        for event in self.world.service.events:
            match event:
                case RecordReceived(1, record):
                    told.append(record)
                case TotalsReceived(Request(1)):
                    told.append(event.answer)
        return told

    @property
    def gun(self) -> Any:
        return self.world.guns[1]

    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    def begin(self, milli: int) -> None:
        self.gun.insert(self.uid, self.world.seconds)
        order = FillOrder(milli // 10, FLOW_MILLI_PER_S / 10, 420, 1_985)
        self.gun.nozzle.begin(order, self.world.seconds)

    def end(self) -> None:
        self.world.run_until(lambda: self.gun.nozzle.status in {IDLE, DEBIT_DUE}, 20)
        self.world.run_until(lambda: self.gun.nozzle.open is None, 60)
        self.world.leave(1)

    def cut_power(self) -> Fill:
        flowed = self.gun.nozzle.open.quantity * 10
        self.world.cut_power(1)
        self.uid = self.world.card(2)  # the first one stays grey
        return priced(flowed)

    def clear_memory(self) -> None:
        # Somebody works at it: it is off the line for longer than one is suspected.
        self.gun.is_off_line = True
        self.world.run(12)
        self.gun.clear_memory()
        self.gun.is_off_line = False
        self.world.run(3)
        self.ask_totals()

    def set_fault(self, name: str, share: float) -> None:
        if name in {WRONG_GUN, BAD_CRC, LOSE_ACK, "aa_inside"}:
            self.world.answer_faults.set(name, share)
        else:
            self.world.faults.set({name: share})

    def restart_host(self, *, dies: bool = False) -> None:
        self.world.service.is_killed = dies
        if not dies:
            self.world.restart_host()

    def ask_totals(self) -> None:
        self.world.dialogue.request(Request(1, Question.TOTALS))
        self.world.run(3)

    def read_again(self, number: int) -> SaleRecord | NoFill | None:
        self.world.dialogue.request(Request(1, Question.RECORD, number))
        self.world.run(3)
        found = [e for e in self.world.service.events if isinstance(e, RecordReread)]
        return found[-1].answer

    def happened(self) -> int:
        counts = self.world.spoiler.counts + self.world.answer_faults.counts
        return counts.total()


def far_end(protocol: str, folder: Path, *, near: str = "", seed: int = 5) -> FarEnd:
    """Return a nozzle of a protocol that was heard and is at rest."""
    made: FarEnd
    match protocol:
        case "jxv4":
            made = JxFarEnd(folder, near=near, seed=seed)
        case "sinopec":
            made = SinopecFarEnd(protocol, folder, near=near, seed=seed)
        case "pts":
            made = PtsFarEnd(protocol, folder, near=near, seed=seed)
        case "dart" | "lanfeng":
            made = SideFarEnd(protocol, folder, near=near, seed=seed)
        case _:
            made = PlainFarEnd(protocol, folder, near=near, seed=seed)
    made.run(8)
    return made

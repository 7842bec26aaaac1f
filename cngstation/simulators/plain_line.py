"""A line of simulated dispensers without cards: Compac, or a UniPump controller."""

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from cngstation.simulators.answer_faults import WRONG_GUN, of_another
from cngstation.simulators.compac_dispenser import CompacDispenser
from cngstation.simulators.control import Handler
from cngstation.simulators.plain_hands import PlainHands
from cngstation.simulators.plain_log import PlainLog
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.simulators.unipump_controller import PointState, UnipumpController
from cngstation.simulators.wire import Wire

BITS_PER_BYTE = {"compac": 11, "unipump": 10}
TURNAROUND_S = {"compac": 0.020, "unipump": 0.010}
# The silence that a master keeps behind an answer, or between two frames.
QUIET_CHARACTERS = {"compac": 3.5, "unipump": 0.0}
LEAST_SPACING_S = {"compac": 0.0, "unipump": 0.050}


class NozzleConfig(BaseModel):
    """One nozzle; its figures count until it has a memory file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    number: Annotated[int, Field(ge=1, le=247)]
    price: Annotated[int, Field(ge=1, le=9_999)] = 398
    is_automatic: bool = True
    total_volume: int = 0
    total_amount: int = 0
    transaction: Annotated[int, Field(ge=0, le=99)] = 0


class PlainConfig(BaseModel):
    """The configuration file of one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    protocol: Literal["compac", "unipump"]
    link: Path
    control: Path
    memory: Path
    nozzles: Annotated[tuple[NozzleConfig, ...], Field(min_length=1)]
    baud: Annotated[int, Field(ge=300, le=115_200)] = 9600
    offset: int = -1
    is_extended: bool = False
    seed: int = 0
    faults: dict[str, float] = {}


class Device(Protocol):
    """What answers on the wire."""

    def hear(self, data: bytes, now: float) -> list[bytes]: ...
    def pause(self) -> None: ...


class PlainLine:
    """The wire and the devices on it."""

    def __init__(self, config: PlainConfig) -> None:
        self._loop = asyncio.get_running_loop()
        self.config = config
        bits = BITS_PER_BYTE[config.protocol]
        self.wire = Wire(config.link, config.baud, config.seed, bits)
        self._wrong_gun = 0.0
        self.reseed(config.seed)
        self.set_faults(config.faults)
        self.nozzles = {one.number: self._nozzle(one) for one in config.nozzles}
        self.compacs: dict[int, CompacDispenser] = {}
        self.points: dict[int, PointState] = {}
        devices: dict[int, Device] = {}
        if config.protocol == "compac":
            self.compacs = {
                number: CompacDispenser(nozzle, config.offset)
                for number, nozzle in self.nozzles.items()
            }
            devices.update(self.compacs)
        else:
            self.points = {n: PointState(one) for n, one in self.nozzles.items()}
            devices[1] = UnipumpController(self.points, config.is_extended)
        self._devices = devices
        quiet_s = QUIET_CHARACTERS[config.protocol] * self.wire.byte_s
        spacing_s = LEAST_SPACING_S[config.protocol]
        self.log = PlainLog(self.wire.byte_s, quiet_s, spacing_s)
        self.wire.on_host = self._host_sent
        self._silence: asyncio.TimerHandle | None = None

    def open(self) -> str:
        """Begin to live on the line; return the name of the pts."""
        name = self.wire.open()
        for number, device in self._devices.items():
            self.wire.listen(number, self._ear_of(number, device))
        return name

    def close(self) -> None:
        """Cut the power."""
        if self._silence is not None:
            self._silence.cancel()
        self.wire.close()

    def set_faults(self, changes: Mapping[str, float]) -> None:
        """Change shares of faults, of the wire's and of whose name answers bear.

        Raises:
            ValueError: there is no such fault, or its figure makes no sense.
        """
        for name, share in changes.items():
            if name != WRONG_GUN:
                self.wire.faults.set({name: share})
            elif 0 <= share <= 1:
                self._wrong_gun = share
            else:
                raise ValueError(f"{name}={share} is not a share")

    def reseed(self, seed: int) -> None:
        """Begin both rows of faults again."""
        self._random = random.Random(seed)  # noqa: S311 - a run must be repeatable
        self.wire.reseed(seed)

    def verbs(self) -> dict[str, Handler]:
        """Return what hands can do."""
        return PlainHands(self).verbs()

    def facts(self) -> dict[str, Any]:
        """Return what the line says of itself when it is ready."""
        return {"nozzles": sorted(self.nozzles)}

    def _nozzle(self, config: NozzleConfig) -> PlainNozzle:
        nozzle = PlainNozzle(
            config.number,
            price=config.price,
            is_automatic=config.is_automatic,
            total_volume=config.total_volume,
            total_amount=config.total_amount,
            transaction=config.transaction,
            closes_itself=self.config.protocol == "compac",
            file=self.config.memory / f"nozzle-{config.number}.json",
        )
        nozzle.power_returns()
        return nozzle

    def _host_sent(self, data: bytes, start: float) -> None:
        self.log.host_sent(data, start)
        end = start + len(data) * self.wire.byte_s
        self._loop.call_at(end, lambda: self.wire.deliver(self._loop.time()))
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._loop.call_at(end + 0.05, self._pause)

    def _pause(self) -> None:
        for device in self._devices.values():
            device.pause()

    def _ear_of(self, number: int, device: Device) -> Callable[[bytes], None]:
        turnaround_s = TURNAROUND_S[self.config.protocol]

        def hear(data: bytes) -> None:
            for answer in device.hear(data, self._loop.time()):
                self._loop.call_later(turnaround_s, self._answer, number, answer)

        return hear

    def _answer(self, number: int, frame: bytes) -> None:
        if self._wrong_gun and self._random.random() < self._wrong_gun:
            self.wire.counts[WRONG_GUN] += 1
            frame = of_another(self.config.protocol, frame)
        sent = self.wire.send(frame, number)
        if sent is not None:
            self.log.answered(sent)

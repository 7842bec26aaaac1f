"""A line of simulated Sinopec dispensers: its configuration, its wire, its times."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cngstation.simulators.control import Handler
from cngstation.simulators.sinopec_dispenser import Dispenser, Traits
from cngstation.simulators.sinopec_frames import OFF_LINE, sealed
from cngstation.simulators.sinopec_hands import Hands
from cngstation.simulators.sinopec_log import SinopecLog
from cngstation.simulators.sinopec_memory import Figures, Memory
from cngstation.simulators.sinopec_nozzle import Nozzle
from cngstation.simulators.wire import Wire

TICK_S = 0.05
_ADDRESS, _NUMBER, _HEAD_BYTES = 2, 3, 6
WRONG_ADDRESS, WRONG_NUMBER = "wrong_address", "wrong_number"

PriceFen = Annotated[int, Field(ge=1, le=0xFFFF)]
U32 = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]


class DispenserConfig(BaseModel):
    """One address; its figures count until it has a memory file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    address: Annotated[int, Field(ge=1, le=249)]
    nozzles: Annotated[tuple[int, ...], Field(min_length=1, max_length=99)] = (1,)
    price: PriceFen = 398
    last_seq: U32 = 0
    total: U32 = 0
    turnaround_ms: Annotated[float, Field(ge=0, le=20)] = 5.0
    initiates: bool = False
    asks_lists: bool = False
    upload_retry_s: Annotated[float, Field(gt=0)] = 8.0
    versions: Annotated[tuple[int, ...], Field(min_length=6, max_length=6)] = (0,) * 6


class SinopecConfig(BaseModel):
    """The configuration file of one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    protocol: Literal["sinopec"]
    link: Path
    control: Path
    memory: Path
    dispensers: Annotated[tuple[DispenserConfig, ...], Field(min_length=1)]
    baud: Annotated[int, Field(ge=300, le=115_200)] = 9600
    seed: int = 0
    faults: dict[str, float] = {}


class AnswerFaults:
    """Draws, from a seed, which answers go out under a wrong address or number."""

    def __init__(self, seed: int) -> None:
        self.shares = {WRONG_ADDRESS: 0.0, WRONG_NUMBER: 0.0}
        self.counts: Counter[str] = Counter()
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        # Not for secrets: a run with faults must be repeatable.
        self._random = random.Random(seed)  # noqa: S311

    def draws(self, name: str) -> bool:
        """Tell whether the next answer has this fault."""
        if not self.shares[name] or self._random.random() >= self.shares[name]:
            return False
        self.counts[name] += 1
        return True


class SinopecLine:
    """The wire and the dispensers on it."""

    def __init__(self, config: SinopecConfig, today: datetime) -> None:
        self._loop = asyncio.get_running_loop()
        self._config = config
        now = self._loop.time()
        self.wire = Wire(config.link, config.baud, config.seed)
        self.answer_faults = AnswerFaults(config.seed)
        self.set_faults(config.faults)
        self.dispensers = {
            one.address: self._build(one, today, now) for one in config.dispensers
        }
        self._turnaround_s = {
            one.address: one.turnaround_ms / 1000 for one in config.dispensers
        }
        self.log = SinopecLog(frozenset(self.dispensers), self.wire.byte_s, now)
        self.wire.on_host = self._host_sent
        self._tick: asyncio.TimerHandle | None = None
        self._is_off = False
        self.ticked = asyncio.Event()

    def open(self) -> str:
        """Begin to live on the line; return the name of the pts."""
        name = self.wire.open()
        for address, dispenser in self.dispensers.items():
            self.wire.listen(address, self._ear_of(dispenser))
        self._run()
        return name

    def close(self) -> None:
        """Cut the power."""
        self._is_off = True
        if self._tick is not None:
            self._tick.cancel()
        self.ticked.set()
        self.wire.close()
        for dispenser in self.dispensers.values():
            dispenser.memory.close()

    def verbs(self) -> dict[str, Handler]:
        """Return what hands can do."""
        return Hands(self).verbs()

    def facts(self) -> dict[str, Any]:
        """Return what the line says of itself when it is ready."""
        return {"dispensers": sorted(self.dispensers)}

    def set_faults(self, changes: dict[str, float]) -> None:
        """Change shares of faults, of the wire's bytes and of the answers' heads.

        Raises:
            ValueError: there is no such fault, or its figure makes no sense.
        """
        for name, share in changes.items():
            if name not in self.answer_faults.shares:
                self.wire.faults.set({name: share})
            elif 0 <= share <= 1:
                self.answer_faults.shares[name] = share
            else:
                raise ValueError(f"{name}={share} is not a share")

    def reseed(self, seed: int) -> None:
        """Begin both rows of faults again."""
        self.wire.reseed(seed)
        self.answer_faults.reseed(seed)

    def _build(self, config: DispenserConfig, today: datetime, now: float) -> Dispenser:
        fresh = Figures(
            last_seq=config.last_seq,
            totals={str(n): config.total for n in config.nozzles},
            prices={str(n): [config.price] for n in config.nozzles},
            versions=list(config.versions),
        )
        path = self._config.memory / f"dispenser-{config.address}.json"
        memory = Memory.load(path, fresh)
        nozzles: dict[int, Nozzle] = {}
        traits = Traits(config.initiates, config.upload_retry_s)
        dispenser = Dispenser(
            config.address, memory, nozzles, traits, now=now, reading=today
        )

        def stamp(at: float) -> tuple[int, datetime]:
            return (OFF_LINE if dispenser.is_off_line(at) else 0), dispenser.clock(at)

        for number in config.nozzles:
            terminal = bytes([0x51, 1, 0, 0, config.address, number])
            nozzles[number] = Nozzle(
                number, memory, terminal, stamp, asks_lists=config.asks_lists
            )
            nozzles[number].power_returns(now)
        return dispenser

    def _host_sent(self, data: bytes, start: float) -> None:
        self.log.host_sent(data, start)
        end = start + len(data) * self.wire.byte_s
        self._loop.call_at(end, self._deliver)

    def _deliver(self) -> None:
        if not self._is_off:
            self.wire.deliver(self._loop.time())

    def _ear_of(self, dispenser: Dispenser) -> Callable[[bytes], None]:
        address = dispenser.address
        turnaround_s = self._turnaround_s[address]

        def hear(data: bytes) -> None:
            for answer in dispenser.hear(data, self._loop.time()):
                self._loop.call_later(turnaround_s, self._answer, address, answer)

        return hear

    def _answer(self, address: int, frame: bytes) -> None:
        self._send(address, frame, is_asked=True)

    def _send(self, address: int, frame: bytes, *, is_asked: bool) -> None:
        if self._is_off:
            return
        sent = self.wire.send(self._spoiled(frame), address)
        if sent is not None:
            self.log.answered_by(sent, is_asked=is_asked)

    def _spoiled(self, frame: bytes) -> bytes:
        head = bytearray(frame[:_HEAD_BYTES])
        if self.answer_faults.draws(WRONG_ADDRESS):
            head[_ADDRESS] = head[_ADDRESS] % 0xF0 + 1
        elif self.answer_faults.draws(WRONG_NUMBER):
            head[_NUMBER] = (head[_NUMBER] + 100) % 0xF0
        else:
            return frame
        return sealed(bytes(head), frame)

    def _run(self) -> None:
        now = self._loop.time()
        self._tick = self._loop.call_at(now + TICK_S, self._run)
        self.wire.deliver(now)
        for address, dispenser in self.dispensers.items():
            dispenser.advance(now)
            own = dispenser.speak(now)
            if own is not None:
                self._send(address, own, is_asked=False)
        self.ticked.set()
        self.ticked = asyncio.Event()

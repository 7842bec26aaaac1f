"""A line of simulated DART or Lanfeng dispensers: the wire and what answers on it.

Chosen by `protocol` in the configuration of `dispenser_line`. Verbs of its control
socket; quantity is in 0.01 unit, money in fen:

    lift, hang_up  gun                     what a hand does to the nozzle
    fill           gun, limit, flow_per_s  a vehicle takes so much once the valve opens
    state          gun                     what it does and remembers
    wait           gun, until, timeout_s   until: authorised | running | at_rest
    cut            gun                     its power goes and comes back
    clear          gun                     a new board: totals begin at 0
    limits, restart                        the wire's least time; begin anew
    fault          names with shares, seed wire faults, and wrong_gun, bad_check
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from cngstation.simulators.answer_faults import WRONG_GUN, of_another
from cngstation.simulators.control import Answer, Handler, HandsRefused
from cngstation.simulators.dart_dispenser import DartDispenser
from cngstation.simulators.lanfeng_dispenser import LanfengDispenser
from cngstation.simulators.plain_dispenser import Kept, PlainDispenser
from cngstation.simulators.plain_log import PlainLog
from cngstation.simulators.wire import Wire

BITS_PER_BYTE = {"dart": 11, "lanfeng": 10}
TOTAL_WRAP = {"dart": 10**10, "lanfeng": 10**12}
TURNAROUND_S = {"dart": 0.005, "lanfeng": 0.020}
# The least time between the begins of two frames of the host.
SPACING_S = {"dart": 0.020, "lanfeng": 0.050}
BAD_CHECK = "bad_check"
LONGEST_WAIT_S = 10.0
_LOOK_S = 0.02

Request = Mapping[str, Any]


class SideConfig(BaseModel):
    """One side; its figures count until it has a memory file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    gun: Annotated[int, Field(ge=1, le=255)]
    price: Annotated[int, Field(ge=0, le=9_999)] = 398
    total_quantity: Annotated[int, Field(ge=0, lt=10**12)] = 0
    total_amount: Annotated[int, Field(ge=0, lt=10**12)] = 0
    late_total_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    sells_alone: bool = False  # a DART side may have another who authorises


class SideLineConfig(BaseModel):
    """The configuration file of one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    protocol: Literal["dart", "lanfeng"]
    link: Path
    control: Path
    memory: Path
    guns: Annotated[tuple[SideConfig, ...], Field(min_length=1)]
    baud: Annotated[int, Field(ge=300, le=115_200)] = 9600
    spacing_ms: Annotated[int, Field(ge=0, le=500)] | None = None
    seed: int = 0
    faults: dict[str, float] = {}


class Device(Protocol):
    """What answers on the wire."""

    works: PlainDispenser

    def hear(self, data: bytes, now: float) -> bytes | None: ...


class SideLine:
    """The wire and the devices on it."""

    def __init__(self, config: SideLineConfig) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self.wire = Wire(
            config.link, config.baud, config.seed, BITS_PER_BYTE[config.protocol]
        )
        self._shares = {WRONG_GUN: 0.0, BAD_CHECK: 0.0}
        self._spoiled: Counter[str] = Counter()
        self._reseed(config.seed)
        self._set_faults(config.faults)
        self.devices = {side.gun: self._device(side) for side in config.guns}
        spacing_s = SPACING_S[config.protocol]
        if config.spacing_ms is not None:
            spacing_s = config.spacing_ms / 1000
        self.log = PlainLog(self.wire.byte_s, 0.0, spacing_s)
        self.wire.on_host = self._host_sent

    def open(self) -> str:
        """Begin to live on the line; return the name of the pts."""
        name = self.wire.open()
        for gun in self.devices:
            self.wire.listen(gun, self._ear_of(gun))
        return name

    def close(self) -> None:
        """Cut the power."""
        self.wire.close()

    def facts(self) -> dict[str, Any]:
        """Return what the ready line says of it."""
        return {"guns": sorted(self.devices)}

    def verbs(self) -> dict[str, Handler]:
        """Return every verb by its name."""
        at_side: dict[str, Callable[[PlainDispenser, Request], None]] = {
            "lift": lambda works, _: works.lift(_now()),
            "hang_up": lambda works, _: works.hang_up(_now()),
            "fill": _fill,
            "clear": lambda works, _: works.clear_memory(),
            "state": lambda works, _: works.step(_now()),
        }
        verbs = {name: self._handler(do) for name, do in at_side.items()}
        return verbs | {
            "wait": self._wait,
            "cut": self._cut,
            "limits": self._limits,
            "restart": self._restart,
            "fault": self._fault,
        }

    def _device(self, side: SideConfig) -> Device:
        fresh = Kept(
            total_quantity=side.total_quantity,
            total_amount=side.total_amount,
            price=side.price,
        )
        works = PlainDispenser(
            self._config.memory / f"side-{side.gun}.json",
            fresh=fresh,
            late_total_s=side.late_total_s,
            needs_host=not side.sells_alone,
            must_be_reset=self._config.protocol == "dart",
            total_wrap=TOTAL_WRAP[self._config.protocol],
        )
        if self._config.protocol == "dart":
            return DartDispenser(works, side.gun)
        return LanfengDispenser(works, side.gun)

    # The wire

    def _host_sent(self, data: bytes, start: float) -> None:
        self.log.host_sent(data, start)
        end = start + len(data) * self.wire.byte_s
        self._loop.call_at(end, lambda: self.wire.deliver(self._loop.time()))

    def _ear_of(self, gun: int) -> Callable[[bytes], None]:
        turnaround_s = TURNAROUND_S[self._config.protocol]

        def hear(data: bytes) -> None:
            answer = self.devices[gun].hear(data, self._loop.time())
            if answer is not None:
                self._loop.call_later(turnaround_s, self._answer, gun, answer)

        return hear

    def _answer(self, gun: int, frame: bytes) -> None:
        if self._draws(WRONG_GUN):
            frame = of_another(self._config.protocol, frame)
        if self._draws(BAD_CHECK):
            at = max(len(frame) - 4, 1)
            frame = frame[:at] + bytes([frame[at] ^ 0x04]) + frame[at + 1 :]
        sent = self.wire.send(frame, gun)
        if sent is not None:
            self.log.answered(sent)

    def _draws(self, name: str) -> bool:
        if not self._shares[name] or self._random.random() >= self._shares[name]:
            return False
        self._spoiled[name] += 1
        return True

    def _reseed(self, seed: int) -> None:
        # Not for secrets: a run with faults must be repeatable.
        self._random = random.Random(seed)  # noqa: S311
        self.wire.reseed(seed)

    def _set_faults(self, changes: Mapping[str, float]) -> None:
        for name, share in changes.items():
            if name in self._shares:
                self._shares[name] = share
            else:
                self.wire.faults.set({name: share})

    # Hands

    def _side(self, request: Request) -> PlainDispenser:
        try:
            return self.devices[int(request["gun"])].works
        except KeyError:
            raise HandsRefused("there is no such gun on this line") from None

    def _handler(self, do: Callable[[PlainDispenser, Request], None]) -> Handler:
        async def handle(request: Request) -> Answer:
            works = self._side(request)
            do(works, request)
            return facts_of(works)

        return handle

    async def _wait(self, request: Request) -> Answer:
        works = self._side(request)
        conditions: dict[str, Callable[[], bool]] = {
            "authorised": lambda: works.is_authorised or works.is_running,
            "running": lambda: works.is_running,
            "at_rest": lambda: not (works.is_running or works.is_complete),
        }
        holds = conditions[request["until"]]
        until = _now() + min(float(request.get("timeout_s", 5.0)), LONGEST_WAIT_S)
        while not holds() and _now() < until:
            await asyncio.sleep(_LOOK_S)
            works.step(_now())
        return {"reached": holds(), **facts_of(works)}

    async def _cut(self, request: Request) -> Answer:
        self._side(request).step(_now())
        gun = int(request["gun"])
        side = next(one for one in self._config.guns if one.gun == gun)
        self.devices[gun] = self._device(side)
        return facts_of(self.devices[gun].works)

    async def _limits(self, _request: Request) -> Answer:
        counts = {"wire": dict(self.wire.counts), "spoiled": dict(self._spoiled)}
        return {**self.log.limits(), **counts}

    async def _restart(self, _request: Request) -> Answer:
        self.log.restart()
        return {}

    async def _fault(self, request: Request) -> Answer:
        """Set shares of faults; a seed begins the row again."""
        self._set_faults({k: v for k, v in request.items() if k not in {"do", "seed"}})
        if "seed" in request:
            self._reseed(int(request["seed"]))
        return {"wire": dict(self.wire.counts), "spoiled": dict(self._spoiled)}


def facts_of(works: PlainDispenser) -> Answer:
    """Return what a look at a side and into its memory tells."""
    kept = works.kept
    return {
        "is_out": works.is_out,
        "is_authorised": works.is_authorised,
        "is_running": works.is_running,
        "is_complete": works.is_complete,
        "price": kept.price,
        "quantity": kept.quantity,
        "amount": kept.amount,
        "total_quantity": kept.total_quantity + kept.pending_quantity,
        "total_amount": kept.total_amount + kept.pending_amount,
    }


def _fill(works: PlainDispenser, request: Request) -> None:
    limit, flow_per_s = int(request["limit"]), float(request["flow_per_s"])
    if limit <= 0 or flow_per_s <= 0:
        raise HandsRefused("limit and flow are above zero")
    works.fill(limit, flow_per_s, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()

"""What hands do at a line of simulated dispensers without cards.

    lift, hang_up    nozzle                      hanging up ends the fill
    fill             nozzle, volume, flow_per_s  let gas flow to a vehicle
    sell             nozzle, volume              a whole fill at once, nobody looking
    cut              nozzle                      its power goes and comes back
    clear            nozzle                      a new board: totals begin at 0
    state            nozzle                      what it does and remembers
    wait             nozzle, until, timeout_s    until: idle | closed
    refuse           nozzle, exception           Compac: answer all with an exception
    point            nozzle, is_others, is_offline   UniPump: another holds the lock
    limits, restart                              the wire's least time; begin anew
    fault            names with shares, seed     wire faults, and wrong_gun

A volume is in 1/1000 of its unit, money in fen.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cngstation.simulators.compac_dispenser import CompacDispenser
from cngstation.simulators.control import Answer, Handler, HandsRefused
from cngstation.simulators.plain_log import PlainLog
from cngstation.simulators.plain_nozzle import PlainNozzle
from cngstation.simulators.unipump_controller import PointState
from cngstation.simulators.wire import Wire

LONGEST_WAIT_S = 60.0
_LOOK_S = 0.02
Request = Mapping[str, Any]


class Line(Protocol):
    """What the hands need of a line."""

    wire: Wire
    log: PlainLog
    nozzles: dict[int, PlainNozzle]
    compacs: dict[int, CompacDispenser]
    points: dict[int, PointState]

    def set_faults(self, changes: Mapping[str, float]) -> None: ...
    def reseed(self, seed: int) -> None: ...


class PlainHands:
    """The verbs; each takes the request's fields and returns facts."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def verbs(self) -> dict[str, Handler]:
        """Return every verb by its name."""
        at_nozzle: dict[str, Callable[[PlainNozzle, Request], None]] = {
            "lift": lambda nozzle, _: nozzle.lift(),
            "hang_up": lambda nozzle, _: nozzle.hang_up(),
            "fill": _fill,
            "sell": lambda nozzle, request: nozzle.sell(int(request["volume"])),
            "cut": lambda nozzle, _: nozzle.cut_power(_now()),
            "clear": lambda nozzle, _: nozzle.clear_memory(),
            "state": lambda _nozzle, _request: None,
            "refuse": self._refuse,
            "point": self._point,
        }
        verbs = {name: self._handler(do) for name, do in at_nozzle.items()}
        return verbs | {
            "wait": self._wait,
            "limits": self._limits,
            "restart": self._restart,
            "fault": self._fault,
        }

    def _handler(self, do: Callable[[PlainNozzle, Request], None]) -> Handler:
        async def handle(request: Request) -> Answer:
            nozzle = self._nozzle(request)
            do(nozzle, request)
            return facts_of(nozzle)

        return handle

    def _nozzle(self, request: Request) -> PlainNozzle:
        try:
            nozzle = self._line.nozzles[int(request["nozzle"])]
        except KeyError:
            raise HandsRefused("there is no such nozzle on this line") from None
        nozzle.flow(_now())
        return nozzle

    def _refuse(self, nozzle: PlainNozzle, request: Request) -> None:
        self._line.compacs[nozzle.number].exception = int(request["exception"])

    def _point(self, nozzle: PlainNozzle, request: Request) -> None:
        point = self._line.points[nozzle.number]
        point.is_others = bool(request.get("is_others", False))
        point.is_offline = bool(request.get("is_offline", False))
        point.is_ours = point.is_ours and not point.is_others

    async def _wait(self, request: Request) -> Answer:
        conditions: dict[str, Callable[[PlainNozzle], bool]] = {
            "idle": lambda nozzle: not nozzle.is_filling,
            "closed": lambda nozzle: not nozzle.is_filling and not nozzle.is_open,
        }
        holds = conditions[request["until"]]
        until = _now() + min(float(request.get("timeout_s", 5.0)), LONGEST_WAIT_S)
        nozzle = self._nozzle(request)
        while not holds(nozzle) and _now() < until:
            await asyncio.sleep(_LOOK_S)
            nozzle = self._nozzle(request)
        return {"reached": holds(nozzle), **facts_of(nozzle)}

    async def _limits(self, _request: Request) -> Answer:
        return {**self._line.log.limits(), "wire": dict(self._line.wire.counts)}

    async def _restart(self, _request: Request) -> Answer:
        self._line.log.restart()
        return {}

    async def _fault(self, request: Request) -> Answer:
        """Set shares of faults; a seed begins the row again."""
        changes = {k: v for k, v in request.items() if k not in {"do", "seed"}}
        self._line.set_faults(changes)
        if "seed" in request:
            self._line.reseed(int(request["seed"]))
        return {}


def facts_of(nozzle: PlainNozzle) -> Answer:
    """Return what a look at a nozzle and into its memory tells."""
    return {
        "is_lifted": nozzle.is_lifted,
        "is_locked": nozzle.is_locked,
        "is_authorised": nozzle.is_authorised,
        "filling": nozzle.volume if nozzle.is_filling else None,
        "is_open": nozzle.is_open,
        "transaction": nozzle.transaction,
        "price": nozzle.price,
        "total_volume": nozzle.total_volume,
        "total_amount": nozzle.total_amount,
        "sales": nozzle.sales[-20:],
    }


def _fill(nozzle: PlainNozzle, request: Request) -> None:
    volume, flow = int(request["volume"]), float(request["flow_per_s"])
    if volume <= 0 or flow <= 0:
        raise HandsRefused("volume and flow are above zero")
    nozzle.begin(volume, flow, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()

"""What hands do at a simulated PTS-2 controller, as verbs of its control socket.

lift, hang_up    pump                      the nozzle; hanging up ends the fill
fill             pump, volume, flow_per_s  let gas flow to a vehicle, 1/1000 units
sell             pump, volume              a whole fill at once, nobody looking
cut_off, rejoin  pump                      the controller does not reach the pump
automatic        pump, is_automatic, closes_itself
state            pump                      what it does and remembers
wait             pump, until, timeout_s    until: idle | ended | closed
close, open                                the controller takes no connections
counts                                     packets by type, requests, faults
fault            names with shares, seed   what goes wrong from now on
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from cngstation.simulators.control import Answer, Handler, HandsRefused
from cngstation.simulators.pts_controller import Controller
from cngstation.simulators.pts_pump import Pump

LONGEST_WAIT_S = 10.0
_LOOK_S = 0.02
Request = Mapping[str, Any]


class Faults(Protocol):
    """Shares of what goes wrong."""

    def set(self, changes: dict[str, float]) -> None: ...


class Server(Protocol):
    """What the hands need of a controller on HTTP."""

    controller: Controller

    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def faults(self) -> Faults: ...
    def clock(self) -> datetime: ...
    def reseed(self, seed: int) -> None: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...


class PtsHands:
    """The verbs; each takes the request's fields and returns facts."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def verbs(self) -> dict[str, Handler]:
        """Return every verb by its name."""
        at_pump: dict[str, Callable[[Pump, Request], None]] = {
            "lift": _lift,
            "hang_up": self._hang_up,
            "fill": self._fill,
            "sell": self._sell,
            "cut_off": _cut_off,
            "rejoin": _rejoin,
            "automatic": _automatic,
            "state": lambda _pump, _request: None,
        }
        verbs = {name: self._handler(do) for name, do in at_pump.items()}
        return verbs | {
            "wait": self._wait,
            "close": self._close,
            "open": self._open,
            "counts": self._counts,
            "fault": self._fault,
        }

    def _handler(self, do: Callable[[Pump, Request], None]) -> Handler:
        async def handle(request: Request) -> Answer:
            pump = self._pump(request)
            do(pump, request)
            return facts_of(pump)

        return handle

    def _pump(self, request: Request) -> Pump:
        try:
            pump = self._server.controller.pumps[int(request["pump"])]
        except KeyError:
            raise HandsRefused("the controller has no such pump") from None
        pump.flow(_now(), self._server.clock())
        return pump

    def _hang_up(self, pump: Pump, _request: Request) -> None:
        pump.stop(self._server.clock())
        pump.is_lifted = False

    def _fill(self, pump: Pump, request: Request) -> None:
        volume, flow = int(request["volume"]), float(request["flow_per_s"])
        if volume <= 0 or flow <= 0:
            raise HandsRefused("volume and flow are above zero")
        pump.begin(volume, flow, _now(), self._server.clock())

    def _sell(self, pump: Pump, request: Request) -> None:
        pump.sell_at_once(int(request["volume"]), self._server.clock())

    async def _wait(self, request: Request) -> Answer:
        conditions: dict[str, Callable[[Pump], bool]] = {
            "idle": lambda pump: pump.fill is None,
            "ended": lambda pump: pump.open is not None,
            "closed": lambda pump: pump.fill is None and pump.open is None,
        }
        holds = conditions[request["until"]]
        until = _now() + min(float(request.get("timeout_s", 5.0)), LONGEST_WAIT_S)
        while not holds(self._pump(request)) and _now() < until:  # noqa: ASYNC110 - a pump flows by the clock, nothing tells of its end
            await asyncio.sleep(_LOOK_S)
        pump = self._pump(request)
        return {"reached": holds(pump), **facts_of(pump)}

    async def _close(self, _request: Request) -> Answer:
        await self._server.close()
        return {}

    async def _open(self, _request: Request) -> Answer:
        await self._server.open()
        return {}

    async def _counts(self, _request: Request) -> Answer:
        packets = dict(self._server.controller.counts)
        return {"packets": packets, "http": dict(self._server.counts)}

    async def _fault(self, request: Request) -> Answer:
        """Set shares of faults; a seed begins the row again."""
        changes = {k: v for k, v in request.items() if k not in {"do", "seed"}}
        self._server.faults.set(changes)
        if "seed" in request:
            self._server.reseed(int(request["seed"]))
        return {}


def facts_of(pump: Pump) -> Answer:
    """Return what a look at a pump and into its memory tells."""
    return {
        "is_lifted": pump.is_lifted,
        "is_locked": pump.is_locked,
        "is_authorised": pump.is_authorised,
        "is_offline": pump.is_offline,
        "filling": pump.fill.volume if pump.fill else None,
        "open": pump.open.number if pump.open else None,
        "last_number": pump.last_number,
        "price": pump.price,
        "total_volume": pump.total_volume,
        "total_amount": pump.total_amount,
        "sales": [[one.number, one.volume] for one in pump.kept.values()][-20:],
    }


def _lift(pump: Pump, _request: Request) -> None:
    pump.is_lifted = True


def _cut_off(pump: Pump, _request: Request) -> None:
    pump.is_offline = True


def _rejoin(pump: Pump, _request: Request) -> None:
    pump.is_offline = False


def _automatic(pump: Pump, request: Request) -> None:
    pump.is_automatic = bool(request.get("is_automatic", True))
    pump.closes_itself = bool(request.get("closes_itself", False))


def _now() -> float:
    return asyncio.get_running_loop().time()

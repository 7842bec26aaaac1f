"""What hands do at a simulated PTS-2 controller, as verbs of its control socket.

    lift, hang_up    point                     the nozzle; hanging up ends the fill
    fill             point, volume, flow_per_s let gas flow to a vehicle, 1/1000 units
    sell             point, volume             a whole fill at once, nobody looking
    cut_off, rejoin  point                     the controller does not reach the pump
    cut              point                     its power goes and comes back
    clear            point                     numbers and totals begin at 0
    automatic        point, is_automatic, closes_itself
    state            point                     what it does and remembers
    wait             point, until, timeout_s   until: idle | ended | closed
    close, open                                the controller takes no connections
    counts                                     packets by type, requests, faults
    fault            names with shares, seed   what goes wrong from now on

A volume is in 1/1000 of its unit, money in fen.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from cngstation.simulators.control import Answer, Handler, HandsRefused
from cngstation.simulators.pts_controller import Controller
from cngstation.simulators.pts_point import Point

LONGEST_WAIT_S = 60.0
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
        at_point: dict[str, Callable[[Point, Request], None]] = {
            "lift": _lift,
            "hang_up": self._hang_up,
            "fill": self._fill,
            "sell": self._sell,
            "cut_off": _cut_off,
            "rejoin": _rejoin,
            "cut": lambda p, _: p.cut_power(_now(), self._server.clock()),
            "clear": lambda point, _: point.clear_memory(),
            "automatic": _automatic,
            "state": lambda _point, _request: None,
        }
        verbs = {name: self._handler(do) for name, do in at_point.items()}
        return verbs | {
            "wait": self._wait,
            "close": self._close,
            "open": self._open,
            "counts": self._counts,
            "fault": self._fault,
        }

    def _handler(self, do: Callable[[Point, Request], None]) -> Handler:
        async def handle(request: Request) -> Answer:
            point = self._point(request)
            do(point, request)
            return facts_of(point)

        return handle

    def _point(self, request: Request) -> Point:
        try:
            point = self._server.controller.points[int(request["point"])]
        except KeyError:
            raise HandsRefused("the controller has no such pump") from None
        point.flow(_now(), self._server.clock())
        return point

    def _hang_up(self, point: Point, _request: Request) -> None:
        point.stop(self._server.clock())
        point.is_lifted = False

    def _fill(self, point: Point, request: Request) -> None:
        volume, flow = int(request["volume"]), float(request["flow_per_s"])
        if volume <= 0 or flow <= 0:
            raise HandsRefused("volume and flow are above zero")
        point.begin(volume, flow, _now(), self._server.clock())

    def _sell(self, point: Point, request: Request) -> None:
        point.sell_at_once(int(request["volume"]), self._server.clock())

    async def _wait(self, request: Request) -> Answer:
        conditions: dict[str, Callable[[Point], bool]] = {
            "idle": lambda point: point.fill is None,
            "ended": lambda point: point.open is not None,
            "closed": lambda point: point.fill is None and point.open is None,
        }
        holds = conditions[request["until"]]
        until = _now() + min(float(request.get("timeout_s", 5.0)), LONGEST_WAIT_S)
        while not holds(self._point(request)) and _now() < until:  # noqa: ASYNC110 - a pump flows by the clock, nothing tells of its end
            await asyncio.sleep(_LOOK_S)
        point = self._point(request)
        return {"reached": holds(point), **facts_of(point)}

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


def facts_of(point: Point) -> Answer:
    """Return what a look at a pump and into its memory tells."""
    return {
        "is_lifted": point.is_lifted,
        "is_locked": point.is_locked,
        "is_authorised": point.is_authorised,
        "is_offline": point.is_offline,
        "filling": point.fill.volume if point.fill else None,
        "open": point.open.number if point.open else None,
        "last_number": point.last_number,
        "price": point.price,
        "total_volume": point.total_volume,
        "total_amount": point.total_amount,
        "sales": [[one.number, one.volume] for one in point.kept.values()][-20:],
    }


def _lift(point: Point, _request: Request) -> None:
    point.is_lifted = True


def _cut_off(point: Point, _request: Request) -> None:
    point.is_offline = True


def _rejoin(point: Point, _request: Request) -> None:
    point.is_offline = False


def _automatic(point: Point, request: Request) -> None:
    point.is_automatic = bool(request.get("is_automatic", True))
    point.closes_itself = bool(request.get("closes_itself", False))


def _now() -> float:
    return asyncio.get_running_loop().time()

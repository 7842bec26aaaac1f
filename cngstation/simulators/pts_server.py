"""A simulated PTS-2 controller on HTTP as a process of its own.

    python -m cngstation.simulators.pts_server --config FILE.json

Serves POST /jsonPTS on 127.0.0.1, listens on a control socket, prints one line of JSON
with its address when ready, and ends on SIGTERM.
"""

import argparse
import asyncio
import json
import os
import signal
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from cngstation.moments import SystemClock, local_time
from cngstation.simulators.control import ControlServer
from cngstation.simulators.http_faults import BodySpoiler, HttpFaults
from cngstation.simulators.http_login import Login
from cngstation.simulators.pts_controller import Controller
from cngstation.simulators.pts_hands import PtsHands
from cngstation.simulators.pts_point import Point

PATH = "/jsonPTS"
_LONGEST_REQUEST = 16 * 1024  # the controller's own input buffer


class PointConfig(BaseModel):
    """One pump."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    point: Annotated[int, Field(ge=1, le=120)]
    price: Annotated[int, Field(ge=1)] = 398
    is_automatic: bool = True
    tells_total: bool = True
    closes_itself: bool = False
    last_number: Annotated[int, Field(ge=0, le=65_535)] = 0
    total_volume: int = 0
    total_amount: int = 0
    pressure: int = 0


class ControllerConfig(BaseModel):
    """The configuration file of one controller; port 0 is any that is free."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    control: Path
    user: str
    password: str
    points: Annotated[tuple[PointConfig, ...], Field(min_length=1)]
    port: int = 0
    is_basic: bool = False
    seed: int = 0
    faults: dict[str, float] = {}


class PtsServer:
    """The controller, who may speak to it, and what goes wrong on the way."""

    def __init__(self, config: ControllerConfig) -> None:
        points = [
            Point(
                one.point,
                price=one.price,
                is_automatic=one.is_automatic,
                tells_total=one.tells_total,
                closes_itself=one.closes_itself,
                last_number=one.last_number,
                total_volume=one.total_volume,
                total_amount=one.total_amount,
                pressure=one.pressure,
            )
            for one in config.points
        ]
        self.controller = Controller(points, self.clock)
        self.login = Login(config.user, config.password, is_basic=config.is_basic)
        self._spoiler = BodySpoiler(config.seed)
        self.faults.set(config.faults)
        self.port = config.port
        self._runner: web.AppRunner | None = None

    def reseed(self, seed: int) -> None:
        """Begin the row of faults again."""
        self._spoiler.reseed(seed)

    @property
    def faults(self) -> HttpFaults:
        """What goes wrong from now on."""
        return self._spoiler.faults

    @property
    def counts(self) -> Counter[str]:
        """Requests, answers, and what went wrong, by kind."""
        return self._spoiler.counts

    def clock(self) -> datetime:
        """Return the controller's own reading of the time."""
        return local_time(SystemClock().now().wall_ms)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def open(self) -> None:
        """Take connections, at the same port as before if it did already."""
        application = web.Application(client_max_size=_LONGEST_REQUEST)
        application.router.add_post(PATH, self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Take no connections any more."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.counts["requests"] += 1
        authorization = request.headers.get("Authorization", "")
        refused = self._spoiler.draws("refuse_login")
        if refused or not self.login.admits("POST", authorization):
            self.counts["refused"] += 1
            challenge = {"WWW-Authenticate": self.login.challenge}
            return web.Response(status=401, headers=challenge)
        if self._spoiler.draws("drop"):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        try:
            message = json.loads(await request.read())
        except ValueError:
            message = None
        if self._spoiler.draws("late"):
            await asyncio.sleep(self.faults.late_ms / 1000)
        now = asyncio.get_running_loop().time()
        answer = self.controller.answer(message, now)
        if self._spoiler.draws("delay"):
            await asyncio.sleep(self.faults.delay_ms / 1000)
        if self._spoiler.draws("server_error"):
            return web.Response(status=500, text="<html>busy</html>")
        body = self._spoiler.body(answer)
        if self._spoiler.draws("half_answer"):
            return await self._half(request, body)
        self.counts["answered"] += 1
        return web.Response(body=body, content_type="application/json")

    async def _half(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.close()
        return response


async def serve(config: ControllerConfig) -> None:
    """Run a controller until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = PtsServer(config)
    control = ControlServer(config.control, PtsHands(server).verbs())
    await control.start()
    try:
        await server.open()
        ready: dict[str, Any] = {
            "ready": True,
            "url": server.url,
            "control": str(config.control),
            "points": sorted(server.controller.points),
            "pid": os.getpid(),
        }
        print(json.dumps(ready), flush=True)
        await ended.wait()
    finally:
        await server.close()
        await control.stop()


def main() -> None:
    """Read the configuration and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    config = ControllerConfig.model_validate_json(arguments.config.read_bytes())
    asyncio.run(serve(config))


if __name__ == "__main__":
    main()

"""Opens the screen on the station in memory, logged in, and reads what it shows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from tests.unit.tui.fake_link import PASSWORD, FakeLink
from tests.unit.tui.fake_station import FakeStation
from tui import confirming
from tui.app import StationApp
from tui.demo import Demo

SMALL, WIDE = (80, 24), (160, 50)


@dataclass
class Opened:
    """The screen, the station behind it, and a pilot."""

    station: FakeStation
    link: FakeLink
    app: StationApp
    pilot: Pilot[None]

    def text(self) -> str:
        """Return what stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    async def press(self, *keys: str) -> None:
        """Press keys and let the screen come to rest."""
        await self.pilot.press(*keys)
        await self.rest()

    async def type(self, text: str) -> None:
        """Type text."""
        await self.press(*("full_stop" if c == "." else c for c in text))

    async def rest(self) -> None:
        """Let everything that was told be drawn."""
        for _ in range(2):
            await self.pilot.pause()

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(120):
            while not holds():
                await self.pilot.pause(0.02)
        await self.rest()

    async def sees(self, text: str) -> None:
        """Wait until a text is on the screen."""
        try:
            await self.until(lambda: _plain(text) in _plain(self.text()))
        except TimeoutError:
            raise AssertionError(f"{text!r} is not shown:\n{self.text()}") from None

    def asked(self, name: str) -> list[Any]:
        """Return the requests of a method, in order."""
        return [request for asked, request in self.station.asked if asked == name]


def _plain(text: str) -> str:
    """Return text as it was before it was broken into lines."""
    return "".join(text.split())


@asynccontextmanager
async def opened(
    *,
    size: tuple[int, int] = SMALL,
    language: str = "en",
    station: FakeStation | None = None,
    demo: Demo | None = None,
    login: bool = True,
    seen_after_s: float = 0,
    held_s: float = 0,
) -> AsyncIterator[Opened]:
    """Run the screen without a terminal; a key confirms at once unless told else."""
    confirming.UNSEEN_S, confirming.HELD_S = seen_after_s, held_s
    station = station or FakeStation()
    link = FakeLink(station)
    app = StationApp(lambda: link, language=language, demo=demo)
    async with app.run_test(size=size) as pilot:
        screen = Opened(station, link, app, pilot)
        await screen.until(lambda: app.desk is not None)
        if login:
            await app.sign_in("demo", PASSWORD)
            await screen.until(lambda: "0316" in screen.text())
        yield screen

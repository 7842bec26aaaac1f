"""The two screens of the board's figure: `python -m tests.bench.board_apps WHICH`.

`ours` is the product's screen with a station in memory behind it; `statics` shows the
same tiles as one Static each and echoes a typed amount as ours does.
"""

import asyncio
import os
import sys
from typing import ClassVar

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # as ours does

from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.content import Content
from textual.events import Key
from textual.widgets import Static

from tests.unit.tui.fake_link import FakeLink
from tests.unit.tui.fake_station import FakeStation, card
from tui.app import StationApp
from tui.tiles import FULL, tile

TILES, BEAT_S = 64, 0.1
STEP_MILLI = 40
_STYLES = {"active": "bold $success", "quiet": "$text-muted"}


class FillingStation(FakeStation):
    """All nozzles fill from the first look on."""

    def __init__(self) -> None:
        super().__init__(TILES)
        self.card = card()
        for number in self.nozzles:
            self.change_nozzle(number, state="fuelling", plate="川A12345")

    async def fill(self) -> None:
        """Change every nozzle's figures ten times a second."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for beat in range(1_000_000):
            await asyncio.sleep(max(began + beat * BEAT_S - loop.time(), 0))
            for number in self.nozzles:
                milli = (beat * STEP_MILLI + number * 1_000) % 99_000
                self.change_nozzle(
                    number,
                    quantity_milli=milli,
                    amount_e4=milli * 398 // 1_000 * 100,
                )


class OursApp(StationApp):
    """The product's screen; the station fills when the cashier has logged in."""

    def __init__(self) -> None:
        self.station = FillingStation()
        super().__init__(lambda: FakeLink(self.station), language="en")

    async def sign_in(self, login_name: str, password: str) -> None:
        """Log in and let the gas flow."""
        await super().sign_in(login_name, password)
        self.run_worker(self.station.fill())


class StaticsApp(App[None]):
    """One Static per tile."""

    CSS = "Grid { grid-size: 2; grid-rows: 1; height: 32; width: 80; }"
    BINDINGS: ClassVar = []

    def __init__(self) -> None:
        super().__init__()
        self.station = FillingStation()
        self.typed = ""

    def compose(self) -> ComposeResult:
        """Lay out tiles and the echo of what is typed."""
        with Grid():
            for number in self.station.nozzles:
                yield Static("", id=f"tile-{number}", markup=False)
        yield Static("Operator", id="echo", markup=False)

    def on_mount(self) -> None:
        """Redraw a tile whenever its nozzle changes."""
        tiles = {n: self.query_one(f"#tile-{n}", Static) for n in self.station.nozzles}

        def show(_part: object, _event: object, nozzle: object) -> None:
            cells = tile(nozzle, FULL, stale=False)  # type: ignore[arg-type]
            styled = [(text, _STYLES.get(style, "")) for text, style in cells]
            tiles[nozzle.nozzle_no].update(Content.assemble(*styled))  # type: ignore[attr-defined]

        self.station.tell = show
        self.run_worker(self.station.fill())

    def on_key(self, event: Key) -> None:
        """Echo digits as the amount."""
        if event.key == "backspace":
            self.typed = self.typed[:-1]
        elif event.character and event.character.isdigit():
            self.typed += event.character
        self.query_one("#echo", Static).update(f"[ {self.typed:>8} ]")


if __name__ == "__main__":
    {"ours": OursApp, "statics": StaticsApp}[sys.argv[1]]().run()

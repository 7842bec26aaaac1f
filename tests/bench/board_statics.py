"""The board's tiles as one Static each; echoes a typed amount as the product does."""

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.content import Content
from textual.events import Key
from textual.widgets import Static

from cngstation.rpc.contract.forecourt import NozzleFigure
from tests.bench.filling_station import FillingStation
from tui.tiles import FULL, tile

_STYLES = {"active": "bold $success", "quiet": "$text-muted"}


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
            if not isinstance(nozzle, NozzleFigure):
                return
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
    StaticsApp().run()

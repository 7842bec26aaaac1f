"""A screen that asks a daemon, and asks again when what it shows has moved."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from cngstation.errors import StationError
from tui.areas import Area
from tui.desk import Desk
from tui.screens.station_screen import StationScreen


class FollowingScreen(StationScreen):
    """`FOLLOWS` are the areas at which it asks again."""

    FOLLOWS: ClassVar[Area]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._has_asked = False

    def on_mount(self) -> None:
        """Ask for the first time."""
        super().on_mount()
        self._fetch_soon()

    def draw(self, areas: Area) -> None:
        """Ask again when something moved."""
        super().draw(areas)
        if self.FOLLOWS & areas and self.is_mounted and self._has_asked:
            self._fetch_soon()

    async def ask(self) -> None:
        """Fetch what is shown, and keep it."""
        raise AssertionError("every such screen says what it asks")

    def _fetch_soon(self) -> None:
        fetch: Callable[[], Awaitable[None]] = self._fetch
        self.run_worker(fetch, group="following", exclusive=True)

    async def _fetch(self) -> None:
        try:
            await self.ask()
        except StationError as error:
            self.say_error(error)
        self._has_asked = True
        self.redraw()

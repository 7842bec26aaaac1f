"""A station in memory whose 64 nozzles all fill."""

import asyncio

from tests.unit.tui.fake_rows import card
from tests.unit.tui.fake_station import FakeStation

TILES, BEAT_S = 64, 0.1
STEP_MILLI = 40


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

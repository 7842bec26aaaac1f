"""A station in memory whose 64 nozzles all fill, and end a fill each second."""

import asyncio

from cngstation.rpc.contract import forecourt as g
from tests.unit.tui.fake_rows import card, sale
from tests.unit.tui.fake_station import FakeStation
from tui.link import Part

TILES, BEAT_S = 64, 0.1
STEP_MILLI = 40
SALE_EVERY_BEATS = 10


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
            if beat % SALE_EVERY_BEATS == 0:
                self.extra_fills += 1
                self.tell(Part.FORECOURT, g.SALE_RECORDED, sale(100 + beat))
            for number in self.nozzles:
                milli = (beat * STEP_MILLI + number * 1_000) % 99_000
                self.change_nozzle(
                    number,
                    quantity_milli=milli,
                    amount_e4=milli * 398 // 1_000 * 100,
                )

"""The price that the pumps of a controller shall have, and when it is sent to them.

It goes to a pump at rest, once its time has come; in force it is when the pump shows
it, or, for a pump that shows none, when the controller has confirmed it.
"""

from collections.abc import Callable

from cngstation.moments import time_text
from cngstation.protocols.dispenser.dialogue import DownloadAdvanced
from cngstation.protocols.dispenser.forecourt import DownloadKind, PriceTable
from cngstation.protocols.dispenser.pts.exchange import Asked
from cngstation.protocols.dispenser.pts.messages import set_prices
from cngstation.protocols.dispenser.pts.packets import Packet
from cngstation.protocols.dispenser.pts.points import Point

# A price that was confirmed and is not shown after so long is sent again.
SENT_AGAIN_US = 30_000_000


class Pricing:
    """Brings one table of prices to every pump."""

    def __init__(self, report: Callable[[DownloadAdvanced], None]) -> None:
        self._report = report
        self.table: PriceTable | None = None

    def due(self, point: Point, now_us: int, wall_ms: int) -> Asked | None:
        """Return what is to be sent to a pump now; note a price that it shows."""
        table = self.table
        if table is None or point.price_version == table.version:
            return None
        if not point.is_at_rest or table.effective_at > time_text(wall_ms):
            return None
        price_e4 = table.prices_e4[0]
        if point.shows_price and point.price_e4 == price_e4:
            self._in_force(point, table)
            return None
        others = point.prices_e4[: point.nozzle - 1]
        if len(others) < point.nozzle - 1 or now_us < point.priced_again_us:
            return None
        point.priced_again_us = now_us + SENT_AGAIN_US

        def answered(packet: Packet, _now_us: int) -> None:
            if packet.error is None and not point.shows_price:
                self._in_force(point, table)

        return Asked(point, set_prices(point.gun, [*others, price_e4]), answered)

    def _in_force(self, point: Point, table: PriceTable) -> None:
        point.price_version = table.version
        point.priced_again_us = 0
        self._report(
            DownloadAdvanced(
                point.gun,
                DownloadKind.PRICES,
                table.version,
                sent=1,
                count=1,
                is_in_force=True,
            )
        )

"""The price that the pumps of a controller shall have, and when it is sent to them.

It goes to a pump at rest, once its time has come; in force it is when the pump shows
it, or, for a pump that shows none, when the controller has confirmed it.
"""

from collections.abc import Callable

from cngstation.protocols.dispenser.dialogue import DownloadAdvanced, WhyRefused
from cngstation.protocols.dispenser.forecourt import Downloads
from cngstation.protocols.dispenser.posted_price import PostedPrice
from cngstation.protocols.dispenser.pts.exchange import Asked
from cngstation.protocols.dispenser.pts.messages import set_prices
from cngstation.protocols.dispenser.pts.packets import Packet
from cngstation.protocols.dispenser.pts.points import Point


class Pricing:
    """Brings the posted price to every pump."""

    def __init__(self, report: Callable[[DownloadAdvanced], None]) -> None:
        self._report = report
        self._posted = PostedPrice()

    def offer(self, downloads: Downloads) -> None:
        """Take what the pumps shall have."""
        self._posted.offer(downloads)

    def due(self, point: Point, now_us: int, wall_ms: int) -> Asked | None:
        """Return what is to be sent to a pump now; tell of a price that it shows."""
        if not point.is_at_rest:
            return None
        shown_e4 = point.price_e4 if point.shows_price else point.confirmed_e4
        others = point.prices_e4[: point.nozzle - 1]
        asked = None
        if len(others) == point.nozzle - 1:
            price_e4 = self._posted.to_send(point.gun, shown_e4, now_us, wall_ms)
            if price_e4 is not None:
                asked = self._asked(point, [*others, price_e4])
        advanced = self._posted.advanced(point.gun, shown_e4)
        if advanced is not None:
            self._report(advanced)
        return asked

    def _asked(self, point: Point, prices_e4: list[int]) -> Asked:
        def answered(packet: Packet, _now_us: int) -> None:
            if packet.error is None:
                point.confirmed_e4 = prices_e4[-1]
            else:
                said = f"{WhyRefused.NO} {packet.error.code} {packet.error.message}"
                self._posted.refuse(point.gun, said.strip())

        return Asked(point, set_prices(point.gun, prices_e4), answered)

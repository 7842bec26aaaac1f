"""What follows a finished fill: closing it at the controller, or fetching it."""

from cngstation.protocols.dispenser.pts import messages
from cngstation.protocols.dispenser.pts.exchange import Asked
from cngstation.protocols.dispenser.pts.packets import Packet
from cngstation.protocols.dispenser.pts.points import Point

CLOSED_AGAIN_US = 4_000_000
FETCHED_AGAIN_US = 4_000_000


def closing(point: Point, now_us: int) -> Asked | None:
    """Close what is committed, until the controller says that it is."""
    number = point.closing
    if number is None or now_us < point.closed_again_us:
        return None
    point.closed_again_us = now_us + CLOSED_AGAIN_US

    def answered(packet: Packet, _now_us: int) -> None:
        gone = packet.error is None or packet.error.code in messages.NOT_OPEN
        if gone and point.closing == number:
            point.closing, point.closed_again_us = None, 0

    return Asked(point, messages.close_transaction(point.gun, number), answered)


def missing(point: Point, now_us: int) -> Asked | None:
    """Fetch what was finished and closed without being shown."""
    number = point.to_fetch()
    if number is None or now_us < point.fetched_again_us:
        return None
    point.fetched_again_us = now_us + FETCHED_AGAIN_US

    def answered(packet: Packet, _now_us: int) -> None:
        sale = messages.sale_of(packet, point.gun, number)
        if sale is None:
            point.compared = number  # nothing flowed
        else:
            point.offer(point.record(sale, packet.raw))

    return Asked(point, messages.get_transaction(point.gun, number), answered)

"""What follows a finished fill: closing it at the controller, or fetching it."""

from cngstation.protocols.dispenser.pts import messages
from cngstation.protocols.dispenser.pts.exchange import Asked
from cngstation.protocols.dispenser.pts.packets import Packet
from cngstation.protocols.dispenser.pts.pumps import Pump

CLOSED_AGAIN_US = 4_000_000
FETCHED_AGAIN_US = 4_000_000


def closing(pump: Pump, now_us: int) -> Asked | None:
    """Close what is committed, until the controller says that it is."""
    number = pump.closing
    if number is None or now_us < pump.closed_again_us:
        return None
    pump.closed_again_us = now_us + CLOSED_AGAIN_US

    def answered(packet: Packet, _now_us: int) -> None:
        gone = packet.error is None or packet.error.code in messages.NOT_OPEN
        if gone and pump.closing == number:
            pump.closing, pump.closed_again_us = None, 0

    return Asked(pump, messages.close_transaction(pump.gun, number), answered)


def missing(pump: Pump, now_us: int) -> Asked | None:
    """Fetch what was finished and closed without being shown."""
    number = pump.to_fetch()
    if number is None or now_us < pump.fetched_again_us:
        return None
    pump.fetched_again_us = now_us + FETCHED_AGAIN_US

    def answered(packet: Packet, _now_us: int) -> None:
        sale = messages.sale_of(packet, pump.gun, number)
        if sale is None:
            pump.compared = number  # nothing flowed
        else:
            pump.offer(pump.record(sale, packet.raw))

    return Asked(pump, messages.get_transaction(pump.gun, number), answered)

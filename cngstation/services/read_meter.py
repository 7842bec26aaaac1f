"""A totaliser that can be relied on: read twice, unchanged, with the nozzle at rest."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from cngstation.errors import DeviceError
from cngstation.moments import seconds
from cngstation.protocols.dispenser.canonical import Totals
from cngstation.services.change_duty import FROM_METER, Meter
from cngstation.storage.sales import NozzleKey

# Dispensers bring their totaliser up to date some time after the gas has stopped.
STABLE_MS = 750


class Line(Protocol):
    """Who can be asked for totals; the driver fits."""

    async def request_totals(self, gun: int) -> Totals: ...


async def stable_meter(
    line: Line, gun: int, nozzle: NozzleKey, is_at_rest: Callable[[], bool]
) -> Meter | None:
    """Return what a totaliser says; None where it fills, moves or is not heard."""
    try:
        first = await line.request_totals(gun) if is_at_rest() else None
        if first is None:
            return None
        await asyncio.sleep(seconds(STABLE_MS))
        second = await line.request_totals(gun)
    except DeviceError:
        return None
    if first != second or not is_at_rest():
        return None
    return Meter(
        nozzle=nozzle,
        total_quantity_milli=second.gun_total_quantity_milli,
        total_amount_e4=second.gun_total_amount_e4 or 0,
        device_seq=second.device_seq,
        source=FROM_METER,
    )

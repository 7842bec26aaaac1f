"""What goes on beside a daemon's door: counts of refusals, the end of tickets."""

import asyncio

from cngstation.moments import Clock
from cngstation.services.admit_vendor import watch_vendors
from cngstation.services.log_in import Gate


async def look_after(gate: Gate, clock: Clock) -> None:
    """Write counts of refused calls, and end what is over, for ever."""
    async with asyncio.TaskGroup() as both:
        both.create_task(gate.refusals.run())
        both.create_task(watch_vendors(gate.database, clock))

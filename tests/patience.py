"""Waiting that does not depend on what else the machine does."""

import asyncio
import os


def allowed_s(quiet_s: float) -> float:
    """Return what takes so long at most on a quiet machine, as busy as this one is."""
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return quiet_s * max(1.0, 2 * waiting)


async def turns(count: int = 30) -> None:
    """Let what is under way in this process go on by so many turns of its loop.

    A sleep may end in the first turn after a busy machine comes back to us.
    """
    for _ in range(count):
        await asyncio.sleep(0.001)

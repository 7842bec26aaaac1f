"""Watches the room on the station's disk and tells the screens before it is gone."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from cngstation.moments import seconds
from cngstation.rpc.contract.figures import DeviceHealth, DeviceState
from cngstation.services.examine_station import (
    DISK_FULL,
    DISK_NEARLY_FULL,
    FEW_FREE_BYTES,
    LEAST_FREE_BYTES,
)
from cngstation.services.open_rows import facts_of

LOOK_MS = 5_000


async def watch_disk(
    folder: Path, changed: Callable[[DeviceHealth], Awaitable[None]]
) -> None:
    """Tell how the disk is at first and at every change, for ever."""
    told: DeviceHealth | None = None
    while True:
        health = disk_health(folder)
        if health != told:
            told = health
            await changed(health)
        await asyncio.sleep(seconds(LOOK_MS))


def disk_health(folder: Path) -> DeviceHealth:
    """Return how the disk of a folder is; one that cannot be asked is not well."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = 0
    if free >= FEW_FREE_BYTES:
        return DeviceHealth(state=DeviceState.ONLINE, text="", facts=())
    full = free < LEAST_FREE_BYTES
    return DeviceHealth(
        state=DeviceState.OFFLINE if full else DeviceState.TROUBLE,
        text=(DISK_FULL if full else DISK_NEARLY_FULL)[0],
        facts=facts_of({"free": free // 2**20}.items()),
    )

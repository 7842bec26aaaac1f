"""Waits in whole milliseconds; the loop's own clock does the counting."""

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any


def after(wait_ms: int, act: Callable[[], object]) -> asyncio.TimerHandle:
    """Do something once, later, on the running loop."""
    delay_s = timedelta(milliseconds=wait_ms).total_seconds()
    return asyncio.get_running_loop().call_later(delay_s, act)


async def pause(wait_ms: int) -> None:
    """Let others work for a while."""
    await asyncio.sleep(timedelta(milliseconds=wait_ms).total_seconds())


async def ended(tasks: Collection[asyncio.Task[Any]], wait_ms: int) -> None:
    """Wait until tasks have ended, but no longer than that."""
    if tasks:
        timeout = timedelta(milliseconds=wait_ms).total_seconds()
        await asyncio.wait(tasks, timeout=timeout)

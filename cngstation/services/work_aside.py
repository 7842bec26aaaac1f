"""Heavy reads run in a process of their own: a year's export never delays a card."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from cngstation.errors import StationError

Given = ParamSpec("Given")
Result = TypeVar("Result")


class WorkBrokenOff(StationError):
    """The process that did the work was ended from outside."""

    code = "work.broken_off"
    text = (
        "The work was broken off: its process was ended, perhaps for want of memory. "
        "Nothing was changed and no money moved. Try again with a shorter period."
    )


async def in_worker(
    work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Run a function of a module in a fresh process and return what it returns.

    The process shares nothing with this one: no port, no lock, no connection.

    Raises:
        WorkBrokenOff: the process was ended.
        Whatever the function itself raised.
    """
    if kwargs:
        raise TypeError("a worker takes positional arguments only")
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max_workers=1, mp_context=spawn)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *args)
    except BrokenProcessPool as broken:
        raise WorkBrokenOff from broken
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # waiting would stop the loop

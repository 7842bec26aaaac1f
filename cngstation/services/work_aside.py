"""Heavy reads run in a process of their own: a year's export never delays a card."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


async def in_worker(
    work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Run a function of a module in a fresh process and return what it returns.

    The process shares nothing with this one: no port, no lock, no connection.
    """
    if kwargs:
        raise TypeError("a worker takes positional arguments only")
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max_workers=1, mp_context=spawn)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *args)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # waiting would stop the loop

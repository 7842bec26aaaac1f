"""The event loop of the daemons: waits to the microsecond, few descriptors."""

import asyncio
import resource
import subprocess
import sys
from typing import Any

from cngstation.exact_loop import FD_SETSIZE, exact_loop

_PROGRAM = """
import resource, asyncio
from cngstation import exact_loop
async def limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
print(exact_loop.run(limit()))
"""


def test_a_wait_is_asked_of_the_kernel_as_it_is() -> None:
    """A wait of 250 us is not made a millisecond.

    The loop's clock stands but for its waits: a busy machine leaves them to be asked.
    """
    loop: Any = exact_loop()
    asked: list[float] = []
    selector = loop._selector
    select = selector._select

    def note(r: object, w: object, x: object, timeout: float | None = None) -> object:
        asked.append(timeout or 0.0)
        return select(r, w, x, timeout)

    selector._select = note
    loop.time = lambda: sum(asked)
    loop.run_until_complete(asyncio.sleep(0.000_25))
    loop.close()
    waits = [timeout for timeout in asked if timeout]
    assert waits
    assert max(waits) <= 0.000_25


def test_no_descriptor_is_too_high_for_the_loop() -> None:
    """A process that may open more is held below what select takes."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    many = FD_SETSIZE * 4
    if hard != resource.RLIM_INFINITY:
        many = min(many, hard)
    told = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (many, hard)),
    )
    assert int(told.stdout) == min(many, FD_SETSIZE)

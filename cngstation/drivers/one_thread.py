"""A thread that calls blocking functions one after the other for asyncio.

It does not hold up the end of the program: a function that never returns is left to
itself, and so are those that wait behind it.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class OneThread:
    """Calls functions in the order in which they are asked for."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def call(
        self,
        function: Callable[Given, Result],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        """Call a function there and return what it returns or raises.

        It is carried out even when the caller is cancelled meanwhile.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller
                _tell(loop, done, error=error)
            else:
                _tell(loop, done, result=result)

        self._waiting.put(work)
        return await done

    def end(self) -> None:
        """End the thread once it has done what was asked before."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            work()


def _tell(
    loop: asyncio.AbstractEventLoop,
    done: asyncio.Future[Result],
    *,
    result: Result | None = None,
    error: BaseException | None = None,
) -> None:
    def settle() -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type] # None only where it is one

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop has ended, and nobody waits

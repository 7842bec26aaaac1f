"""Compares dispensers' counters with the book, and again where one did not answer."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial

from cngstation.moments import seconds
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.fetch_records import Compared, RecordFetch

# What was not answered is asked again, while the nozzle is heard.
AGAIN_MS = 60_000

Start = Callable[[Coroutine[None, None, None], str], None]


class CounterWatch:
    """Knows which nozzles of a line have told everything that they counted."""

    def __init__(
        self,
        fetch: RecordFetch,
        nozzles: Mapping[int, NozzleSetting],
        *,
        rests: Callable[[int], bool],
        is_heard: Callable[[int], bool],
        start: Start,
    ) -> None:
        self._fetch = fetch
        self._nozzles = nozzles
        self._rests = rests
        self._is_heard = is_heard
        self._start = start
        self._again: dict[int, asyncio.TimerHandle] = {}
        self.compared: set[int] = set()

    async def look(self, gun: int) -> None:
        """Compare a nozzle's counter with the book; what is not told is asked later."""
        # Not told until it is: a question that fails must not leave it so.
        self.forget(gun)
        rests = partial(self._rests, gun)
        told = await self._fetch.compare(gun, self._nozzles[gun], rests)
        if told is Compared.ALL_TOLD and self._is_heard(gun):
            self.compared.add(gun)
        elif told is Compared.LATER:
            self._look_again(gun)

    async def fetch(self, gun: int, missing: range) -> None:
        """Ask for numbers that were skipped; what is not told is asked later."""
        if not await self._fetch.fetch(gun, self._nozzles[gun], missing):
            self._look_again(gun)

    def forget(self, gun: int) -> None:
        """Know nothing of a nozzle, which is not heard any more."""
        self.compared.discard(gun)
        if timer := self._again.pop(gun, None):
            timer.cancel()

    def close(self) -> None:
        """Ask nothing again."""
        for gun in list(self._again):
            self.forget(gun)

    def _look_again(self, gun: int) -> None:
        if gun in self._again or not self._is_heard(gun):
            return

        def look() -> None:
            self._again.pop(gun, None)
            self._start(self.look(gun), f"compare counter of gun {gun} again")

        loop = asyncio.get_running_loop()
        self._again[gun] = loop.call_later(seconds(AGAIN_MS), look)

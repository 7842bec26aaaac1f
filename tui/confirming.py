"""Tells a key that confirms what is shown from one that is held down.

A terminal repeats a held key 10 to 30 times a second and never says that it was let
go. A press confirms when what it confirms has been on the screen for a moment, and no
other press came just before or after it.
"""

import asyncio

# Nobody reads a figure in less; the slowest repeat of a console is 92 ms.
UNSEEN_S = 0.25
HELD_S = 0.12


class Confirming:
    """The presses of one screen's confirming key."""

    def __init__(self) -> None:
        self._shown_at: float | None = None
        self._last = float("-inf")
        self._presses = 0

    def asked(self) -> None:
        """Something new is to be confirmed, and is not on the screen yet."""
        self._shown_at = None

    def shown(self) -> None:
        """It is on the screen from now on."""
        if self._shown_at is None:
            self._shown_at = asyncio.get_running_loop().time()

    def pressed(self) -> bool:
        """Note a press; tell whether it may be meant for what is shown."""
        now = asyncio.get_running_loop().time()
        alone = now - self._last >= HELD_S
        self._last = now
        self._presses += 1
        return alone and self._shown_at is not None and now - self._shown_at >= UNSEEN_S

    async def stays_alone(self) -> bool:
        """Wait for a moment; tell whether the last press was followed by no other."""
        presses = self._presses
        if HELD_S:
            await asyncio.sleep(HELD_S)
        return presses == self._presses

"""Hands that do not give up when the device they reach for was switched off.

Only a device that ended breaks the connection to its control socket: what comes back
is a device that has just been switched on.
"""

import asyncio
from pathlib import Path

from cngstation.simulators.control import Answer, ControlClient

PATIENCE_S = 60.0
LOOK_S = 0.02
RETRY_S = 0.1


class PlayFailed(Exception):
    """An act of the script could not be done; the sentence says why."""


class Patience:
    """Waits for something that comes back, but not for ever."""

    def __init__(self, what: str, most_s: float | None = None) -> None:
        most_s = PATIENCE_S if most_s is None else most_s
        self._what = what
        self._most_s = most_s
        self._until = asyncio.get_running_loop().time() + most_s

    async def wait(self, pause_s: float = RETRY_S) -> None:
        """Wait a moment.

        Raises:
            PlayFailed: it has taken too long.
        """
        if asyncio.get_running_loop().time() > self._until:
            raise PlayFailed(f"{self._what}: given up after {self._most_s:.0f} s")
        await asyncio.sleep(pause_s)


class PatientHands:
    """Hands at one device."""

    def __init__(self, control: Path) -> None:
        self._control = control
        self._client = ControlClient(control)

    async def once(self, do: str, **arguments: object) -> Answer:
        """Do something once.

        Raises:
            HandsRefused: the device said why it cannot.
            OSError: the device went off, or is off; it may have done it before.
        """
        return await self._client.call(do, **arguments)

    async def call(self, do: str, **arguments: object) -> Answer:
        """Do something that may be done again, also at a device just switched on.

        Raises:
            HandsRefused: the device said why it cannot.
            PlayFailed: the device does not come back.
        """
        patience = Patience(f"{self._control.stem} is off")
        while True:
            try:
                return await self.once(do, **arguments)
            except OSError:
                await patience.wait()

    async def close(self) -> None:
        """Let go."""
        await self._client.close()

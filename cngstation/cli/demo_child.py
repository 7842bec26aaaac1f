"""One process of a demo station: started, awaited, kept running, ended."""

import asyncio
import contextlib
import sys
from pathlib import Path

from cngstation.cli.demo_leash import Leash

# Seven processes that start at once on a slow and busy machine.
READY_WITHIN_S = 180.0
ENDS_WITHIN_S = 3.0
_RESTART_AFTER_S = 0.5


class DidNotStart(Exception):
    """A part of the station ended at once, or was not ready in time."""


class Child:
    """One process that is kept running until it is told to stop."""

    def __init__(
        self,
        name: str,
        command: list[str],
        leash: Leash,
        *,
        log: Path,
        ready: Path,
        port: Path | None = None,
    ) -> None:
        self._leash = leash
        self._name = name
        self._command = command
        self._log = log
        self._ready = ready
        self._port = port
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id of the present run."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start and wait until the socket is there.

        Raises:
            DidNotStart: it ended or was not ready in time; its log says why.
        """
        await self._launch()
        loop = asyncio.get_running_loop()
        until = loop.time() + READY_WITHIN_S
        while not self._ready.exists():
            ended = self._process is not None and self._process.returncode is not None
            if ended or loop.time() > until:
                tail = self._log.read_text("utf-8", "replace")[-2000:]
                raise DidNotStart(f"{self._name} did not start:\n{tail}")
            await asyncio.sleep(0.01)
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End with SIGTERM; kill what does not end in time."""
        if self._keeper is not None:
            self._keeper.cancel()
            # It may be starting the process anew at this very moment.
            await asyncio.gather(self._keeper, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
        except TimeoutError:
            # It may have ended at this very moment.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self._leash.release(process.pid)

    async def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                stdout=log,
                stderr=log,
                process_group=self._leash.group,
            )
        self._leash.hold(self._process.pid)

    async def _keep(self) -> None:
        while self._process is not None:
            await self._process.wait()
            self._leash.release(self._process.pid)
            # As udev does: the number behind a dead port's link goes to the next
            # port that appears, and that is another device.
            if self._port is not None:
                self._port.unlink(missing_ok=True)
            await asyncio.sleep(_RESTART_AFTER_S)
            await self._launch()

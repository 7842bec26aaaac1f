"""A dispenser at the other end of a port, by script, and a service that remembers."""

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from cngstation.drivers.dispenser_line import DispenserLine
from cngstation.drivers.line_service import LineState
from cngstation.drivers.serial_link import SerialSettings
from cngstation.moments import SystemClock
from cngstation.protocols.dispenser.canonical import (
    NOT_FOUND,
    DebitDecision,
    DebitRequest,
    Link,
    NozzleStatus,
    SaleRecord,
)
from cngstation.protocols.dispenser.dialogue import (
    DownloadAdvanced,
    DownloadAsked,
    ProtocolFault,
)
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardVerdict,
    ParameterChange,
    ShiftRecord,
)
from cngstation.protocols.dispenser.jxv4.dialogue import BusDialogue
from cngstation.protocols.dispenser.jxv4.frames import conceal
from cngstation.protocols.dispenser.jxv4.nozzles import NozzleSettings
from cngstation.protocols.dispenser.jxv4.timing import LineSpeed
from tests.unit.protocols.dispenser.jxv4 import vectors

POLL, RECORD, DEBIT = 0x51, 0x52, 0x55


def busy(gun: int) -> bytes:
    return vectors.status(gun, 0xA4)


class FarEnd:
    """Answers host frames by script; its port can be pulled and put back."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "line"
        self.replies: dict[int, list[bytes]] = {}  # one after another, by command
        self.always = vectors.status
        self.frames: list[bytes] = []
        self.starts: list[float] = []
        self.delay_s = 0.0
        self._fds: tuple[int, int] | None = None

    def plug_in(self) -> None:
        far, near = pty.openpty()
        tty.setraw(near)
        self._fds = far, near
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(near))
        asyncio.get_running_loop().add_reader(far, self._read)

    def pull(self) -> None:
        if self._fds is not None:
            asyncio.get_running_loop().remove_reader(self._fds[0])
            for fd in self._fds:
                os.close(fd)
        self._fds = None
        self.path.unlink(missing_ok=True)

    def say(self, data: bytes) -> None:
        if self._fds is not None:
            os.write(self._fds[0], data)

    def heard(self, command: int) -> list[bytes]:
        return [frame for frame in self.frames if frame[4] == command]

    def _read(self) -> None:
        assert self._fds is not None
        frame = os.read(self._fds[0], 1_000)
        loop = asyncio.get_running_loop()
        self.starts.append(loop.time())
        self.frames.append(frame)
        script = self.replies.get(frame[4], [])
        if script:
            reply = script.pop(0)
        else:
            reply = self.always(frame[2]) if frame[4] == POLL else b""
        loop.call_later(self.delay_s, self.say, reply)


class Service:
    """A handler that remembers what it was told."""

    def __init__(self) -> None:
        self.records: list[SaleRecord] = []
        self.debits: list[DebitRequest] = []
        self.statuses: list[tuple[int, NozzleStatus]] = []
        self.links: list[tuple[int, Link]] = []
        self.states: list[LineState] = []
        self.faults: list[ProtocolFault] = []
        self.commits: list[object] = []
        self.downloads: list[DownloadAdvanced] = []
        self.verdict = CardVerdict.MAY_FILL
        self.commit = asyncio.Event()
        self.commit.set()
        self.accepts: bool | Exception = True

    async def record(self, gun: int, record: SaleRecord) -> bool:
        self.records.append(record)
        await self.commit.wait()
        if isinstance(self.accepts, Exception):
            raise self.accepts
        return self.accepts

    async def shift(self, gun: int, record: ShiftRecord) -> bool:
        return await self._commit(record)

    async def parameter(self, gun: int, change: ParameterChange) -> bool:
        return await self._commit(change)

    async def card_check(self, gun: int, check: CardCheck) -> CardVerdict:
        await self._commit(check)
        return self.verdict

    async def _commit(self, what: object) -> bool:
        self.commits.append(what)
        await self.commit.wait()
        if isinstance(self.accepts, Exception):
            raise self.accepts
        return self.accepts

    async def download_asked(self, asked: DownloadAsked) -> bool:
        return True

    def download(self, advanced: DownloadAdvanced) -> None:
        self.downloads.append(advanced)

    async def debit(self, gun: int, request: DebitRequest) -> DebitDecision:
        self.debits.append(request)
        return NOT_FOUND

    def status(self, gun: int, status: NozzleStatus) -> None:
        self.statuses.append((gun, status))

    def link(self, gun: int, link: Link) -> None:
        self.links.append((gun, link))

    def line_state(self, state: LineState) -> None:
        self.states.append(state)

    def fault(self, fault: ProtocolFault) -> None:
        self.faults.append(fault)


def make_line(far_end: FarEnd, service: Service, guns: int = 1) -> DispenserLine:
    nozzles = [NozzleSettings(gun) for gun in range(1, guns + 1)]
    dialogue = BusDialogue(nozzles, LineSpeed(38_400))
    settings = SerialSettings(str(far_end.path), 38_400)
    return DispenserLine(
        settings, dialogue, service, clock=SystemClock(), conceal=conceal
    )


@contextlib.asynccontextmanager
async def running(line: DispenserLine) -> AsyncIterator[None]:
    task = asyncio.ensure_future(line.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], object], within_s: float = 120) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)

"""Faults of a line of dispensers as scripts: what is done, and what the doctor says.

Each has a line of simulated guns of its own and is seen through the real driver.
"""

import asyncio
import contextlib
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cngstation.config.sections import Line, Nozzle
from cngstation.domain.line_causes import LineCause
from cngstation.drivers.serial_link import open_serial
from cngstation.moments import CHINA, SystemClock
from cngstation.rpc.contract.technician import LineHealth
from cngstation.services.line_settings import settings_of
from cngstation.services.probe_lines import probe
from cngstation.simulators.dispenser_line import DispenserLine, LineConfig
from cngstation.simulators.uart import UartSetting, delivered
from cngstation.units import Unit
from tests.unit.protocols.dispenser.jxv4 import vectors as jxv4
from tests.unit.protocols.dispenser.sinopec import vectors as sinopec
from tests.unit.simulators.cards import MASTER

LOOKS_S = 5.0
TODAY = datetime(2026, 11, 21, 9, 0, tzinfo=CHINA)


@dataclass(frozen=True)
class LineFault:
    """A fault: what is done to the line, and the cause that must come first."""

    name: str
    cause: LineCause
    spoil: Callable[[DispenserLine], None] = lambda _line: None
    guns: tuple[int, ...] = (1, 2, 3)
    baud: int = 38_400
    faults: dict[str, float] = field(default_factory=dict)
    is_there: bool = True
    also: Callable[[DispenserLine, Line], Awaitable[None]] | None = None


def _misread(sent: UartSetting, *, swapped: bool = False) -> Callable[..., None]:
    def spoil(line: DispenserLine) -> None:
        read = UartSetting(round(10 / line.wire.byte_s))
        line.wire.distort = lambda data, _source: delivered(
            data, sent, read, swapped=swapped
        )

    return spoil


def _two_at_once(line: DispenserLine) -> None:
    """Gun 2 is there twice: both drive the line, a 0 of either wins."""

    def collided(data: bytes, source: int) -> bytes:
        if source != 2:
            return data
        late = bytes(3) + data
        return bytes(a & b for a, b in zip(data, late, strict=False)) + late[-3:]

    line.wire.distort = collided


def _speaks_sinopec(line: DispenserLine) -> None:
    line.wire.distort = lambda _data, _source: sinopec.FUELLING


def _deaf(line: DispenserLine) -> None:
    """The dispensers are set to 9600 baud and hear nothing at another speed."""

    def answer(data: bytes, _source: int) -> bytes:
        host_speed = termios.tcgetattr(line.wire.host_fd)[5]
        return data if host_speed == termios.B9600 else b""

    line.wire.distort = answer


def _echo(line: DispenserLine) -> None:
    line.wire.echoes = True


async def _another_master(line: DispenserLine, _section: Line) -> None:
    poll = bytearray(jxv4.POLL)
    while True:
        line.wire.send(bytes(poll), 99)
        await asyncio.sleep(0.35)


async def _hold(_line: DispenserLine, section: Line) -> None:
    link = await open_serial(settings_of(section))  # type: ignore[arg-type]
    try:
        await asyncio.Event().wait()
    finally:
        await link.close()


SLOW, FAST = UartSetting(9_600), UartSetting(38_400)
WELL = LineFault("nothing", LineCause.OWN_ECHO)
FAULTS = (
    LineFault("unplugged adapter", LineCause.PORT_MISSING, is_there=False),
    LineFault("second program", LineCause.PORT_HELD, also=_hold),
    LineFault("dispensers slower", LineCause.WRONG_BAUD, _misread(SLOW)),
    LineFault("dispensers faster", LineCause.WRONG_BAUD, _misread(FAST), baud=9_600),
    LineFault(
        "even parity",
        LineCause.WRONG_PARITY,
        _misread(UartSetting(38_400, "even")),
    ),
    LineFault(
        "A and B swapped",
        LineCause.WIRES_SWAPPED,
        _misread(UartSetting(38_400), swapped=True),
    ),
    LineFault("another protocol", LineCause.OTHER_PROTOCOL, _speaks_sinopec),
    LineFault("second master", LineCause.FOREIGN_MASTER, also=_another_master),
    LineFault("one address twice", LineCause.ADDRESS_TWICE, _two_at_once),
    LineFault("exchanged number", LineCause.WRONG_NUMBER, faults={"wrong_gun": 1.0}),
    LineFault("no power", LineCause.ALL_SILENT, faults={"lose_answer": 1.0}),
    LineFault("deaf at this speed", LineCause.WRONG_BAUD, _deaf),
    LineFault("one board dead", LineCause.SOME_SILENT, guns=(1, 2)),
    LineFault(
        "slow radio",
        LineCause.SLOW_ANSWERS,
        faults={"delay": 1.0, "delay_ms": 330},
    ),
    LineFault("adapter cuts", LineCause.CUT_ANSWERS, faults={"truncate": 0.7}),
    LineFault("noise", LineCause.NOISE, faults={"bit_error": 0.004}),
    LineFault("echo", LineCause.OWN_ECHO, _echo),
)


async def looked_at(fault: LineFault, folder: Path) -> LineHealth:
    """Do the fault and return what the doctor's look at the line says."""
    section = Line(
        name=fault.name,
        port=str(folder / "line"),
        protocol="jxv4",
        baud=fault.baud,
        nozzles=tuple(
            Nozzle(gun=n, nozzle_no=n, dispenser_no=n, unit=Unit.M3, unit_code=0)
            for n in (1, 2, 3)
        ),
    )
    async with _simulated(fault, folder) as line:
        other = None
        if fault.also is not None and line is not None:
            other = asyncio.ensure_future(fault.also(line, section))
            await asyncio.sleep(0.2)
        try:
            return await probe(section, SystemClock(), seconds=LOOKS_S)
        finally:
            if other is not None:
                other.cancel()
                await asyncio.gather(other, return_exceptions=True)


@contextlib.asynccontextmanager
async def _simulated(
    fault: LineFault, folder: Path
) -> AsyncIterator[DispenserLine | None]:
    if not fault.is_there:
        yield None
        return
    for name in ("cards", "memory"):
        (folder / name).mkdir()
    (folder / "key").write_text(MASTER.hex())
    config = LineConfig.model_validate(
        {
            "link": str(folder / "line"),
            "control": str(folder / "ctl"),
            "baud": fault.baud,
            "cards": str(folder / "cards"),
            "memory": str(folder / "memory"),
            "master_key": str(folder / "key"),
            "station_no": "03160001",
            "guns": [
                {"gun": gun, "prices": [398], "phase_ms": 37 * gun % 100}
                for gun in fault.guns
            ],
            "faults": fault.faults,
            "seed": 3,
        }
    )
    line = DispenserLine(config, TODAY)
    fault.spoil(line)
    line.open()
    try:
        yield line
    finally:
        line.close()

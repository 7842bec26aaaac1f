"""The technician's lines on the screen: how they fare, and the last frames."""

from typing import Any

from cngstation.rpc.contract.technician import (
    FrameFigure,
    FrameRow,
    LikelyCause,
    LineFrames,
    LineHealth,
    LinesHealth,
)
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import opened

HEALTH = LineHealth(
    name="east", port="/dev/ttyUSB0", protocol="jxv4", baud=9600, is_open=True,
    frames_sent=1234, frames_lost=56, polls=64, answers=60, received_bytes=900,
    bad_checksums=0, noise_bytes=0, late=0, foreign_frames=0, turnaround_us=5_000,
    cycle_us=516_000, silent=(3,),
    causes=(
        LikelyCause(
            code="wires_swapped", text="The wires A and B are swapped.",
            cure="Exchange A and B at the adapter, or at the dispenser if one is silent.",  # noqa: E501 - one text
            facts=(),
        ),
    ),
)  # fmt: skip
FRAME = FrameRow(
    at_us=12_345_000, sent=False, data="BBEE", bytes=95, speaker="dispenser", address=1,
    command="status",
    figures=(FrameFigure(name="state", value="A4H", word="fuelling"),),
)  # fmt: skip


class _Station(FakeStation):
    async def _line_health(self, _: Any) -> Any:
        return LinesHealth(lines=(HEALTH,))

    async def _line_frames(self, wanted: Any) -> Any:
        assert wanted.name == "east"
        return LineFrames(rows=(FRAME,))


async def test_a_line_its_fault_and_its_frames() -> None:
    """From the palette; Enter shows the frames in words, Esc goes back step by step."""
    async with opened(station=_Station()) as screen:
        screen.app.run_function("lines")
        await screen.sees("The wires A and B are swapped.")
        await screen.sees("1234")
        await screen.sees("516")
        await screen.press("enter")
        await screen.sees("state A4H fuelling")
        await screen.press("space")
        await screen.sees("go on")
        await screen.press("escape")
        await screen.sees("The wires A and B are swapped.")
        await screen.press("escape")
        await screen.until(lambda: "swapped" not in screen.text())


async def test_frames_are_told_in_chinese() -> None:
    """Commands, names of figures and words are translated on the screen."""
    async with opened(station=_Station(), language="zh_CN") as screen:
        screen.app.run_function("lines")
        await screen.sees("接反")
        await screen.press("enter")
        await screen.sees("加气中")

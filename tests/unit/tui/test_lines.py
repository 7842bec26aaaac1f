"""The technician's lines on the screen: how they fare, and the last frames."""

from typing import Any

from cngstation.rpc.contract.technician import (
    DispenserRow,
    FrameFigure,
    FrameRow,
    LikelyCause,
    LineCounts,
    LineDispensers,
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
    slow_turnaround_us=48_000, cycle_us=516_000, silent=(3,),
    since_start=LineCounts(
        asked=123_456, timeouts=5_678, asked_again=901, bad_checksums=234,
        noise_bytes=7_654_321,
    ),
    last_hour=LineCounts(
        asked=3_600, timeouts=12, asked_again=11, bad_checksums=4, noise_bytes=99,
    ),
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


WHO = DispenserRow(
    nozzle_no=7, address=1, link="online", told="",
    identity=(FrameFigure(name="maker", value="JX", word=""),),
    status=(FrameFigure(name="temperature", value="-3.500", word=""),),
)  # fmt: skip
SILENT = WHO.model_copy(
    update={"nozzle_no": 8, "told": "no answer", "identity": (), "link": "offline"}
)


class _Station(FakeStation):
    async def _line_dispensers(self, wanted: Any) -> Any:
        assert wanted.name == "east"
        return LineDispensers(rows=(WHO, SILENT))

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


async def test_a_lines_disturbances_fit_eighty_columns() -> None:
    """Since the start and in the last hour, in both languages, cut nowhere."""
    for language, heads in (("en", "noise bytes"), ("zh_CN", "杂音字节")):
        async with opened(station=_Station(), language=language) as screen:
            screen.app.run_function("lines")
            await screen.sees("7654321")
            shown = screen.text().splitlines()
            (since,) = [row for row in shown if "7654321" in row]
            assert since.split()[-5:] == ["123456", "5678", "901", "234", "7654321"]
            (hour,) = [row for row in shown if "3600" in row]
            assert hour.split()[-5:] == ["3600", "12", "11", "4", "99"]
            assert heads in screen.text()
            assert "48 " in screen.text()


async def test_dispensers_say_who_they_are() -> None:
    """One key from the line; one that does not answer says so."""
    async with opened(station=_Station()) as screen:
        screen.app.run_function("lines")
        await screen.sees("1234")
        await screen.press("d")
        await screen.sees("maker JX")
        await screen.sees("no answer")
        await screen.sees("temperature -3.500")
        await screen.press("escape")
        await screen.sees("The wires A and B are swapped.")


async def test_frames_are_told_in_chinese() -> None:
    """Commands, names of figures and words are translated on the screen."""
    async with opened(station=_Station(), language="zh_CN") as screen:
        screen.app.run_function("lines")
        await screen.sees("接反")
        await screen.press("enter")
        await screen.sees("加气中")

"""Lists from a file on the screen: looked at, then taken, or refused row by row."""

import pytest

from cngstation.rpc.contract import downloads as d
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, WIDE, opened


@pytest.mark.parametrize(
    ("size", "language", "title"),
    [(SMALL, "en", "Lists from a file"), (WIDE, "zh_CN", "从文件导入名单")],
)
async def test_a_file_is_looked_at_before_it_is_taken(
    size: tuple[int, int], language: str, title: str
) -> None:
    """What it would change stands above the form; nothing is asked before the end."""
    async with opened(size=size, language=language) as screen:
        screen.app.action_open("lists")
        await screen.sees("● 3")
        await screen.press("f")
        await screen.sees(title)
        await screen.sees("黑名单.csv")
        await screen.press("enter")
        await screen.sees("60")
        assert not screen.asked("lists.file")
        for text in ("2", "monthly", "mine", "second", "secret"):
            await screen.type(text)
            await screen.press("enter")
        await screen.until(lambda: screen.asked("lists.file"))
        (order,) = screen.asked("lists.file")
        assert (order.name, order.whole, order.digest) == (
            "黑名单.csv",
            True,
            "ab" * 32,
        )
        assert order.approval.login_name == "second"
        await screen.sees("50")


async def test_bad_rows_are_named_on_the_screen() -> None:
    """By row and value; how it is to be taken must be said."""
    station = FakeStation()
    station.faults = (
        d.FileFault(row=7, text="{value} is no list: black, white or none", value="灰"),
    )
    async with opened(station=station) as screen:
        screen.app.action_open("list_files")
        await screen.sees("old.xlsx")
        await screen.press("enter")
        await screen.sees("Row 7: 灰 is no list")
        await screen.press("f2")
        await screen.sees("Say 1 (changes) or 2 (whole)")
        assert not screen.asked("lists.file")


async def test_an_empty_folder_says_where_it_is() -> None:
    """So that somebody can put a file there."""
    station = FakeStation()
    station.list_names = ()
    async with opened(station=station) as screen:
        screen.app.action_open("list_files")
        await screen.sees("There is no file in /var/lib/cngstation/import")

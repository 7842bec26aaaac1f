"""Records fetched again: a small form, how far it is, and what came."""

import pytest

from tests.unit.tui.opened import SMALL, opened


@pytest.mark.parametrize(
    ("language", "title", "came", "absent"),
    [
        ("en", "Fetch records again", "3 booked anew, 16 known", "1: 7 to 7 not there"),
        ("zh_CN", "补采记录", "新入帐 3 条，已有 16 条", "7 至 7 机内没有"),
    ],
)
async def test_what_came_stands_below_the_form(
    language: str, title: str, came: str, absent: str
) -> None:
    """Enter from the last field asks once; the form stays and can ask again."""
    async with opened(size=SMALL, language=language) as screen:
        screen.app.action_open("refetch")
        await screen.sees(title)
        await screen.press("1", "enter", "enter", "1", "enter", "2", "0", "enter")
        await screen.press("enter")
        await screen.sees(came)
        await screen.sees(absent)
        (order,) = screen.asked("record.refetch")
        assert (order.nozzle_no, order.first, order.last) == (1, 1, 20)


async def test_a_letter_in_a_number_asks_nothing() -> None:
    """The sentence says so."""
    async with opened(size=SMALL) as screen:
        screen.app.action_open("refetch")
        await screen.sees("Fetch records again")
        await screen.press("x", "f2")
        await screen.sees("cannot be used")
        assert screen.asked("record.refetch") == []

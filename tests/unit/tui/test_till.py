"""The till on the screen: opened by its count, fed, emptied, closed by its counts."""

import pytest

from cngstation.errors import Disconnected
from tests.unit.tui.opened import SMALL, WIDE, opened


@pytest.mark.parametrize("size", [SMALL, WIDE])
@pytest.mark.parametrize(
    ("language", "never", "done"),
    [
        ("en", "no session yet", "float of 500.00"),
        ("zh_CN", "未开过班", "备用金 500.00"),
    ],
)
async def test_the_till_is_opened_with_its_float(
    size: tuple[int, int], language: str, never: str, done: str
) -> None:
    """F10, 1, the float, Enter."""
    async with opened(size=size, language=language) as screen:
        await screen.press("f10")
        await screen.sees(never)
        await screen.press("1")
        await screen.type("500")
        await screen.press("enter")
        await screen.sees(done)
        (opening,) = screen.asked("till.open")
        assert opening.float_fen == 50_000


async def test_what_goes_out_is_listed_and_a_lost_answer_keeps_the_number() -> None:
    """The same form asked again is the same act; another amount is another."""
    async with opened() as screen:
        screen.station._till_view("opened")
        screen.station.failing["till.drop"] = [Disconnected(part="counter")] * 2
        await screen.press("m")
        await screen.sees("Till 01 is open")
        await screen.press("1")
        await screen.type("120.5")
        await screen.press("f2")
        await screen.until(lambda: len(screen.asked("till.drop")) == 1)
        await screen.press("f2")
        await screen.until(lambda: len(screen.asked("till.drop")) == 2)
        await screen.type("0")
        await screen.press("f2")
        await screen.sees("120.50 yuan went from the till to the safe.")
        first, second, third = (cash.act_id for cash in screen.asked("till.drop"))
        assert first == second != third
        await screen.press("f10")
        await screen.sees("-120.50")


async def test_an_amount_that_is_none_is_said_and_not_sent() -> None:
    """Letters and three decimals are no amount."""
    async with opened() as screen:
        screen.station._till_view("opened")
        await screen.press("f10", "3")
        await screen.type("1.234")
        await screen.press("f2")
        await screen.sees("1.234 is no amount of yuan")
        assert not screen.asked("till.pay_out")


async def test_a_closing_names_what_is_short() -> None:
    """What was left empty is not counted; the difference is said at once."""
    async with opened() as screen:
        screen.station._till_view("opened")
        await screen.press("f10", "4")
        await screen.type("490")
        await screen.press("f2")
        await screen.sees("cash: 10.00 yuan short")
        (closing,) = screen.asked("till.close")
        assert [(x.tender, x.counted_fen) for x in closing.counts] == [("cash", 49_000)]
        await screen.press("f10")
        await screen.sees("-10.00")


async def test_the_slip_of_the_last_closing_is_printed_again() -> None:
    """One digit; a till without a slip does not offer it."""
    async with opened() as screen:
        screen.station._till_view("closed")
        await screen.press("f10")
        await screen.sees("1 open the till")
        assert "print the slip again" not in screen.text()
        await screen.press("escape")
        screen.station._till_view("closed", receipt_no=17)
        await screen.press("f10")
        await screen.sees("2 print the slip again")
        await screen.press("2")
        await screen.until(lambda: screen.asked("receipt.print"))
        (request,) = screen.asked("receipt.print")
        assert request.receipt_no == 17

"""Prices on the screen: what holds, what is planned, set by two, taken back."""

import pytest

from tests.unit.tui.opened import SMALL, WIDE, opened
from tui.screens.prices import NotAMoment, moment_of


@pytest.mark.parametrize(
    ("size", "language", "words"),
    [
        (SMALL, "en", ("○planned", "●in force", "?no price", "14 of 40 nozzles")),
        (SMALL, "zh_CN", ("○已计划", "●执行中", "?无单价")),
        (WIDE, "zh_CN", ("○已计划", "●执行中", "?无单价")),
    ],
)
async def test_planned_first_then_what_holds_for_each_unit(
    size: tuple[int, int], language: str, words: tuple[str, ...]
) -> None:
    """A level without a price has a row too, and nozzles that lag are named."""
    async with opened(size=size, language=language) as screen:
        screen.station.nozzles = {}
        await screen.press("p")
        for word in words[:3]:
            await screen.sees(word)
        await screen.sees("3.78")
        await screen.sees("kg")


async def test_nozzles_that_have_not_the_price_are_named() -> None:
    """Of each unit by its own nozzles."""
    async with opened() as screen:
        await screen.press("p")
        await screen.sees("m³: 2 of 8 nozzles have the prices of now.")
        await screen.sees("Not yet: 1 2 4 5 7 8.")
        await screen.sees("kg: 0 of 0 nozzles")


async def test_a_price_ahead_is_planned_by_one() -> None:
    """For the unit and level of the row; the moment is China's."""
    async with opened() as screen:
        await screen.press("p")
        await screen.sees("3.78")
        await screen.press("down", "enter")
        await screen.sees("A price for a level")
        await screen.type("3.5")
        await screen.press("enter")
        await screen.pilot.press(*"2026-12-01", "space", *"00", "colon", *"00")
        await screen.press("f2")
        await screen.sees("from 2026-12-01 00:00 on")
        (plan,) = screen.asked("price.plan")
        assert (plan.unit, plan.level, plan.price_e4) == ("kg", 0, 35_000)
        assert (plan.from_ms, plan.approval) == (1_796_054_400_000, None)


async def test_whom_a_price_does_not_reach_is_told_before_it_is_set() -> None:
    """How many cards and where; the same key once more goes on."""
    async with opened() as screen:
        screen.station.levels_differ = True
        await screen.press("p")
        await screen.sees("3.78")
        await screen.press("enter")
        await screen.sees("A price for a level")
        await screen.type("3.5")
        await screen.press("enter")
        await screen.pilot.press(*"2026-12-01", "space", *"00", "colon", *"00")
        await screen.press("f2")
        await screen.sees("Level 1: 12 cards in use, not known at nozzles 3 4.")
        await screen.press("f2")
        await screen.sees("from 2026-12-01 00:00 on")
        assert [p.accept_levels for p in screen.asked("price.plan")] == [False, True]


async def test_a_price_of_now_takes_a_second_person() -> None:
    """Reason, name and password go with it."""
    async with opened() as screen:
        await screen.press("p")
        await screen.sees("3.78")
        await screen.press("enter")
        await screen.sees("A price for a level")
        for text in ("3.5", "", "order", "mine", "second", "secret"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees("from now on")
        (plan,) = screen.asked("price.plan")
        assert (plan.from_ms, plan.reason) == (0, "order")
        assert plan.approval.login_name == "second"


@pytest.mark.parametrize(
    ("price", "at", "said"),
    [("3.5x", "", "is no price"), ("", "", "is no price"), ("3.5", "1", "no moment")],
)
async def test_what_is_no_price_or_moment_is_refused_here(
    price: str, at: str, said: str
) -> None:
    """Nothing is asked of the station."""
    async with opened() as screen:
        await screen.press("p")
        await screen.sees("3.78")
        await screen.press("enter")
        await screen.sees("A price for a level")
        await screen.type(price)
        await screen.press("enter")
        await screen.type(at)
        await screen.press("f2")
        await screen.sees(said)
        assert not screen.asked("price.plan")


async def test_who_has_the_next_prices_is_named_before_they_are_taken_back() -> None:
    """One that is silent would change to them."""
    async with opened() as screen:
        screen.station.ahead = {1: "there", 3: "there", 4: "waits"}
        await screen.press("p")
        await screen.sees("2 of 3 have the next prices and change by themselves.")
        await screen.sees("Not yet: 4.")
        await screen.press("x")
        await screen.sees("Nozzles 1 3 have the next prices already")


async def test_a_planned_price_is_taken_back_with_a_reason() -> None:
    """x is offered on a planned one alone."""
    async with opened() as screen:
        await screen.press("p")
        await screen.sees("x take back")
        await screen.press("down", "x")
        await screen.until(lambda: "x take back" not in screen.text())
        await screen.press("up", "x")
        await screen.sees("Take a planned price back")
        assert "already" not in screen.text()
        await screen.type("wrong")
        await screen.press("f2")
        await screen.sees("is taken back")
        (cancel,) = screen.asked("price.cancel")
        assert (cancel.price_id, cancel.reason) == ("77", "wrong")
        assert cancel.approval is None


@pytest.mark.parametrize("typed", ["x", "2026-13-01 00:00", "2026-12-01", "٣"])
def test_no_moment(typed: str) -> None:
    """What is no date with a time is refused."""
    with pytest.raises(NotAMoment):
        moment_of(typed)

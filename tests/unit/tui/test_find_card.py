"""Finding a card by plate or number: one hit is taken, of several one is chosen."""

import pytest

from tests.unit.tui.opened import opened
from tui.screens.find_card import FindCardScreen


@pytest.mark.parametrize(
    ("act", "title"),
    [("loss", "Report a card lost"), ("blacklist", "Put a card on the blacklist")],
)
async def test_the_only_card_found_is_taken_by_one_enter(act: str, title: str) -> None:
    """Part of the plate, Enter: the form of the act is open with the card named."""
    async with opened() as screen:
        screen.app.action_open(act)
        await screen.type("12345")
        await screen.press("enter")
        await screen.sees("01000231  川A12345")
        await screen.sees(title)
        await screen.sees("Reason")


async def test_of_several_cards_one_is_chosen() -> None:
    """Enter goes to the list, Enter there takes the chosen one."""
    async with opened() as screen:
        screen.station.cards_of_a_plate = 2
        await screen.press("f4")
        await screen.type("12345")
        await screen.press("enter")
        await screen.sees("withdraw the loss")
        assert isinstance(screen.app.screen, FindCardScreen)
        await screen.press("enter")
        await screen.sees("Report a card lost")


async def test_nothing_found_leaves_the_cursor_in_the_search() -> None:
    """What was typed wrong is typed again."""
    async with opened() as screen:
        await screen.press("f4")
        await screen.type("99999")
        await screen.press("enter")
        await screen.sees("Nothing found.")
        assert screen.app.focused is not None
        assert screen.app.focused.id == "search"


async def test_enter_on_an_empty_search_takes_no_card() -> None:
    """The newest card is not meant by somebody who typed nothing."""
    async with opened() as screen:
        await screen.press("f4")
        await screen.sees("01000231")
        await screen.press("enter")
        await screen.sees("withdraw the loss")
        assert isinstance(screen.app.screen, FindCardScreen)

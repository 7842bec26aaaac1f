"""An act that ends when its screen has been left has nobody to tell; nothing falls."""

import pytest

from tests.unit.tui.opened import opened
from tui.screens.station_screen import StationScreen


@pytest.mark.parametrize("key", ["f4", "f5", "f6", "f7", "f8"])
async def test_a_screen_that_was_left_can_still_be_told(key: str) -> None:
    """A driver, a verify or a search may outlive the screen that began it."""
    async with opened() as screen:
        await screen.press(key)
        left = screen.app.screen
        assert isinstance(left, StationScreen)
        await screen.press("escape")
        assert screen.app.screen is not left
        left.say("The vehicle filled and left.")
        left.redraw()
        await screen.rest()

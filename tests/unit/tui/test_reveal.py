"""A whole number on the screen: for a reason, for some seconds, never under a lock."""

from typing import Any

from tests.unit.tui.opened import SMALL, Opened, opened
from tui.screens import reveal

ID_NO = "11010519491231002X"
PHONE = "13900000000"


async def _asked(screen: Opened, *keys: str) -> None:
    await screen.press("f6", *keys)
    await screen.press("asterisk")


async def test_the_number_is_shown_and_goes_away() -> None:
    """What was asked is the row, the field and the reason; the form stays."""
    async with opened(size=SMALL) as screen:
        await _asked(screen)
        await screen.sees("Show a number whole")
        form: Any = screen.app.screen
        form.query_one("#reason").value = "police asks"
        await screen.press("f2")
        await screen.sees(ID_NO)
        (order,) = screen.asked("personal.reveal")
        assert (order.register_name, order.key) == ("vehicle", "1")
        assert (order.what, order.reason) == ("id_no", "police asks")
        assert not form.ALLOW_SELECT
        form.hide()  # what its timer calls
        await screen.sees("hidden again")
        assert ID_NO not in screen.text()


async def test_a_timer_takes_it_away() -> None:
    """Its time is the one that the service gave."""
    async with opened() as screen:
        await _asked(screen)
        form: Any = screen.app.screen
        form.query_one("#reason").value = "police asks"
        form.query_one("#what").value = "2"
        screen.station.shown_s = 1
        await screen.press("f2")
        await screen.sees("hidden again")
        assert PHONE not in screen.text()


async def test_it_does_not_wait_under_another_screen() -> None:
    """Locking hides it: it is gone when the screen is unlocked."""
    async with opened() as screen:
        await _asked(screen)
        form: Any = screen.app.screen
        form.query_one("#reason").value = "police asks"
        await screen.press("f2")
        await screen.sees(ID_NO)
        await screen.press("f1")
        await screen.press("escape")
        assert isinstance(screen.app.screen, reveal.RevealScreen)
        assert ID_NO not in screen.text()


async def test_a_company_has_a_phone_alone() -> None:
    """Which number is no question there; a wrong answer is one of a vehicle."""
    async with opened() as screen:
        await _asked(screen, "1")
        await screen.sees("测试出租车公司")
        form: Any = screen.app.screen
        form.query_one("#reason").value = "calls back"
        await screen.press("f2")
        await screen.sees(PHONE)
        (order,) = screen.asked("personal.reveal")
        assert (order.register_name, order.key, order.what) == (
            "company",
            "0001",
            "phone",
        )


async def test_which_number_has_to_be_said() -> None:
    """One or two; nothing is asked before."""
    async with opened() as screen:
        await _asked(screen)
        form: Any = screen.app.screen
        form.query_one("#reason").value = "why"
        form.query_one("#what").value = "7"
        await screen.press("f2")
        await screen.sees("1 for the ID number")
        assert screen.asked("personal.reveal") == []


async def test_no_key_and_no_function_writes_a_picture_of_the_screen() -> None:
    """Textual's own commands, one of which saves a picture, are not offered."""
    async with opened() as screen:
        app = screen.app
        assert list(app.get_system_commands(app.screen)) == []
        actions = {binding.action for _, binding in app._bindings}
        assert not any("screenshot" in action for action in actions)


async def test_data_of_who_left_is_cleared_for_a_reason() -> None:
    """The minus key names the row; what was done is said at the counter."""
    async with opened(size=SMALL) as screen:
        await screen.press("f6")
        await screen.press("minus")
        await screen.sees("Clear personal data   川A12345  in use")
        form: Any = screen.app.screen
        form.query_one("#reason").value = "left in spring"
        await screen.press("f2")
        await screen.sees("Personal data of 川A12345 is cleared")
        (order,) = screen.asked("personal.forget")
        told = (order.register_name, order.key, order.reason)
        assert told == ("vehicle", "1", "left in spring")


async def test_phones_of_operators_are_shown_and_cleared_too() -> None:
    """From the list of the operators; a phone is all there is."""
    async with opened() as screen:
        for key, method in (("asterisk", "reveal"), ("minus", "forget")):
            screen.app.action_open("operators")
            await screen.sees("op1001")
            await screen.press(key)
            await screen.sees("王1001")
            form: Any = screen.app.screen
            form.query_one("#reason").value = "she left"
            await screen.press("f2")
            await screen.sees(PHONE if method == "reveal" else "is cleared")
            (order,) = screen.asked(f"personal.{method}")
            assert (order.register_name, order.key) == ("operator", "1001")
            assert getattr(order, "what", "phone") == "phone"

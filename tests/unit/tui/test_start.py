"""The start: an early first frame, a login that says what happened, a lock."""

import subprocess
import sys

from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import opened


def test_nothing_heavy_is_imported_before_the_first_frame() -> None:
    """The app is there without pydantic, the contract, the client or storage."""
    program = (
        "import sys, tui.__main__, tui.app\n"
        "heavy = {'pydantic', 'openpyxl', 'aiosqlite', 'serial', 'ulid', 'wcwidth'}\n"
        "found = [m for m in sys.modules if m.split('.')[0] in heavy\n"
        "         or m.startswith('cngstation.rpc')]\n"
        "sys.exit(', '.join(found) or 0)\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr


async def test_a_wrong_password_says_what_happened_and_when_to_try_again() -> None:
    """The refusal of the service stands on the login, and the password is gone."""
    async with opened(login=False) as screen:
        await screen.type("demo")
        await screen.press("enter")
        await screen.type("wrong")
        await screen.press("enter")
        await screen.sees("2 tries are left")
        await screen.type("right")
        await screen.press("enter")
        await screen.sees("Put a card on the reader.")


async def test_the_password_does_not_stay_behind_the_counter() -> None:
    """After the login its field is empty: a sign-out shows no password."""
    async with opened() as screen:
        screen.app.signed_out("The session has ended.")
        await screen.sees("The session has ended.")
        await screen.press("enter")
        await screen.rest()
        assert len(screen.app.screen_stack) == 1


async def test_the_lock_covers_everything_until_the_password_is_given() -> None:
    """A card that is tapped under the lock shows nothing; what was typed is kept."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("50")
        await screen.press("ctrl+k")
        await screen.sees("Locked")
        assert screen.link.locked
        screen.station.put(card(uid="0A0B0C07", card_no="01000999"))
        await screen.press("f6")
        assert "01000999" not in screen.text()
        await screen.type("wrong")
        await screen.press("enter")
        await screen.sees("1 tries are left")
        await screen.type("right")
        await screen.press("enter")
        await screen.sees("01000999")
        assert not screen.link.locked

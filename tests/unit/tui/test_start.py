"""The start: an early first frame, a login that says what happened, a lock."""

import re
import subprocess
import sys

from cngstation.errors import DeviceUnavailable
from cngstation.rpc.failures import NotConnected
from cngstation.services.log_in import ScreenLocked
from cngstation.services.read_staff_card import StaffCardMissing
from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import opened
from tui.link import Part


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


async def test_the_lock_key_works_above_every_screen() -> None:
    """In forms, lists, help, the palette and questions one key covers all at once."""
    async with opened() as screen:
        for keys in ((), ("f3",), ("f8",), ("f1",), ("ctrl+p",), ("f3", "1", "ctrl+q")):
            await screen.press(*keys, "ctrl+k")
            await screen.sees("Locked")
            assert screen.link.locked
            await screen.type("right")
            await screen.press("enter")
            await screen.until(lambda: not screen.link.locked)
            screen.app.back_to_counter()
            await screen.rest()


async def test_a_session_that_the_service_locked_covers_the_screen() -> None:
    """However it is told, and the form below is kept as it was."""
    refused = [NotConnected(part="x", why="y"), ScreenLocked()]
    async with opened() as screen:
        for told in ("a daemon", "a key"):
            await screen.press("f5")
            await screen.type("A12")
            screen.link.locked = True
            if told == "a daemon":
                for reason in refused:
                    screen.link.down(Part.FORECOURT, reason)
            else:
                screen.app._touched_s -= 30
                await screen.press("3")
            await screen.sees("Nobody was at the screen.")
            assert "A12" not in screen.text()
            await screen.type("right")
            await screen.press("enter")
            await screen.sees("A12")
            screen.app.back_to_counter()
            await screen.rest()


async def test_keys_tell_the_counter_that_somebody_is_there() -> None:
    """The first key does, more of them within half a minute do not."""
    async with opened() as screen:
        await screen.press("down")
        told = screen.link.touches
        await screen.press("up", "down", "up")
        assert told == screen.link.touches == 1
        screen.app._touched_s -= 30
        await screen.press("down")
        assert screen.link.touches == 2


async def test_the_second_step_reads_the_card_by_one_key() -> None:
    """The password is kept until the card is read; Esc begins again."""
    async with opened(login=False) as screen:
        screen.link.second_step = StaffCardMissing()
        for text in ("wang", "right"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees("There is no card on the reader")
        await screen.sees("Enter reads the card")
        await screen.press("escape")
        await screen.sees("Enter logs in")
        await screen.type("right")
        await screen.press("enter")
        await screen.sees("Enter reads the card")
        screen.link.second_step = None
        await screen.press("enter")
        await screen.sees("Put a card on the reader.")
        assert screen.link.released_by is None


async def test_the_page_of_the_staff_card_in_chinese() -> None:
    """Refusal, keys and the fields of an administrator; nothing is left in English."""
    async with opened(login=False, language="zh_CN") as screen:
        screen.link.second_step = StaffCardMissing()
        for text in ("wang", "right"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees("回车 读卡   F2 管理员放行一次")
        await screen.sees("读卡器上没有卡")
        await screen.press("f2")
        await screen.sees("管理员：用户名、密码、原因")
        page = screen.text().replace("Ctrl+L", "").replace("Enter", "")
        words = {w for w in re.findall("[A-Za-z]{2,}", page) if w.islower()}
        assert words <= {"wang", "right"}, page
        screen.link.second_step = DeviceUnavailable(device="The reader", why="gone")
        await screen.press("escape")
        await screen.type("right")
        await screen.press("enter")
        await screen.sees("F2 管理员放行一次")


async def test_an_administrator_answers_for_a_reader_that_is_down() -> None:
    """F2 asks for name, password and reason; they are gone from the screen after."""
    async with opened(login=False) as screen:
        await screen.press("f2")
        assert "Administrator" not in screen.text()
        screen.link.second_step = DeviceUnavailable(device="The reader", why="gone")
        for text in ("wang", "right"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees("F2 an administrator")
        await screen.press("f2")
        for text in ("chief", "hers-77", "broken"):
            await screen.type(text)
            assert "hers-77" not in screen.text()
            await screen.press("enter")
        await screen.sees("Put a card on the reader.")
        assert screen.link.released_by == ("chief", "hers-77", "broken")
        screen.app.signed_out("over")
        await screen.sees("over")
        assert "chief" not in screen.text()

"""What is hostile, lost, resized or in another language: the counter goes on."""

import pytest

from cngstation.errors import DeviceUnavailable, NotLoggedIn
from cngstation.rpc.contract import counter as c
from cngstation.rpc.contract.figures import DeviceHealth, DeviceState, Fact
from cngstation.rpc.failures import NotConnected
from cngstation.services.examine_station import DISK_FULL
from tests.unit.tui.fake_rows import WELL, card, vehicle
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, WIDE, opened
from tui.link import Part

HOSTILE = "\x1b[2J[/x][bold red]\x1b]0;x\x07\u202e{name}"


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_hostile_text_is_shown_as_text(size: tuple[int, int]) -> None:
    """Markup stays letters and no escape reaches the terminal, on any screen."""
    station = FakeStation()
    bad = vehicle(1, "x").model_copy(update={"plate": HOSTILE, "company_name": HOSTILE})
    station.vehicles = [bad]
    station.sales = (
        station.sales[0].model_copy(update={"plate": HOSTILE, "card_no": HOSTILE}),
    )
    station.companies[0] = station.companies[0].model_copy(update={"name": HOSTILE})
    async with opened(size=size, station=station) as screen:
        names = ("plate", "company_name", "driver", "card_no")
        view = card().model_copy(
            update={**dict.fromkeys(names, HOSTILE), "warnings": (HOSTILE,)}
        )
        screen.station.put(view)
        screen.station.change_nozzle(1, plate=HOSTILE, state="fuelling")
        await screen.sees("[/x]")
        for keys in (["f6"], ["1"], ["4"], ["f3"], ["f5"]):
            await screen.press(*keys)
            await screen.pilot.pause(0.3)
            shown = screen.text()
            assert "\x1b" not in shown
            assert "\u202e" not in shown


async def test_a_lost_monitor_greys_the_board_and_stops_nothing() -> None:
    """A word in the status line, no dialog; the next top-up works."""
    async with opened() as screen:
        screen.station.change_nozzle(1, state="fuelling", quantity_milli=1_230)
        await screen.sees("▶fuel")
        reason = NotConnected(part="forecourt", why="no such file")
        screen.link.down(Part.FORECOURT, reason)
        await screen.sees("Monitor ✖gone")
        assert "✖lost" in screen.text()
        assert "1.23" in screen.text()
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("5")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("card.quote"))
        await screen.press("enter")
        await screen.sees("Topped up 5.00")
        await screen.press("f1")
        await screen.sees("The monitor program is not running")
        await screen.press("escape")
        screen.link.up(Part.FORECOURT)
        await screen.sees("Monitor ●ok")
        await screen.sees("▶fuel")


async def test_silent_nozzles_are_counted_below_and_named_by_the_help() -> None:
    """A line that is well says nothing of the nozzles on it."""
    async with opened() as screen:
        await screen.sees("Monitor ●ok")
        screen.station.change_nozzle(3, link="offline")
        screen.station.change_nozzle(4, link="offline")
        await screen.sees("Monitor !2 silent")
        await screen.press("f1")
        await screen.sees("Nozzles 3, 4 do not answer")
        await screen.press("escape")
        screen.station.change_nozzle(3, link="online")
        screen.station.change_nozzle(4, link="online")
        await screen.sees("Monitor ●ok")


async def test_a_reader_or_a_disk_in_trouble_says_what_to_do() -> None:
    """On the card's page, in the last line, in the alarm list and in the help."""
    gone = DeviceHealth(
        state=DeviceState.OFFLINE, text=DeviceUnavailable.text,
        facts=(Fact(name="device", value="r"), Fact(name="why", value="unplugged")),
    )  # fmt: skip
    full = DeviceHealth(
        state=DeviceState.OFFLINE, text=DISK_FULL[0],
        facts=(Fact(name="free", value="22"),),
    )  # fmt: skip
    async with opened() as screen:
        await screen.sees("Put a card on the reader")
        screen.station.tell(Part.COUNTER, c.READER_CHANGED, gone)
        await screen.sees("✖ r cannot be reached: unplugged")
        screen.station.tell(Part.COUNTER, c.DISK_CHANGED, full)
        await screen.sees("Disk ✖22 MiB")
        await screen.press("a")
        await screen.sees("2 now")
        await screen.press("down")
        await screen.sees("The disk is full: 22 MiB left")
        await screen.sees("Move old backups and logs to another disk")
        await screen.press("escape")
        await screen.press("f1")
        await screen.sees("The disk is full: 22 MiB left")
        await screen.press("escape")
        screen.station.tell(Part.COUNTER, c.READER_CHANGED, WELL)
        screen.station.tell(Part.COUNTER, c.DISK_CHANGED, WELL)
        await screen.sees("Put a card on the reader")
        assert "Disk" not in screen.text()


async def test_a_lost_counter_is_said_and_comes_back() -> None:
    """Reader and printer are unknown then, and the card is shown grey."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        reason = NotConnected(part="counter", why="it is being reconnected")
        screen.link.down(Part.COUNTER, reason)
        await screen.sees("Reader ✖gone Printer ✖gone")
        screen.station.failing["card.quote"] = [reason]
        await screen.type("5")
        await screen.press("enter")
        await screen.sees("The card program is not running")
        screen.link.up(Part.COUNTER)
        await screen.sees("Reader ●ok")


async def test_the_language_is_switched_at_once() -> None:
    """Every line is in the other language, and what was typed stays."""
    async with opened(language="zh_CN") as screen:
        screen.station.put(card())
        await screen.sees("预购金额")
        await screen.type("12")
        await screen.press("ctrl+l")
        await screen.sees("prepaid money")
        assert "12 ]" in screen.text()
        assert "空闲" not in screen.text()
        await screen.press("g")
        await screen.sees("○空闲")


async def test_the_screen_is_whole_at_every_size() -> None:
    """From wide to small and back: keys, status and amount are on the screen."""
    async with opened(size=WIDE) as screen:
        screen.station.put(card())
        await screen.sees("Last fills")
        for width, height in ((80, 24), (100, 30), (160, 50)):
            await screen.pilot.resize_terminal(width, height)
            await screen.rest()
            shown = screen.text()
            for text in ("Monitor ●ok", "F7/b", "01000231", "27.50", "8 ○idle"):
                assert text in shown, (width, height, text)


async def test_the_looks_follow_each_other() -> None:
    """Dark, light, high contrast."""
    async with opened() as screen:
        seen = []
        for _ in range(3):
            await screen.press("ctrl+t")
            seen.append(screen.app.theme)
        assert seen == ["station-light", "station-contrast", "station-dark"]


@pytest.mark.parametrize("key", ["f5", "f3", "f7", "f8", "f6"])
async def test_help_is_about_the_screen_that_is_open(key: str) -> None:
    """Every screen has a help of its own."""
    async with opened(language="zh_CN") as screen:
        await screen.press(key, "f1")
        await screen.sees("Ctrl+T")
        top = screen.app.screen_stack[-2]
        assert top.HELP


async def test_a_session_that_ended_goes_back_to_the_login() -> None:
    """The counter knows the token no more: nobody works here until the next login."""
    async with opened() as screen:
        screen.link.down(Part.COUNTER, NotLoggedIn())
        await screen.sees("The session has ended.")
        assert len(screen.app.screen_stack) == 1
        screen.station.put(card())
        await screen.rest()
        assert "01000231" not in screen.text()

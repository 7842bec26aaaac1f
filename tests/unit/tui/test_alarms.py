"""The alarm list: what is not well, for how long, what to do, who has seen it."""

import pytest

from cngstation.rpc.contract import board as b
from cngstation.rpc.contract import figures as f
from tests.unit.tui.fake_board import alarm
from tests.unit.tui.fake_rows import NOW_MS, LoginRefused
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.link import Part
from tui.screens.alarms import _duration
from tui.widgets.board import Board


def with_alarms() -> FakeStation:
    """Return a station where something happened."""
    station = FakeStation()
    station.alarms = (
        alarm(1),
        alarm(2, nozzle_no=7, people=0),
        alarm(3, nozzle_no=1, source="event", kind="price_received", people=0,
              device_at="2026-11-20 03:04:05"),
        alarm(4, alarm_id="", source="act", nozzle_no=0, people=0),
    )  # fmt: skip
    station.open_rows = (
        f.OpenRow(
            row_id="1", kind="parameter_changed", subject="nozzle 3", text="x",
            cure="y", facts=(), at_ms=NOW_MS, intent_id="", people=1,
        ),
    )  # fmt: skip
    return station


@pytest.mark.parametrize(
    ("size", "language", "title"),
    [
        (SMALL, "en", "Alarms and events of dispensers"),
        (SMALL, "zh_CN", "报警与加气机事件"),
        (WIDE, "zh_CN", "报警与加气机事件"),
    ],
)
async def test_each_row_says_what_to_do(
    size: tuple[int, int], language: str, title: str
) -> None:
    """And for an event what the dispenser's own clock said."""
    async with opened(size=size, language=language, station=with_alarms()) as screen:
        await screen.press("a")
        await screen.sees(title)
        await screen.sees({"en": "→ Compare", "zh_CN": "→ 核对"}[language])
        await screen.press("down", "down")
        await screen.sees("2026-11-20 03:04:05")


async def test_a_row_is_seen_by_name_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """s asks the monitor; the shape of the row says it from then on."""
    async with opened(station=with_alarms()) as screen:
        await screen.press("a")
        await screen.sees("Alarms and events")
        await screen.press("s")
        await screen.sees("Seen by 王芳")
        await screen.sees("stays open")
        assert screen.asked("alarm.see") == [b.AlarmSeen(alarm_id="1")]
        screen.station.failing["alarm.see"] = [LoginRefused(left=1, minutes=2)]
        await screen.press("down", "s")
        await screen.sees("tries are left")


async def test_the_keys_fit_the_marked_row() -> None:
    """An act is not marked, and what closes itself is not explained."""
    async with opened(station=with_alarms()) as screen:
        await screen.press("a")
        await screen.sees("e explain and close")
        await screen.press("down")
        await gone(screen, "e explain and close")
        await screen.press("e")
        await screen.sees("not closed by words")
        await screen.press("end")
        await gone(screen, "s seen")
        await screen.press("s", "g")
        assert not screen.asked("alarm.see")
        await screen.press("home", "e")
        await screen.sees("Close a row with a reason")


async def gone(screen: Opened, text: str) -> None:
    """Wait until a text is not on the screen."""
    await screen.until(lambda: text not in screen.text())


async def test_from_an_alarm_to_its_nozzle() -> None:
    """The board opens with that nozzle alone."""
    async with opened(station=with_alarms()) as screen:
        await screen.press("a")
        await screen.sees("g go to the nozzle")
        await screen.press("down", "g")
        await screen.sees('Shown: 1 of 8 nozzles ("7")')
        assert screen.app.screen.query_one(Board).shown() == [7]


async def test_what_is_silent_now_stands_in_the_list_while_it_is() -> None:
    """By nozzle, the first one first."""
    async with opened(station=with_alarms()) as screen:
        await screen.press("a", "b")
        await screen.sees("0 now, 3 open, 1 reported")
        screen.station.change_nozzle(2, link="offline")
        await screen.sees("1 now, 3 open, 1 reported")
        await screen.sees("Nozzle 2 does not answer.")
        text = screen.text()
        assert text.index("Nozzle 2 does") > text.index("No What")
        began = screen.app.desk.now_ms() - 5_400_000
        screen.station.change_nozzle(
            2, link="online", faults=("fram",), faults_since_ms=(began,)
        )
        await screen.sees("Nozzle 2 reports a fault")
        (row,) = [r for r in screen.text().splitlines() if "Nozzle 2 reports" in r]
        assert "1 h 30 min" in row
        screen.station.change_nozzle(2, faults=(), faults_since_ms=())
        await screen.sees("0 now, 3 open, 1 reported")
        screen.link.down(Part.FORECOURT, LoginRefused(left=1, minutes=1))
        await screen.sees("The monitor program does not answer")


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "0 min"), (59_999, "0 min"), (5_400_000, "1 h 30 min"),
     (2 * 86_400_000 + 3_700_000, "2 d 1 h")],
)  # fmt: skip
def test_how_long_in_two_units(ms: int, text: str) -> None:
    """A clock that went back makes no negative time."""
    assert _duration(ms) == text

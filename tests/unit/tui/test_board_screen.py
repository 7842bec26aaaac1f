"""The board's own page: tiles by a filter that says so, and today's curve."""

import pytest

from cngstation.rpc.contract import forecourt as g
from tests.unit.tui.fake_rows import card, nozzle, sale
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.link import Part
from tui.tile_filter import TileFilter, is_alarm
from tui.widgets import trend as trend_widget
from tui.widgets.board import Board
from tui.widgets.trend import Trend


def of_all_states(nozzles: int) -> FakeStation:
    """Return a station whose nozzles are in every state there is."""
    states = (
        "idle", "fuelling", "suspended_fuelling", "calling", "authorised", "started",
        "closed", "inoperative",
    )  # fmt: skip
    station = FakeStation(nozzles)
    for no in station.nozzles:
        station.nozzles[no] = nozzle(
            no, state=states[no % 8], plate="川A12345" if no % 2 else "",
            locked=no % 13 == 5, link="offline" if no % 17 == 6 else "online",
            awaiting_debit=no % 11 == 7, faults=("valve",) if no % 19 == 8 else (),
            quantity_milli=no * 1_230, amount_e4=no * 48_900,
        )  # fmt: skip
    return station


def shown(screen: Opened) -> list[int]:
    """Return the nozzles that the board shows."""
    return screen.app.screen.query_one(Board).shown()


@pytest.mark.parametrize(
    ("wanted", "facts", "shows"),
    [
        (TileFilter(text="1"), {"no": 1}, True),
        (TileFilter(text="1"), {"no": 12}, False),
        (TileFilter(text="07"), {"no": 7}, True),
        (TileFilter(text="a123"), {"no": 2, "plate": "川A·12345"}, True),
        (TileFilter(text="0231"), {"no": 2, "card_no": "01000231"}, True),
        (TileFilter(text="fuel"), {"no": 2, "state": "fuelling"}, True),
        (TileFilter(text="fuel"), {"no": 2}, False),
        (TileFilter(state="lock"), {"no": 2, "locked": True}, True),
        (TileFilter(state="lock"), {"no": 2}, False),
        (TileFilter(alarms=True), {"no": 2, "link": "offline"}, True),
        (TileFilter(alarms=True), {"no": 2, "state": "fuelling"}, False),
        (TileFilter("2", "lock", alarms=True), {"no": 2, "locked": True}, True),
        (TileFilter("3", "lock", alarms=True), {"no": 2, "locked": True}, False),
    ],
)
def test_what_a_filter_lets_through(
    wanted: TileFilter, facts: dict[str, object], shows: bool
) -> None:
    """All that is typed and chosen must be true of a nozzle."""
    assert wanted.shows(nozzle(**facts), stale=False) is shows


def test_without_a_monitor_every_nozzle_is_an_alarm() -> None:
    """Figures that nobody renews are the figures of lost nozzles."""
    assert is_alarm(nozzle(1), stale=True)
    assert not is_alarm(nozzle(1), stale=False)


@pytest.mark.parametrize(
    ("size", "language", "nozzles"),
    [
        (SMALL, "zh_CN", 64),
        (SMALL, "en", 0),
        ((100, 30), "zh_CN", 1),
        ((100, 30), "en", 64),
        (WIDE, "zh_CN", 0),
        (WIDE, "en", 64),
    ],
)
async def test_the_page_is_whole_at_every_size(
    size: tuple[int, int], language: str, nozzles: int
) -> None:
    """Keys, status and the curve's sums are on the screen, whatever the station has."""
    station = of_all_states(nozzles)
    async with opened(size=size, language=language, station=station) as screen:
        await screen.press("n")
        await screen.sees("629.34")
        await screen.sees("Tab")
        await screen.sees("64" if nozzles == 64 else "Esc")
        if not nozzles:
            await screen.sees(
                {"en": "No nozzle is", "zh_CN": "尚未配置加气枪"}[language]
            )


async def test_a_filter_says_what_is_shown_and_what_is_hidden() -> None:
    """It stands above the tiles until Esc; a hidden alarm is counted."""
    async with opened(station=of_all_states(64)) as screen:
        await screen.press("n")
        await screen.sees("Every nozzle: 64")
        await screen.press("1", "2")
        await screen.sees('Shown: 1 of 64 nozzles ("12")')
        await screen.sees("alarms are not shown!")
        assert shown(screen) == [12]
        await screen.press("backspace")
        assert shown(screen) == [1]
        await screen.press("escape")
        await screen.sees("Every nozzle: 64")
        await screen.press("exclamation_mark")
        alarms = shown(screen)
        assert 6 in alarms
        assert 9 not in alarms
        await screen.press("right")
        assert 0 < len(shown(screen)) < len(alarms)
        await screen.press("escape", "escape")
        await screen.sees("Put a card on the reader")
        assert len(shown(screen)) == 64


async def test_a_nozzle_that_changes_its_state_comes_and_goes() -> None:
    """The filter is asked again at each change, also of those that it hides."""
    async with opened() as screen:
        await screen.press("n", "exclamation_mark")
        await screen.sees("Shown: 0 of 8")
        screen.station.change_nozzle(5, link="offline")
        await screen.sees("Shown: 1 of 8")
        assert shown(screen) == [5]
        screen.station.change_nozzle(5, link="online")
        await screen.sees("Shown: 0 of 8")


async def test_the_counters_board_is_drawn_anew_behind_this_one() -> None:
    """What changed while the page was open stands at the counter too."""
    async with opened() as screen:
        await screen.press("n")
        screen.station.change_nozzle(3, state="fuelling", quantity_milli=4_560)
        await screen.sees("4.56")
        screen.station.put(card())
        await screen.sees("01000231")
        assert screen.app.screen is screen.app.counter()
        await screen.sees("4.56")


async def test_one_nozzle_alone_is_told_orders() -> None:
    """Enter opens its orders."""
    async with opened() as screen:
        await screen.press("n", "3", "enter")
        await screen.sees("Orders to a nozzle")
        await screen.sees("[  3 ]")


async def test_the_curve_follows_fills_and_not_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand figures draw nothing; a booked fill draws once."""
    monkeypatch.setattr(trend_widget, "LEAST_S", 0.02)
    async with opened() as screen:
        await screen.press("n")
        await screen.sees("51 fills")
        curve = screen.app.screen.query_one(Trend)
        await screen.until(lambda: curve.drawings)
        drawings = curve.drawings
        for milli in range(500):
            screen.station.change_nozzle(1, state="fuelling", quantity_milli=milli * 10)
        await screen.sees("4.99")
        assert curve.drawings == drawings
        screen.station.extra_fills = 1
        screen.station.tell(Part.FORECOURT, g.SALE_RECORDED, sale(99))
        await screen.sees("52 fills")
        await screen.until(lambda: curve.drawings > drawings)


async def test_gas_money_and_the_last_fills_take_turns() -> None:
    """Tab turns; a station that was shut a week ago says so."""
    station = FakeStation()
    station.was_open_a_week_ago = False
    async with opened(station=station) as screen:
        await screen.press("n")
        await screen.sees("Nothing was sold a week ago.")
        await screen.sees("123┤")
        await screen.press("tab")
        await screen.sees("491┤")
        await screen.press("tab")
        await screen.sees("Last fills")


async def test_gas_in_two_units_is_never_summed() -> None:
    """Each nozzle shows its own; the sums of today stand unit by unit."""
    station = FakeStation()
    for no, unit in ((1, "kg"), (2, "m3")):
        station.nozzles[no] = nozzle(
            no, state="fuelling", unit=unit, quantity_milli=12_340
        )
    async with opened(size=WIDE, station=station) as screen:
        await screen.press("f2")
        await screen.sees("12.34 kg")
        await screen.sees("12.34 m³")
        await screen.until(lambda: len(screen.asked("sale.trend")) > 1)
        asked = [request.unit for request in screen.asked("sale.trend")][:2]
        assert asked == ["m3", "kg"]
        await screen.until(lambda: screen.text().count(" kg") > 1)

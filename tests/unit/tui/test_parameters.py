"""Parameters of the station and its enrolment, as the screen shows and saves them."""

import pytest

from cngstation.domain.typed_code import CodeMistyped
from tests.unit.tui.fake_parameters import GROUPS
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import opened
from tui.first_start import RIGHT


def fresh(*, rights: tuple[str, ...] = (RIGHT,)) -> FakeStation:
    """Return a station that was just set up."""
    station = FakeStation()
    station.first_start, station.rights = True, rights
    return station


@pytest.mark.parametrize(
    ("language", "title"),
    [("zh_CN", "参数设置：初次使用"), ("en", "please look at them once")],
)
async def test_the_first_login_opens_the_parameters(language: str, title: str) -> None:
    """At 80x24 all of them, filled in; once saved they do not come again."""
    async with opened(station=fresh(), language=language) as screen:
        await screen.sees(title)
        for text in ("北门加气站", "03160002", "新奥燃气", "false"):
            await screen.sees(text)
        await screen.press("f2")
        await screen.until(lambda: screen.asked("parameters.save"))
        await screen.until(lambda: screen.app.screen is screen.app.counter())
        assert not screen.station.first_start


@pytest.mark.parametrize("station", [fresh(rights=()), FakeStation()])
async def test_whoever_may_not_or_need_not_is_at_the_counter(
    station: FakeStation,
) -> None:
    """A cashier's first login, and every later one."""
    async with opened(station=station) as screen:
        await screen.rest()
        assert screen.app.screen is screen.app.counter()


async def test_a_changed_parameter_is_saved_and_said() -> None:
    """Found by its initials; what starts anew is said."""
    async with opened() as screen:
        screen.station.fixed = {"station.station_no"}
        await screen.press("ctrl+p")
        await screen.type("cssz")
        await screen.press("enter")
        await screen.sees("fixed")
        await screen.press("down")
        await screen.type("2")
        await screen.press("f2")
        await screen.sees("Saved: Station name. The programs start anew")
        assert screen.station.parameters["station.name"] == "2"


async def test_a_certificate_is_typed_and_a_wrong_group_named() -> None:
    """The request stands there to be read out; what was typed is kept."""
    async with opened() as screen:
        await screen.press("ctrl+p")
        await screen.type("xzxzc")
        await screen.sees("Enrolment")
        await screen.press("enter")
        await screen.sees("Request AB12-CD34")
        await screen.sees("GRP040")
        assert GROUPS.split()[0] in screen.text()
        screen.station.failing["enrolment.accept"] = [
            CodeMistyped(number=3, group="GRP0X3")
        ]
        await screen.type("GRP001 GRP002 GRP0X3")
        await screen.press("f2")
        await screen.sees("Group 3 of the code (GRP0X3) is mistyped")
        await screen.press("f2")
        await screen.sees("Certificate 7 is accepted")
        (_, given) = screen.asked("enrolment.accept")
        assert given.certificate == "GRP001 GRP002 GRP0X3"

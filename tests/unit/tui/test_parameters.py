"""Parameters of the station and its enrolment, as the screen shows and saves them."""

from pathlib import Path

import pytest
from textual.widgets import Input

from cngstation.domain.typed_code import CodeMistyped
from tests.unit.tui.fake_parameters import GROUPS
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import Opened, opened
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


async def enrolment(screen: Opened) -> None:
    """Open the page."""
    screen.app.run_function("enrolment")
    await screen.until(lambda: screen.asked("enrolment.show"))


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            (
                "Station 03160002, area 0316, runs as single",
                "is made. Read",
                "is written to",
                "cannot be written",
            ),
        ),
        (
            "zh_CN",
            (
                "站点 03160002，区域 0316，运行方式：单站",
                "已生成",
                "已写入",
                "无法写入文件",
            ),
        ),
    ],
)
async def test_a_request_is_made_and_written_to_a_usb_key(
    tmp_path: Path, language: str, texts: tuple[str, str]
) -> None:
    """By two people; what is written is what head office reads, and nothing over it."""
    async with opened(language=language) as screen:
        await enrolment(screen)
        await screen.sees(texts[0])
        await screen.press("ctrl+n")
        for text in ("new disk", "mine", "second", "secret"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees(texts[1])
        (asked,) = screen.asked("enrolment.request")
        assert asked.reason == "new disk"
        assert asked.approval.login_name == "second"
        file = tmp_path / "03160002.request.txt"
        for said in texts[2:]:
            await screen.press("ctrl+w")
            screen.app.screen.query_one("#path", Input).value = str(tmp_path)
            await screen.press("f2")
            await screen.sees(said)
        assert [o.name for o in tmp_path.iterdir()] == [file.name]
        text = file.read_text("utf-8")
        assert "# to read over the phone: EF56-7890" in text
        groups = [row for row in text.splitlines() if not row.startswith("#")]
        assert " ".join(groups) == GROUPS


async def test_a_certificate_comes_from_a_usb_key(tmp_path: Path) -> None:
    """The one of this station; state, edition and end stand there afterwards."""
    async with opened() as screen:
        await enrolment(screen)
        field = screen.app.screen.query_one("#certificate", Input)
        for name, row in (
            ("a", "# station 03160003, area 0316\nGRP009"),
            ("b", "# station 03160002, area 0316\nGRP001 GRP002\nGRP003"),
        ):
            field.value = str(tmp_path)
            await screen.press("f2")
            await screen.sees("There is no paper for this station")
            (tmp_path / f"{name}.certificate.txt").write_text(row, "utf-8")
        field.value = str(tmp_path)
        await screen.press("f2")
        await screen.sees("Certificate 7 is accepted")
        (given,) = screen.asked("enrolment.accept")
        assert given.certificate == "GRP001 GRP002 GRP003"
        await enrolment(screen)
        await screen.sees("Certificate 7, edition networked station")
        await screen.sees("365 days left")
        await screen.sees("The edition is networked station, but the station runs as")
        (tmp_path / "c.certificate.txt").write_text("# station 03160002, a", "utf-8")
        screen.app.screen.query_one("#certificate", Input).value = str(tmp_path)
        await screen.press("f2")
        await screen.sees("There are 2 papers")


async def test_a_ticket_lets_the_vendor_in_and_the_password_is_shown_once(
    tmp_path: Path,
) -> None:
    """From the page of the operators."""
    file = tmp_path / "t.ticket.txt"
    file.write_text("# station 03160002, Zhao\nTCK001 TCK002", "utf-8")
    async with opened() as screen:
        screen.app.run_function("operators")
        await screen.until(lambda: screen.asked("operator.list"))
        await screen.press("t")
        screen.app.screen.query_one("#ticket", Input).value = str(file)
        await screen.press("f2")
        await screen.sees("vendor-v1")
        await screen.sees("k7m2p9qrst")
        (asked,) = screen.asked("vendor.accept")
        assert asked.ticket == "TCK001 TCK002"
        await screen.press("enter")
        await screen.sees("The password of operator V1 was shown once")
        assert "k7m2p9qrst" not in screen.text()


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

"""Lists and prices at the dispensers: who holds what, sent by key, a number by hand."""

import pytest

from cngstation.rpc.contract import downloads as d
from cngstation.rpc.session import Nothing
from tests.unit.tui.fake_rows import NOW_MS, nozzle
from tests.unit.tui.opened import SMALL, WIDE, opened
from tui.figures import short_time
from tui.link import Part


@pytest.mark.parametrize("size", [SMALL, WIDE])
@pytest.mark.parametrize(
    ("language", "title", "version"),
    [
        ("en", "Lists and prices at the dispensers", "Blacklist version 3: 120"),
        ("zh_CN", "黑名单与单价下载", "黑名单 第 3 版：120 个卡号"),
    ],
)
async def test_each_nozzle_shows_what_it_holds(
    size: tuple[int, int], language: str, title: str, version: str
) -> None:
    """By a shape and the versions; the rows below come with the arrow."""
    async with opened(size=size, language=language) as screen:
        screen.app.action_open("lists")
        await screen.sees(title)
        await screen.sees(version)
        await screen.sees("▸ 20/120")
        await screen.sees("○ - → 3")
        await screen.sees("● 3")
        await screen.sees({"en": "+3 s", "zh_CN": "+3 秒"}[language])
        await screen.sees({"en": "! -2 h", "zh_CN": "! -2 小时"}[language])
        for _ in range(39):
            await screen.press("down")
        await screen.sees("40  ▸ 20/120")


async def test_a_typed_number_tells_since_when_a_nozzle_holds_what() -> None:
    """Each kind on a line, also what was never taken and what cannot be."""
    async with opened() as screen:
        screen.app.action_open("lists")
        await screen.sees("● 3")
        await screen.press("3")
        at = short_time(NOW_MS)
        await screen.sees(f"Prices: in force; has version 3 since {at}, shall have 3")
        await screen.sees("White list: its protocol cannot; has version 3")
        await screen.press("escape", "2")
        await screen.sees("Prices: waits; none was ever taken, shall have version 3")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("damaged", "the dispenser says its checksum is wrong"),
        ("no 3 too dear", "the dispenser says no (3 too dear)"),
        ("by_its_maker", "by_its_maker"),
    ],
)
async def test_a_nozzle_that_refuses_says_why_and_when(said: str, words: str) -> None:
    """A shape in the table, the reason with its number, and on the page of prices."""
    async with opened() as screen:
        screen.station.refused = {2: said}
        screen.app.action_open("lists")
        await screen.sees("✖ - → 3")
        await screen.press("2")
        await screen.sees(f"Prices: refused: {words}; none was ever taken")
        await screen.sees(f"last try {short_time(NOW_MS)}: refused")
        screen.app.action_open("prices")
        await screen.sees(f"✖ Nozzle 2 refused them: {words}.")
        await screen.sees("Not yet: 1 4 5 7 8.")


async def test_the_screen_follows_what_nozzles_say() -> None:
    """What is told asks for the whole again."""
    async with opened() as screen:
        screen.app.action_open("lists")
        await screen.sees("● 3")
        screen.station.held = 7
        screen.station.tell(Part.FORECOURT, d.DOWNLOADS_CHANGED, Nothing())
        await screen.sees("● 7")


async def test_changes_go_at_a_key_and_the_whole_list_at_two() -> None:
    """Esc takes the question back."""
    async with opened() as screen:
        screen.app.action_open("lists")
        await screen.sees("● 3")
        await screen.press("s")
        await screen.sees("on their way")
        await screen.press("w")
        await screen.sees("as a new one")
        await screen.press("escape")
        await screen.press("w")
        await screen.sees("as a new one")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("lists.send")) == 2)
        assert [order.whole for order in screen.asked("lists.send")] == [False, True]


async def test_a_number_goes_on_a_list_with_a_reason() -> None:
    """A second person is named where one is given."""
    async with opened() as screen:
        screen.app.action_open("lists")
        await screen.sees("● 3")
        await screen.press("n")
        await screen.sees("8, 12 or 16 digits")
        await screen.type("0000999900000001")
        await screen.press("enter")
        await screen.type("1")
        await screen.press("enter")
        await screen.type("stolen, said by phone")
        await screen.press("f2")
        await screen.sees("Number 0000999900000001: on the blacklist.")
        (order,) = screen.asked("lists.number")
        assert (order.list, order.reason, order.approval) == (
            "black",
            "stolen, said by phone",
            None,
        )


async def test_one_dispenser_is_told_alone_and_the_screen_says_so() -> None:
    """A number stands for its dispenser; Esc means all again."""
    async with opened() as screen:
        screen.app.action_open("lists")
        await screen.sees("● 3")
        await screen.press("4")
        await screen.sees("Only the dispenser of nozzle 4: nozzles 3 4.")
        await screen.press("s")
        await screen.press("w")
        await screen.sees("to nozzles 3 4? Enter")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("lists.send")) == 2)
        await screen.press("escape")
        await screen.until(lambda: "Only the dispenser" not in screen.text())
        await screen.press("s")
        await screen.until(lambda: len(screen.asked("lists.send")) == 3)
        told = [(order.whole, order.nozzles) for order in screen.asked("lists.send")]
        assert told == [(False, (3, 4)), (True, (3, 4)), (False, ())]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
async def test_every_number_is_listed_and_found(language: str) -> None:
    """Page by page; by a part of the number, and one list alone."""
    async with opened(language=language) as screen:
        screen.station.numbers = tuple(
            d.ListedNumber(
                card_no=f"{no:016d}", list="white" if no == 7 else "black",
                source="own" if no == 8 else "file", state="lost" if no == 8 else "",
            )
            for no in range(1, 301)
        )  # fmt: skip
        screen.app.action_open("lists")
        await screen.sees("● 3")
        await screen.press("v")
        await screen.sees("0000000000000001")
        await screen.sees(
            {"en": "own card  reported lost", "zh_CN": "本站卡  已挂失"}[language]
        )
        await screen.press("end")
        await screen.until(lambda: len(screen.asked("lists.numbers")) == 2)
        await screen.sees({"en": "300 rows", "zh_CN": "300 条"}[language])
        await screen.press("end")
        await screen.sees("0000000000000300")
        await screen.press("slash")
        await screen.type("0299")
        await screen.press("enter")
        await screen.sees("0000000000000299")
        assert "0000000000000300" not in screen.text()
        await screen.press("slash", "backspace", "enter", "l", "l")
        await screen.until(lambda: screen.asked("lists.numbers")[-1].list == "white")
        await screen.sees("0000000000000007")
        assert "0000000000000008" not in screen.text()


async def test_every_nozzle_of_a_large_station_is_counted() -> None:
    """On the page of prices as well: its answer comes in pages."""
    async with opened() as screen:
        screen.station.list_nozzles = 64
        for no in range(9, 65):
            screen.station.nozzles[no] = nozzle(no)
            screen.station.change_nozzle(no)
        screen.app.action_open("prices")
        await screen.sees("of 64 nozzles have the prices of now")

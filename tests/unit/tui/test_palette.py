"""Every function is found by its Chinese name and by the initials of its pinyin."""

import re
from collections.abc import Iterator

import pytest
from pypinyin import Style, lazy_pinyin

from cngstation.language import _, use_language
from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import opened
from tui.functions import BY_NAME, FUNCTIONS, Function
from tui.screens.card_menu import NAMES

_CHINESE = re.compile("[\u4e00-\u9fff]+")


@pytest.fixture
def in_chinese() -> Iterator[None]:
    """Speak Chinese for one test."""
    use_language("zh_CN")
    yield
    use_language("en")


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_initials_are_those_of_the_chinese_name(function: Function) -> None:
    """Who types the first letters of the words of a menu finds it."""
    parts = _CHINESE.findall(_(function.title))
    assert parts, f"{function.title} has no Chinese"
    for part in parts:
        initials = "".join(lazy_pinyin(part, style=Style.FIRST_LETTER))
        words = function.initials.split()
        assert any(word.startswith(initials) for word in words), (part, initials)


async def test_the_steps_of_the_till_are_found_by_name() -> None:
    """Who does not know the till's page finds what is done there."""
    async with opened() as screen:
        await screen.press("ctrl+p")
        await screen.type("qxjb")
        await screen.sees("Close the till")
        await screen.press("enter")
        await screen.sees("Counted")


async def test_the_palette_finds_why_a_card_will_not_fill() -> None:
    """The question mark has a name, too."""
    async with opened() as screen:
        await screen.press("ctrl+p")
        await screen.type("cyy")
        await screen.sees("Why a card will not fill")
        await screen.press("enter")
        await screen.sees("Esc")
        assert type(screen.app.screen).__name__ == "WhyScreen"


async def test_a_name_that_nothing_has_is_said_in_words_of_ours() -> None:
    """The palette's own English sentence is not shown."""
    async with opened() as screen:
        await screen.press("ctrl+p")
        await screen.type("qqqq")
        await screen.sees("No function has this name.")
        await screen.press("enter")
        await screen.until(lambda: screen.app.screen is screen.app.counter())


async def test_all_acts_with_a_card_stand_on_the_smallest_screen() -> None:
    """The last letter is not below the edge."""
    async with opened() as screen:
        await screen.press("x")
        await screen.sees("Settle a grey card by hand")
        for name in NAMES:
            await screen.sees(BY_NAME[name].title)


async def test_an_act_is_chosen_with_arrows_in_both_columns() -> None:
    """Right goes to the other column, up and down along it, Enter opens."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.press("x")
        await screen.sees("▸ 1  Settle a grey card")
        await screen.press("down", "right")
        opened_by = BY_NAME[NAMES[1 + -(-len(NAMES) // 2)]]
        await screen.sees("▸ b  " + opened_by.title)
        await screen.press("enter")
        await screen.until(lambda: screen.asked("act.quote"))
        assert screen.asked("act.quote")[0].kind == opened_by.name


async def test_a_long_amount_does_not_touch_the_balance() -> None:
    """Nine digits fit between the brackets."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("123456789")
        await screen.until(lambda: " [ 123456789 ]" in screen.text())

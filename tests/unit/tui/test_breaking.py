"""Chinese lines break between characters; figures and marks stay where they belong."""

import pytest
from textual.content import Content

from cngstation.errors import Refusal
from cngstation.hygiene import width
from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import opened
from tui.breaking import broken

_SENTENCE = (
    "测试出租车公司 的公司账户余额 0.00 元，需要 49.99 元。未做任何操作，资金未动。"
    "请先给公司充值，或改用其他支付方式（见小票）。"
)


class _Long(Refusal):
    code = "test.long"
    text = "{what} Type the number and confirm again, or leave with Esc."


@pytest.mark.parametrize("columns", [20, 30, 41, 78])
def test_no_line_is_wider_and_nothing_is_lost(columns: int) -> None:
    """Only spaces at the ends of lines go."""
    lines = broken(Content(_SENTENCE), columns).plain.split("\n")
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == _SENTENCE.replace(" ", "")
    assert all(line[0] not in "，。）" and line[-1] != "（" for line in lines)
    # A line that is not the last one is as full as the next word allows.
    assert all(width(line) > columns - 9 for line in lines[:-1])


def test_a_figure_keeps_its_unit_and_words_stay_whole() -> None:
    """Neither "49.99" and "元" nor a word are torn apart."""
    assert broken(Content("需要 49.99 元"), 11).plain == "需要\n49.99 元"
    assert broken(Content("to the card found"), 8).plain == "to the\ncard\nfound"
    assert broken(Content("ABCDEFGHIJ"), 4).plain == "ABCD\nEFGH\nIJ"


def test_lines_that_fit_stay_as_they_are() -> None:
    """What the text breaks itself is not broken anew; styles go with their text."""
    content = Content.assemble(("一行\n\n", "bold"), "二行")
    assert broken(content, 4) is content
    styled = broken(Content.assemble(("一二三四", "bold"), "五六"), 6)
    assert styled.plain == "一二三\n四五六"
    bold = [styled.plain[s.start : s.end] for s in styled.spans if s.style == "bold"]
    assert "".join(bold) == "一二三四"


async def test_a_long_refusal_is_shown_to_its_last_word() -> None:
    """The line above the keys takes as many lines as the sentence needs."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        long = _Long(what="The account has 7.00 yuan left. " * 6)
        screen.station.failing["card.quote"] = [long]
        await screen.type("5")
        await screen.press("enter")
        await screen.sees("confirm again, or leave with Esc.")
        await screen.press("escape")
        await screen.sees("0-9 amount of the top-up")

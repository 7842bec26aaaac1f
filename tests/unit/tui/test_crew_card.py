"""Crew cards on the screen: issued by holder, shown without money."""

import pytest

from tests.unit.tui.fake_rows import blank_card, card
from tests.unit.tui.opened import SMALL, WIDE, opened


@pytest.mark.parametrize("size", [SMALL, WIDE])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Issue a crew card", "Crew card 01000231 was issued", "Holder")),
        ("zh_CN", ("发班组卡", "班组卡 01000231 发卡成功", "持卡人")),
    ],
)
async def test_a_crew_card_is_issued_to_its_holder(
    size: tuple[int, int], language: str, words: tuple[str, str, str]
) -> None:
    """Found in the palette by initials; holder, remark, Enter; then its own page."""
    title, done, holder = words
    async with opened(size=size, language=language) as screen:
        screen.station.put(blank_card())
        await screen.press("ctrl+p")
        await screen.type("fbzk")
        await screen.press("enter")
        await screen.sees(title)
        await screen.sees("0A0B0C09")
        await screen.type("王一班")
        await screen.press("enter", "enter")
        await screen.sees(done)
        (request,) = screen.asked("card.crew_issue")
        assert (request.holder, request.remark) == ("王一班", "")
        await screen.sees("王一班")
        await screen.sees(holder)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
async def test_a_crew_cards_page_has_no_money(language: str) -> None:
    """Number, holder and state; no balance and no price."""
    async with opened(language=language) as screen:
        screen.station.put(
            card(kind="crew", holder="李二班", plate="", balance_purse=0)
        )
        await screen.sees("李二班")
        await screen.sees("01000231")
        for absent in ("Balance", "余额", "3.98"):
            assert absent not in screen.text()


async def test_a_crew_card_is_rewritten_with_another_holder() -> None:
    """The holder is typed, what it would do is read, Enter does it."""
    async with opened() as screen:
        screen.station.put(card(kind="crew", holder="李二班", plate=""))
        await screen.sees("李二班")
        screen.app.run_function("crew_rewrite")
        await screen.rest()
        await screen.sees("Rewrite a crew card")
        await screen.type("王一班")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("act.quote"))
        (asked,) = screen.asked("act.quote")
        assert [(f.name, f.value) for f in asked.fields] == [("holder", "王一班")]
        await screen.rest()
        await screen.press("enter")
        await screen.until(lambda: screen.asked("card.crew_rewrite"))

"""The second operator's staff card by keys: asked, read, wrong, left, timed out."""

import pytest

from cngstation.rpc.contract.marks import SecondCard
from cngstation.services.read_staff_card import StaffCardOfOther
from cngstation.services.second_card import NoCardAsked
from cngstation.services.second_step import SecondCardMissing
from cngstation.storage.staff_cards import StaffCardEnded
from tests.unit.tui.fake_rows import card
from tests.unit.tui.opened import Opened, opened
from tui.screens.second_card import SecondCardScreen

ENGLISH = {
    "asked": "李娜 lays the own staff card on the reader.",
    "read": "Staff card 00000002 of 李娜 is read.",
    "left": "No staff card was read. Nothing was done",
    "other": "The holder of the staff card is not the operator",
    "ended": "Staff card 00000002 is out of use (reported lost).",
    "too late": "No staff card of a second person is waited for here any more.",
    "key": "Ctrl+R staff card",
}
CHINESE = {
    "asked": "李娜：请将本人员工卡放在读卡器上。",
    "read": "已读李娜的员工卡 00000002。",
    "left": "未读员工卡。未办理，钱款未动。",
    "other": "员工卡持卡人与输入用户名和密码的操作员不符。",
    "ended": "员工卡 00000002 已停用（已挂失）。未办理任何业务。",
    "too late": "此处不再等待第二操作员的员工卡。",
    "key": "Ctrl+R 员工卡",
}
SAID = {"en": ENGLISH, "zh_CN": CHINESE}
READ = SecondCard(card_no="00000002", operator_no="02", name="李娜")


async def named(screen: Opened) -> None:
    """Type an act of two on the card, and both people."""
    screen.station.put(card())
    await screen.rest()
    screen.app.run_function("reverse_top_up")
    await screen.rest()
    await screen.type("10.00")
    await screen.press("enter")
    await screen.until(lambda: screen.asked("act.quote"))
    await screen.type("typed twice")
    await screen.press("enter")
    await screen.type("mine")
    await screen.press("enter")
    await screen.type("boss")
    await screen.press("enter")
    await screen.type("secret")


def wanted(screen: Opened, times: int = 1) -> None:
    """Let the act be refused for want of the card."""
    screen.station.failing["card.reverse_top_up"] = [
        SecondCardMissing(second="李娜") for _ in range(times)
    ]


@pytest.mark.parametrize("language", sorted(SAID))
async def test_the_card_of_the_second_is_read_by_enter(language: str) -> None:
    """Wrong, lost and foreign cards are said and asked again; then the act is done."""
    said = SAID[language]
    async with opened(language=language) as screen:
        screen.station.second_card = READ
        await named(screen)
        wanted(screen)
        await screen.press("enter")
        await screen.sees(said["asked"])
        assert "secret" not in screen.text()
        screen.station.take()
        screen.station.put(card(uid="0A0A0A0A", card_no=""))
        await screen.rest()
        assert isinstance(screen.app.screen, SecondCardScreen)
        for failure, told in (
            (StaffCardOfOther(), "other"),
            (StaffCardEnded(card_no="00000002", state="lost"), "ended"),
        ):
            screen.station.failing["approval.card"] = [failure]
            await screen.press("enter")
            await screen.sees(said[told])
            assert isinstance(screen.app.screen, SecondCardScreen)
        screen.station.failing.pop("approval.card")
        await screen.press("enter")
        await screen.sees(said["read"])
        screen.station.failing.pop("card.reverse_top_up")
        await screen.press("enter")
        await screen.sees("done: reverse_top_up")
        first, second = screen.asked("card.reverse_top_up")
        assert (first.approval, second.reason) == (second.approval, "typed twice")
        assert first.intent_id != second.intent_id, "what was refused is another act"


@pytest.mark.parametrize("language", sorted(SAID))
async def test_the_card_is_offered_and_left(language: str) -> None:
    """A key asks for it though nobody must; Esc leaves all as typed."""
    said = SAID[language]
    async with opened(language=language) as screen:
        screen.station.second_card = READ
        await named(screen)
        await screen.sees(said["key"])
        wanted(screen, 2)
        await screen.press("ctrl+r")
        await screen.sees(said["asked"])
        await screen.press("escape")
        await screen.sees(said["left"])
        await screen.press("ctrl+r")
        await screen.sees(said["asked"])
        screen.station.failing["approval.card"] = [NoCardAsked()]
        await screen.press("enter")
        await screen.sees(said["too late"])
        await screen.press("escape")
        orders = screen.asked("card.reverse_top_up")
        assert [order.approval.by_card for order in orders] == [True, True]


async def test_while_the_card_is_read_no_key_leaves_or_reads_twice() -> None:
    """What is under way is waited for."""
    async with opened() as screen:
        screen.station.second_card = READ
        await named(screen)
        wanted(screen)
        await screen.press("enter")
        await screen.sees(ENGLISH["asked"])
        screen.station.hold.clear()
        await screen.press("enter", "enter", "escape")
        await screen.sees("leave the card on the reader")
        assert len(screen.asked("approval.card")) == 1
        screen.station.hold.set()
        await screen.sees(ENGLISH["read"])


async def test_a_form_of_fields_offers_the_card_too() -> None:
    """Nobody named: the cursor goes there; named: the same dialogue, then done."""
    async with opened() as screen:
        screen.station.second_card = READ
        screen.app.run_function("unblacklist")
        await screen.sees("Take a card off the blacklist")
        await screen.type("01000231")
        await screen.press("enter")
        await screen.sees(ENGLISH["key"])
        await screen.type("found")
        await screen.press("ctrl+r")
        assert screen.app.focused is not None
        assert screen.app.focused.id == "own_password"
        await screen.type("mine")
        await screen.press("enter")
        await screen.type("boss")
        await screen.press("enter")
        await screen.type("secret")
        screen.station.failing["card.unblacklist"] = [SecondCardMissing(second="李娜")]
        await screen.press("ctrl+r")
        await screen.sees(ENGLISH["asked"])
        await screen.press("enter")
        await screen.sees(ENGLISH["read"])
        screen.station.failing.clear()
        await screen.press("enter")
        await screen.sees("is off the blacklist")
        first, second = screen.asked("card.unblacklist")
        assert first.approval.by_card
        assert second.approval.by_card

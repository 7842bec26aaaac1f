"""Acts on cards by the keys that a cashier presses, in both languages and sizes."""

import pytest

from cngstation.errors import Disconnected
from cngstation.services.approve import SecondPersonMissing
from tests.unit.tui.fake_rows import blank_card, card
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.functions import BY_NAME
from tui.screens.card_act import FIELDS
from tui.screens.card_act import TITLES as ACTS
from tui.screens.card_menu import NAMES
from tui.screens.mark_card import TITLES as MARKS


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_grey_card_is_settled_by_two_enters(size: tuple[int, int]) -> None:
    """Tap, Enter shows the unpaid fill, Enter settles it."""
    async with opened(size=size) as screen:
        screen.station.put(card(standing="grey", grey="0316/7/7"))
        await screen.sees("settle the unpaid fill")
        await screen.press("enter")
        await screen.sees("Fill 7 at nozzle 7")
        await screen.sees("Give back 10.00")
        await screen.press("enter")
        await screen.sees("done: settle_grey")
        (order,) = screen.asked("card.settle_grey")
        assert (order.before_purse, order.refund_fen) == (2_750, 1_000)
        assert order.approval is None


@pytest.mark.parametrize("language", ["en", "zh_CN"])
async def test_a_lost_card_is_reported_and_replaced_by_few_keys(language: str) -> None:
    """F4, part of the plate, Enter, Enter; then the new card, Enter."""
    async with opened(language=language) as screen:
        await screen.press("f4")
        await screen.type("12345")
        await screen.press("enter")
        await screen.sees("Report a card lost" if language == "en" else "挂失")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("card.report_loss"))
        await screen.press("f4")
        await screen.type("12345")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("act.quote"))
        screen.station.put(blank_card())
        await screen.rest()
        await screen.press("enter")
        await screen.sees("done: replace")
        (order,) = screen.asked("card.replace")
        assert order.card_key == "510101000231"


async def test_an_act_for_two_takes_the_second_ones_password() -> None:
    """Refused without; name and password go with the order, the act's id stays."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.rest()
        screen.app.run_function("reverse_top_up")
        await screen.sees("Second operator")
        await screen.type("10.00")
        await screen.press("enter")
        await screen.sees("takes two people")
        screen.station.failing["card.reverse_top_up"] = [SecondPersonMissing()]
        await screen.type("typed twice")
        await screen.press("enter")
        assert not screen.asked("card.reverse_top_up"), "Enter goes to the next field"
        await screen.press("enter", "enter", "enter")
        await screen.sees("This takes two people. Nothing was done")
        await screen.type("mine of many")
        await screen.press("enter")
        await screen.type("boss")
        await screen.press("enter")
        await screen.type("secret of many")
        assert "of many" not in screen.text()
        await screen.press("enter")
        await screen.sees("done: reverse_top_up")
        alone, both = screen.asked("card.reverse_top_up")
        assert alone.approval is None
        assert both.approval.login_name == "boss"
        assert both.approval.password.get_secret_value() == "secret of many"
        assert (both.reason, both.amount_purse) == ("typed twice", 1_000)


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_the_top_up_to_take_back_is_chosen(size: tuple[int, int]) -> None:
    """The newest unless an arrow says another; another one is another act."""
    async with opened(size=size) as screen:
        screen.station.put(card())
        await screen.rest()
        screen.app.run_function("reverse_top_up")
        await screen.sees("can go back 9.00")
        await screen.type("1.00")
        await screen.press("enter")
        await screen.sees("Give back 10.00")
        screen.app.screen.query_one("#amount").focus()
        await screen.press("down", "down")
        assert "Give back" not in screen.text()
        await screen.press("up", "enter")
        await screen.sees("Give back 10.00")
        await screen.press("enter", "enter", "enter", "enter")
        await screen.sees("done: reverse_top_up")
        quoted = [asked.of_intent_id for asked in screen.asked("act.quote")]
        assert quoted == ["TOP-UP-1", "TOP-UP-2"]
        (order,) = screen.asked("card.reverse_top_up")
        assert order.of_intent_id == "TOP-UP-2"


async def test_an_arrow_beyond_the_list_stays_and_fields_are_reached() -> None:
    """The last shown moves along; among the second one's fields arrows go on."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.rest()
        screen.app.run_function("reverse_top_up")
        await screen.sees("can go back 9.00")
        await screen.press("up", *["down"] * 9)
        await screen.sees("can go back 63.00")
        await screen.press("tab", "down")
        assert screen.app.focused is not None
        assert screen.app.focused.id == "own_password"


async def test_a_typed_balance_is_quoted_anew_and_takes_two() -> None:
    """Where the books cannot say, two people type what moves."""
    async with opened() as screen:
        screen.station.card_state = "lost"
        await screen.press("f4")
        await screen.type("12345")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("act.quote"))
        await screen.type("27.00")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("act.quote")) == 2)
        booked, typed = screen.asked("act.quote")
        assert (booked.amount_purse, booked.fields) == (0, ())
        assert (typed.amount_purse, typed.fields[0].name) == (2_700, "typed")


async def _replacing(screen: Opened) -> None:
    screen.station.card_state = "lost"
    await screen.press("f4")
    await screen.type("12345")
    await screen.press("enter")
    await screen.sees("Take 10.00 yuan   cash")


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_replacement_is_paid_by_a_letter(size: tuple[int, int]) -> None:
    """A letter at the field of the balance chooses; the number is typed, Enter."""
    async with opened(size=size) as screen:
        await _replacing(screen)
        await screen.press("w")
        await screen.sees("WeChat [")
        await screen.type("B42i")
        await screen.press("backspace", "enter")
        await screen.sees("done: replace")
        (order,) = screen.asked("card.replace")
        assert (order.tender, order.tender_ref) == ("wechat", "B42")
        assert (order.cash_fen, order.amount_purse) == (1_000, 0)


async def test_escape_goes_back_to_cash_and_a_figure_begins_anew() -> None:
    """Esc leaves the tender first; another balance is paid in cash until told."""
    async with opened() as screen:
        await _replacing(screen)
        form = screen.app.screen
        await screen.press("k")
        await screen.type("0042")
        await screen.press("escape")
        await screen.sees("Take 10.00 yuan   cash")
        assert screen.app.screen is form
        await screen.press("g")
        await screen.sees("company account")
        await screen.type("27.00")
        await screen.press("enter")
        await screen.sees("Take 10.00 yuan   cash")
        await screen.press("enter")
        await screen.sees("done: replace")
        (order,) = screen.asked("card.replace")
        assert (order.tender, order.tender_ref) == ("cash", "")
        assert order.amount_purse == 2_700


async def test_another_tender_is_another_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that may be known is not used again for another payment."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        screen.station.put(card(payment_mode="credit_money"))
        await screen.rest()
        screen.app.run_function("clear_credit")
        await screen.sees("Take 10.00 yuan   cash")
        screen.station.failing["card.clear_credit"] = [Disconnected(part="counter")]
        await screen.press("enter")
        await screen.sees("no money moved")
        await screen.press("g", "enter")
        await screen.sees("done: clear_credit")
        first, second = screen.asked("card.clear_credit")
        assert (first.tender, second.tender) == ("cash", "company")
        assert first.intent_id != second.intent_id


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_refund_is_shown_the_way_it_came(size: tuple[int, int]) -> None:
    """Tender, amount and number of each part; no letter chooses another way."""
    async with opened(size=size) as screen:
        screen.station.put(card())
        await screen.rest()
        screen.app.run_function("cancel")
        await screen.sees("Give back 10.00 yuan")
        await screen.sees("WeChat 7.00 yuan W0042")
        await screen.sees("cash 3.00 yuan")
        await screen.press("a")
        assert "Alipay" not in screen.text()


async def test_another_amount_is_another_act() -> None:
    """What was shown for one amount is not done with another."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.rest()
        screen.app.run_function("reverse_top_up")
        await screen.sees("Second operator")
        await screen.type("10.00")
        await screen.press("enter")
        await screen.sees("Give back 10.00")
        screen.app.screen.query_one("#amount").value = "9.00"  # type: ignore[attr-defined]
        await screen.rest()
        assert "Give back" not in screen.text()
        screen.app.screen.query_one("#amount").focus()
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("act.quote")) == 2)
        assert screen.asked("card.reverse_top_up") == []


async def test_off_the_blacklist_takes_a_second_person() -> None:
    """Found by number, with reason, name and password."""
    async with opened() as screen:
        screen.app.run_function("unblacklist")
        await screen.sees("Take a card off the blacklist")
        await screen.type("01000231")
        await screen.press("enter")
        await screen.sees("川A12345  normal")
        await screen.sees("Second operator")
        await screen.type("paid")
        await screen.press("enter")
        await screen.type("mine1")
        await screen.press("enter")
        await screen.type("boss")
        await screen.press("enter")
        await screen.type("secret1")
        assert "secret1" not in screen.text()
        await screen.press("enter")
        await screen.sees("is off the blacklist")
        (order,) = screen.asked("card.unblacklist")
        assert (order.reason, order.approval.login_name) == ("paid", "boss")


async def test_the_menu_opens_every_act() -> None:
    """X opens the list; each of its acts is a function that the palette finds too."""
    assert {*ACTS, *MARKS} == set(NAMES) == {*NAMES} & BY_NAME.keys()
    assert FIELDS.keys() <= ACTS.keys()
    async with opened() as screen:
        screen.station.put(card())
        await screen.rest()
        for name, key in zip(NAMES, "123456789abcdefgjk", strict=True):
            await screen.press("escape", "x")
            await screen.sees("Acts with a card")
            await screen.press(key)
            title = "Report a loss" if name == "replace" else BY_NAME[name].title
            await screen.sees(title)
            await screen.press("escape")

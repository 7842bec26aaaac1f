"""The counter: a tap opens a page, digits and two Enters top up, money is certain."""

import pytest

from cngstation.errors import Disconnected, NotLoggedIn
from cngstation.rpc.contract.counter import CardOnReaderState
from tests.unit.tui.fake_rows import blank_card, card
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened


async def _topped_up(screen: Opened, amount: str = "100") -> None:
    screen.station.put(card())
    await screen.sees("01000231")
    await screen.type(amount)
    await screen.press("enter")
    await screen.until(lambda: screen.asked("card.quote"))
    await screen.press("enter")


@pytest.mark.parametrize("size", [SMALL, (100, 30), WIDE])
@pytest.mark.parametrize(
    ("language", "done"),
    [("en", "Topped up 100.00. The card holds 127.50"), ("zh_CN", "已充值 100.00")],
)
async def test_a_top_up_takes_two_keys_beside_the_digits(
    size: tuple[int, int], language: str, done: str
) -> None:
    """Tap, digits, Enter shows before, change and after, Enter does it."""
    async with opened(size=size, language=language) as screen:
        screen.station.put(card())
        await screen.sees("27.50")
        await screen.type("100")
        await screen.press("enter")
        await screen.sees("127.50")
        await screen.press("enter")
        await screen.sees(done)
        (request,) = screen.asked("card.top_up")
        assert (request.money_fen, request.cash_fen) == (10_000, 10_000)
        assert len(request.intent_id) == 26


async def test_a_refused_quote_says_why_and_changes_nothing() -> None:
    """The refusal stands below; the amount can be typed again."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("9999")
        await screen.press("enter")
        await screen.sees("above 5000.00")
        await screen.press("enter")
        assert not screen.asked("card.top_up")


async def test_a_lost_connection_is_asked_by_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The act was done before the connection broke: the screen learns it, once."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        done = screen.station._card_top_up

        async def done_then_lost(request: object) -> object:
            await done(request)
            raise Disconnected(part="counter")

        monkeypatch.setattr(screen.station, "_card_top_up", done_then_lost)
        screen.station.failing["act.find"] = [Disconnected(part="counter")] * 2
        await _topped_up(screen)
        await screen.sees("Topped up 100.00")
        (request,) = screen.asked("card.top_up")
        asked = {found.intent_id for found in screen.asked("act.find")}
        assert asked == {request.intent_id}


async def test_an_act_that_never_arrived_is_tried_again_under_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No trace in the books: it says that no money moved, and Enter keeps the id."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        screen.station.failing["card.top_up"] = [Disconnected(part="counter")]
        await _topped_up(screen)
        await screen.sees("no money moved")
        await screen.press("enter")
        await screen.sees("Topped up 100.00")
        first, second = screen.asked("card.top_up")
        assert first.intent_id == second.intent_id


async def test_an_outcome_that_cannot_be_learned_is_not_called_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The session ended while it was asked: the act cannot simply be done again."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        screen.station.failing["card.top_up"] = [Disconnected(part="counter")]
        screen.station.failing["act.find"] = [NotLoggedIn()]
        await _topped_up(screen)
        await screen.sees("not known yet")
        await screen.press("enter")
        assert len(screen.asked("card.top_up")) == 1


async def test_another_amount_is_another_act() -> None:
    """After a failure and a changed amount the id is a new one."""
    async with opened() as screen:
        await _topped_up(screen)
        await screen.sees("Topped up 100.00")
        await screen.type("7")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("card.quote")) == 2)
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("card.top_up")) == 2)
        first, second = screen.asked("card.top_up")
        assert first.intent_id != second.intent_id
        assert second.money_fen == 700


async def test_two_quick_enters_do_the_act_once() -> None:
    """While an act is under way Enter does nothing."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("5")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("card.quote"))
        screen.station.hold.clear()
        await screen.press("enter", "enter", "enter")
        screen.station.hold.set()
        await screen.sees("Topped up 5.00")
        assert len(screen.asked("card.top_up")) == 1


async def test_the_next_tap_clears_the_last_customers_figures() -> None:
    """An amount that was typed for one card is gone with the next."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("88")
        await screen.sees("88 ]")
        screen.station.take()
        await screen.rest()
        assert "01000231" in screen.text(), "the last page stays"
        screen.station.put(card(uid="0A0B0C07", card_no="01000117"))
        await screen.sees("01000117")
        assert "88 ]" not in screen.text()


async def test_digits_without_a_card_go_nowhere() -> None:
    """A page that has gone grey takes no amount."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        screen.station.take()
        await screen.rest()
        await screen.type("5")
        await screen.press("enter")
        await screen.sees("Put the card on the reader first.")
        assert not screen.asked("card.quote")


async def test_a_tap_opens_the_page_from_any_other_screen() -> None:
    """The card decides the screen; a palette or a list is no reason to wait."""
    async with opened() as screen:
        for key in ("f6", "f1", "ctrl+p", "f7"):
            await screen.press(key)
            screen.station.put(card())
            await screen.sees("Last top-up")
            screen.station.take()
            await screen.rest()


async def test_a_tap_waits_for_an_unfinished_form() -> None:
    """What was typed is not lost; a line says that a card waits."""
    async with opened() as screen:
        await screen.press("f5")
        await screen.type("abc")
        screen.station.put(card())
        await screen.sees("Card 01000231 waits")
        assert "Register a vehicle" in screen.text()
        await screen.press("escape")
        await screen.sees("27.50")


async def test_a_card_read_anew_keeps_what_was_typed() -> None:
    """The reader tells the same card twice: the amount stays."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("12")
        screen.station.put(card(balance_purse=3_000))
        await screen.sees("30.00")
        assert "12 ]" in screen.text()


async def test_gas_cards_take_gas_or_money() -> None:
    """Digits mean gas first; Tab makes them yuan."""
    async with opened() as screen:
        view = card(payment_mode="prepaid_quantity", unit="m3")
        screen.station.put(view)
        await screen.sees("01000231")
        await screen.type("10")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("card.quote"))
        await screen.press("tab", "enter")
        await screen.until(lambda: len(screen.asked("card.quote")) == 2)
        gas, money = screen.asked("card.quote")
        assert (gas.money_fen, gas.quantity_hundredths) == (0, 1_000)
        assert (money.money_fen, money.quantity_hundredths) == (1_000, 0)


async def test_what_is_typed_on_a_gas_card_stands_above_it() -> None:
    """The column names the unit, and the key line the way to the other one."""
    async with opened() as screen:
        screen.station.put(card(payment_mode="prepaid_quantity", unit="m3"))
        await screen.sees("Tab in yuan")
        assert "Top-up m³" in screen.text()
        await screen.press("tab")
        await screen.sees("Top-up yuan")
        await screen.press("tab")
        await screen.type("10")
        await screen.press("enter")
        await screen.sees("To take")
        await screen.press("enter")
        await screen.sees("Topped up 10.00")
        await screen.press("tab")
        await screen.sees("Top-up yuan")


async def test_the_figures_of_a_top_up_go_when_something_else_is_opened() -> None:
    """After another act on the card they would show a balance that it no longer has."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("100")
        await screen.press("enter")
        await screen.sees("To take")
        await screen.press("enter")
        await screen.sees("Topped up 100.00")
        await screen.sees("To take 100.00")
        await screen.press("x")
        await screen.sees("Acts with a card")
        await screen.press("escape")
        await screen.sees("0-9 amount of the top-up")
        assert "To take" not in screen.text()
        assert "127.50" in screen.text()


async def test_a_card_that_was_just_issued_takes_gas_like_any_other() -> None:
    """The card that was blank when it was laid there is another card now."""
    async with opened() as screen:
        screen.station.put(blank_card("0A0B0C01"))
        await screen.sees("Enter issue this card")
        screen.station.put(card(payment_mode="prepaid_quantity", unit="m3"))
        await screen.sees("Top-up m³")
        await screen.type("10")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("card.quote"))
        (asked,) = screen.asked("card.quote")
        assert (asked.money_fen, asked.quantity_hundredths) == (0, 1_000)


async def test_a_card_that_will_not_fill_says_why() -> None:
    """The way out stands on the page, and under one key."""
    async with opened(language="zh_CN") as screen:
        way_out = "Have the cylinder inspected and enter the new date."
        screen.station.put(card(standing="expired", way_out=way_out, cylinder_days=-3))
        await screen.sees("! 请先做钢瓶检验")
        assert "已过期 3 天" in screen.text()
        await screen.press("h")
        await screen.sees("此卡：瓶检到期。")


async def test_new_and_foreign_cards_have_a_page_of_their_own() -> None:
    """A new card offers its issue; a card of somebody else is named as one."""
    async with opened() as screen:
        screen.station.put(blank_card())
        await screen.sees("Enter issue this card")
        screen.station.take()
        foreign = blank_card().model_copy(
            update={"on_reader": CardOnReaderState.FOREIGN, "uid": "0B0B0B0B"}
        )
        screen.station.put(foreign)
        await screen.sees("not a card of this company")


async def test_leaving_asks_when_something_is_unfinished() -> None:
    """Q quits at once from rest, and asks while an amount stands there."""
    async with opened() as screen:
        screen.station.put(card())
        await screen.sees("01000231")
        await screen.type("5")
        await screen.press("q")
        await screen.sees("Something is unfinished")
        await screen.press("escape")
        await screen.sees("5 ]")
        await screen.press("escape", "q")
        await screen.until(lambda: not screen.app.is_running)


async def test_a_changed_amount_drops_the_id_of_the_act_that_never_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other content under the same id would be a conflict in the books."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        screen.station.failing["card.top_up"] = [Disconnected(part="counter")]
        await _topped_up(screen)
        await screen.sees("no money moved")
        await screen.type("0")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("card.quote")) == 2)
        await screen.press("enter")
        await screen.sees("Topped up 1000.00")
        first, second = screen.asked("card.top_up")
        assert first.intent_id != second.intent_id


async def test_a_lost_card_offers_its_replacement_and_no_top_up() -> None:
    """The first key is one that goes on."""
    async with opened() as screen:
        screen.station.put(card(standing="lost"))
        await screen.sees("F4/o Replace a lost card")
        assert "0-9" not in screen.text()


@pytest.mark.parametrize("standing", ["black", "replaced", "waste", "cancelled"])
async def test_no_top_up_is_offered_where_it_is_always_refused(standing: str) -> None:
    """The card's own line says what helps."""
    async with opened() as screen:
        screen.station.put(card(standing=standing))
        await screen.sees("01000231")
        assert "0-9" not in screen.text()


async def test_a_credit_card_shows_what_is_to_be_cleared_and_no_amount() -> None:
    """Nobody reads a debt as a balance."""
    async with opened() as screen:
        screen.station.put(card(payment_mode="credit_money", balance_purse=796))
        await screen.sees("To be cleared 7.96 yuan")
        assert "Balance" not in screen.text()
        assert "[" not in screen.text()


async def test_what_is_old_on_a_card_is_written_by_one_key() -> None:
    """The page says what, Enter opens the act; digits go to the amount as ever."""
    old = "The limits on the card are not those that it has now."
    async with opened() as screen:
        screen.station.put(card(warnings=(old,), cure="rewrite_limits"))
        await screen.sees(old)
        await screen.sees("Enter write the card anew")
        await screen.type("1")
        await screen.sees("Enter show the change")
        await screen.press("escape", "enter")
        await screen.sees("Write the limits on a card")

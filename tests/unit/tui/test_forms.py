"""Issue, registration, prices and look-ups, by the keys that a cashier presses."""

from typing import Any

import pytest
from textual.events import Key
from textual.widgets import Input

from cngstation.errors import Disconnected, Refusal
from cngstation.services.issue_card import SecondCard
from tests.unit.tui.fake_rows import blank_card, card
from tests.unit.tui.opened import SMALL, WIDE, opened


@pytest.mark.parametrize(
    ("size", "language", "done"),
    [(SMALL, "en", "Issued the card for 川AD00217"), (WIDE, "zh_CN", "发卡成功")],
)
async def test_a_card_is_issued_in_seven_keys_beside_the_text(
    size: tuple[int, int], language: str, done: str
) -> None:
    """Enter, plate, Enter, three digits, amount, Enter, Enter."""
    async with opened(size=size, language=language) as screen:
        screen.station.put(blank_card())
        await screen.sees("0A0B0C09")
        await screen.press("enter")
        await screen.sees("川A12345")
        await screen.type("d002")
        await screen.press("enter")
        await screen.until(lambda: screen.app.focused is None)
        await screen.press("1", "2", "1")
        await screen.type("10")
        await screen.press("enter")
        await screen.sees("57.80")  # 10 m³ at 3.78 and 20 for the card
        await screen.press("enter")
        await screen.sees(done)
        (request,) = screen.asked("card.issue")
        assert request.vehicle_id == 3
        assert (request.kind, request.payment_mode) == ("taxi", "prepaid_quantity")
        assert (request.price_level, request.quantity_hundredths) == (1, 1_000)
        assert (request.money_fen, request.cash_fen) == (0, 5_780)


async def test_a_credit_card_is_issued_without_an_amount() -> None:
    """Only the fee is taken; there is no amount to type."""
    async with opened() as screen:
        screen.station.put(blank_card())
        await screen.press("f3")
        await screen.sees("川A12345")
        await screen.press("enter")
        await screen.until(lambda: screen.app.focused is None)
        await screen.press("9", "1", "3", "0")
        await screen.sees("20.00 yuan = prepaid 0.00 + card fee 20.00")
        await screen.press("enter")
        await screen.sees("Issued")
        (request,) = screen.asked("card.issue")
        assert request.cash_fen == 2_000


async def test_an_issue_that_broke_off_is_asked_by_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lost connection during the issue is followed up, not repeated."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        done = screen.station._card_issue

        async def done_then_lost(request: object) -> object:
            await done(request)
            raise Disconnected(part="counter")

        monkeypatch.setattr(screen.station, "_card_issue", done_then_lost)
        screen.station.put(blank_card())
        await screen.press("f3")
        await screen.sees("川A12345")
        await screen.press("enter")
        await screen.until(lambda: screen.app.focused is None)
        await screen.press("1", "3", "0", "enter")
        await screen.sees("Issued the card")
        assert len(screen.asked("card.issue")) == 1


async def test_a_second_card_of_a_vehicle_needs_one_more_enter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The refusal is shown before the flag goes; another vehicle begins without it."""
    async with opened() as screen:
        done = screen.station._card_issue

        async def once_refused(request: Any) -> object:
            if not request.accept_second_card:
                raise SecondCard(plate="川A12345", card_no="01000007")
            return await done(request)

        monkeypatch.setattr(screen.station, "_card_issue", once_refused)
        screen.station.put(blank_card())
        await screen.press("f3")
        await screen.sees("川A12345")
        await screen.press("enter")
        await screen.until(lambda: screen.app.focused is None)
        await screen.press("1", "3", "0", "enter")
        await screen.sees("has card 01000007 already")
        assert [r.accept_second_card for r in screen.asked("card.issue")] == [False]
        await screen.press("enter")
        await screen.sees("Issued the card")
        first, second = screen.asked("card.issue")
        assert second.accept_second_card
        assert first.intent_id != second.intent_id


async def test_without_vehicles_the_issue_says_what_comes_first() -> None:
    """The message of the manual: register the vehicle first."""
    async with opened(language="zh_CN") as screen:
        screen.station.vehicles.clear()
        await screen.press("i")
        await screen.sees("暂无车辆信息")


async def test_an_unusual_plate_is_accepted_by_a_second_enter() -> None:
    """The refusal offers it; the flag goes with the second try only."""
    async with opened() as screen:
        await screen.press("f5")
        await screen.sees("Vehicle type")
        await screen.type("XY")
        await screen.press("enter")
        await screen.type("1")
        await screen.press("enter")
        await screen.type("0001")
        await screen.sees("测试出租车公司")
        await screen.press("f2")
        await screen.sees("Press Enter once more to accept it")
        await screen.press("enter")
        await screen.sees("Registered vehicle XY.")
        first, second = screen.asked("vehicle.register")
        assert (first.accept_plate, second.accept_plate) == (False, True)
        assert (second.vehicle_type, second.company_no) == ("taxi", "0001")


async def test_a_changed_field_takes_the_acceptance_back() -> None:
    """What was accepted for one plate is not accepted for another."""
    async with opened() as screen:
        await screen.press("f5")
        await screen.sees("Vehicle type")
        await screen.type("X")
        await screen.press("enter")
        await screen.type("1")
        await screen.press("f2")
        await screen.sees("once more to accept")
        screen.station.failing["vehicle.register"] = [Refusal()]
        await screen.press("enter")
        await screen.sees("This is not allowed.")
        await screen.press("up")
        await screen.type("Y")
        await screen.press("f2")
        await screen.sees("once more to accept")
        flags = [draft.accept_plate for draft in screen.asked("vehicle.register")]
        assert flags == [False, True, False]


async def test_what_is_typed_behind_an_enter_is_the_next_field_s() -> None:
    """A scanner does not wait until the screen has gone on."""
    async with opened() as screen:
        await screen.press("c")
        await screen.sees("next field")
        burst = ["a", "enter", "b", "enter", "7"]
        for key in burst:
            screen.app.post_message(Key(key, None if key == "enter" else key))
        await screen.until(
            lambda: (
                [field.value for field in screen.app.screen.query(Input)]
                == ["a", "b", "7"]
            )
        )


async def test_a_company_is_registered_and_found() -> None:
    """Enter goes through the fields and saves from the last one."""
    async with opened() as screen:
        await screen.press("c")
        for text in ("ab", "cd", "12"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees("Registered company 0002 ab.")
        await screen.press("f6", "1")
        await screen.sees("0002 ab")


async def test_a_look_up_searches_as_it_is_typed() -> None:
    """Slash, then a part of the plate; digits choose the register from the table."""
    async with opened() as screen:
        await screen.press("f6")
        await screen.sees("川A12345")
        await screen.press("slash")
        await screen.type("d002")
        await screen.until(lambda: "川A12345" not in screen.text())
        assert "川AD00217" in screen.text()
        await screen.press("enter", "4")
        await screen.sees("32.64")
        await screen.press("end")
        await screen.sees("04:52")


async def test_a_receipt_is_printed_again_by_its_number() -> None:
    """Typed into the search of the receipts."""
    async with opened() as screen:
        await screen.press("f6", "5", "slash")
        await screen.type("17")
        await screen.press("enter")
        await screen.sees("Receipt 17: printed.")
        assert screen.asked("receipt.print")[0].receipt_no == 17


async def test_a_receipt_is_chosen_from_the_list() -> None:
    """No number is typed; a card on the reader brings its own receipts."""
    async with opened() as screen:
        await screen.press("f6", "5")
        await screen.sees("川AD00217")
        assert screen.text().count("川AD00217") == 2
        await screen.press("down", "enter")
        await screen.until(lambda: screen.asked("receipt.print"))
        assert screen.asked("receipt.print")[0].receipt_no == 18
        screen.station.put(card())
        await screen.press("f6", "5")
        await screen.until(
            lambda: screen.asked("receipt.list")[-1].card_key == "510101000231"
        )
        await screen.until(lambda: "川AD00217" not in screen.text())
        await screen.press("slash")
        await screen.type("0117")
        await screen.sees("川AD00217")


@pytest.mark.parametrize("typed", ["fk", "Issue"])
async def test_the_palette_finds_a_function_by_name_and_by_initials(typed: str) -> None:
    """Pinyin initials open the function that the old menu had."""
    async with opened() as screen:
        await screen.press("ctrl+p")
        await screen.sees("IC cards: Issue a card")
        await screen.type(typed)
        await screen.until(lambda: "Register a vehicle" not in screen.text())
        await screen.press("enter")
        await screen.sees("Put a new card on the reader.")


async def test_alt_digits_and_letters_stand_for_f_keys() -> None:
    """A terminal that eats F-keys loses nothing."""
    async with opened() as screen:
        for key, shown in (
            ("alt+7", "V prove the books"),
            ("b", "V prove the books"),
            ("alt+6", "1 Companies"),
            ("f", "1 Companies"),
            ("p", "Set prices"),
        ):
            await screen.press(key)
            await screen.sees(shown)
            await screen.press("escape")

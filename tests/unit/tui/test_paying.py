"""Ways of paying on the screen: one key, a number where wanted, cash by default."""

import pytest

from cngstation.domain.tenders import Tender
from cngstation.errors import Disconnected
from cngstation.services.take_payment import CompanyFundsShort, Way, tender_offers
from tests.unit.tui.fake_rows import TENDERS, blank_card, card
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.paying import KEYS, Paying


async def _quoted(screen: Opened, amount: str = "100") -> None:
    screen.station.put(card())
    await screen.sees("01000231")
    await screen.type(amount)
    await screen.press("enter")
    await screen.sees("To take")


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_letter_chooses_the_tender_and_its_number_is_typed(
    size: tuple[int, int],
) -> None:
    """Letters that open functions at rest choose and type while an act waits."""
    async with opened(size=size) as screen:
        await _quoted(screen)
        await screen.sees("w WeChat")
        await screen.press("w")
        await screen.sees("WeChat [")
        await screen.type("B42i")
        await screen.press("backspace", "enter")
        await screen.sees("Topped up 100.00")
        (request,) = screen.asked("card.top_up")
        assert (request.tender, request.tender_ref) == ("wechat", "B42")
        assert (request.money_fen, request.cash_fen) == (10_000, 10_000)


async def test_without_a_letter_it_is_cash() -> None:
    """Tap, amount, Enter, Enter."""
    async with opened() as screen:
        await _quoted(screen)
        await screen.press("enter")
        await screen.sees("Topped up 100.00")
        (request,) = screen.asked("card.top_up")
        assert (request.tender, request.tender_ref) == ("cash", "")


async def test_a_company_pays_without_a_number_and_escape_goes_back_to_cash() -> None:
    """Escape leaves the tender first, then the quote; digits begin the amount anew."""
    async with opened() as screen:
        await _quoted(screen)
        await screen.press("g")
        await screen.sees("company account")
        await screen.press("escape")
        await screen.sees("To take 100.00 yuan   cash")
        await screen.press("g", "enter")
        await screen.sees("Topped up 100.00")
        (request,) = screen.asked("card.top_up")
        assert (request.tender, request.tender_ref) == ("company", "")


async def test_a_company_without_money_says_so_and_is_not_offered() -> None:
    """The letter of a way that is refused says why; another letter has no sense."""
    async with opened() as screen:
        short = CompanyFundsShort(company="测试公司", left="7.00", wanted="100.00")
        company = tender_offers([Way(Tender.COMPANY, short)])
        screen.station.tenders = (*TENDERS[:-1], *company)
        await _quoted(screen)
        assert "g company account" not in screen.text()
        await screen.press("g")
        await screen.sees("The account of 测试公司 has 7.00 yuan left; 100.00 are")
        await screen.press("z")
        await screen.sees("There is no such choice.")
        await screen.press("enter")
        await screen.sees("Topped up 100.00")
        (request,) = screen.asked("card.top_up")
        assert request.tender == "cash"


async def test_another_tender_is_another_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that may be known is not used again for another payment."""
    monkeypatch.setattr("tui.acts.ASK_AGAIN_S", 0.01)
    async with opened() as screen:
        screen.station.failing["card.top_up"] = [Disconnected(part="counter")]
        await _quoted(screen)
        await screen.press("enter")
        await screen.sees("no money moved")
        await screen.press("g", "enter")
        await screen.sees("Topped up 100.00")
        first, second = screen.asked("card.top_up")
        assert (first.tender, second.tender) == ("cash", "company")
        assert first.intent_id != second.intent_id


async def test_an_issue_is_paid_by_a_letter_too() -> None:
    """The last step of an issue takes the tender and its number."""
    async with opened() as screen:
        screen.station.put(blank_card())
        await screen.press("f3")
        await screen.sees("川A12345")
        await screen.press("enter")
        await screen.until(lambda: screen.app.focused is None)
        await screen.press("1", "1", "0")
        await screen.type("50")
        await screen.press("enter")
        await screen.sees("70.00")
        await screen.press("k")
        await screen.type("0042")
        await screen.press("enter")
        await screen.sees("Issued the card")
        (request,) = screen.asked("card.issue")
        assert (request.tender, request.tender_ref) == ("cheque", "0042")
        assert request.cash_fen == 7_000


def test_every_tender_has_one_key() -> None:
    """Each way of paying of the station can be chosen."""
    assert sorted(KEYS.values()) == sorted(offer.tender for offer in TENDERS)


def test_what_the_station_does_not_offer_cannot_be_chosen() -> None:
    """A company without money is not on the list."""
    paying = Paying()
    paying.offer(offer for offer in TENDERS if offer.tender != "company")
    assert not paying.press("g")
    assert paying.tender == "cash"
    assert paying.press("t")
    assert not paying.press("、")
    assert paying.press("g")
    assert (paying.tender, paying.number) == ("transfer", "g")


async def test_a_letter_that_is_no_tender_is_said_before_enter_takes_cash() -> None:
    """Nobody believes that a company pays when its letter was not taken."""
    async with opened() as screen:
        await _quoted(screen)
        await screen.press("z")
        await screen.sees("There is no such choice.")


async def test_after_an_outcome_escape_shows_the_new_balance_alone() -> None:
    """The figures of the top-up that is over are not taken for the balance."""
    async with opened() as screen:
        await _quoted(screen)
        await screen.press("enter")
        await screen.sees("Topped up 100.00")
        await screen.press("escape")
        await screen.until(lambda: "To take" not in screen.text())

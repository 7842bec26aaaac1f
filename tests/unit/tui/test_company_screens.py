"""Companies' money, discounts and limits on the screen."""

import pytest

from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.functions import BY_NAME


async def _open(screen: Opened, name: str) -> None:
    screen.app.run_function(name)
    await screen.rest()


@pytest.mark.parametrize("size", [SMALL, WIDE])
@pytest.mark.parametrize(
    ("language", "done"),
    [("en", "500.00 yuan received; it has 620.00"), ("zh_CN", "收到 500.00 元")],
)
async def test_money_is_taken_for_a_company(
    size: tuple[int, int], language: str, done: str
) -> None:
    """Part of the name, amount, letter, number; the statement stands below."""
    async with opened(size=size, language=language) as screen:
        await _open(screen, "company_money")
        await screen.type("0001")
        await screen.sees("120.00")
        await screen.sees("川A12345")
        await screen.press("enter")
        await screen.type("500")
        await screen.press("enter", "t", "enter")
        await screen.type("T42")
        await screen.press("enter")
        await screen.sees(done)
        (request,) = screen.asked("company.top_up")
        assert (request.company_no, request.amount_fen) == ("0001", 50_000)
        assert (request.tender, request.tender_ref) == ("transfer", "T42")


async def test_an_unknown_company_or_letter_is_said_and_not_sent() -> None:
    """Nothing goes to the station."""
    async with opened() as screen:
        await _open(screen, "company_money")
        await screen.type("9")
        await screen.press("f2")
        await screen.sees("No company is found by 9")
        await screen.press("backspace")
        await screen.type("0001")
        await screen.press("enter", "5", "enter", "z", "f2")
        await screen.sees("z is no letter of a way of paying")
        assert not screen.asked("company.top_up")


async def test_a_company_is_given_a_credit_limit() -> None:
    """Company, limit, Enter."""
    async with opened() as screen:
        await _open(screen, "company_terms")
        await screen.type("0001")
        await screen.press("enter")
        await screen.type("3000")
        await screen.press("enter")
        await screen.sees("may owe up to 3000.00 yuan")
        (terms,) = screen.asked("company.set_terms")
        assert terms.credit_limit_fen == 300_000


async def test_enter_alone_takes_no_credit_limit_away() -> None:
    """A limit of nothing is typed as 0."""
    async with opened() as screen:
        await _open(screen, "company_terms")
        await screen.type("0001")
        await screen.press("enter", "enter")
        await screen.sees("no amount of yuan")
        assert not screen.asked("company.set_terms")


async def test_a_discount_rule_is_added_listed_and_ended() -> None:
    """Empty fields set no bound; the last day is included."""
    async with opened() as screen:
        await _open(screen, "discount_add")
        await screen.sees("There is no rule yet.")
        await screen.press("1", "enter", "enter", "2", "enter")
        for text in ("100", "500", "2.5", "", "2026-12-31"):
            await screen.type(text)
            await screen.press("enter")
        await screen.sees("Rule 1 gives from now on.")
        (rule,) = screen.asked("discount.add")
        assert (rule.card_kind, rule.payment_mode) == ("taxi", "prepaid_quantity")
        assert (rule.from_fen, rule.to_fen, rule.fixed_fen) == (10_000, 50_000, 0)
        assert rule.percent_hundredths == 250
        assert rule.until_ms == 1_798_732_800_000  # 2027-01-01 in China
        await _open(screen, "discount_end")
        await screen.sees("2.5%")
        await screen.press("1", "enter")
        await screen.sees("Rule 1 has ended.")
        (ended,) = screen.asked("discount.end")
        assert ended.rule_no == 1


async def test_a_field_that_does_not_fit_is_named() -> None:
    """A kind that there is not, a day that there is not."""
    async with opened() as screen:
        await _open(screen, "discount_add")
        await screen.press("7", "f2")
        await screen.sees("7 does not fit the field Card kind")
        assert not screen.asked("discount.add")


async def test_limits_are_set_and_what_holds_is_shown() -> None:
    """Twelve digits are a card, fewer a company."""
    async with opened() as screen:
        await _open(screen, "limits")
        await screen.type("0001")
        await screen.sees("06:00-22:00")
        await screen.press("enter")
        await screen.type("200")
        await screen.press(*["enter"] * 8)
        await screen.type("12345")
        await screen.press("enter")
        await screen.type("22:00-05:30")
        await screen.press("enter")
        await screen.sees("The limits of 0001 hold from now on.")
        (limits,) = screen.asked("limits.set")
        assert (limits.holder, limits.fill.fen) == ("company", 20_000)
        assert limits.weekdays == 0b11111
        assert (limits.from_minute, limits.until_minute) == (1_320, 330)


@pytest.mark.parametrize("waits", [True, False])
async def test_a_limit_that_is_not_touched_stays(*, waits: bool) -> None:
    """Who types one limit does not take the others away, however quick the hand."""
    async with opened() as screen:
        await _open(screen, "limits")
        await screen.type("0001")
        if waits:
            await screen.sees("2000.00  ")
        await screen.press("enter")
        await screen.type("100")
        await screen.press("f2")
        await screen.sees("The limits of 0001 hold from now on.")
        (limits,) = screen.asked("limits.set")
        assert (limits.fill.fen, limits.day.fen, limits.week.fen) == (
            10_000,
            200_000,
            0,
        )
        assert (limits.from_minute, limits.until_minute) == (360, 1_320)


async def test_hours_that_are_none_are_named() -> None:
    """25 o'clock is no hour."""
    async with opened() as screen:
        await _open(screen, "limits")
        await screen.type("0001")
        await screen.press(*["enter"] * 10)
        await screen.type("06:00-25:00")
        await screen.press("f2")
        await screen.sees("06:00-25:00 does not fit the field Hours")
        assert not screen.asked("limits.set")


def test_each_function_is_in_the_palette() -> None:
    """Found by name or initials."""
    names = ("company_money", "company_terms", "discount_add", "discount_end", "limits")
    assert set(names) <= set(BY_NAME)


async def test_an_invoice_is_recorded_for_a_receipt() -> None:
    """Receipt, invoice, Enter; a receipt without digits is none."""
    async with opened() as screen:
        await _open(screen, "invoice")
        await screen.press("x", "f2")
        await screen.sees("x does not fit the field Receipt")
        await screen.press("backspace", "7", "enter")
        await screen.type("24512000000012345678")
        await screen.press("enter")
        await screen.sees("recorded for receipt 7.")
        (invoice,) = screen.asked("invoice.record")
        assert (invoice.receipt_no, invoice.invoice_no) == (7, "24512000000012345678")


@pytest.mark.parametrize(
    ("language", "title"), [("zh_CN", "公司加气"), ("en", "Company fills")]
)
async def test_fills_of_a_company_are_listed_page_after_page(
    language: str, title: str
) -> None:
    """All pages stand in one list; the search asks for one company."""
    async with opened(size=SMALL, language=language) as screen:
        await _open(screen, "company_fills")
        for plate in ("川A00252", "川A00251", "川A00250"):
            await screen.sees(plate)
        await screen.sees(title)
        assert [q.before_seq for q in screen.asked("company.fills")] == [0, 251]
        await screen.press("/")
        await screen.type("0001")
        await screen.until(lambda: len(screen.asked("company.fills")) >= 4)
        assert screen.asked("company.fills")[-1].company_no == "0001"

"""The books: a verdict in words, and open rows that are finished with their card."""

from cngstation.hygiene import width
from cngstation.language import use_language
from cngstation.rpc.contract import figures as f
from cngstation.services import open_rows
from tests.unit.tui.fake_rows import NOW_MS, card
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import opened
from tui.texts import sentences
from tui.words import word


def _with_open_row() -> FakeStation:
    station = FakeStation()
    station.open_rows = (
        f.OpenRow(
            row_id="1", kind="top_up", subject="01000231",
            text="The top-up of card {card_no} was cut off.",
            cure="Tap card {card_no} again.",
            facts=(f.Fact(name="card_no", value="01000231"),),
            at_ms=NOW_MS, intent_id="01JD0000000000000000000000",
        ),
    )  # fmt: skip
    return station


async def test_the_books_are_proved_by_one_key() -> None:
    """V asks; verdict, head and number of rows stand above."""
    async with opened() as screen:
        await screen.press("f7", "v")
        await screen.sees("The books hold.")
        assert "9f2c9f2c" in screen.text()
        await screen.sees("Books hold 09:42")


async def test_the_books_are_compared_with_a_slip() -> None:
    """A, row and head; the last anchor stands above."""
    async with opened() as screen:
        await screen.press("f7")
        await screen.sees("Last anchored 7 min ago: row 1200")
        await screen.press("a")
        await screen.type("1200 00000000")
        await screen.press("enter")
        await screen.sees("Other books.")
        for _ in range(8):
            await screen.press("backspace")
        await screen.type("9f2c9f2c")
        await screen.press("enter")
        await screen.sees("It agrees.")


async def test_books_that_do_not_hold_name_the_first_bad_row() -> None:
    """A word and a shape, and the row, and the status line of every screen."""
    async with opened() as screen:
        verdict = await screen.station._books_verify(None)
        what = (f.Fact(name="table", value="sale"), f.Fact(name="key", value="17"))
        text = "{table} {key} was changed"
        bad = verdict.model_copy(update={"proved": False, "text": text, "facts": what})
        screen.app.desk.picture.books = bad
        await screen.press("f7")
        await screen.sees("First bad: sale 17 was changed")
        await screen.sees("BOOKS DO NOT HOLD")


def test_every_kind_of_open_row_has_a_short_name_in_chinese() -> None:
    """None is shown by the word that the file keeps."""
    use_language("zh_CN")
    try:
        names = {kind: word(kind) for kind in open_rows.WORDS}
    finally:
        use_language("en")
    assert {kind for kind, name in names.items() if name.isascii()} == set()
    assert {name: width(name) for name in names.values() if width(name) > 12} == {}


def test_two_sentences_have_one_full_stop_between_them() -> None:
    """Whether the first one brings its own or not."""
    assert sentences("Left unpaid", "Settle it.") == "Left unpaid. Settle it."
    assert sentences("It is not done.", "Tap it.") == "It is not done. Tap it."
    assert sentences("未付款。", "请解灰。") == "未付款。请解灰。"


async def test_an_open_row_stands_on_the_counter_with_its_cure() -> None:
    """Count, what happened and what helps."""
    async with opened(station=_with_open_row()) as screen:
        await screen.sees("1 unfinished The top-up of card 01000231 was cut off.")
        await screen.sees("Tap card 01000231 again.")


async def test_an_open_row_is_finished_with_its_card_on_the_reader() -> None:
    """Without a card it says so and asks nothing."""
    async with opened(station=_with_open_row()) as screen:
        await screen.press("f7", "enter")
        await screen.sees("Put the card of this row")
        assert not screen.asked("card.settle")
        screen.station.put(card(open_intent_id="01JD0000000000000000000000"))
        await screen.sees("Enter finish what is open")
        await screen.press("enter")
        await screen.sees("Enter finish it")
        await screen.press("enter")
        await screen.sees("Finished: the card holds 127.50")
        await screen.sees("Nothing is unfinished.")


async def test_money_goes_back_only_when_asked_twice() -> None:
    """One G asks, the second does it."""
    async with opened(station=_with_open_row()) as screen:
        screen.station.put(card())
        await screen.rest()
        await screen.press("f7", "g")
        await screen.sees("Press G again")
        assert not screen.asked("card.give_back")
        await screen.press("g")
        await screen.sees("Gave 100.00 yuan back")


def _rows_for_words() -> FakeStation:
    station = FakeStation()
    station.open_rows = tuple(
        f.OpenRow(
            row_id=str(number), kind="till_short", subject=f"1/{number}",
            text="Till {subject} is short.", cure="The manager explains it.",
            facts=(f.Fact(name="subject", value=f"1/{number}"),),
            at_ms=NOW_MS, intent_id="", people=people,
        )
        for number, people in enumerate((0, 1, 2))
    )  # fmt: skip
    return station


async def test_a_row_is_closed_with_a_reason() -> None:
    """E asks for the words, and for a second person where two people decide."""
    async with opened(station=_rows_for_words()) as screen:
        await screen.press("f7", "e")
        await screen.sees("The manager explains it.")
        await screen.press("down")
        await screen.sees("E close with a reason")
        await screen.press("e")
        await screen.sees("Close a row with a reason")
        assert "Second operator" not in screen.text()
        await screen.press(*"found", "enter")
        await screen.sees("The row of 1/1 is closed.")
        await screen.press("f7", "down", "down", "e", *"seen", "enter")
        await screen.press(*"mine", "enter", *"name02", "enter", *"secret", "enter")
        await screen.until(lambda: len(screen.asked("row.explain")) == 2)
        one, two = screen.asked("row.explain")
        assert (one.row_id, one.reason, one.approval) == ("1", "found", None)
        assert (two.row_id, two.approval.login_name) == ("2", "name02")
        assert "secret" not in screen.text()

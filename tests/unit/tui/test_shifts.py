"""Shifts on the screen: on duty, checked, explained, handed over, printed again."""

from pathlib import Path

import pytest

from cngstation.errors import Disconnected
from cngstation.language import use_language
from cngstation.services.hand_over_shift import Unexplained
from tests.unit.tui.fake_shifts import past_shift, shift_nozzle
from tests.unit.tui.fake_station import FakeStation
from tests.unit.tui.opened import SMALL, WIDE, Opened, opened
from tui.nozzle_columns import NOZZLE_COLUMNS
from tui.screens.shifts import ShiftsScreen

GOLDEN = Path(__file__).parents[2] / "golden" / "screens"


def a_busy_station() -> FakeStation:
    """Return a station with crew 1 on duty and gas that no fill explains."""
    station = FakeStation()
    station.on_duty()
    station.found = [station.difference()]
    return station


def same_as_golden(screen: Opened, name: str) -> None:
    """Compare what stands on the screen with what was looked at once."""
    below_the_clock = screen.text().splitlines()[1:]
    text = "\n".join(row.rstrip() for row in below_the_clock) + "\n"
    assert text == (GOLDEN / f"{name}.txt").read_text("utf-8")


async def test_a_handover_takes_six_keys() -> None:
    """F8, check, explain, Enter, hand over, Enter: the slip comes by itself."""
    station = a_busy_station()
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("Shift 12")
        await screen.press("c")
        await screen.sees("1 differences to be explained")
        await screen.sees("moved 0.50 without a fill")
        await screen.press("e")
        await screen.type("calibration")
        await screen.press("enter")
        await screen.sees("Shift 12")
        station.on_duty()
        (explained,) = screen.asked("row.explain")
        assert (explained.row_id, explained.reason) == ("77", "calibration")
        await screen.press("h")
        await screen.type("300")
        await screen.press("enter")
        await screen.sees("Shift 12 is handed over; receipt 52 is printed.")
        (order,) = screen.asked("shift.hand_over")
        assert [(c.tender, c.counted_fen) for c in order.counts] == [("cash", 30_000)]
        await screen.sees("Nobody is on duty.")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
async def test_what_differs_stands_on_a_small_screen(language: str) -> None:
    """All of it at 80 columns and 24 rows, in both languages."""
    station = a_busy_station()
    async with opened(size=SMALL, station=station, language=language) as screen:
        await screen.press("f8", "c")
        await screen.until(lambda: screen.asked("shift.check"))
        await screen.until(lambda: "0.50" in screen.text())
        same_as_golden(screen, f"shifts_{language}")


async def test_a_form_keeps_the_shift_that_it_was_opened_for() -> None:
    """Another screen ends a shift meanwhile: the count is not taken for the next."""
    station = a_busy_station()
    first = station.open_shifts[0]
    station.open_shifts.append(first.model_copy(update={"shift_no": 13}))
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("Shift 12")
        await screen.press("h")
        station.open_shifts.pop(0)
        behind = next(s for s in screen.app.screen_stack if isinstance(s, ShiftsScreen))
        behind.fetch()
        await screen.until(lambda: len(screen.asked("shift.show")) == 2)
        await screen.until(lambda: behind.shift is not first)
        await screen.type("300")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("shift.hand_over")) == 1)
        assert screen.asked("shift.hand_over")[0].shift_no == 12


@pytest.mark.parametrize("language", ["en", "zh_CN"])
async def test_past_handovers_are_listed_and_printed_again(language: str) -> None:
    """Enter prints the marked one; s brings what a closed one owes."""
    async with opened(size=SMALL, language=language) as screen:
        await screen.press("f8", "l")
        await screen.sees("299.00")
        same_as_golden(screen, f"past_shifts_{language}")
        await screen.press("p")
        await screen.until(lambda: screen.asked("receipt.print"))
        assert screen.asked("receipt.print")[0].receipt_no == 51
        await screen.press("s")
        await screen.press("down", "s")
        await screen.type("50")
        await screen.press("f2")
        await screen.until(lambda: screen.asked("shift.settle"))
        (order,) = screen.asked("shift.settle")
        assert (order.shift_no, order.counts[0].counted_fen) == (10, 5_000)


async def test_a_crew_goes_on_duty_and_off() -> None:
    """At nozzles that are named, or at all; what is no number is not sent."""
    async with opened() as screen:
        await screen.press("f8")
        await screen.sees("Nobody is on duty.")
        assert "columns" not in screen.text()  # there is no table whose they could be
        await screen.press("h")
        await screen.sees("No shift is open.")
        await screen.press("n")
        await screen.type("1")
        await screen.press("enter")
        await screen.type("1 x")
        await screen.press("enter")
        await screen.sees("1 x is no list of nozzle numbers")
        await screen.press("backspace", "backspace", "backspace", "1", "enter")
        await screen.sees("Crew 1 is on duty.")
        (order,) = screen.asked("shift.on_duty")
        assert (order.crew_no, order.nozzles) == ("1", (1,))
        await screen.press("o", "enter")
        await screen.sees("Shift 12 has left its nozzles")
        await screen.sees("9999.00")


async def test_a_lost_answer_keeps_the_number_of_the_handover() -> None:
    """Asked again it is the same act; refused, the crew is still there."""
    station = a_busy_station()
    station.failing["shift.hand_over"] = [
        Disconnected(part="forecourt"), Unexplained(count=1),
    ]  # fmt: skip
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("Shift 12")
        await screen.press("h")
        await screen.type("299")
        await screen.press("f2")
        await screen.until(lambda: len(screen.asked("shift.hand_over")) == 1)
        await screen.press("f2")
        await screen.sees("1 differences of totalisers are not explained")
        await screen.press("f2")
        await screen.sees("1.00 yuan short; it is a row now.")
        numbers = {order.act_id for order in screen.asked("shift.hand_over")}
        assert len(numbers) == 1


async def test_a_shift_is_closed_by_force_with_a_reason() -> None:
    """The one that is shown; arrows choose it, a warning says which is too long."""
    station = FakeStation()
    station.on_duty(is_open_long=True)
    first = station.open_shifts[0]
    other = first.model_copy(update={"shift_no": 13, "is_open_long": False})
    station.open_shifts.append(other)
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("open for too long")
        await screen.press("right")
        await screen.sees("Shift 13")
        await screen.press("left", "f")
        await screen.type("went home")
        await screen.press("f2")
        await screen.until(lambda: screen.asked("shift.force"))
        (order,) = screen.asked("shift.force")
        assert (order.shift_no, order.reason, order.counts) == (12, "went home", ())


async def test_a_fill_is_marked_with_its_reason() -> None:
    """A letter says what it was."""
    async with opened(station=a_busy_station()) as screen:
        await screen.press("f8")
        await screen.sees("Shift 12")
        await screen.press("u")
        await screen.sees("8.20")
        await screen.press("enter")
        await screen.type("x")
        await screen.press("f2")
        await screen.sees("x is no letter of the list")
        await screen.press("backspace")
        await screen.type("t")
        await screen.press("enter")
        await screen.type("calibration day")
        await screen.press("enter", "enter", "enter")
        await screen.type("mine of many")
        await screen.press("enter")
        await screen.type("second")
        await screen.press("enter")
        await screen.type("secret of two")
        assert "secret of two" not in screen.text()
        assert "mine of many" not in screen.text()
        await screen.press("f2")
        await screen.sees("Fill 88 of nozzle 2 is marked: test fill.")
        (order,) = screen.asked("fill.mark")
        assert (order.seq, order.mark, order.reason) == (501, "test", "calibration day")
        assert order.approval.login_name == "second"
        assert order.approval.password.get_secret_value() == "secret of two"


async def test_a_mark_that_waits_for_a_second_person_is_seen() -> None:
    """In the list of the fills, before its word."""
    station = a_busy_station()
    station.waiting = True
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("Shift 12")
        await screen.press("u")
        await screen.sees("? test fill")
        await screen.press("m")
        await screen.sees("all of them")
        assert screen.asked("fill.list")[-1].only_unmarked
        await screen.press("slash")
        await screen.type("3")
        await screen.press("enter")
        await screen.until(lambda: screen.asked("fill.list")[-1].nozzle_no == 3)


async def test_crews_and_staff_cards_are_registered() -> None:
    """From the list of the crews."""
    async with opened() as screen:
        await screen.press("f8", "w")
        await screen.sees("测试甲")
        await screen.press("n")
        await screen.type("3")
        await screen.press("enter")
        await screen.type("C")
        await screen.press("f2")
        await screen.sees("Crew 3 is registered.")
        await screen.press("w", "a")
        await screen.type("0034")
        await screen.press("enter")
        await screen.type("3")
        await screen.press("f2")
        await screen.sees("Staff card 0034 works in crew 3.")
        (staff,) = screen.asked("crew.staff")
        assert (staff.card_no, staff.crew_no) == ("0034", "3")


async def test_crews_and_staff_cards_work_no_more() -> None:
    """r and x, with a reason; r once more takes the crew back."""
    station = FakeStation()
    async with opened(station=station) as screen:
        await screen.press("f8", "w")
        await screen.sees("测试甲")
        await screen.press("r")
        await screen.type("dissolved")
        await screen.press("f2")
        await screen.sees("Crew 1 works no more.")
        station.crews[0] = station.crews[0].model_copy(update={"retired": True})
        await screen.press("w")
        await screen.sees("测试甲")
        await screen.press("r")
        await screen.type("again")
        await screen.press("f2")
        await screen.sees("Crew 1 works again.")
        told = [(crew.crew_no, crew.retired) for crew in screen.asked("crew.write")]
        assert told == [("1", True), ("1", False)]
        await screen.press("w")
        await screen.sees("测试甲")
        await screen.press("x")
        await screen.type("12")
        await screen.press("enter")
        await screen.type("left")
        await screen.press("f2")
        await screen.sees("Staff card 12 works no more.")
        (staff,) = screen.asked("crew.staff")
        assert (staff.card_no, staff.crew_no, staff.retired) == ("12", "1", True)


async def test_every_nozzle_of_a_large_station_is_reached() -> None:
    """By the arrows, with every column; Enter shows all figures of one."""
    station = FakeStation()
    station.on_duty(nozzles=tuple(shift_nozzle(no) for no in range(1, 65)))
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("96.401")
        assert "79011.84" not in screen.text()
        assert ">" in screen.text().splitlines()[2]  # beside the scrollbar
        await screen.press("end")
        await screen.sees("79011.84")
        seen: set[str] = set()
        for _ in range(6):
            heads = screen.text().splitlines()[2]
            seen |= {c.head for c in NOZZLE_COLUMNS if c.head in heads}
            assert " 64 " in screen.text()
            await screen.press("greater_than_sign")
        assert seen == {column.head for column in NOZZLE_COLUMNS}
        await screen.press("enter")
        await screen.sees("Shift 12, nozzle 64")
        await screen.press("escape")
        await screen.sees("at work")


async def test_a_past_shift_is_read_on_the_screen() -> None:
    """Each nozzle with what the slip has, wide enough for all of it or by a key."""
    station = FakeStation()
    station.past = [past_shift(no) for no in range(250, 0, -1)]
    async with opened(size=WIDE, station=station) as screen:
        await screen.press("f8", "l")
        await screen.sees("100 rows, more below")
        await screen.press("end", "end", "end")
        await screen.sees("250 rows")
        queries = screen.asked("shift.list")
        assert [query.before_no for query in queries] == [0, 151, 51]
        await screen.press("slash")
        await screen.type("2")
        await screen.press("tab")
        await screen.type("2026")
        await screen.press("enter")
        await screen.sees("Nothing can be looked for with what is typed.")
        await screen.press("slash", "tab")
        await screen.type("2026-11-21")
        await screen.press("enter")
        await screen.sees("Nothing found.")
        assert screen.asked("shift.list")[-1].first_day == "2026-11-21"
        await screen.press("slash", "tab", "backspace", "enter")
        await screen.sees("100 rows, more below")
        await screen.press("enter")
        await screen.sees("Shift 250")
        for figure in ("00990012", "383.67", "238.84", "143.36", "1.47"):
            await screen.sees(figure)
        await screen.press("greater_than_sign")
        await screen.sees("5297.23")
        await screen.press("end", "enter")
        await screen.sees("Shift 250, nozzle 64")
        await screen.sees("60.01")
        await screen.press("escape", "p")
        await screen.until(lambda: screen.asked("receipt.print"))


async def test_nothing_is_printed_where_nothing_was_handed_over() -> None:
    """And no difference is explained where there is none."""
    station = FakeStation()
    station.on_duty()
    station.past = []
    async with opened(station=station) as screen:
        await screen.press("f8")
        await screen.sees("96.401")
        await screen.press("e")
        await screen.sees("No difference is to be explained.")
        await screen.press("p")
        await screen.sees("Nothing was handed over yet.")
        assert not screen.asked("receipt.print")


def test_fills_of_several_prices_have_none_of_the_shift() -> None:
    """A zero would be read as a price."""
    (price,) = [column for column in NOZZLE_COLUMNS if column.head == "Price"]
    use_language("en")
    assert price.text(shift_nozzle(1)) == "3.98"
    assert price.text(shift_nozzle(1, price_e4=0)) == "several"
    assert price.text(shift_nozzle(1, fills=0, price_e4=0)) == ""

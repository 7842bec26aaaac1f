"""Changing rows of the registers, by the keys that a cashier presses."""

import pytest

from cngstation.hygiene import width
from cngstation.services.edit_registers import VehicleHasCard
from tests.unit.tui.opened import SMALL, WIDE, opened
from tui.screens.registers import tabs_that_fit


@pytest.mark.parametrize(
    ("size", "language", "done"),
    [(SMALL, "en", "Changed company 0001 新蜀都."), (WIDE, "zh_CN", "已修改公司")],
)
async def test_a_company_is_changed_from_its_row(
    size: tuple[int, int], language: str, done: str
) -> None:
    """Enter opens the form with what is there; F2 saves; the number is not a field."""
    async with opened(size=size, language=language) as screen:
        await screen.press("f6", "1")
        await screen.sees("测试出租车公司")
        await screen.press("enter")
        await screen.sees("测试路 1 号")
        assert not screen.app.screen.unfinished()  # type: ignore[attr-defined]
        screen.app.screen.query_one("#name").value = "新蜀都"  # type: ignore[attr-defined]
        screen.app.screen.query_one("#reason").value = "改名"  # type: ignore[attr-defined]
        await screen.rest()
        assert screen.app.screen.unfinished()  # type: ignore[attr-defined]
        await screen.press("f2")
        await screen.sees(done)
        (edit,) = screen.asked("company.edit")
        assert (edit.company_no, edit.name, edit.reason) == ("0001", "新蜀都", "改名")
        assert (edit.address, edit.retired) == ("测试路 1 号", False)


async def test_a_vehicle_keeps_its_personal_numbers_unless_they_are_typed() -> None:
    """They stand masked beside empty fields; a refusal leaves the form open."""
    async with opened() as screen:
        await screen.press("f6")
        await screen.sees("川A12345")
        await screen.press("enter")
        await screen.sees("510101********0018")
        refused = VehicleHasCard(plate="川A12345", card_no="01000001")
        screen.station.failing["vehicle.edit"] = [refused]
        await screen.press("f2")
        await screen.sees("has card 01000001 in use")
        form = screen.app.screen
        form.query_one("#retired").value = "maybe"  # type: ignore[attr-defined]
        await screen.press("f2")
        await screen.sees("Retired is y or n")
        form.query_one("#retired").value = "y"  # type: ignore[attr-defined]
        form.query_one("#reason").value = "sold"  # type: ignore[attr-defined]
        await screen.press("f2")
        await screen.sees("Changed vehicle 川A12345")
        _first, edit = screen.asked("vehicle.edit")
        assert (edit.vehicle_id, edit.retired, edit.reason) == (1, True, "sold")
        draft = edit.draft
        assert (draft.plate, draft.id_no, draft.phone) == ("川A12345", "", "")
        assert (draft.vehicle_type, draft.company_no) == ("taxi", "0001")


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("vehicle", "Driver", "测**", "客户来函")),
        ("zh_CN", ("车辆", "驾驶员", "测**", "客户来函")),
    ],
)
async def test_what_was_changed_is_listed(
    language: str, texts: tuple[str, ...]
) -> None:
    """Register, field, old, new, who and why in one row."""
    async with opened(language=language, size=WIDE) as screen:
        await screen.press("f6", "7")
        for text in texts:
            await screen.sees(text)


async def test_types_are_renamed_and_added() -> None:
    """From the list of types, and from the palette's function."""
    async with opened() as screen:
        await screen.press("f6", "6")
        await screen.sees("公交")
        await screen.press("enter")
        await screen.until(lambda: screen.app.screen.query("#reason"))
        screen.app.screen.query_one("#name").value = "计程车"  # type: ignore[attr-defined]
        screen.app.screen.query_one("#reason").value = "why"  # type: ignore[attr-defined]
        await screen.press("f2")
        await screen.sees("Changed vehicle type 01 计程车")
        screen.app.run_function("add_type")
        await screen.until(lambda: screen.app.screen.query("#code"))
        await screen.type("05")
        await screen.press("enter")
        await screen.type("bus")
        await screen.press("enter")
        await screen.sees("Added vehicle type 05 bus")


@pytest.mark.parametrize(
    ("size", "language", "done"),
    [(SMALL, "en", "has 100.00 in the book"), (SMALL, "zh_CN", "100.00")],
)
async def test_an_old_balance_is_accepted_with_a_reason(
    size: tuple[int, int], language: str, done: str
) -> None:
    """Both figures stand in the row and in the form."""
    async with opened(size=size, language=language) as screen:
        await screen.press("f6", "8")
        for text in ("02000001", "123.45", "100.00"):
            await screen.sees(text)
        await screen.press("enter")
        await screen.sees("123.45 / 100.00")
        screen.app.screen.query_one("#reason").value = "旧小票"  # type: ignore[attr-defined]
        await screen.press("f2")
        await screen.until(lambda: screen.asked("opening.accept"))
        await screen.sees(done)
        (request,) = screen.asked("opening.accept")
        assert (request.card_key, request.reason) == ("510102000001", "旧小票")


@pytest.mark.parametrize("columns", [20, 40, 78, 160])
@pytest.mark.parametrize("chosen", range(8))
def test_the_chosen_tab_is_shown_whatever_fits(chosen: int, columns: int) -> None:
    """Those farthest from it make way."""
    texts = ["1 Companies", "2 车辆", *(f"{n} Register" for n in range(3, 9))]
    first, last = tabs_that_fit(texts, chosen, columns)
    assert first <= chosen < last
    assert sum(width(text) + 2 for text in texts[first:last]) <= columns
    assert (first, last) == (0, 8) or columns < 80

"""Orders to nozzles by the keyboard: number, letter, Enter; never by one key."""

import pytest

from tests.unit.tui.opened import SMALL, WIDE, opened


@pytest.mark.parametrize("size", [SMALL, WIDE])
@pytest.mark.parametrize(
    ("language", "title", "asked", "done"),
    [
        (
            "en",
            "Orders to a nozzle",
            "Nozzle 1: lock the nozzle?",
            "Nozzle 1 is locked",
        ),
        ("zh_CN", "加气枪控制", "1 号枪：锁枪？回车", "1 号枪已锁"),
    ],
)
async def test_a_nozzle_is_locked_after_a_question(
    size: tuple[int, int], language: str, title: str, asked: str, done: str
) -> None:
    """Esc takes the question back."""
    async with opened(size=size, language=language) as screen:
        screen.app.action_open("nozzle_orders")
        await screen.sees(title)
        await screen.press("1")
        await screen.until(lambda: "u" in screen.text())
        await screen.press("l")
        await screen.sees(asked)
        await screen.press("escape")
        assert screen.asked("nozzle.lock") == []
        await screen.press("l")
        await screen.sees(asked)
        await screen.press("enter")
        await screen.sees(done)
        (order,) = screen.asked("nozzle.lock")
        assert (order.nozzle_no, order.preset_amount_e4) == (1, 0)


async def test_an_amount_goes_with_an_order_to_fill() -> None:
    """In yuan, shown before it is sent; without one the fill has no bound."""
    async with opened() as screen:
        screen.app.action_open("nozzle_orders")
        await screen.sees("Orders to a nozzle")
        await screen.press("3", "a", "5", "0", "enter")
        await screen.sees("fill for 50.00 yuan at most?")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("nozzle.authorise")) == 1)
        await screen.press("a", "enter")
        await screen.sees("Nozzle 3: let it fill?")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("nozzle.authorise")) == 2)
        first, second = screen.asked("nozzle.authorise")
        assert (first.preset_amount_e4, second.preset_amount_e4) == (500_000, 0)
        assert first.order_id != second.order_id
        await screen.press("a", "g", "1", "2", "full_stop", "5", "enter")
        await screen.sees("Nozzle 3: fill 12.50 m³ at most?")
        await screen.press("enter")
        await screen.until(lambda: len(screen.asked("nozzle.authorise")) == 3)
        third = screen.asked("nozzle.authorise")[-1]
        assert (third.preset_quantity_milli, third.preset_amount_e4) == (12_500, 0)


async def test_only_what_the_protocol_can_carry_is_offered() -> None:
    """A letter of another order does nothing; a number of no nozzle says so."""
    async with opened() as screen:
        screen.app.action_open("nozzle_orders")
        await screen.sees("Orders to a nozzle")
        await screen.press("2", "s")
        await screen.press("l")
        await screen.sees("Nozzle 2: lock the nozzle?")
        assert screen.asked("nozzle.stop") == []
        await screen.press("escape", "escape", "9", "9")
        await screen.sees("There is no such nozzle.")


async def test_all_are_stopped_after_a_question() -> None:
    """Where a person must go stands first."""
    async with opened() as screen:
        screen.app.action_open("nozzle_orders")
        await screen.sees("Orders to a nozzle")
        await screen.press("!")
        await screen.sees("Stop every nozzle now?")
        await screen.press("enter")
        await screen.sees("The protocol of nozzle 2 knows no stop.")
        await screen.sees("1 of 64 nozzles need a person: 2. Go and look.")
        assert "Nozzle 64 is locked" not in screen.text()
        await screen.press(*["pagedown"] * 7)
        await screen.sees("Nozzle 64 is locked")

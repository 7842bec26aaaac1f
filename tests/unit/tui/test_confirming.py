"""A key confirms only what was seen: not when it is held down, not at once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cngstation.rpc.contract.counter import OPEN_ROWS_CHANGED
from cngstation.rpc.contract.figures import OpenRow, OpenRowsNow
from tests.unit.tui.fake_rows import NOW_MS, blank_card, card
from tests.unit.tui.opened import Opened, opened
from tui import confirming
from tui.confirming import Confirming
from tui.link import Part

# Longer than the product has it: a busy machine must not tell a held key as let go.
SEEN_S, HELD_S = 0.25, 1.0
REPEAT_S = 0.03


async def hold_down(screen: Opened, key: str, times: int = 12) -> None:
    """Press a key as a terminal repeats it."""
    for _ in range(times):
        await screen.pilot.press(key)
        await asyncio.sleep(REPEAT_S)


async def _quoted(screen: Opened) -> None:
    screen.station.put(card())
    await screen.sees("01000231")
    await screen.type("5")


async def _issue_chosen(screen: Opened) -> None:
    screen.station.put(blank_card())
    await screen.press("f3")
    await screen.sees("川A12345")
    await screen.press("enter")
    await screen.until(lambda: screen.app.focused is None)
    await screen.press("1", "1", "0")
    await screen.type("10")


@pytest.mark.parametrize(
    ("prepared", "method"), [(_quoted, "card.top_up"), (_issue_chosen, "card.issue")]
)
async def test_enter_that_is_held_down_takes_no_money(
    prepared: Callable[[Opened], Awaitable[None]], method: str
) -> None:
    """However long it is held; one press after it was let go does the act once."""
    async with opened(seen_after_s=SEEN_S, held_s=HELD_S) as screen:
        await prepared(screen)
        await hold_down(screen, "enter")
        await screen.sees("Look at the figures first")
        assert screen.asked(method) == []
        await asyncio.sleep(HELD_S + 0.1)
        await screen.press("enter")
        await screen.until(lambda: screen.asked(method))
        assert len(screen.asked(method)) == 1


async def test_g_that_is_held_down_gives_no_money_back() -> None:
    """The question is asked once and answered by another press."""
    row = OpenRow(
        row_id="A1", kind="top_up", subject="510101000231", text="open", cure="cure",
        facts=(), at_ms=NOW_MS, intent_id="ACT00001",
    )  # fmt: skip
    async with opened(seen_after_s=SEEN_S, held_s=HELD_S) as screen:
        screen.station.open_rows = (row,)
        screen.station.tell(Part.COUNTER, OPEN_ROWS_CHANGED, OpenRowsNow(rows=(row,)))
        screen.station.put(card())
        await screen.press("f7")
        await screen.sees("open")
        await hold_down(screen, "g")
        assert screen.asked("card.give_back") == []
        await asyncio.sleep(HELD_S + 0.1)
        await screen.press("g")
        await screen.until(lambda: screen.asked("card.give_back"))


async def test_enter_that_is_held_down_accepts_no_odd_plate() -> None:
    """A form that offers to accept waits for a press of its own."""
    async with opened(seen_after_s=SEEN_S, held_s=HELD_S) as screen:
        await screen.press("f5")
        await screen.sees("Vehicle type")
        await screen.type("XY")
        await screen.press("enter")
        await screen.type("1")
        await hold_down(screen, "enter", 20)
        flags = [d.accept_plate for d in screen.asked("vehicle.register")]
        assert flags == [False]


class Clockwork:
    """A loop whose time a test sets."""

    now = 100.0

    def time(self) -> float:
        """Return it."""
        return self.now


async def test_a_press_counts_from_when_it_could_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before it is drawn, just after that, and just after another press: not."""
    clock = Clockwork()
    monkeypatch.setattr(confirming, "UNSEEN_S", 0.25)
    monkeypatch.setattr(confirming, "HELD_S", 0.12)
    monkeypatch.setattr("tui.confirming.asyncio.get_running_loop", lambda: clock)
    key = Confirming()
    assert not key.pressed()
    clock.now += 1
    key.asked()
    assert not key.pressed()
    clock.now += 1
    key.shown()
    clock.now += 0.2
    assert not key.pressed()
    clock.now += 0.2
    key.shown()  # drawn again: seen since the first time
    assert key.pressed()
    clock.now += 0.06
    assert not key.pressed()
    clock.now += 1
    key.asked()
    assert not key.pressed()

"""Any days at the forecourt: what all shifts owe is what was sold for cash, once.

Fills by card and for cash, tests, ways of paying, duty of two crews, late records,
restarts: a model of a few integers says what each shift has to hand over.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cngstation.domain.fill_marks import FillMark
from cngstation.services.verify_books import verify_file
from tests.shift_world import AMOUNT_FEN, BOTH, ShiftWorld, shift_world

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), st.integers(0, 1)),
        st.tuples(st.just("sell"), st.integers(0, 1)),
        st.tuples(st.just("by_card"), st.integers(0, 1)),
        st.tuples(st.just("skip"), st.integers(0, 1)),
        st.tuples(st.just("late"), st.integers(0, 1)),
        st.tuples(st.just("test"), st.integers(0, 9)),
        st.tuples(st.just("wechat"), st.integers(0, 9)),
        st.tuples(st.just("cash"), st.integers(0, 9)),
        st.tuples(st.just("on"), st.sampled_from([1, 2])),
        st.tuples(st.just("hand_over"), st.sampled_from([-100, 0, 0, 250])),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=40,
)
MARKS = {"test": FillMark.TEST, "wechat": FillMark.WECHAT, "cash": FillMark.CASH}


class Model:
    """What was sold in which shift, and what the shifts have handed over."""

    def __init__(self) -> None:
        self.shift = 0
        self.shifts = 0
        self.fills: dict[int, tuple[int, str]] = {}  # seq: shift and mark
        self.skipped: list[dict[int, tuple[int, int, int]]] = [{}, {}]
        self.till = 0
        self.short = 0
        self.handed_over: set[int] = set()

    def owed(self, shift: int, mark: str) -> int:
        """Return what a shift owes in a way of paying."""
        found = sum(1 for fill in self.fills.values() if fill == (shift, mark))
        return found * AMOUNT_FEN


async def play(path: Path, steps: list[tuple[str, int]]) -> None:
    """Do the steps in as many runs as they have restarts, and compare after each."""
    model, numbers, totals = Model(), {}, {}
    while True:
        async with shift_world(path) as world:
            world.number, world.total = numbers, totals
            world.consumed = sum(
                1 for fill in model.fills.values() if fill[1] == "card"
            )
            while steps:
                what, which = steps.pop(0)
                if what == "restart":
                    break
                await step(world, model, what, which)
            await compare(world, model)
            if not steps:
                break
    assert verify_file(path).first_bad is None


async def step(world: ShiftWorld, model: Model, what: str, which: int) -> None:
    """Do one thing in the world and in the model."""
    if what in {"sell", "by_card"}:
        seq = await world.sell(BOTH[which], by_card=what == "by_card")
        model.fills[seq] = (model.shift, "card" if what == "by_card" else "cash")
    elif what == "skip":  # sold, and its record does not come now
        key = BOTH[which].key
        number = world.number.get(key, 0) + 1
        world.number[key] = number
        world.total[key] = world.total.get(key, 0) + 2_000
        place = (model.shift, world.total[key], number)
        model.skipped[which][number] = place
    elif what == "late" and model.skipped[which]:
        key = BOTH[which].key
        number = next(iter(model.skipped[which]))
        shift, total, _ = model.skipped[which].pop(number)
        now = world.number[key], world.total[key]
        world.number[key], world.total[key] = number - 1, total - 2_000
        seq = await world.sell(BOTH[which])
        world.number[key], world.total[key] = now
        model.fills[seq] = (shift, "cash")
    elif what in MARKS:
        await mark(world, model, what, which)
    elif what == "on" and not model.shift:
        model.shift = await world.on_duty(str(which))
        assert model.shift == model.shifts + 1
        model.shifts = model.shift
    elif what == "hand_over" and model.shift:
        await hand_over(world, model, which)


async def mark(world: ShiftWorld, model: Model, what: str, which: int) -> None:
    """Mark a fill of the shift on duty."""
    own = [
        seq
        for seq, (shift, mark) in model.fills.items()
        if shift == model.shift and shift and mark != "card"
    ]
    if own:
        seq = own[which % len(own)]
        await world.mark_anew(seq, MARKS[what])
        model.fills[seq] = (model.shift, what)


async def hand_over(world: ShiftWorld, model: Model, over: int) -> None:
    """Explain what is open, count, hand over."""
    due = model.owed(model.shift, "cash")
    await world.off_duty(model.shift)
    await world.explain_all()
    await world.confirm_marks()
    counted = max(due + over, 0)
    wechat = model.owed(model.shift, "wechat")
    receipt = await world.hand_over(model.shift, cash=counted, wechat=wechat)
    expected = {c["tender"]: c["expected_e4"] for c in receipt.content["counts"]}
    wanted = {"cash": due * 100, "wechat": wechat * 100}
    assert {k: v for k, v in expected.items() if v} == {
        k: v for k, v in wanted.items() if v
    }
    model.till += counted
    model.short += due - counted
    model.handed_over |= {
        seq for seq, fill in model.fills.items() if fill[0] == model.shift
    }
    model.shift = 0


async def compare(world: ShiftWorld, model: Model) -> None:
    """Every account is what the model says: nothing is lost, nothing counted twice."""
    owed: Counter[str] = Counter()
    for seq, (shift, mark) in model.fills.items():
        if mark in {"cash", "wechat"} and seq not in model.handed_over:
            owed[f"crew:{shift or 'nobody'}:{mark}"] += AMOUNT_FEN
    accounts = await world.accounts()
    found = {k: v for k, v in accounts.items() if k.startswith("crew:")}
    assert found == dict(owed)
    assert accounts.get("till:till-1:cash", 0) == model.till
    assert accounts.get("expense:over_short", 0) == model.short
    sold = sum(1 for _, mark in model.fills.values() if mark != "test")
    assert accounts.get("income:gas", 0) == -sold * AMOUNT_FEN


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_what_shifts_owe_is_what_was_sold_for_cash(
    steps: list[tuple[str, int]],
) -> None:
    """In any order, over any restart."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder) / "s.db", list(steps)))

"""Orders: by right and record, sent once, never again without a look."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cngstation.errors import DatabaseBusy, DeviceUnavailable
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.services import control_nozzles
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.control_nozzles import (
    Answered,
    ControlledLine,
    NozzleControl,
    NozzleNotHere,
    OrderIdUsed,
    OrderNotCarried,
    PresetWrong,
)
from cngstation.services.nozzle_figures import unheard
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection
from cngstation.units import Unit
from tests.small_station import CASHIER, MORNING, opened

ALL = frozenset(Capability)


@dataclass
class Line:
    """A line and its one nozzle, which answers as a test wants."""

    nozzle_no: int
    outcome: OrderOutcome = OrderOutcome.DONE
    away: bool = False
    state: str = "idle"
    sent: list[Order] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def give(self, order: Order) -> OrderOutcome:
        """Take an order."""
        if self.away:
            raise DeviceUnavailable(device="line", why="it is not open")
        self.sent.append(order)
        await self.gate.wait()
        return self.outcome

    @property
    def setting(self) -> NozzleSetting:
        """The nozzle."""
        return NozzleSetting(NozzleKey("03160001", 1, self.nozzle_no), Unit.M3)

    @property
    def by_gun(self) -> dict[int, NozzleSetting]:
        """The nozzle by its number on the line."""
        return {7: self.setting}

    @property
    def figures(self) -> list[NozzleFigure]:
        """What it shows."""
        shown = unheard(self.setting, MORNING)
        return [shown.model_copy(update={"state": self.state})]


@dataclass
class Station:
    """A control over two lines."""

    db: Database
    lines: list[Line]
    control: NozzleControl

    async def give(self, number: int, kind: OrderKind, **figures: int) -> Answered:
        """Give an order with an id of its own."""
        return await self.control.give(
            f"{number}-{kind}-{figures}", number, kind, CASHIER, **figures
        )

    async def noted(self) -> list[tuple[str, str, str]]:
        """Return what the audit says."""
        return await self.db.read(
            lambda c: list(c.execute("SELECT act, subject, outcome FROM audit"))
        )


@pytest.fixture
async def station(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Station]:
    """Return two lines: one whose protocol can do all, one that can only lock."""
    monkeypatch.setattr(control_nozzles, "SETTLES_MS", 1)
    async with opened(tmp_path / "s.db") as db:
        first, second = Line(1), Line(2)
        lock_only = frozenset({Capability.LOCK})
        control = NozzleControl(
            db,
            [
                ControlledLine(first, first, ALL),
                ControlledLine(second, second, lock_only),
            ],
        )
        yield Station(db, [first, second], control)


@pytest.mark.parametrize("kind", list(OrderKind))
async def test_an_order_is_written_down_before_and_after(
    station: Station, kind: OrderKind
) -> None:
    """Who ordered what is in the audit even if the machine stops in between."""
    answered = await station.give(1, kind)
    assert (answered.outcome, answered.wants_a_person) == (OrderOutcome.DONE, False)
    assert station.lines[0].sent == [Order(7, kind)]
    assert await station.noted() == [
        (f"nozzle.{kind}", "nozzle 1", "asked"),
        (f"nozzle.{kind}", "nozzle 1", "done"),
    ]


async def test_the_same_order_asked_twice_is_sent_once(station: Station) -> None:
    """Also while the first is under way; other figures by its id are refused."""
    line = station.lines[0]
    line.gate.clear()
    ask = [
        asyncio.ensure_future(
            station.control.give("A", 1, OrderKind.AUTHORISE, CASHIER)
        )
        for _ in range(2)
    ]
    while not line.sent:
        await asyncio.sleep(0)
    ask[0].cancel()  # a screen went away
    line.gate.set()
    assert (await ask[1]).outcome is OrderOutcome.DONE
    await station.control.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    assert len(line.sent) == 1
    with pytest.raises(OrderIdUsed):
        await station.control.give("A", 1, OrderKind.STOP, CASHIER)


@pytest.mark.parametrize("outcome", [OrderOutcome.REFUSED, OrderOutcome.UNKNOWN])
async def test_what_was_not_done_is_not_sent_again(
    station: Station, outcome: OrderOutcome
) -> None:
    """The sentence says what the nozzle shows, and that somebody must look."""
    station.lines[0].outcome = outcome
    station.lines[0].state = "fuelling"
    answered = await station.give(1, OrderKind.STOP)
    assert (answered.outcome, answered.wants_a_person) == (outcome, True)
    assert ("state", "fuelling") in answered.facts
    assert len(station.lines[0].sent) == 1


async def test_a_line_that_is_away_is_told_nothing(station: Station) -> None:
    """And the audit says so."""
    station.lines[0].away = True
    answered = await station.give(1, OrderKind.LOCK)
    assert answered.outcome is OrderOutcome.REFUSED
    assert "Nothing was sent" in answered.text
    assert [row[2] for row in await station.noted()] == ["asked", "not sent"]


async def test_what_cannot_be_ordered_is_refused_before_anything(
    station: Station,
) -> None:
    """No such nozzle, no such command, two presets at once."""
    with pytest.raises(NozzleNotHere):
        await station.give(9, OrderKind.LOCK)
    with pytest.raises(OrderNotCarried):
        await station.give(2, OrderKind.AUTHORISE)
    with pytest.raises(PresetWrong):
        await station.give(
            1, OrderKind.AUTHORISE, preset_amount_e4=1, preset_quantity_milli=1
        )
    assert await station.noted() == []
    abilities = station.control.abilities()
    assert set(abilities[1]) == set(OrderKind)
    assert set(abilities[2]) == {OrderKind.LOCK, OrderKind.UNLOCK}


async def test_stop_all_says_first_where_a_person_is_needed(station: Station) -> None:
    """A protocol that can only lock goes on filling: somebody must press the button."""
    station.lines[1].state = "fuelling"
    answers = await station.control.stop_all("S", CASHIER)
    assert [(a.nozzle_no, a.wants_a_person) for a in answers] == [(2, True), (1, False)]
    assert "emergency stop" in answers[0].text
    assert [order.kind for line in station.lines for order in line.sent] == [
        OrderKind.STOP,
        OrderKind.LOCK,
    ]
    await station.control.stop_all("S", CASHIER)
    assert sum(len(line.sent) for line in station.lines) == 2


async def test_stop_all_does_not_wait_for_a_slow_nozzle(station: Station) -> None:
    """The others are told at the same time."""
    station.lines[0].gate.clear()
    stopping = asyncio.ensure_future(station.control.stop_all("S", CASHIER))
    while not station.lines[1].sent:
        await asyncio.sleep(0)
    station.lines[0].gate.set()
    assert len(await stopping) == 2


async def test_a_nozzle_that_knows_neither_stop_nor_lock(tmp_path: Path) -> None:
    """Is named first, and nothing is sent to it."""
    async with opened(tmp_path / "s.db") as db:
        line = Line(3)
        control = NozzleControl(db, [ControlledLine(line, line, frozenset())])
        (answer,) = await control.stop_all("S", CASHIER)
    assert answer.wants_a_person
    assert "knows no stop" in answer.text
    assert line.sent == []


class Unwritable:
    """A database that takes no more notes from the one with this number on."""

    def __init__(self, db: Database, first: int) -> None:
        self._db, self._left = db, first

    def allow(self, writes: int) -> None:
        """Take so many writes from now on."""
        self._left = writes

    async def read(self, ask: Callable[[Connection], object]) -> object:
        """Read."""
        return await self._db.read(ask)

    async def write(self, unit: Callable[[Transaction], object]) -> object:
        """Write, or refuse to."""
        self._left -= 1
        if self._left < 0:
            raise DatabaseBusy(wait_ms=5_000)
        return await self._db.write(unit)


@pytest.mark.parametrize("kind", [OrderKind.STOP, OrderKind.LOCK])
async def test_a_stop_goes_out_while_the_database_takes_nothing(
    station: Station, kind: OrderKind
) -> None:
    """Gas stops first; the log says what could not be written."""
    line = station.lines[0]
    control = NozzleControl(
        Unwritable(station.db, 0), [ControlledLine(line, line, ALL)]
    )
    answered = await control.give("A", 1, kind, CASHIER)
    assert answered.outcome is OrderOutcome.DONE
    assert line.sent == [Order(7, kind)]


async def test_nothing_is_authorised_that_is_not_on_record(station: Station) -> None:
    """Who let gas flow must be known afterwards."""
    line = station.lines[0]
    control = NozzleControl(
        Unwritable(station.db, 0), [ControlledLine(line, line, ALL)]
    )
    with pytest.raises(DatabaseBusy):
        await control.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    assert line.sent == []


async def test_what_was_sent_is_answered_though_its_outcome_is_not_written(
    station: Station,
) -> None:
    """A sentence that says try again would have it sent twice."""
    line = station.lines[0]
    control = NozzleControl(
        Unwritable(station.db, 1), [ControlledLine(line, line, ALL)]
    )
    answered = await control.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    assert answered.outcome is OrderOutcome.DONE
    assert [row[2] for row in await station.noted()] == ["asked"]


@pytest.mark.parametrize("outcome", list(OrderOutcome))
async def test_an_order_is_the_same_for_ever(
    station: Station, monkeypatch: pytest.MonkeyPatch, outcome: OrderOutcome
) -> None:
    """After a restart, and after any number of others: nothing is sent twice."""
    monkeypatch.setattr(control_nozzles, "SETTLES_MS", 0)
    line = Line(1, outcome)
    control = NozzleControl(station.db, [ControlledLine(line, line, ALL)])
    given = {"preset_amount_e4": 50_0000}
    first = await control.give("A", 1, OrderKind.AUTHORISE, CASHIER, **given)
    again = NozzleControl(station.db, [ControlledLine(line, line, ALL)])
    assert first == await again.give("A", 1, OrderKind.AUTHORISE, CASHIER, **given)
    assert len(line.sent) == 1
    once_more = NozzleControl(station.db, [ControlledLine(line, line, ALL)])
    with pytest.raises(OrderIdUsed):
        await once_more.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    assert len(line.sent) == 1


async def test_an_order_that_was_cut_off_is_not_sent_by_asking_again(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked and nobody knows what became of it: a person looks."""
    monkeypatch.setattr(control_nozzles, "SETTLES_MS", 0)
    line = Line(1)
    cut = NozzleControl(
        Unwritable(station.db, 1),  # type: ignore[arg-type]  # as much as it asks for
        [ControlledLine(line, line, ALL)],
    )
    await cut.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    again = NozzleControl(station.db, [ControlledLine(line, line, ALL)])
    answered = await again.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    assert answered.outcome is OrderOutcome.UNKNOWN
    assert answered.wants_a_person
    assert len(line.sent) == 1


async def test_an_order_that_a_busy_database_refused_may_be_asked_again(
    station: Station,
) -> None:
    """Nothing was sent: the same question is asked once more."""
    line, busy = Line(1), Unwritable(station.db, 0)
    control = NozzleControl(
        busy,  # type: ignore[arg-type]  # as much as it asks for
        [ControlledLine(line, line, ALL)],
    )
    with pytest.raises(DatabaseBusy):
        await control.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    busy.allow(2)
    answered = await control.give("A", 1, OrderKind.AUTHORISE, CASHIER)
    assert answered.outcome is OrderOutcome.DONE

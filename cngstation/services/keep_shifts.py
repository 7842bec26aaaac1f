"""The shifts of a station: on duty, off duty, differences, handover, crews.

Meters are read first and then one commit does what was asked. A handover looks at the
differences before it lets anybody leave: refused, the crew is still on duty.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from cngstation.config import StationConfig
from cngstation.errors import Refusal
from cngstation.moments import MS_PER_HOUR, Clock, seconds
from cngstation.services.approve import Approved
from cngstation.services.change_duty import (
    Arriving,
    Meter,
    NobodyOnDuty,
    NoSuchCrew,
    go_on_duty,
    look_at_nozzle,
    on_duty_at,
)
from cngstation.services.hand_over_shift import (
    LONG,
    Handover,
    NozzlesOnDuty,
    Unexplained,
    hand_over,
    leave_nozzles,
    nozzles_on_duty,
    settle_shift,
)
from cngstation.services.mark_fill import MarkOrder, mark_fill
from cngstation.services.shift_sheet import open_breaks_of
from cngstation.services.station_rules import StationRules, rules_of
from cngstation.storage import findings, receipts, shifts
from cngstation.storage.audit import Actor
from cngstation.storage.cash_fills import CashFill
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.shifts import Shift
from cngstation.storage.sqlite import Connection

T = TypeVar("T")
LOOK_MS = 60_000


class NoSuchNozzle(Refusal):
    """The configuration has no such nozzle."""

    code = "refusal.no_such_nozzle"
    text = "There is no nozzle {nozzle}. Nothing was done."


class Meters(Protocol):
    """Who reads the nozzles of a line; its desk fits."""

    async def meters(self, wanted: Sequence[NozzleKey]) -> dict[NozzleKey, Meter]: ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """A handover, who comes next, and whether filling nozzles are left to them."""

    handover: Handover
    leave_unread: bool = False
    next_crew_no: str = ""


class ShiftDesk:
    """Keeps the shifts of a station."""

    def __init__(
        self,
        database: Database,
        lines: Sequence[Meters],
        rules: StationRules,
        clock: Clock,
        *,
        open_hours: int,
        prints_wanted: int,
    ) -> None:
        self.database = database
        self.rules = rules
        self._lines = lines
        self._clock = clock
        self._open_hours = open_hours
        self._prints_wanted = prints_wanted

    async def go_on_duty(
        self, crew_no: str, nozzle_nos: Sequence[int], actor: Actor
    ) -> int:
        """Put a crew on duty at nozzles, at all that are free if none is named.

        Raises:
            NoSuchCrew, NozzleTaken, NozzleUnknown, NoSuchNozzle, NobodyOnDuty.
        """
        if not crew_no:
            raise NoSuchCrew(crew=shifts.NOBODY)
        wanted = [self._nozzle(number) for number in dict.fromkeys(nozzle_nos)]
        wanted = wanted or await self.database.read(self._free)
        if not wanted:
            raise NobodyOnDuty
        meters = await self._read(wanted)
        arriving = Arriving(crew_no, [meters.get(key, key) for key in wanted])
        return await self.database.write(
            lambda tx: go_on_duty(tx, arriving, actor, cut_off_minute=self._cut_off)
        )

    async def go_off_duty(
        self, shift_no: int, actor: Actor, *, leave_unread: bool
    ) -> None:
        """Let a crew leave every nozzle that is at rest; its handover is still due.

        Raises:
            NozzlesOnDuty: some fill or are off line; the others were left.
        """
        meters = await self._of_shift(shift_no)
        left = await self.database.write(
            lambda tx: leave_nozzles(
                tx,
                shift_no,
                meters,
                actor,
                by_books=self.rules.nozzles if leave_unread else (),
            )
        )
        if left:
            raise NozzlesOnDuty(nozzles=", ".join(map(str, left)))

    async def check(self, shift_no: int) -> None:
        """Read the nozzles of a shift and name what their totalisers do not tell."""
        meters = await self._of_shift(shift_no)
        await self.database.write(lambda tx: _look(tx, meters))

    async def hand_over(self, leaving: Leaving, actor: Actor) -> int:
        """Hand a shift over, and put the next crew on duty; return the slip's number.

        Raises:
            Whatever `hand_over` refuses; then the crew is still on duty.
        """
        order, shift_no = leaving.handover, leaving.handover.shift_no
        entry_id = f"{order.act_id}.hand_over"
        done = await self.database.read(lambda c: receipts.of_entry(c, entry_id))
        if done is not None:
            return await self._hand_over(leaving, {}, actor)
        meters = await self._of_shift(shift_no)
        await self.database.write(lambda tx: _look(tx, meters))
        rows = await self.database.read(lambda c: open_breaks_of(c, shift_no))
        if rows:
            raise Unexplained(count=len(rows))
        return await self._hand_over(leaving, meters, actor)

    async def _hand_over(
        self, leaving: Leaving, meters: Mapping[NozzleKey, Meter], actor: Actor
    ) -> int:
        order, shift_no = leaving.handover, leaving.handover.shift_no

        def unit(tx: Transaction) -> int:
            on_duty = nozzles_on_duty(tx.connection, shift_no)
            if on_duty:
                by_books = leaving.leave_unread or order.is_forced
                nozzles = [on.nozzle for on in on_duty] if by_books else []
                leave_nozzles(tx, shift_no, meters, actor, by_books=nozzles)
            number = hand_over(
                tx, self.rules, order, actor, prints_wanted=self._prints_wanted
            )
            if leaving.next_crew_no and on_duty:
                coming = [meters.get(on.nozzle, on.nozzle) for on in on_duty]
                arriving = Arriving(leaving.next_crew_no, coming)
                go_on_duty(tx, arriving, actor, cut_off_minute=self._cut_off)
            return number

        return await self.database.write(unit)

    async def settle(self, order: Handover, actor: Actor) -> None:
        """Take what an ended shift owes.

        Raises:
            Whatever `settle_shift` refuses.
        """
        await self.database.write(lambda tx: settle_shift(tx, self.rules, order, actor))

    async def mark_fill(
        self, order: MarkOrder, actor: Actor, approved: Approved | None = None
    ) -> CashFill:
        """Mark a fill that was sold without a card; a second person may sign it.

        Raises:
            Whatever `mark_fill` refuses.
        """
        return await self.database.write(
            lambda tx: mark_fill(
                tx,
                order,
                actor,
                cut_off_minute=self._cut_off,
                approved=approved,
                alone=self.rules.marks_alone,
            )
        )

    def is_open_long(self, opened_at_ms: int) -> bool:
        """Tell whether a shift is open for longer than the station allows."""
        limit_ms = self._open_hours * MS_PER_HOUR
        return bool(limit_ms) and self._clock.now().wall_ms - opened_at_ms > limit_ms

    async def watch(self) -> None:
        """Name shifts that are open for too long, for ever."""
        while True:
            await self.name_long_ones()
            await asyncio.sleep(seconds(LOOK_MS))

    async def name_long_ones(self) -> None:
        """Name the shifts that are open for too long now."""
        found = await self.database.read(shifts.open_shifts)
        for shift in found:
            if self.is_open_long(shift.opened_at_ms):
                await self.database.write(partial(self._name_long_one, shift))

    def _name_long_one(self, shift: Shift, tx: Transaction) -> None:
        current = shifts.find(tx.connection, shift.shift_no)
        if current is None or not current.is_open:
            return  # handed over since; nothing would close the row
        named: dict[str, str | int] = {
            "shift": shift.shift_no,
            "crew": shift.crew_no or "?",
            "hours": self._open_hours,
        }
        findings.open_once(tx, LONG, f"shift {shift.shift_no}", named)

    @property
    def _cut_off(self) -> int:
        return self.rules.business_day_starts_minute

    def _nozzle(self, number: int) -> NozzleKey:
        for key in self.rules.nozzles:
            if key.nozzle_no == number:
                return key
        raise NoSuchNozzle(nozzle=number)

    def _free(self, connection: Connection) -> list[NozzleKey]:
        return [
            key for key in self.rules.nozzles if on_duty_at(connection, key) is None
        ]

    async def _of_shift(self, shift_no: int) -> dict[NozzleKey, Meter]:
        on_duty = await self.database.read(lambda c: nozzles_on_duty(c, shift_no))
        return await self._read([on.nozzle for on in on_duty])

    async def _read(self, wanted: Sequence[NozzleKey]) -> dict[NozzleKey, Meter]:
        found = await asyncio.gather(*(line.meters(wanted) for line in self._lines))
        return {key: meter for meters in found for key, meter in meters.items()}


def shift_desk(
    config: StationConfig, database: Database, lines: Sequence[Meters], clock: Clock
) -> ShiftDesk:
    """Return the desk of a configured station."""
    return ShiftDesk(
        database,
        lines,
        rules_of(config),
        clock,
        open_hours=config.shifts.open_hours,
        prints_wanted=1 if config.printer.port else 0,
    )


def _look(tx: Transaction, meters: Mapping[NozzleKey, Meter]) -> None:
    for nozzle, meter in meters.items():
        on = on_duty_at(tx.connection, nozzle)
        if on is not None:
            look_at_nozzle(tx, on, meter)

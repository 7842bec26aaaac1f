"""Gas that nobody authorised: stopped once, named, and booked like any other fill.

Looked for on pumps that fill by order of the station alone. A fill is asked for while
the newest order that may have opened its nozzle is younger than the nozzle's newest
fill in the books: so also for a fill that went on while this program was down. What was
fetched by its number may be of before the order: it has used none. Flow and a
figure that fell count when they are read twice; one reading may be a late reply.
"""

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from cngstation.errors import Refusal, StorageError
from cngstation.moments import seconds
from cngstation.protocols.dispenser.canonical import FuellingState, NozzleStatus
from cngstation.protocols.dispenser.forecourt import OrderKind
from cngstation.services.book_sale import RECOVERED
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.control_nozzles import SETTLES_MS, Answered
from cngstation.services.name_breaks import subject_of
from cngstation.services.tell_unasked import FLOWS_ON, UNASKED
from cngstation.services.wait_while_busy import while_busy
from cngstation.storage import audit, findings, nozzle_fills, nozzle_orders, sales
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.sales import NozzleKey
from cngstation.storage.sqlite import Connection

_AT_REST = frozenset({FuellingState.IDLE, FuellingState.CALLING, FuellingState.CLOSED})
_log = structlog.get_logger()


class Control(Protocol):
    """Who gives orders to the nozzles of a line."""

    async def give(
        self, order_id: str, nozzle_no: int, kind: OrderKind, actor: Actor
    ) -> Answered: ...


@dataclass(slots=True)
class _Seen:
    """What a nozzle was seen to do in this run of the program."""

    state: FuellingState | None = None
    flowed: bool = False  # by the last reading
    quantity_milli: int = 0
    fell: bool = False  # by the last reading, which may be a late reply
    is_judged: bool = False  # the fill under way
    is_new: bool = False  # the fill under way was seen to begin
    used_order: str = ""  # the order that an earlier fill has used
    order: str = ""  # the order that the fill under way uses
    has_rested: bool = False
    stops: int = 0


class UnaskedFills:
    """Stops and names what flows without an order; `control` is given later."""

    control: Control | None = None

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[NozzleKey, _Seen] = {}

    def saw(self, nozzle: NozzleSetting, status: NozzleStatus) -> bool:
        """Take a reading; True when the books are to be asked about its fill."""
        if not nozzle.is_host_controlled:
            return False
        seen = self._seen.setdefault(nozzle.key, _Seen())
        seen.state = status.state
        if status.state is not FuellingState.FUELLING:
            seen.flowed = False
            seen.has_rested |= status.state in _AT_REST
            return False
        flowed, seen.flowed = seen.flowed, True
        if seen.has_rested:
            seen.is_new, seen.is_judged = not seen.quantity_milli, False
            seen.has_rested = False
        fell = status.quantity_milli < seen.quantity_milli
        seen.is_new |= fell and seen.fell
        if seen.fell or not fell:
            seen.quantity_milli = status.quantity_milli
        seen.fell = fell and not seen.fell
        if seen.is_judged or not flowed or not status.quantity_milli:
            return False
        seen.is_judged = True
        return True

    async def judge(self, nozzle: NozzleSetting) -> None:
        """Stop and name the fill under way, unless it was asked for."""
        seen = self._seen[nozzle.key]
        if seen.is_new:
            seen.used_order = seen.order
        try:
            booked, order, named = await self._database.read(
                lambda connection: _of_books(connection, nozzle.key)
            )
        except StorageError:
            seen.is_judged = False  # asked again by the next reading
            raise
        if order and order != seen.used_order:
            seen.order = order
            return
        if named == booked and not seen.is_new:
            return  # told before, by this program's last run
        await self._stop(nozzle, booked, seen)

    async def _stop(self, nozzle: NozzleSetting, booked: int, seen: _Seen) -> None:
        number = nozzle.key.nozzle_no
        seen.stops += 1
        outcome = ""
        if self.control is not None:
            order_id = f"unasked/{number}/{booked}/{seen.stops}"
            try:
                answered = await self.control.give(
                    order_id, number, OrderKind.STOP, audit.STATION
                )
                outcome = str(answered.outcome)
            except Refusal as refusal:
                _log.warning("unasked.not_stopped", why=refusal.sentence())
        facts: dict[str, str | int] = {"nozzle": number, "behind": booked}
        facts["stop"] = outcome
        await asyncio.shield(self._name(UNASKED, nozzle.key, facts))
        if outcome:
            await asyncio.sleep(seconds(SETTLES_MS))
            if seen.state is FuellingState.FUELLING:
                await self._name(FLOWS_ON, nozzle.key, facts)

    async def _name(
        self, kind: str, nozzle: NozzleKey, facts: dict[str, str | int]
    ) -> None:
        def unit(tx: Transaction) -> None:
            findings.open_finding(tx, kind, subject_of(nozzle), facts)

        await while_busy(partial(self._database.write, unit))


def _of_books(connection: Connection, nozzle: NozzleKey) -> tuple[int, str, int]:
    """Return the newest fill, an order that it has not used, and behind what is named.

    Fills are places in the chain, 0 for none; the last is -1 where nothing is named.
    """
    fill = sales.newest_of_nozzle(connection, nozzle)
    heard = nozzle_fills.newest_heard(connection, nozzle, RECOVERED)
    named = findings.all_of(connection, subject_of(nozzle), UNASKED)
    behind = json.loads(named[-1].facts)["behind"] if named else -1
    order_id, ordered = nozzle_orders.newest_opening(connection, nozzle.nozzle_no)
    return fill["seq"] if fill else 0, order_id if ordered > heard else "", behind

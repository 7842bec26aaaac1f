"""Orders to nozzles, by right and on record: asked first, written down, sent once.

An order that got no answer is not sent again; the sentence says what the nozzle shows,
and a person looks. `order_id` makes a repeated question of a screen the same order, for
ever: it is in the books. Only a stop or a lock, which wait for no database, may be sent
once more behind a restart; they do no harm twice.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from cngstation.errors import DeviceError, Refusal, StorageError
from cngstation.language import mark
from cngstation.moments import seconds
from cngstation.protocols.dispenser.canonical import Capability
from cngstation.protocols.dispenser.forecourt import Order, OrderKind, OrderOutcome
from cngstation.rpc.contract.forecourt import NozzleFigure
from cngstation.services.check_sale import NozzleSetting
from cngstation.services.fetch_records import RecordFetch
from cngstation.storage import audit, nozzle_orders
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction

_log = structlog.get_logger()

KEPT_ORDERS = 256
_NOTHING_SENT = "not sent"
# What a nozzle shows next may still be from before the order.
SETTLES_MS = 1_500
_NEEDS = {
    OrderKind.LOCK: Capability.LOCK,
    OrderKind.UNLOCK: Capability.LOCK,
    OrderKind.END_SHIFT: Capability.SHIFT,
    OrderKind.AUTHORISE: Capability.AUTHORISE,
    OrderKind.STOP: Capability.STOP,
}
_AT_ONCE = frozenset({OrderKind.STOP, OrderKind.LOCK})
_DONE = {
    OrderKind.LOCK: mark("Nozzle {nozzle} is locked: nobody fills there."),
    OrderKind.UNLOCK: mark("Nozzle {nozzle} is unlocked."),
    OrderKind.END_SHIFT: mark("Nozzle {nozzle} is off duty."),
    OrderKind.AUTHORISE: mark("Nozzle {nozzle} may fill now."),
    OrderKind.STOP: mark("Nozzle {nozzle} was told to stop, and answered."),
}
_REFUSED = mark("Nozzle {nozzle} refused: it shows {state}. Nothing has changed.")
_UNKNOWN = mark(
    "Nozzle {nozzle} did not answer and is not asked again; it shows {state}. Go there "
    "and look."
)
_NOT_SENT = mark("Nozzle {nozzle} cannot be reached: {why} Nothing was sent. Go there.")
_LOCKED_ONLY = mark(
    "Nozzle {nozzle} is locked for the next vehicle; its protocol cannot stop a fill "
    "that runs. Press the emergency stop there."
)
_NO_WAY = mark("The protocol of nozzle {nozzle} knows no stop. Press the button there.")


class NozzleNotHere(Refusal):
    """No line has this nozzle."""

    code = "refusal.nozzle_not_here"
    text = "There is no nozzle {nozzle} here. Nothing was sent."


class OrderNotCarried(Refusal):
    """The protocol has no command for it."""

    code = "refusal.order_not_carried"
    text = (
        "The dispenser of nozzle {nozzle} cannot be told this over its line. Nothing "
        "was sent. Do it at the dispenser."
    )


class PresetWrong(Refusal):
    """A preset that cannot be."""

    code = "refusal.preset_wrong"
    text = (
        "An order to fill has an amount, or a quantity, or neither, not both. Nothing "
        "was sent."
    )


class OrderIdUsed(Refusal):
    """One id for two orders."""

    code = "refusal.order_id_used"
    text = "This order was asked with other figures before. Nothing was sent. Ask anew."


class OrderingLine(Protocol):
    """A line that takes orders; the driver fits."""

    async def give(self, order: Order) -> OrderOutcome: ...


class OrderedDesk(Protocol):
    """The nozzles of a line as they are now; a line's desk fits."""

    @property
    def by_gun(self) -> Mapping[int, NozzleSetting]: ...
    @property
    def figures(self) -> Iterable[NozzleFigure]: ...


@dataclass(frozen=True, slots=True)
class ControlledLine:
    """A line, its nozzles, what its protocol can carry, and who fetches records."""

    line: OrderingLine
    desk: OrderedDesk
    capabilities: frozenset[Capability]
    records: RecordFetch | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an order, in words; `wants_a_person` where somebody must go."""

    nozzle_no: int
    outcome: OrderOutcome
    text: str
    facts: tuple[tuple[str, str | int], ...]
    wants_a_person: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """An order with the id under which it was asked."""

    order_id: str
    nozzle_no: int
    order: Order

    @property
    def wanted(self) -> nozzle_orders.Wanted:
        """The order as the books keep it."""
        order = self.order
        return nozzle_orders.Wanted(
            self.nozzle_no,
            str(order.kind),
            order.preset_quantity_milli,
            order.preset_amount_e4,
        )


class NozzleControl:
    """Gives orders."""

    def __init__(self, database: Database, lines: Sequence[ControlledLine]) -> None:
        self._database = database
        self._lines = lines
        self._given: OrderedDict[str, tuple[object, asyncio.Task[Answered]]] = (
            OrderedDict()
        )

    def abilities(self) -> dict[int, list[OrderKind]]:
        """Return which orders each nozzle can be given."""
        return {
            setting.key.nozzle_no: [
                kind for kind, needs in _NEEDS.items() if needs in line.capabilities
            ]
            for line in self._lines
            for setting in line.desk.by_gun.values()
        }

    async def give(
        self,
        order_id: str,
        nozzle_no: int,
        kind: OrderKind,
        actor: Actor,
        *,
        preset_quantity_milli: int = 0,
        preset_amount_e4: int = 0,
    ) -> Answered:
        """Give one order.

        Raises:
            Refusal: why not; nothing was sent.
        """
        line, gun = self._find(nozzle_no)
        if _NEEDS[kind] not in line.capabilities:
            raise OrderNotCarried(nozzle=nozzle_no)
        if preset_quantity_milli and preset_amount_e4:
            raise PresetWrong
        order = Order(gun, kind, preset_quantity_milli, preset_amount_e4)
        what = (nozzle_no, order)
        known = self._given.get(order_id)
        if known is not None and known[0] != what:
            raise OrderIdUsed
        if known is None:
            asked = _Asked(order_id, nozzle_no, order)
            task = asyncio.ensure_future(self._once(line, asked, actor))
            self._given[order_id] = what, task
            while len(self._given) > KEPT_ORDERS:
                self._given.popitem(last=False)
        # A screen that goes away takes back nothing that was sent.
        task = self._given[order_id][1]
        try:
            return await asyncio.shield(task)
        finally:
            if task.done() and not task.cancelled() and task.exception() is not None:
                self._given.pop(order_id, None)  # nothing was sent

    async def stop_all(self, order_id: str, actor: Actor) -> list[Answered]:
        """Stop every nozzle, or lock the ones that can only be locked, all at once."""
        answers = await asyncio.gather(
            *(
                self._stop(f"{order_id}/{setting.key.nozzle_no}", line, setting, actor)
                for line in self._lines
                for setting in line.desk.by_gun.values()
            )
        )
        return sorted(answers, key=lambda a: (not a.wants_a_person, a.nozzle_no))

    async def _stop(
        self, order_id: str, line: ControlledLine, setting: NozzleSetting, actor: Actor
    ) -> Answered:
        nozzle_no = setting.key.nozzle_no
        if Capability.STOP in line.capabilities:
            return await self.give(order_id, nozzle_no, OrderKind.STOP, actor)
        if Capability.LOCK not in line.capabilities:
            return Answered(
                nozzle_no,
                OrderOutcome.REFUSED,
                _NO_WAY,
                (("nozzle", nozzle_no),),
                wants_a_person=True,
            )
        locked = await self.give(order_id, nozzle_no, OrderKind.LOCK, actor)
        is_filling = "fuelling" in self._shown(line, nozzle_no)
        if locked.outcome is OrderOutcome.DONE and is_filling:
            return Answered(
                nozzle_no,
                OrderOutcome.DONE,
                _LOCKED_ONLY,
                (("nozzle", nozzle_no),),
                wants_a_person=True,
            )
        return locked

    async def _once(
        self, line: ControlledLine, asked: _Asked, actor: Actor
    ) -> Answered:
        """Carry an order out, unless the books say that it was sent before."""
        if asked.order.kind in _AT_ONCE:
            return await self._carry_out(line, asked, actor)
        before = await self._database.read(
            lambda connection: nozzle_orders.find(connection, asked.order_id)
        )
        if before is None:
            return await self._carry_out(line, asked, actor)
        wanted, outcome = before
        if wanted != asked.wanted:
            raise OrderIdUsed
        return self._answered(
            line, asked, OrderOutcome(outcome) if outcome else OrderOutcome.UNKNOWN
        )

    async def _carry_out(
        self, line: ControlledLine, asked: _Asked, actor: Actor
    ) -> Answered:
        """Write down who orders what, send it, write down what became of it.

        A stop waits for no database, and what was sent is answered whatever it does.
        """
        order, nozzle_no = asked.order, asked.nozzle_no
        noting = asyncio.ensure_future(self._note(actor, asked, nozzle_orders.ASKED))
        if order.kind not in _AT_ONCE:
            await noting
        try:
            outcome = await line.line.give(order)
        except DeviceError as error:
            await _written(noting)
            refused = OrderOutcome.REFUSED
            await _written(self._note(actor, asked, _NOTHING_SENT, refused))
            facts = (("nozzle", nozzle_no), ("why", error.sentence()))
            return Answered(nozzle_no, refused, _NOT_SENT, facts, wants_a_person=True)
        await _written(noting)
        await _written(self._note(actor, asked, str(outcome), outcome))
        if outcome is not OrderOutcome.DONE:
            await asyncio.sleep(seconds(SETTLES_MS))
        return self._answered(line, asked, outcome)

    def _answered(
        self, line: ControlledLine, asked: _Asked, outcome: OrderOutcome
    ) -> Answered:
        nozzle_no = asked.nozzle_no
        if outcome is OrderOutcome.DONE:
            text, shown = _DONE[asked.order.kind], ""
        else:
            text = _REFUSED if outcome is OrderOutcome.REFUSED else _UNKNOWN
            shown = self._shown(line, nozzle_no)
        return Answered(
            nozzle_no,
            outcome,
            text,
            (("nozzle", nozzle_no), ("state", shown)),
            wants_a_person=outcome is not OrderOutcome.DONE,
        )

    async def _note(
        self,
        actor: Actor,
        asked: _Asked,
        told: str,
        outcome: OrderOutcome | None = None,
    ) -> None:
        def unit(tx: Transaction) -> None:
            audit.record(
                tx,
                actor,
                f"nozzle.{asked.order.kind}",
                f"nozzle {asked.nozzle_no}",
                outcome=told,
                after=_figures_of(asked.order),
            )
            if asked.order.kind in _AT_ONCE:
                return
            nozzle_orders.note(
                tx,
                asked.order_id,
                nozzle_orders.ANSWERED if outcome else nozzle_orders.ASKED,
                asked.wanted,
                actor,
                outcome=str(outcome or ""),
            )

        await self._database.write(unit)

    def _find(self, nozzle_no: int) -> tuple[ControlledLine, int]:
        for line in self._lines:
            for gun, setting in line.desk.by_gun.items():
                if setting.key.nozzle_no == nozzle_no:
                    return line, gun
        raise NozzleNotHere(nozzle=nozzle_no)

    def _shown(self, line: ControlledLine, nozzle_no: int) -> str:
        for figure in line.desk.figures:
            if figure.nozzle_no == nozzle_no:
                return "locked" if figure.locked else figure.state
        return ""


async def _written(noting: Awaitable[None]) -> None:
    """Wait for a note; one that fails behind the order is in the log."""
    try:
        await noting
    except StorageError as error:
        _log.error("order.not_noted", why=error.sentence())


def _figures_of(order: Order) -> str:
    if order.preset_quantity_milli:
        return f"{order.preset_quantity_milli} milli"
    return f"{order.preset_amount_e4} e4" if order.preset_amount_e4 else ""

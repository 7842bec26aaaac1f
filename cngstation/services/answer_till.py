"""Answers for the till: open, drop, pay in, pay out, close, show."""

from collections.abc import Callable

from cngstation.domain import ledger
from cngstation.domain.numbers import without_personal
from cngstation.domain.tenders import IN_TILL, Tender
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import till_slip
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.keep_till import CashMove, close_till, move_cash, open_till
from cngstation.services.take_payment import UnknownTender
from cngstation.storage import facts, tills
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection
from cngstation.storage.tills import DROP, MOVES, PAY_IN, PAY_OUT
from cngstation.units import Money

MOST_MOVES = 50


class TillAnswers:
    """Answers for the till."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.TILL_SHOW, self.show)
        made.add(counter.TILL_OPEN, self.open)
        made.add(counter.TILL_DROP, self.drop)
        made.add(counter.TILL_PAY_IN, self.pay_in)
        made.add(counter.TILL_PAY_OUT, self.pay_out)
        made.add(counter.TILL_CLOSE, self.close)

    async def show(self, _: Nothing, call: CallContext) -> counter.TillView:
        """Say how the till is."""
        till = self._parts.rules.till
        return await self._parts.database.read(
            lambda connection: till_view(connection, till)
        )

    async def open(
        self, request: counter.TillOpening, call: CallContext
    ) -> counter.TillView:
        """Open the till."""
        actor, float_ = actor_of(call), Money.from_fen(request.float_fen)
        return await self._keep(
            lambda tx: open_till(tx, self._parts.rules, request.act_id, float_, actor)
        )

    async def drop(
        self, request: counter.TillCash, call: CallContext
    ) -> counter.TillView:
        """Bring cash to the safe."""
        return await self._move(request, DROP, call)

    async def pay_in(
        self, request: counter.TillCash, call: CallContext
    ) -> counter.TillView:
        """Bring cash from the safe."""
        return await self._move(request, PAY_IN, call)

    async def pay_out(
        self, request: counter.TillCash, call: CallContext
    ) -> counter.TillView:
        """Pay cash out for a reason."""
        return await self._move(request, PAY_OUT, call)

    async def close(
        self, request: counter.TillClosing, call: CallContext
    ) -> counter.TillView:
        """Close the till with what was counted."""
        actor = actor_of(call)
        counted = {
            _in_till(count.tender): Money.from_fen(count.counted_fen)
            for count in request.counts
        }
        return await self._keep(
            lambda tx: close_till(
                tx,
                self._parts.rules,
                request.act_id,
                counted,
                actor,
                prints_wanted=self._parts.prints_wanted,
            )
        )

    async def _move(
        self, request: counter.TillCash, kind: str, call: CallContext
    ) -> counter.TillView:
        actor = actor_of(call)
        wanted = CashMove(
            act_id=request.act_id,
            kind=kind,
            amount=Money.from_fen(request.amount_fen),
            reason=without_personal(request.reason),
        )
        return await self._keep(
            lambda tx: move_cash(tx, self._parts.rules, wanted, actor)
        )

    async def _keep(self, work: Callable[[Transaction], None]) -> counter.TillView:
        def unit(tx: Transaction) -> counter.TillView:
            work(tx)
            return till_view(tx.connection, self._parts.rules.till)

        return await self._parts.database.write(unit)


def _in_till(word: str) -> Tender:
    if word not in IN_TILL:
        raise UnknownTender(tender=word)
    return Tender(word)


def till_view(connection: Connection, till: str) -> counter.TillView:
    """Return how a till is, for the screen."""
    steps = tills.steps(connection, till, limit=2)
    if not steps:
        return counter.TillView(
            till=till,
            state="never",
            session_no=0,
            since_ms=0,
            operator_no="",
            float_e4=0,
            counts=(),
            moves=(),
        )
    last = steps[0]
    opening = next((step for step in steps if step.is_open), last)
    closing = next((step for step in steps if not step.is_open), None)
    return counter.TillView(
        till=till,
        state=last.step,
        session_no=last.session_no,
        since_ms=last.at_ms,
        operator_no=last.operator_no,
        float_e4=sum(count.counted_e4 or 0 for count in opening.counts),
        counts=tuple(
            counter.TillCount(
                tender=count.tender,
                expected_e4=count.expected_e4,
                counted_e4=count.counted_e4,
                over_e4=count.over_e4,
            )
            for count in (closing.counts if closing else ())
        ),
        moves=_moves(connection, till, opening.seq),
        receipt_no=till_slip.number_of(connection, closing.seq) if closing else 0,
    )


def _moves(
    connection: Connection, till: str, since_seq: int
) -> tuple[counter.TillMove, ...]:
    marks = ", ".join("?" * len(MOVES))
    found = facts.rows(
        connection,
        "SELECT e.at_ms, e.kind, e.note, e.operator_no, p.amount FROM entry e"  # noqa: S608
        " JOIN posting p USING (seq) WHERE e.seq > ? AND p.account = ?"
        f" AND e.kind IN ({marks}) ORDER BY e.seq DESC LIMIT ?",
        (since_seq, ledger.till_account(till, Tender.CASH), *MOVES, MOST_MOVES),
    )
    return tuple(
        counter.TillMove(
            at_ms=row["at_ms"],
            kind=row["kind"],
            amount_e4=row["amount"],
            reason=row["note"],
            operator_no=row["operator_no"],
        )
        for row in found
    )

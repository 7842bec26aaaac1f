"""Answers for acts on the card on the reader: what one would do, and doing it."""

from collections.abc import Awaitable, Callable

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import card_acts as contract
from cngstation.rpc.contract.acts import ActReply
from cngstation.rpc.dialogue import Handlers
from cngstation.services.answer_marks import approval_of
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.do_card_act import ActOrder, Planned
from cngstation.services.move_balance import KIND as REPLACE
from cngstation.services.open_rows import facts_of
from cngstation.services.reverse_top_up import NegativeOff, given_before
from cngstation.services.take_payment import payment_of, tender_offers
from cngstation.services.tell_act import act_reply
from cngstation.units import Money

_MOST_PARTS = 100  # as the contract carries them


class CardActAnswers:
    """Answers for acts on the card on the reader."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.ACT_QUOTE, self.quote)
        made.add(contract.TOP_UPS, self.top_ups)
        for kind, method in contract.CARD_ACTS.items():
            made.add(method, self.doing(kind))

    async def quote(
        self, request: contract.ActQuoteRequest, call: CallContext
    ) -> contract.ActQuote:
        """Say what an act would do."""
        order = ActOrder(
            intent_id="",
            kind=request.kind,
            card_key=request.card_key,
            amount=request.amount_purse,
            of_intent_id=request.of_intent_id,
            fields=_fields(request.fields),
        )
        if request.kind == REPLACE:
            return await self._quote_replacement(order)
        acts = self._parts.card_acts
        async with self._parts.watch.borrow() as port:
            planned, seen, card = await acts.quote(order, port)
        two_people = acts.takes_two(request.kind)
        return contract.ActQuote(
            kind=request.kind,
            card_no=card.card_no,
            unit=str(card.unit),
            before_purse=seen.balance,
            after_purse=planned.after,
            cash_fen=planned.cash.fen,
            refund_fen=planned.refund.fen,
            two_people=two_people,
            wants_reason=two_people,
            notes=_notes(planned),
            tenders=tender_offers(planned.ways),
            refunds=_refunds(planned),
        )

    async def top_ups(
        self, request: contract.TopUpsRequest, call: CallContext
    ) -> contract.TopUpsLeft:
        """Name the last top-ups of a card, one of which may be taken back.

        Raises:
            NegativeOff: none may be taken back here.
        """
        if not self._parts.rules.negative_top_up:
            raise NegativeOff
        found = await self._parts.database.read(
            lambda c: given_before(c, request.card_key, contract.MOST_TOP_UPS)
        )
        rows = tuple(
            contract.TopUpLeft(
                intent_id=given.intent_id,
                at_ms=given.at_ms,
                amount_purse=given.amount,
                left_purse=given.left,
                tender=given.payment.tender,
            )
            for given in found
        )
        return contract.TopUpsLeft(rows=rows)

    async def _quote_replacement(self, order: ActOrder) -> contract.ActQuote:
        quoted = await self._parts.replacements.quote(order)
        planned = quoted.planned
        return contract.ActQuote(
            kind=REPLACE,
            card_no=quoted.old.card_no,
            unit=str(quoted.old.unit),
            before_purse=planned.after,
            after_purse=planned.after,
            cash_fen=planned.cash.fen,
            refund_fen=0,
            two_people=quoted.two_people,
            wants_reason=quoted.two_people,
            notes=_notes(planned),
            tenders=tender_offers(planned.ways),
        )

    def doing(
        self, kind: str
    ) -> Callable[[contract.ActOrder, CallContext], Awaitable[ActReply]]:
        """Return what answers one kind of act."""
        parts = self._parts

        async def answer(request: contract.ActOrder, call: CallContext) -> ActReply:
            order = ActOrder(
                intent_id=request.intent_id,
                kind=kind,
                card_key=request.card_key,
                before=request.before_purse,
                amount=request.amount_purse,
                cash=Money.from_fen(request.cash_fen),
                refund=Money.from_fen(request.refund_fen),
                of_intent_id=request.of_intent_id,
                reason=request.reason,
                fields=_fields(request.fields),
                payment=payment_of(request.tender, request.tender_ref),
                approval=approval_of(request.approval),
            )
            desk = parts.replacements if kind == REPLACE else parts.card_acts
            async with parts.watch.borrow() as port:
                result = await desk.do(order, port, actor_of(call))
            parts.watch.show_again()
            return act_reply(result, request.intent_id)

        return answer


def _notes(planned: Planned) -> tuple[contract.Note, ...]:
    return tuple(
        contract.Note(text=text, facts=facts_of(facts.items()))
        for text, facts in planned.notes
    )


def _refunds(planned: Planned) -> tuple[contract.RefundPart, ...]:
    parts = planned.plan.get("refunds", ())[:_MOST_PARTS]
    return tuple(
        contract.RefundPart(
            tender=part["tender"],
            number=part["tender_ref"],
            fen=Money(part["e4"]).fen,
        )
        for part in parts
    )


def _fields(typed: contract.TypedFields) -> dict[str, str]:
    return {field.name: field.value for field in typed}

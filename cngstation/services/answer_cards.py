"""Answers for the card on the reader: read, quote, top up, issue."""

from cngstation.domain.payment import PaymentMode
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import counter
from cngstation.rpc.contract.counter import ActReply
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.card_on_reader import NoCardOnReader
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.issue_card import IssueOrder, UnknownKind
from cngstation.services.issue_crew_card import CrewOrder
from cngstation.services.price_top_up import Wanted
from cngstation.services.take_payment import payment_of, tender_offers
from cngstation.services.tell_act import act_reply
from cngstation.services.top_up_order import TopUpOrder
from cngstation.units import Money


class CardAnswers:
    """Answers for the card on the reader: read, quote, top up, issue."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(counter.CARD_READ, self.read_card)
        made.add(counter.CARD_QUOTE, self.quote)
        made.add(counter.CARD_TOP_UP, self.top_up)
        made.add(counter.CARD_ISSUE, self.issue)
        made.add(counter.CARD_CREW_ISSUE, self.crew_issue)

    async def read_card(self, _: Nothing, call: CallContext) -> counter.CardView:
        """Read the card on the reader now."""
        async with self._parts.watch.borrow() as port:
            uid = await port.find()
            if uid is None:
                raise NoCardOnReader
            reading = await port.read(uid)
        return (await self._parts.cards.look(reading)).view

    async def quote(
        self, request: counter.QuoteRequest, call: CallContext
    ) -> counter.Quote:
        """Say what a top-up would do."""
        wanted = Wanted(Money.from_fen(request.money_fen), request.quantity_hundredths)
        async with self._parts.watch.borrow() as port:
            quoted = await self._parts.top_ups.quote(request.card_key, wanted, port)
        return counter.Quote(
            before_purse=quoted.before,
            change_purse=quoted.change,
            after_purse=quoted.after,
            bonus_purse=quoted.bonus.purse,
            cash_fen=quoted.cash.fen,
            price_e4=quoted.price.e4,
            tenders=tender_offers(quoted.ways),
        )

    async def top_up(self, request: counter.TopUp, call: CallContext) -> ActReply:
        """Top up the card on the reader."""
        order = TopUpOrder(
            intent_id=request.intent_id,
            card_key=request.card_key,
            before=request.before_purse,
            wanted=Wanted(
                Money.from_fen(request.money_fen), request.quantity_hundredths
            ),
            cash=Money.from_fen(request.cash_fen),
            payment=payment_of(request.tender, request.tender_ref),
            bonus=request.bonus_purse,
        )
        async with self._parts.watch.borrow() as port:
            result = await self._parts.top_ups.top_up(order, port, actor_of(call))
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def issue(self, request: counter.Issue, call: CallContext) -> ActReply:
        """Issue the new card on the reader."""
        order = IssueOrder(
            intent_id=request.intent_id,
            vehicle_id=request.vehicle_id,
            kind=request.kind,
            payment_mode=_mode(request.payment_mode),
            price_level=request.price_level,
            wanted=Wanted(
                Money.from_fen(request.money_fen), request.quantity_hundredths
            ),
            cash=Money.from_fen(request.cash_fen),
            remark=request.remark,
            payment=payment_of(request.tender, request.tender_ref),
            accept_second_card=request.accept_second_card,
        )
        async with self._parts.watch.borrow() as port:
            result = await self._parts.issues.issue(order, port, actor_of(call))
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)

    async def crew_issue(
        self, request: counter.CrewIssue, call: CallContext
    ) -> ActReply:
        """Issue the new card on the reader to one of the crew."""
        order = CrewOrder(request.intent_id, request.holder, request.remark)
        async with self._parts.watch.borrow() as port:
            result = await self._parts.crew_issues.issue(order, port, actor_of(call))
        self._parts.watch.show_again()
        return act_reply(result, request.intent_id)


def _mode(word: str) -> PaymentMode:
    try:
        return PaymentMode(word)
    except ValueError as error:
        raise UnknownKind(kind=word) from error

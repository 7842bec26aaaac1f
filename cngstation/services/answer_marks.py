"""Answers for acts by card number: search, loss, blacklist, activation."""

from collections.abc import Awaitable, Callable

from cngstation.language import mark
from cngstation.moments import time_text
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import marks as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services import mark_card
from cngstation.services.approve import Approval
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.open_rows import facts_of
from cngstation.storage.cards import Card

_TEXTS = {
    mark_card.REPORT_LOSS: mark(
        "Card {card} is reported lost; this counts from {effect} on. Its balance moves "
        "by a replacement."
    ),
    mark_card.WITHDRAW_LOSS: mark("The loss of card {card} is withdrawn."),
    mark_card.BLACKLIST: mark("Card {card} is on the blacklist."),
    mark_card.UNBLACKLIST: mark("Card {card} is off the blacklist."),
    mark_card.ACTIVATE: mark("Card {card} is active."),
    mark_card.SUSPEND: mark("Card {card} is suspended until it is activated again."),
}
_CREW_LOST = mark(
    "Crew card {card} is reported lost; this counts from {effect} on. Issue its holder "
    "a new crew card."
)
_METHODS = {
    mark_card.REPORT_LOSS: contract.CARD_REPORT_LOSS,
    mark_card.WITHDRAW_LOSS: contract.CARD_WITHDRAW_LOSS,
    mark_card.BLACKLIST: contract.CARD_BLACKLIST,
    mark_card.UNBLACKLIST: contract.CARD_UNBLACKLIST,
    mark_card.ACTIVATE: contract.CARD_ACTIVATE,
    mark_card.SUSPEND: contract.CARD_SUSPEND,
}


class MarkAnswers:
    """Answers for acts by card number."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.CARD_SEARCH, self._parts.registers.search_cards)
        made.add(contract.APPROVAL_CARD, self.second_card)
        for name, method in _METHODS.items():
            made.add(method, self.marking(name))

    async def second_card(self, _: Nothing, call: CallContext) -> contract.SecondCard:
        """Read the staff card of whoever stands behind the caller's act."""
        card = await self._parts.second_cards.read(actor_of(call))
        return contract.SecondCard(
            card_no=card.card_no, operator_no=card.operator_no, name=card.holder
        )

    def marking(
        self, name: str
    ) -> Callable[[contract.MarkOrder, CallContext], Awaitable[contract.Marked]]:
        """Return what answers one kind of mark."""

        async def answer(
            request: contract.MarkOrder, call: CallContext
        ) -> contract.Marked:
            order = mark_card.MarkOrder(
                request.card_key, request.reason, approval_of(request.approval)
            )
            marked = await self._parts.marks.mark(name, order, actor_of(call))
            self._parts.watch.show_again()
            effect = marked.takes_effect_at_ms
            said = {"card": marked.card.card_no, "effect": time_text(effect)}
            return contract.Marked(
                card_key=marked.card.card_key,
                card_no=marked.card.card_no,
                state=str(marked.state),
                takes_effect_at_ms=effect,
                text=_text(name, marked.card),
                facts=facts_of(said.items()),
            )

        return answer


def _text(name: str, card: Card) -> str:
    lost = name == mark_card.REPORT_LOSS
    return _TEXTS[name] if card.for_customers or not lost else _CREW_LOST


def approval_of(given: contract.Approval | None) -> Approval | None:
    """Return the two people of a request."""
    if given is None:
        return None
    return Approval(given.login_name, given.password, given.by_card, given.own_password)

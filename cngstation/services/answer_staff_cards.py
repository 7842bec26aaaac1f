"""Answers for staff cards."""

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import staff_cards as contract
from cngstation.rpc.contract.figures import MOST_ROWS
from cngstation.rpc.dialogue import Handlers
from cngstation.rpc.session import Nothing
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.keep_staff_cards import StaffCardDesk
from cngstation.storage.staff_cards import StaffCardRow


class StaffCardAnswers:
    """Answers for staff cards."""

    def __init__(self, parts: CounterParts) -> None:
        self._desk = StaffCardDesk(parts.database, parts.watch)

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.STAFF_CARD_LIST, self.list_cards)
        made.add(contract.STAFF_CARD_ISSUE, self.issue)
        made.add(contract.STAFF_CARD_END, self.end)

    async def list_cards(self, _: Nothing, call: CallContext) -> contract.StaffCards:
        """Return the newest cards of those whom one may see."""
        found = await self._desk.every(actor_of(call))
        return contract.StaffCards(
            rows=tuple(_shown(card) for card in found[:MOST_ROWS])
        )

    async def issue(
        self, request: contract.StaffCardIssue, call: CallContext
    ) -> contract.StaffCard:
        """Issue the card on the reader."""
        return _shown(await self._desk.issue(request.operator_no, actor_of(call)))

    async def end(
        self, request: contract.StaffCardEnd, call: CallContext
    ) -> contract.StaffCard:
        """Report a card lost, or withdraw it."""
        actor = actor_of(call)
        ended = await self._desk.end(
            request.card_no, request.state, request.reason, actor
        )
        return _shown(ended)


def _shown(card: StaffCardRow) -> contract.StaffCard:
    return contract.StaffCard(
        card_no=card.card_no,
        operator_no=card.operator_no,
        holder=card.holder,
        kind=card.kind,
        state=card.state,
        issued_at_ms=card.issued_at_ms,
    )

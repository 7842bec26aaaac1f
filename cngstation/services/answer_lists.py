"""Answers about lists and prices at the dispensers."""

from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import downloads as contract
from cngstation.rpc.dialogue import Handlers
from cngstation.services.answer_marks import approval_of
from cngstation.services.counter_parts import actor_of
from cngstation.services.list_numbers import NumberLists
from cngstation.services.publish_downloads import DownloadKeeper
from cngstation.services.show_downloads import DownloadWatch


class ListAnswers:
    """The handlers of this area."""

    def __init__(
        self, keeper: DownloadKeeper, watch: DownloadWatch, numbers: NumberLists
    ) -> None:
        self._keeper = keeper
        self._watch = watch
        self._numbers = numbers

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.DOWNLOADS_SHOW, self.show)
        made.add(contract.LISTS_SEND, self.send)
        made.add(contract.LISTS_NUMBER, self.number)
        made.add(contract.LISTS_NUMBERS, self.numbers)

    async def show(
        self, query: contract.BoardQuery, call: CallContext
    ) -> contract.ListsBoard:
        """Return lists, and who holds what."""
        return await self._watch.board(query.after_nozzle)

    async def numbers(
        self, query: contract.NumberQuery, call: CallContext
    ) -> contract.ListedNumbers:
        """Return the numbers on the lists, page by page."""
        return await self._watch.numbers(query)

    async def send(
        self, order: contract.SendOrder, call: CallContext
    ) -> contract.ListsBoard:
        """Send the lists now."""
        only = frozenset(order.nozzles) or None
        await self._keeper.send_lists(actor_of(call), whole=order.whole, only=only)
        return await self._watch.board()

    async def number(
        self, order: contract.NumberOrder, call: CallContext
    ) -> contract.ListsBoard:
        """Put a number on a list, or on none; the dispensers follow by themselves."""
        await self._numbers.put(
            order.card_no,
            order.list,
            reason=order.reason,
            actor=actor_of(call),
            approval=approval_of(order.approval),
        )
        await self._keeper.look()
        return await self._watch.board()

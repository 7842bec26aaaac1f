"""Answers for balances of an old system: the list, and the manager's decision."""

from cngstation.hygiene import clean
from cngstation.rpc.authority import CallContext
from cngstation.rpc.contract import openings as contract
from cngstation.rpc.contract.registers import Search
from cngstation.rpc.dialogue import Handlers
from cngstation.services.answer_marks import approval_of
from cngstation.services.counter_parts import CounterParts, actor_of
from cngstation.services.opening_balances import NotContested
from cngstation.storage import opening_balances
from cngstation.storage.opening_balances import CONTESTED, Opening

_WAITING = "waiting"
_ORDER = (CONTESTED, _WAITING)


class OpeningAnswers:
    """Answers for balances of an old system."""

    def __init__(self, parts: CounterParts) -> None:
        self._parts = parts

    def handle(self, made: Handlers) -> None:
        """Take on the methods of this area."""
        made.add(contract.OPENING_LIST, self.listed)
        made.add(contract.OPENING_ACCEPT, self.accept)

    async def listed(self, search: Search, call: CallContext) -> contract.OpeningRows:
        """Return imported balances whose card number or verdict has the text."""
        text = clean(search.text).strip().lower()
        found = await self._parts.database.read(
            lambda connection: list(opening_balances.every(connection))
        )
        rows = [_row(opening) for opening in found]
        wanted = [row for row in rows if text in row.card_no or text in row.verdict]
        wanted.sort(key=_urgency)
        return contract.OpeningRows(rows=tuple(wanted[: search.limit]))

    async def accept(
        self, request: contract.OpeningAccept, call: CallContext
    ) -> contract.OpeningRow:
        """Believe the card and book the difference."""
        await self._parts.openings.accept(
            request.card_key,
            request.reason,
            actor_of(call),
            approval_of(request.approval),
        )
        self._parts.watch.show_again()
        found = await self._parts.database.read(
            lambda connection: opening_balances.find(connection, request.card_key)
        )
        if found is None:
            raise NotContested(card=request.card_key)
        return _row(found)


def _urgency(row: contract.OpeningRow) -> int:
    return _ORDER.index(row.verdict) if row.verdict in _ORDER else len(_ORDER)


def _row(opening: Opening) -> contract.OpeningRow:
    balance, found = opening.balance, opening.verdict
    imported = balance.balance_purse
    return contract.OpeningRow(
        card_key=balance.card_key,
        card_no=balance.card_key[4:],
        unit=balance.unit,
        verdict=found.verdict if found else _WAITING,
        why=clean(found.why, limit=40) if found else "",
        imported_purse=imported,
        book_purse=found.book_purse if found else imported,
        card_purse=found.card_purse if found else imported,
        source=clean(balance.source, limit=100),
        source_row=balance.source_row,
    )

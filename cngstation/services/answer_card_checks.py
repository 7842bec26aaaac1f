"""Answers dispensers that ask about the card in them: may it fill, is it on a list.

A card that the register lacks may fill: it can be another station's, and only the lists
speak of such. One whose number was not read is refused. So is one that claims more than
its account has: it may be an old image. While an act of it is open it is believed, for
that may be written and not booked yet. A cylinder whose inspection is overdue is not
filled, whichever card of its vehicle is shown. What is answered is noted nowhere; the
fill is.
"""

from cngstation.domain.card_kinds import CREW
from cngstation.domain.limits import Stopped
from cngstation.domain.payment import purse_to_book
from cngstation.moments import Clock
from cngstation.protocols.dispenser.forecourt import (
    CardCheck,
    CardQuestion,
    CardVerdict,
)
from cngstation.services.check_sale import wire_card_key
from cngstation.services.limit_spending import may_fill
from cngstation.services.station_rules import StationRules
from cngstation.services.tell_day import tell
from cngstation.services.top_up_card import is_overdue
from cngstation.storage import cards, downloads
from cngstation.storage.database import Database
from cngstation.storage.downloads import WIRE_DIGITS
from cngstation.storage.sqlite import Connection


class CardChecks:
    """Looks a card up in the books as they are now."""

    def __init__(self, database: Database, clock: Clock, rules: StationRules) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules

    async def answer(self, check: CardCheck) -> CardVerdict:
        """Answer a dispenser's question."""
        return await self._database.read(lambda connection: self._of(connection, check))

    def _of(self, connection: Connection, check: CardCheck) -> CardVerdict:
        number = check.card_no or ""
        if not number.strip("0"):
            return _UNREADABLE[check.question]
        if check.question is CardQuestion.WHITELIST:
            listed = _is_listed(connection, number, "white")
            return CardVerdict.LISTED if listed else CardVerdict.NOT_LISTED
        key = wire_card_key(check.card_no)
        card = cards.find(connection, key) if key else None
        refused = _is_listed(connection, number, "black") or (
            card is not None and card.state in downloads.REFUSED_STATES
        )
        if check.question is CardQuestion.BLACKLIST:
            return CardVerdict.LISTED if refused else CardVerdict.NOT_LISTED
        if refused:
            return CardVerdict.BLACKLISTED
        if card is None:
            return CardVerdict.MAY_FILL
        now_ms = tell(connection, self._clock.now()).ms
        if is_overdue(connection, card, now_ms):
            return CardVerdict.TIME_DIFFERS
        verdict = may_fill(connection, key, now_ms, self._rules)
        if isinstance(verdict, Stopped):
            return _STOPPED.get(verdict.reason, CardVerdict.BALANCE_DIFFERS)
        return _by_balance(connection, key, check.balance_hundredths)


def _is_listed(connection: Connection, number: str, on: str) -> bool:
    """Look a number up by the 16 digits of the lists, whatever it has on the wire."""
    numbers = {number, number[-WIRE_DIGITS:]}
    if key := wire_card_key(number):
        numbers.add(key.rjust(WIRE_DIGITS, "0"))
    return any(downloads.is_listed(connection, one, on) for one in numbers)


def _by_balance(
    connection: Connection, key: str, claimed_hundredths: int | None
) -> CardVerdict:
    payer = cards.payer(connection, key)
    if payer is None or payer.has_open_act or claimed_hundredths is None:
        return CardVerdict.MAY_FILL
    if not payer.payment_mode.prepaid:
        return CardVerdict.MAY_FILL
    claimed = purse_to_book(payer.payment_mode, claimed_hundredths)
    if claimed > -payer.booked:
        return CardVerdict.BALANCE_DIFFERS
    return CardVerdict.MAY_FILL


_UNREADABLE = {
    CardQuestion.WHITELIST: CardVerdict.NOT_LISTED,
    CardQuestion.BLACKLIST: CardVerdict.LISTED,
    CardQuestion.CHECK: CardVerdict.UNKNOWN_CARD,
}
# A window that is used up is an account that has nothing left to spend.
_STOPPED = {
    "hours": CardVerdict.TIME_DIFFERS,
    "weekday": CardVerdict.TIME_DIFFERS,
    CREW.name: CardVerdict.UNKNOWN_CARD,
}

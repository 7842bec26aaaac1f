"""Puts numbers on the dispensers' lists by hand, beside those that the books put there.

For cards of other stations, and for what head office says while it is out of reach.
Our own cards come on the blacklist by their state, and leave it the same way.
"""

from cngstation.domain.card_life import CardState
from cngstation.errors import Refusal
from cngstation.services.approve import (
    Approval,
    Approvals,
    SecondPersonMissing,
    Wish,
    reason_of,
    record,
)
from cngstation.services.check_sale import wire_card_key
from cngstation.storage import audit, cards, downloads
from cngstation.storage.audit import Actor
from cngstation.storage.database import Database, Transaction
from cngstation.storage.downloads import WIRE_DIGITS

RIGHT = "lists.number"
BLACK, WHITE, NONE = "black", "white", "none"
_PRINTED_DIGITS = 8
_STOPPED = {CardState.LOST, CardState.BLACK, CardState.REPLACED, CardState.WASTE}


class OwnCardListed(Refusal):
    """A card of this station is stopped, and let in again, at the counter alone."""

    code = "refusal.own_card_listed"
    text = (
        "Card {card_no} is this station's own. Nothing was changed. Report its loss or "
        "put it on the blacklist at the counter; the dispensers are told by themselves."
    )


class NoCardNumber(Refusal):
    """What was given is no card number."""

    code = "refusal.no_card_number"
    text = (
        "{card_no} is no card number: 8 digits as printed, 12 with the area, or 16 as "
        "dispensers show them. Nothing was changed."
    )


class TooManyNumbers(Refusal):
    """A list longer than dispensers can hold."""

    code = "refusal.too_many_numbers"
    text = (
        "There are {count} numbers; dispensers hold at most {most}. Nothing was "
        "changed. Leave out cards that are long out of use."
    )


class NumberLists:
    """The lists' numbers by hand."""

    def __init__(self, database: Database, approvals: Approvals, area_no: str) -> None:
        self._database = database
        self._approvals = approvals
        self._area_no = area_no

    async def put(
        self,
        number: str,
        on: str,
        *,
        reason: str,
        actor: Actor,
        approval: Approval | None,
    ) -> None:
        """Put one number on a list, or on none; off the blacklist takes two people.

        Raises:
            Refusal: why not; nothing has happened.
        """
        why = reason_of(reason)
        card_no = wire_number(number, self._area_no)
        is_black = await self._database.read(
            lambda connection: downloads.is_listed(connection, card_no, BLACK)
        )
        approved, wish = None, Wish(RIGHT, card_no)
        if is_black and on != BLACK:
            approved = await self._approvals.approve(approval, wish, actor, why)

        def unit(tx: Transaction) -> None:
            if downloads.is_listed(tx.connection, card_no, BLACK) and on != BLACK:
                if approved is None:  # it was listed after the first look
                    raise SecondPersonMissing
                record(tx, approved, wish, actor)
            _put(tx, card_no, on, source="hand", reason=why, actor=actor)

        async with self._approvals.noting(wish, actor, approved):
            await self._database.write(unit)


def wire_number(number: str, area_no: str) -> str:
    """Return a card's number as dispensers know it.

    Raises:
        NoCardNumber: it has not 8, 12 or 16 digits.
    """
    digits = number.strip()
    is_number = digits.isascii() and digits.isdigit()
    if not is_number or len(digits) not in {_PRINTED_DIGITS, 12, WIRE_DIGITS}:
        raise NoCardNumber(card_no=number)
    if len(digits) == _PRINTED_DIGITS:
        digits = area_no + digits
    return digits.rjust(WIRE_DIGITS, "0")


def _put(
    tx: Transaction, card_no: str, on: str, *, source: str, reason: str, actor: Actor
) -> None:
    key = wire_card_key(card_no)
    own = cards.find(tx.connection, key) if key else None
    if own is not None and (on == BLACK or (on == WHITE and own.state in _STOPPED)):
        raise OwnCardListed(card_no=own.card_no)
    downloads.list_number(tx, card_no, on, source=source, reason=reason, actor=actor)
    audit.record(tx, actor, RIGHT, card_no, after=on, reason=reason)

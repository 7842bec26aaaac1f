"""Opening balances: booked at the import, confirmed or contested at the first tap.

The book takes over what the old system says. The card is believed only where it says
the same; where it does not, both figures stand in a row until somebody decides.
"""

from cngstation.domain import ledger
from cngstation.domain.card_life import OUT_OF_USE
from cngstation.domain.evidence import Evidence
from cngstation.domain.ledger import Entry, Posting, move
from cngstation.domain.payment import PaymentMode, book_to_purse, purse_to_book
from cngstation.errors import Refusal
from cngstation.hygiene import clean
from cngstation.language import mark
from cngstation.services.approve import (
    Approval,
    Approvals,
    Approved,
    Wish,
    reason_of,
    record,
)
from cngstation.services.tell_day import today
from cngstation.storage import audit, cards, facts, findings, opening_balances
from cngstation.storage.audit import STATION, Actor
from cngstation.storage.cards import Card
from cngstation.storage.database import Database, Transaction
from cngstation.storage.opening_balances import (
    ACCEPTED,
    CONFIRMED,
    CONTESTED,
    Opening,
    OpeningBalance,
    OpeningVerdict,
)
from cngstation.storage.sqlite import Connection
from cngstation.units import Price, Quantity, Unit, amount_of, decimal_text

DIFFERS = "opening_differs"
RIGHT = "opening.accept"
_ANOTHER_CHIP, _ANOTHER_BALANCE = mark("another chip"), mark("another balance")


class NotContested(Refusal):
    """There is nothing to decide."""

    code = "refusal.opening_not_contested"
    text = (
        "Card {card} has no opening balance that its card contradicts. Nothing was "
        "booked."
    )


class BookMoved(Refusal):
    """What the card said is older than what the books say."""

    code = "refusal.opening_book_moved"
    text = (
        "Fills of card {card} have come since it was tapped. Nothing was booked. Lay "
        "the card on the reader again and decide by what it says then."
    )


class OnlyMoneyIsAccepted(Refusal):
    """Gas has a price of its purchase that the card does not know."""

    code = "refusal.opening_in_gas"
    text = (
        "Card {card} counts gas, and what a difference in gas cost is not known. "
        "Nothing was booked. Report it lost and replace it; two people type what it "
        "holds."
    )


def book(
    tx: Transaction, card: Card, opening: OpeningBalance, cut_off_minute: int
) -> None:
    """Take an old balance into the books, with the row that it came from."""
    opening_balances.add(tx, opening)
    amount = purse_to_book(card.payment_mode, opening.balance_purse)
    postings, lots = _postings(card, amount)
    if postings:
        entry = _entry(tx, card.card_key, "opening", postings, cut_off_minute)
        facts.post(tx, entry, lots=lots)


def _postings(
    card: Card, amount: int
) -> tuple[tuple[Posting, ...], list[dict[str, str | int]]]:
    account = ledger.card_account(card.card_key)
    match card.payment_mode:
        case PaymentMode.PREPAID_MONEY:
            return move(account, ledger.OPENING, Unit.CNY, amount), []
        case PaymentMode.CREDIT_MONEY:
            return move(ledger.OPENING, account, Unit.CNY, amount), []
        case PaymentMode.CREDIT_QUANTITY:
            return move(ledger.GAS_LENT, account, card.unit, amount), []
    if not amount:
        return (), []
    money = amount_of(Quantity(amount, card.unit), Price(card.price_e4)).e4
    lot: dict[str, str | int] = {
        "card_key": card.card_key,
        "unit": str(card.unit),
        "quantity_milli": amount,
        "money_e4": money,
        "price_e4": card.price_e4,
    }
    owed = move(account, ledger.GAS_OWED, card.unit, amount)
    return (
        move(ledger.DEFERRED_REVENUE, ledger.OPENING, Unit.CNY, money) + owed,
        [lot],
    )


def tapped(tx: Transaction, card: Card, seen: Evidence) -> bool:
    """Judge a card that came from an old system; tell whether it may be believed.

    Called at every sight of a card at the counter. A card that did not come from an
    old system, or was confirmed before, is believed as far as this goes. A contested
    one is judged anew: a fill may have been under way when it was tapped first.
    """
    opening = opening_balances.find(tx.connection, card.card_key)
    if opening is None:
        return True
    found = opening.verdict
    if found is not None and found.verdict != CONTESTED:
        return True
    book_purse = purse_in_book(tx.connection, card)
    why = _difference(opening, seen, book_purse)
    verdict = OpeningVerdict(
        card_key=card.card_key,
        verdict=CONTESTED if why else CONFIRMED,
        why=why,
        uid=seen.uid,
        book_purse=book_purse,
        card_purse=seen.balance,
        wseq=seen.wseq,
        operator_no="",
        terminal=STATION.terminal,
    )
    if verdict == found:
        return False
    opening_balances.judge(tx, verdict)
    if found is not None:
        _close_row(tx, card.card_key, "tapped again", "")
    if why:
        figures: dict[str, str | int] = {
            "why": why,
            "imported_purse": opening.balance.balance_purse,
            "book_purse": book_purse,
            "card_purse": seen.balance,
        }
        findings.open_once(tx, DIFFERS, card.card_key, figures)
        return False
    _take_over(tx, card, verdict, "opening balance confirmed", STATION)
    return True


def _difference(opening: Opening, seen: Evidence, book_purse: int) -> str:
    expected = opening.balance.uid
    if expected and expected != seen.uid:
        return _ANOTHER_CHIP
    return "" if seen.balance == book_purse else _ANOTHER_BALANCE


def purse_in_book(connection: Connection, card: Card) -> int:
    """Return what the book says that a card's purse holds."""
    account = ledger.card_account(card.card_key)
    booked = facts.balance(connection, account, str(card.unit))
    owed = -booked if card.payment_mode.prepaid else booked
    return book_to_purse(card.payment_mode, owed)


def _take_over(
    tx: Transaction, card: Card, verdict: OpeningVerdict, reason: str, actor: Actor
) -> None:
    """From now on the card continues from its own chip and counter."""
    cards.change(
        tx,
        card.card_key,
        reason=reason,
        actor=actor,
        uid=verdict.uid,
        wseq=max(card.wseq, verdict.wseq),
    )


def _entry(
    tx: Transaction,
    card_key: str,
    kind: str,
    postings: tuple[Posting, ...],
    cut_off_minute: int,
) -> Entry:
    return Entry(
        entry_id=f"{kind}.{card_key}",
        kind=kind,
        business_day=today(tx, cut_off_minute=cut_off_minute),
        operator_no="",
        terminal=STATION.terminal,
        postings=postings,
    )


class OpeningBalances:
    """Decides about opening balances that their cards contradict."""

    def __init__(
        self, database: Database, approvals: Approvals, *, cut_off_minute: int
    ) -> None:
        self._database = database
        self._approvals = approvals
        self._cut_off_minute = cut_off_minute

    async def accept(
        self, card_key: str, reason: str, actor: Actor, approval: Approval | None
    ) -> OpeningVerdict:
        """Believe the card: the difference is booked, its row is closed. Two people.

        Raises:
            Refusal: why not; nothing was booked.
        """
        why = reason_of(reason)
        wish = Wish(RIGHT, card_key)
        approved = await self._approvals.approve(approval, wish, actor, why)

        def unit(tx: Transaction) -> OpeningVerdict:
            return self._accept(tx, wish, approved, actor)

        async with self._approvals.noting(wish, actor, approved):
            return await self._database.write(unit)

    def _accept(
        self, tx: Transaction, wish: Wish, approved: Approved, actor: Actor
    ) -> OpeningVerdict:
        card_key, why = wish.subject, approved.reason
        card = cards.find(tx.connection, card_key)
        opening = opening_balances.find(tx.connection, card_key)
        found = opening.verdict if opening else None
        if card is None or found is None or found.verdict != CONTESTED:
            raise NotContested(card=clean(card_key, limit=20))
        if card.payment_mode.in_quantity:
            raise OnlyMoneyIsAccepted(card=card.card_no)
        if card.state in OUT_OF_USE:
            raise NotContested(card=clean(card_key, limit=20))
        if purse_in_book(tx.connection, card) != found.book_purse:
            raise BookMoved(card=card.card_no)
        more = found.card_purse - found.book_purse
        postings, _ = _postings(card, purse_to_book(card.payment_mode, more))
        if postings:
            entry = _entry(
                tx, card_key, "opening_accepted", postings, self._cut_off_minute
            )
            facts.post(tx, entry)
        verdict = OpeningVerdict(
            card_key=card_key,
            verdict=ACCEPTED,
            why=why,
            uid=found.uid,
            book_purse=found.card_purse,
            card_purse=found.card_purse,
            wseq=found.wseq,
            operator_no=actor.operator_no,
            terminal=actor.terminal,
        )
        opening_balances.judge(tx, verdict)
        _take_over(tx, card, verdict, "opening balance accepted", actor)
        audit.record(
            tx,
            actor,
            RIGHT,
            card_key,
            reason=why,
            before=str(found.book_purse),
            after=str(found.card_purse),
        )
        purses = (found.book_purse, found.card_purse)
        before, after = (decimal_text(purse, 2, 2) for purse in purses)
        record(tx, approved, wish, actor, before=before, after=after)
        _close_row(tx, card_key, why, actor.operator_no)
        return verdict


def _close_row(tx: Transaction, card_key: str, why: str, operator_no: str) -> None:
    for row in findings.open_findings(tx.connection, card_key):
        if row.kind == DIFFERS:
            findings.close_finding(tx, row.seq, why, operator_no)

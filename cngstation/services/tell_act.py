"""Says how an act on a card stands, in the words of its kind."""

from cngstation.domain.tenders import Tender
from cngstation.language import mark
from cngstation.rpc.contract.counter import ActReply, ActState
from cngstation.services.act_result import ActResult
from cngstation.services.open_rows import facts_of
from cngstation.storage.journal import IntentState
from cngstation.units import Money, decimal_text, yuan_text

_STATES = {
    IntentState.PREPARED: ActState.PENDING,
    IntentState.INDOUBT: ActState.PENDING,
    IntentState.DONE: ActState.DONE,
    IntentState.VOID: ActState.GIVEN_BACK,
    IntentState.SCRAP: ActState.SCRAPPED,
}
_DONE = {
    "top_up": mark("Card {card} was topped up; {cash} yuan received."),
    "issue": mark("Card {card} was issued; {cash} yuan received."),
    "settle_grey": mark(
        "Card {card} is settled: {taken} was taken for the unpaid fill. It can fill "
        "again."
    ),
    "settle_grey_by_hand": mark(
        "Card {card} is settled by hand: {taken} was taken. It can fill again."
    ),
    "clear_credit": mark("The credit of card {card} is cleared; {cash} yuan received."),
    "reverse_top_up": mark(
        "{taken} was taken off card {card}: give {refund} yuan back the way they came."
    ),
    "cancel": mark(
        "Card {card} is cancelled: give {refund} yuan back the way they came."
    ),
    "replace": mark(
        "The new card is {card}: {after} moved to it; {cash} yuan fee received."
    ),
    "wipe": mark("Card {card} is wiped; the chip is a new card. No money moved."),
    "edit": mark("Card {card} was changed. No money moved."),
    "cylinder_date": mark(
        "The cylinder date of card {card} was changed. No money moved."
    ),
    "rewrite_price": mark(
        "Card {card} has the price of its level now. No money moved."
    ),
    "rewrite_limits": mark("Card {card} carries its limits of now. No money moved."),
    "crew_issue": mark(
        "Crew card {card} was issued. No money is on it and none was taken."
    ),
    "crew_rewrite": mark("Crew card {card} was written again. No money moved."),
}
_PENDING = {
    "top_up": mark(
        "The top-up of card {card} is not finished. {cash} yuan are taken and safe in "
        "the books. Lay the same card on the reader again."
    ),
    "issue": mark(
        "The issue of card {card} is not finished. {cash} yuan are taken and safe in "
        "the books. Lay the same card on the reader again."
    ),
}
_BY_COMPANY = {
    "top_up": mark(
        "Card {card} was topped up; {cash} yuan went from the company's account."
    ),
    "issue": mark(
        "Card {card} was issued; {cash} yuan went from the company's account."
    ),
    "clear_credit": mark(
        "The credit of card {card} is cleared; {cash} yuan went from the company's "
        "account."
    ),
    "replace": mark(
        "The new card is {card}: {after} moved to it; {cash} yuan fee went from the "
        "company's account."
    ),
}
_PENDING_OTHERWISE = mark(
    "The act with card {card} is not finished; {cash} yuan are taken for it, nothing "
    "was given. Lay the same card on the reader again."
)
_NOTHING_MOVED = mark("The act with card {card} was undone. No money moved.")
_PAID_BACK = {
    Tender.CASH: mark("The act with card {card} was undone: give {cash} yuan."),
    Tender.COMPANY: mark(
        "The act with card {card} was undone: {cash} yuan are with the company again."
    ),
}
_PAID_BACK_OTHERWISE = mark(
    "The act with card {card} was undone: pay {cash} yuan back the way they came, "
    "not in cash."
)
_OUT_OF_SAFE = mark(
    "Card {card} is done with, but its till is closed: {refund} yuan go back out of "
    "the safe, the way they came. The row of it stays until they are given."
)
_SCRAPPED = mark(
    "Card {card} cannot be read any more. {cash} yuan are in the books for it. "
    "Report it lost and replace it."
)
_UNKNOWN = mark("This act was never accepted. No money was taken.")


def act_reply(result: ActResult | None, intent_id: str) -> ActReply:
    """Say how an act stands."""
    if result is None:
        return ActReply(
            intent_id=intent_id,
            state=ActState.UNKNOWN,
            kind="",
            card_key="",
            before_purse=0,
            after_purse=0,
            cash_fen=0,
            receipt_no=0,
            text=_UNKNOWN,
            facts=(),
        )
    state = _STATES[result.state]
    taken = abs(result.after_balance - result.before_balance)
    facts = {
        "card": result.card_key[-8:],
        "cash": yuan_text(result.cash_e4),
        "refund": yuan_text(result.refund_e4),
        "after": decimal_text(result.after_balance, 2, 2),
        "taken": decimal_text(taken, 2, 2),
    }
    return ActReply(
        intent_id=result.intent_id,
        state=state,
        kind=result.kind,
        card_key=result.card_key,
        before_purse=result.before_balance,
        after_purse=result.after_balance,
        cash_fen=Money(result.cash_e4).fen,
        receipt_no=result.receipt_no,
        text=_text(result, state),
        facts=facts_of({**facts, "trouble": result.trouble}.items()),
        refund_fen=Money(result.refund_e4).fen if state is ActState.DONE else 0,
    )


def _text(result: ActResult, state: ActState) -> str:
    if state is ActState.GIVEN_BACK and not result.cash_e4:
        return _NOTHING_MOVED
    if result.from_safe:
        return _OUT_OF_SAFE
    if state is ActState.GIVEN_BACK:
        return _PAID_BACK.get(result.tender, _PAID_BACK_OTHERWISE)
    if state is ActState.PENDING:
        return _PENDING.get(result.kind, _PENDING_OTHERWISE)
    if state is ActState.SCRAPPED:
        return _SCRAPPED
    by_company = result.tender is Tender.COMPANY and result.cash_e4
    told = _BY_COMPANY.get(result.kind) if by_company else None
    return told or _DONE[result.kind]

"""What a card proves about an act that was cut off, and what follows from it.

`wseq` rises only by a counter's write, `pseq` only by a dispenser's. While an intent
is open nobody else may write the card at a counter, so `before.wseq + 1` can only be
our own write. Balance alone proves nothing: a fill may have brought the card back to
the balance it had before.

A card in somebody else's layout may have no such counters. Then balances are compared
(after: done, before: write again, neither: waste), and only behind a fence: the card's
own total of what it has ever consumed must be what it was, so that no fill came in
between. Without the fence nothing is decided and nothing is written.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a card says of itself: purse figures, counters, and its grey mark.

    `grey` is empty or names the unpaid fill as station/gun/number. `consumed` is the
    card's own total, of a card without counters only; its `wseq` and `pseq` are those
    of the book and prove nothing.
    """

    uid: str
    card_key: str
    balance: int
    wseq: int
    pseq: int
    grey: str = ""
    consumed: int | None = None


class Verdict(StrEnum):
    """What the card in hand proves about an open intent."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    GREY_SINCE = "grey_since"
    UNREADABLE = "unreadable"
    HOLD = "hold"
    NO_FENCE = "no_fence"  # a card without counters was used, or cannot decide


@dataclass(frozen=True, slots=True)
class Before:
    """The card as an intent found it."""

    uid: str
    balance: int
    wseq: int
    pseq: int
    grey: str = ""
    consumed: int | None = None


def judge(before: Before, seen: Evidence | None, *, after_balance: int) -> Verdict:
    """Decide what became of an intent; None stands for a card that cannot be read."""
    if seen is None:
        return Verdict.UNREADABLE
    if before.consumed is not None or seen.consumed is not None:
        return _judge_uncounted(before, seen, after_balance)
    if seen.uid != before.uid or seen.pseq < before.pseq:
        return Verdict.HOLD
    if seen.wseq == before.wseq + 1:
        unfilled = seen.pseq == before.pseq
        if unfilled and seen.balance != after_balance:
            return Verdict.HOLD
        return Verdict.APPLIED
    if seen.wseq != before.wseq:
        return Verdict.HOLD
    if seen.pseq == before.pseq and seen.balance != before.balance:
        return Verdict.HOLD
    if seen.grey != before.grey:
        return Verdict.GREY_SINCE
    return Verdict.NOT_APPLIED


def _judge_uncounted(before: Before, seen: Evidence, after_balance: int) -> Verdict:
    """Decide by the balance alone, and only where no fill can have come between."""
    if before.consumed is None or seen.consumed is None or seen.uid != before.uid:
        return Verdict.HOLD
    if seen.consumed < before.consumed:
        return Verdict.HOLD
    if seen.consumed != before.consumed or after_balance == before.balance:
        return Verdict.NO_FENCE
    if seen.balance == after_balance:
        return Verdict.APPLIED
    if seen.balance == before.balance:
        return Verdict.NOT_APPLIED
    return Verdict.UNREADABLE


def same_card_state(before: Before, seen: Evidence) -> bool:
    """Tell whether a card is exactly as an intent found it."""
    return before == Before(
        seen.uid, seen.balance, seen.wseq, seen.pseq, seen.grey, seen.consumed
    )

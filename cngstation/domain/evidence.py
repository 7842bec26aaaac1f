"""What a card proves about an act that was cut off, and what follows from it.

`wseq` rises only by a counter's write, `pseq` only by a dispenser's. While an intent
is open nobody else may write the card at a counter, so `before.wseq + 1` can only be
our own write. Balance alone proves nothing: a fill may have brought the card back to
the balance it had before.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a card says of itself: purse figures, counters, and its grey mark.

    `grey` is empty or names the unpaid fill as station/gun/number.
    """

    uid: str
    card_key: str
    balance: int
    wseq: int
    pseq: int
    grey: str = ""


class Verdict(StrEnum):
    """What the card in hand proves about an open intent."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    GREY_SINCE = "grey_since"
    UNREADABLE = "unreadable"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Before:
    """The card as an intent found it."""

    uid: str
    balance: int
    wseq: int
    pseq: int
    grey: str = ""


def judge(before: Before, seen: Evidence | None, *, after_balance: int) -> Verdict:
    """Decide what became of an intent; None stands for a card that cannot be read."""
    if seen is None:
        return Verdict.UNREADABLE
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


def same_card_state(before: Before, seen: Evidence) -> bool:
    """Tell whether a card is exactly as an intent found it."""
    return before == Before(seen.uid, seen.balance, seen.wseq, seen.pseq, seen.grey)

"""Whether a card continues what the book knows of it, or is a copy or an old image."""

from dataclasses import dataclass
from enum import StrEnum

from cngstation.domain.evidence import Evidence


class Break(StrEnum):
    """Why a card does not continue the book; the words of the refusal."""

    OTHER_CHIP = "another chip with the same number"
    OLDER_IMAGE = "an older image than the last one seen"
    OTHER_CONTENT = "another content than the last one seen"
    UNKNOWN_COUNTER = "written by a counter that the books do not know"


@dataclass(frozen=True, slots=True)
class Known:
    """What the book knows of a card: its own counters, and the newest sight of it.

    `seen` is None for a card that was not seen since its issue.
    """

    uid: str
    wseq: int
    pseq: int
    seen: Evidence | None


def break_of(known: Known, now: Evidence) -> Break | None:
    """Return how a card fails to continue the book; None where it does.

    A fill that was not reported yet (`pseq` ahead of the book) is no fault; an image
    that is older than the newest sight of the card is one.
    """
    last_pseq = known.seen.pseq if known.seen else 0
    if now.uid != known.uid:
        return Break.OTHER_CHIP
    if now.consumed is not None:
        return None  # it has no counters that could go back
    if now.wseq < known.wseq or now.pseq < max(known.pseq, last_pseq):
        return Break.OLDER_IMAGE
    if known.seen is not None and _goes_back(known.seen, now):
        return Break.OTHER_CONTENT
    if now.wseq > known.wseq:
        return Break.UNKNOWN_COUNTER
    return None


def _goes_back(seen: Evidence, now: Evidence) -> bool:
    """A paid card with the counters it was seen with has to be the very same."""
    same_counters = (now.wseq, now.pseq) == (seen.wseq, seen.pseq)
    as_seen = (now.balance, now.grey) == (seen.balance, seen.grey)
    return same_counters and not seen.grey and not as_seen

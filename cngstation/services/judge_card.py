"""What a card that lies on the reader proves of the act that is open with it."""

from cngstation.domain.evidence import Evidence, Verdict, judge
from cngstation.services.card_on_reader import CardReading, CardState
from cngstation.storage.journal import Intent


def verdict_of(intent: Intent, reading: CardReading, seen: Evidence | None) -> Verdict:
    """Say what the card in hand proves of an open act.

    `seen` is what the act's kind takes as evidence from the reading.
    """
    verdict = judge(intent.before, seen, after_balance=intent.after_balance)
    if verdict is Verdict.UNREADABLE and reading.state is CardState.BLANK:
        # No write of ours leaves a new card behind: another chip with this number.
        return Verdict.HOLD
    behind = reading.state is CardState.OURS and not reading.whole
    if verdict is Verdict.NOT_APPLIED and behind:
        # The copy that does not open may be the one that was written.
        return Verdict.HOLD
    return verdict

"""How well the balance of a lost card is known from the books."""

from dataclasses import dataclass
from enum import StrEnum


class ProofLevel(StrEnum):
    """How the balance that moves to a new card was found."""

    PROVED = "proved"  # every dispenser has delivered since the loss took effect
    WAITED = "waited"  # some have not, and the time to wait for them is over
    PROVISIONAL = "provisional"  # some have not; two people answer for it
    TYPED = "typed"  # two people typed it


@dataclass(frozen=True, slots=True)
class BalanceProof:
    """What is known: who has not delivered, until when to wait, and the worst case.

    `missing` are numbers of nozzles. In the worst case all of the balance was filled
    at one of them and is paid again.
    """

    level: ProofLevel
    missing: tuple[int, ...]
    hold_until_ms: int
    worst_purse: int


def prove_balance(
    missing: tuple[int, ...],
    *,
    takes_effect_at_ms: int,
    hold_ms: int,
    now_ms: int,
    balance_purse: int,
) -> BalanceProof:
    """Return how well a balance is known at a moment.

    A loss that has not taken effect yet proves nothing: fills up to then are the
    holder's.
    """
    hold_until = takes_effect_at_ms + hold_ms
    if not missing and now_ms >= takes_effect_at_ms:
        return BalanceProof(ProofLevel.PROVED, (), takes_effect_at_ms, 0)
    over = now_ms >= hold_until
    level = ProofLevel.WAITED if over else ProofLevel.PROVISIONAL
    return BalanceProof(level, missing, hold_until, balance_purse)

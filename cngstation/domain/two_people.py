"""The acts that take two people: one table for the checks, the slip and the digest.

An act is named as its audit row names it. Nothing is approved that is not in here, so
that no act can be done by two people and be missing from the list of what they did.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cngstation.language import mark


@dataclass(frozen=True, slots=True)
class TwoPeopleAct:
    """An act, the right that both people have, and its name for people."""

    act: str
    right: str
    title: str


ACTS: Mapping[str, TwoPeopleAct] = {
    act.act: act
    for act in (
        TwoPeopleAct(
            "card.reverse_top_up", "card.reverse_top_up", mark("Take a top-up back")
        ),
        TwoPeopleAct(
            "card.settle_grey_by_hand",
            "card.settle_grey_by_hand",
            mark("Settle a grey card by hand"),
        ),
        TwoPeopleAct(
            "card.replace",
            "card.replace_unproved",
            mark("Replacement of an unproved balance"),
        ),
        TwoPeopleAct(
            "card.unblacklist", "card.unblacklist", mark("Taken off the blacklist")
        ),
        TwoPeopleAct(
            "lists.number",
            "lists.number",
            mark("Number taken off the dispensers' blacklist"),
        ),
        TwoPeopleAct(
            "lists.file", "lists.number", mark("Blacklist made shorter by a file")
        ),
        TwoPeopleAct("fill.mark", "fill.mark", mark("Fill marked as nothing to pay")),
        TwoPeopleAct("price.override", "price.override", mark("Price changed at once")),
        TwoPeopleAct(
            "price.cancel_late",
            "price.override",
            mark("Planned price taken back just before its time"),
        ),
        TwoPeopleAct("row.explain", "row.explain", mark("Row closed by words")),
        TwoPeopleAct(
            "opening.accept", "opening.accept", mark("Balance of an old card accepted")
        ),
        TwoPeopleAct(
            "station.initialise", "station.initialise", mark("New books begun")
        ),
        TwoPeopleAct(
            "card_key.confirm", "card_key.confirm", mark("Another key of cards taken")
        ),
        TwoPeopleAct(
            "enrolment.key", "enrolment.confirm", mark("New key of the station")
        ),
        TwoPeopleAct(
            "enrolment.trust",
            "enrolment.confirm",
            mark("Head office's key trusted for the first time"),
        ),
        TwoPeopleAct(
            "personal.reseal", "personal.reseal", mark("Personal numbers sealed anew")
        ),
        TwoPeopleAct(
            "register.import", "register.import", mark("Balances imported from a sheet")
        ),
    )
}


# Written down beside an act of two people who may be one: one gave the passwords.
ONE_HAND = "approve.one_hand"
# Somebody says that an operator is another person than who gave the password.
VOUCH = "operator.vouch"
# Stands in each digest as long as nobody has said so.
UNVOUCHED = "approve.unvouched"


class OfTwo(Protocol):
    """Anything that names the two people of an act."""

    @property
    def first_no(self) -> str: ...
    @property
    def second_no(self) -> str: ...


# One person who stands behind another more often than this on one day is named.
OFTEN_A_DAY = 5


@dataclass(frozen=True, slots=True)
class Approval:
    """An act that two people did, as the audit has it; `slip_no` 0: no slip.

    `proof` is by what the second person was known; empty in older rows.
    """

    seq: int
    at_ms: int
    act: str
    subject: str
    reason: str
    first_no: str
    second_no: str
    terminal: str
    slip_no: int
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """How often one person stood behind another."""

    first_no: str
    second_no: str
    count: int


def often_together(
    approvals: Iterable[OfTwo], *, most: int = OFTEN_A_DAY
) -> tuple[Pair, ...]:
    """Return who stood behind the same person more than `most` times, most first."""
    counts = Counter((one.first_no, one.second_no) for one in approvals)
    pairs = [Pair(*people, count) for people, count in counts.items() if count > most]
    return tuple(sorted(pairs, key=lambda pair: (-pair.count, pair.first_no)))

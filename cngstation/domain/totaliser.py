"""Whether the totaliser (总累) of a nozzle goes on from fill to fill, and where not.

Between two readings every fill must begin where the one before it ended. Where it does
not, the difference is a break: what the fills and the breaks come to is what the
totaliser has moved. Quantities are 1/1000 of the nozzle's unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cngstation.language import mark

# Counters of dispensers roll over behind as many decimal digits, or bits, of 0.01 unit.
_FEWEST_DIGITS, _MOST_DIGITS = 8, 13
_BINARY_MILLI = 2**32 * 10
# What the last digit of a totaliser with two decimals is worth.
CUT_MILLI = 10


class Cause(StrEnum):
    """What a break looks like; the person who explains it decides what it was."""

    NO_RECORD = "no_record"  # gas flowed, and no number is missing
    FILLS_MISSING = "fills_missing"
    WRAPPED = "wrapped"
    RESET = "reset"
    BOARD = "board"  # another board, or another counter on it
    FELL = "fell"


CAUSE_TEXTS = {
    Cause.NO_RECORD: mark("gas without a record"),
    Cause.FILLS_MISSING: mark("fills that have not come"),
    Cause.WRAPPED: mark("the counter rolled over"),
    Cause.RESET: mark("the counter was reset"),
    Cause.BOARD: mark("another board or counter"),
    Cause.FELL: mark("the counter went back"),
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place among the fills of a nozzle: the life of its numbers, and the number."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A fill on the totaliser, or a reading, which begins where it ends."""

    place: Place
    began_milli: int
    ended_milli: int
    is_fill: bool = True


@dataclass(frozen=True, slots=True)
class Break:
    """The totaliser stood at `found` where `expected` was left, behind a fill.

    `next_number` is the fill at which it shows, 0 at a reading.
    """

    after: Place
    next_number: int
    expected_milli: int
    found_milli: int
    cause: Cause

    @property
    def size_milli(self) -> int:
        """What the totaliser moved without a fill; negative where it went back."""
        return self.found_milli - self.expected_milli

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What makes this break another one than all others of its nozzle."""
        return (
            self.after.epoch,
            self.after.number,
            self.expected_milli,
            self.found_milli,
        )


def breaks(start: Stretch, stretches: Iterable[Stretch]) -> list[Break]:
    """Return the breaks from a reading over what follows it, in their order."""
    found = []
    last = start
    for each in stretches:
        if not goes_on(last.ended_milli, each.began_milli, each.ended_milli):
            found.append(
                Break(
                    last.place,
                    each.place.number if each.is_fill else 0,
                    last.ended_milli,
                    each.began_milli,
                    _cause(last, each),
                )
            )
        last = each
    return found


def goes_on(last_milli: int, began_milli: int, ended_milli: int) -> bool:
    """Tell whether a fill begins where the one before it ended.

    A totaliser of two decimals behind a fill of three is cut at its last digit.
    """
    moved = ended_milli - began_milli
    totals = (last_milli, ended_milli)
    is_cut = moved % CUT_MILLI and not any(total % CUT_MILLI for total in totals)
    off = abs(began_milli - last_milli)
    return off < CUT_MILLI if is_cut else off == 0


def _cause(last: Stretch, each: Stretch) -> Cause:
    size = each.began_milli - last.ended_milli
    if size < 0 and _rolls_over(-size):
        return Cause.WRAPPED
    if size < 0 and each.began_milli == 0:
        return Cause.RESET
    if each.place.epoch != last.place.epoch:
        return Cause.BOARD
    if size < 0:
        return Cause.FELL
    ahead = each.place.number - last.place.number
    # Pumps that number nothing are numbered by the totaliser itself.
    by_total = each.place.number == each.ended_milli
    missing = ahead > (1 if each.is_fill else 0) and not by_total
    return Cause.FILLS_MISSING if missing else Cause.NO_RECORD


def _rolls_over(fallen_milli: int) -> bool:
    if fallen_milli == _BINARY_MILLI:
        return True
    return any(
        fallen_milli == 10**digits for digits in range(_FEWEST_DIGITS, _MOST_DIGITS + 1)
    )

"""Whether the totaliser (总累) of a nozzle goes on from fill to fill, and where not.

Between two readings every fill must begin where the one before it ended. Where it does
not, the difference is a break: what the fills and the breaks come to is what the
totaliser has moved. Figures are 1/1000 of the nozzle's unit, or 1/10 000 yuan of a
totaliser of money. A fill whose dispenser told no totaliser carries on what was
reached before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cngstation.language import mark

# In the books: the dispenser told no totaliser with a fill.
NO_TOTAL = -1


@dataclass(frozen=True, slots=True)
class Measure:
    """What a totaliser counts.

    `cut` is what the last digit of one with two decimals is worth. Dispensers count to
    the end of a number of decimal digits, or of 32 bits: there it rolls over.
    """

    cut: int
    digits: range
    is_money: bool = False

    def rolls_over(self, fallen: int) -> bool:
        """Tell whether a counter fell by all that one can count."""
        return fallen in {2**32 * self.cut, *(10**digits for digits in self.digits)}


GAS = Measure(10, range(8, 14))
MONEY = Measure(100, range(9, 15), is_money=True)


class Cause(StrEnum):
    """What a break looks like; the person who explains it decides what it was."""

    NO_RECORD = "no_record"  # gas flowed, and no number is missing
    FILLS_MISSING = "fills_missing"
    WRAPPED = "wrapped"
    RESET = "reset"
    BOARD = "board"  # another board, or another counter on it
    FELL = "fell"
    OTHER_MONEY = "other_money"


CAUSE_TEXTS = {
    Cause.NO_RECORD: mark("gas without a record"),
    Cause.FILLS_MISSING: mark("fills that have not come"),
    Cause.WRAPPED: mark("the counter rolled over"),
    Cause.RESET: mark("the counter was reset"),
    Cause.BOARD: mark("another board or counter"),
    Cause.FELL: mark("the counter went back"),
    Cause.OTHER_MONEY: mark("the amounts of its fills do not come to it"),
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place among the fills of a nozzle: the life of its numbers, and the number."""

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A fill on the totaliser, or a reading, which begins where it ends.

    Where the totaliser was not told, both count from wherever it stood.
    """

    place: Place
    began: int
    ended: int
    is_fill: bool = True
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Break:
    """The totaliser stood at `found` where `expected` was left, behind a fill.

    `next_number` is the fill at which it shows, 0 at a reading.
    """

    after: Place
    next_number: int
    expected: int
    found: int
    cause: Cause

    @property
    def size(self) -> int:
        """What the totaliser moved without a fill; negative where it went back."""
        return self.found - self.expected

    @property
    def key(self) -> tuple[int, int, int, int]:
        """What makes this break another one than all others of its nozzle."""
        return (
            self.after.epoch,
            self.after.number,
            self.expected,
            self.found,
        )


def breaks(
    start: Stretch, stretches: Iterable[Stretch], measure: Measure = GAS
) -> list[Break]:
    """Return the breaks from a reading over what follows it, in their order.

    Where the reading tells none, from the first that does.
    """
    found = []
    last, is_carried = start, False
    reached = start.ended if start.is_told else None
    for each in stretches:
        if not each.is_told:
            if reached is not None:
                reached, is_carried = reached + each.ended - each.began, True
        else:
            if reached is not None and not goes_on(
                reached, each.began, each.ended, measure, is_carried=is_carried
            ):
                number = each.place.number if each.is_fill else 0
                cause = _cause(last.place, reached, each, measure)
                found.append(Break(last.place, number, reached, each.began, cause))
            reached, is_carried = each.ended, False
        last = each
    return found


def goes_on(
    last: int,
    began: int,
    ended: int,
    measure: Measure = GAS,
    *,
    is_carried: bool = False,
) -> bool:
    """Tell whether a fill begins where the one before it ended.

    A totaliser of two decimals behind a fill of three is cut at its last digit, also
    where `last` was carried over fills that told none.
    """
    moved, cut = ended - began, measure.cut
    if is_carried:
        is_cut = not ended % cut and (moved % cut or last % cut)
    else:
        is_cut = moved % cut and not (last % cut or ended % cut)
    off = abs(began - last)
    return off < cut if is_cut else off == 0


def _cause(last: Place, reached: int, each: Stretch, measure: Measure) -> Cause:
    size = each.began - reached
    if measure.rolls_over(-size):
        return Cause.WRAPPED
    if size < 0 and each.began == 0:
        return Cause.RESET
    if each.place.epoch != last.epoch:
        return Cause.BOARD
    if size < 0:
        return Cause.FELL
    if measure.is_money:
        return Cause.OTHER_MONEY
    ahead = each.place.number - last.number
    # Pumps that number nothing are numbered by the totaliser itself.
    by_total = each.place.number == each.ended
    missing = ahead > (1 if each.is_fill else 0) and not by_total
    return Cause.FILLS_MISSING if missing else Cause.NO_RECORD

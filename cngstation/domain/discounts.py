"""充值优惠: what is given on top of a top-up, and what of it is taken back.

Of the rules that fit, the one that gives the customer most counts, and it alone; among
equal ones the oldest. The bonus is whole fen, rounded down.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cngstation.domain.payment import PaymentMode
from cngstation.moments import time_text
from cngstation.units import E4_PER_FEN, decimal_text, divide_down, yuan_text

PERCENT_SCALE = 10_000  # percent_hundredths of a whole


@dataclass(frozen=True, slots=True)
class DiscountRule:
    """A rule; empty texts, a zero `to_e4` and a zero `until_ms` set no bound.

    `from_e4` belongs to it, `to_e4` does not; so do the two moments.
    """

    rule_no: int
    card_kind: str
    company_no: str
    payment_mode: str
    from_e4: int
    to_e4: int
    percent_hundredths: int
    fixed_e4: int
    since_ms: int
    until_ms: int

    def as_text(self) -> str:
        """Write what it gives, to whom and when, in one line for the audit trail."""
        told = [f"{decimal_text(self.percent_hundredths, 2, 2)}%"]
        if self.fixed_e4:
            told.append(f"+ {yuan_text(self.fixed_e4)}")
        if self.from_e4 or self.to_e4:
            until = yuan_text(self.to_e4) if self.to_e4 else ""
            told.append(f"{yuan_text(self.from_e4)}-{until}")
        told += filter(None, (self.card_kind, self.company_no, self.payment_mode))
        until = _when(self.until_ms) if self.until_ms else ""
        return ", ".join([*told, f"{_when(self.since_ms)} - {until}".rstrip()])

    def fits(self, case: "TopUpCase", at_ms: int) -> bool:
        """Tell whether the rule is for a top-up at a moment."""
        same = (
            self.card_kind in {"", case.card_kind},
            self.company_no in {"", case.company_no},
            self.payment_mode in {"", case.payment_mode},
            self.from_e4 <= case.paid_e4,
            not self.to_e4 or case.paid_e4 < self.to_e4,
            self.since_ms <= at_ms,
            not self.until_ms or at_ms < self.until_ms,
        )
        return all(same)

    def bonus_e4(self, paid_e4: int) -> int:
        """Return what is given for an amount paid, in whole fen."""
        percent = divide_down(paid_e4 * self.percent_hundredths, PERCENT_SCALE)
        return _whole_fen(percent + self.fixed_e4)


@dataclass(frozen=True, slots=True)
class TopUpCase:
    """What decides about a bonus: whose card, and what is paid for it."""

    card_kind: str
    company_no: str
    payment_mode: PaymentMode
    paid_e4: int


@dataclass(frozen=True, slots=True)
class Bonus:
    """What a rule gives; rule 0 is none."""

    rule_no: int = 0
    e4: int = 0


def best_bonus(rules: Iterable[DiscountRule], case: TopUpCase, at_ms: int) -> Bonus:
    """Return the greatest bonus that a rule gives."""
    found = Bonus()
    for rule in sorted(rules, key=lambda rule: rule.rule_no):
        bonus_e4 = rule.bonus_e4(case.paid_e4) if rule.fits(case, at_ms) else 0
        if bonus_e4 > found.e4:
            found = Bonus(rule.rule_no, bonus_e4)
    return found


def bonus_to_take_back(
    *, bonus: int, paid: int, back: int, back_before: int = 0, step: int = E4_PER_FEN
) -> int:
    """Return what of a bonus goes when a part of what was paid is paid back.

    `back_before` is what was paid back of it earlier: the parts together take the
    bonus to its last step when all is paid back, and never more of it.
    """
    if paid <= 0 or back < 0 or back_before < 0 or back + back_before > paid:
        raise ValueError(f"{back} after {back_before} cannot be paid back of {paid}")

    def taken(of: int) -> int:
        return bonus if of == paid else _steps(bonus * of, paid, step)

    return taken(back_before + back) - taken(back_before)


def most_to_take_back(
    *, bonus: int, paid: int, back_before: int, room: int, step: int = E4_PER_FEN
) -> int:
    """Return the most that can be paid back, in whole steps, with its bonus in a room.

    `room` is what there is to take both from.
    """

    def fits(steps: int) -> bool:
        back = steps * step
        taken = bonus_to_take_back(
            bonus=bonus, paid=paid, back=back, back_before=back_before, step=step
        )
        return back + taken <= room

    # What is paid back and its bonus rise together.
    least, above = 0, (paid - back_before) // step + 1
    while above - least > 1:
        middle = (least + above) // 2
        least, above = (middle, above) if fits(middle) else (least, middle)
    return least * step


def _steps(numerator: int, denominator: int, step: int) -> int:
    return divide_down(numerator, denominator * step) * step


def _whole_fen(e4: int) -> int:
    return e4 - e4 % E4_PER_FEN


def _when(wall_ms: int) -> str:
    try:
        return time_text(wall_ms)
    except (OverflowError, ValueError):  # no year has it
        return str(wall_ms)

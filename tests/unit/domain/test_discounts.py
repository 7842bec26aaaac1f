"""Rules of discounts: which fits, which is best, what is taken back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cngstation.domain.discounts import (
    Bonus,
    DiscountRule,
    TopUpCase,
    best_bonus,
    bonus_to_take_back,
    most_to_take_back,
)
from cngstation.domain.payment import PaymentMode

RULE = DiscountRule(
    rule_no=1,
    card_kind="taxi",
    company_no="0001",
    payment_mode="prepaid_money",
    from_e4=100_0000,
    to_e4=500_0000,
    percent_hundredths=250,
    fixed_e4=0,
    since_ms=1_000,
    until_ms=2_000,
)
CASE = TopUpCase("taxi", "0001", PaymentMode.PREPAID_MONEY, 200_0000)


@pytest.mark.parametrize(
    ("case", "at_ms", "bonus"),
    [
        (CASE, 1_000, 5_0000),
        (CASE, 999, 0),
        (CASE, 2_000, 0),
        (replace(CASE, card_kind="unit"), 1_500, 0),
        (replace(CASE, company_no="0002"), 1_500, 0),
        (replace(CASE, payment_mode=PaymentMode.PREPAID_QUANTITY), 1_500, 0),
        (replace(CASE, paid_e4=99_9900), 1_500, 0),
        (replace(CASE, paid_e4=100_0000), 1_500, 2_5000),
        (replace(CASE, paid_e4=499_9900), 1_500, 12_4900),
        (replace(CASE, paid_e4=500_0000), 1_500, 0),
    ],
)
def test_a_rule_gives_within_all_of_its_bounds(
    case: TopUpCase, at_ms: int, bonus: int
) -> None:
    """Kind, company, mode, amount and time; the bonus is whole fen."""
    assert best_bonus([RULE], case, at_ms).e4 == bonus


def test_empty_bounds_are_none() -> None:
    """A rule without bounds is for everybody, always."""
    free = replace(
        RULE, card_kind="", company_no="", payment_mode="", to_e4=0, until_ms=0
    )
    other = TopUpCase("unit", "0009", PaymentMode.PREPAID_QUANTITY, 9_000_0000)
    assert best_bonus([free], other, 10**15) == Bonus(1, 225_0000)


def test_the_best_rule_counts_alone_and_the_oldest_among_equals() -> None:
    """Rules are not added together, and their order in the table is nothing."""
    fixed = replace(RULE, rule_no=2, percent_hundredths=0, fixed_e4=6_0000)
    same = replace(fixed, rule_no=3)
    assert best_bonus([same, RULE, fixed], CASE, 1_500) == Bonus(2, 6_0000)
    both = replace(RULE, rule_no=4, fixed_e4=1_5000)
    assert best_bonus([both, fixed], CASE, 1_500) == Bonus(4, 6_5000)


@given(st.integers(0, 10**8), st.lists(st.integers(1, 10**7), min_size=1, max_size=6))
def test_a_bonus_is_taken_back_in_proportion_and_wholly_at_the_end(
    fen: int, parts: list[int]
) -> None:
    """The parts together are the bonus; each is whole fen, none above its share."""
    bonus, paid = fen * 100, sum(parts) * 100
    before = taken = 0
    for part in parts:
        back = part * 100
        piece = bonus_to_take_back(
            bonus=bonus, paid=paid, back=back, back_before=before
        )
        assert piece >= 0
        assert piece % 100 == 0
        before, taken = before + back, taken + piece
        assert taken * paid <= bonus * before
    assert taken == bonus


def test_more_than_was_paid_is_not_paid_back() -> None:
    """A wrong question has no answer."""
    with pytest.raises(ValueError, match="cannot be paid back"):
        bonus_to_take_back(bonus=100, paid=1_000, back=600, back_before=500)


@given(
    paid=st.integers(1, 900),
    percent=st.integers(0, 20_000),
    before=st.integers(0, 900),
    room=st.integers(0, 3_000),
    step=st.sampled_from([10, 100]),
)
def test_the_most_that_goes_back_fits_with_its_bonus(
    paid: int, percent: int, before: int, room: int, step: int
) -> None:
    """It fits, one step more does not, and nothing beyond what was paid goes back."""
    bonus = paid * percent // 10_000 * step
    paid, before = paid * step, min(before, paid) * step
    known = {"bonus": bonus, "paid": paid, "back_before": before, "step": step}

    def off(back: int) -> int:
        return back + bonus_to_take_back(back=back, **known)

    most = most_to_take_back(room=room * step, **known)
    assert 0 <= most <= paid - before
    assert off(most) <= room * step
    assert most + before == paid or off(most + step) > room * step

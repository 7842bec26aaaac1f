"""Money, price and quantity: integers, and rounding that says which way."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cngstation import units
from cngstation.units import (
    LARGEST_E4,
    Money,
    NotWholeFen,
    Price,
    Quantity,
    Unit,
    amount_of,
    decimal_text,
    divide_down,
    divide_half_up,
    parse_decimal,
    quantity_for,
    share_of,
    yuan_text,
)

amounts = st.integers(-(10**14), 10**14)


@pytest.mark.parametrize(
    ("numerator", "denominator", "down", "half_up"),
    [(5, 2, 2, 3), (-5, 2, -3, -3), (4, 3, 1, 1), (-4, 3, -2, -1), (0, 7, 0, 0)],
)
def test_roundings_go_their_way(
    numerator: int, denominator: int, down: int, half_up: int
) -> None:
    """Down is toward minus infinity, halves go away from zero."""
    assert divide_down(numerator, denominator) == down
    assert divide_half_up(numerator, denominator) == half_up


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_rounding_needs_a_positive_denominator(denominator: int) -> None:
    """A negative one would turn halves the wrong way."""
    with pytest.raises(ValueError, match="positive"):
        divide_half_up(1, denominator)


@settings(max_examples=60)
@given(amounts, st.integers(1, 10**6))
def test_half_up_is_the_nearest(numerator: int, denominator: int) -> None:
    """The result is never further than half a step, and odd in its sign."""
    found = divide_half_up(numerator, denominator)
    assert 2 * abs(found * denominator - numerator) <= denominator
    assert divide_half_up(-numerator, denominator) == -found


@pytest.mark.parametrize("wrong", [1.0, True, "1", None])
def test_money_is_made_of_an_int(wrong: object) -> None:
    """No float, no bool and no text becomes money, price or quantity."""
    with pytest.raises(TypeError):
        Money(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money.from_fen(wrong)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        Price(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Quantity(wrong, Unit.M3)  # type: ignore[arg-type]


def test_limits_of_money_and_price() -> None:
    """What is beyond any ledger is a fault, and no price is negative."""
    assert Money(LARGEST_E4).e4 == -Money(-LARGEST_E4).e4
    for wrong in (LARGEST_E4 + 1, -LARGEST_E4 - 1):
        with pytest.raises(ValueError, match="beyond"):
            Money(wrong)
    for wrong in (-1, LARGEST_E4 + 1):
        with pytest.raises(ValueError, match="price"):
            Price(wrong)
    with pytest.raises(ValueError, match="beyond"):
        Money(LARGEST_E4) + Money(1)


def test_fen_refuses_a_part_of_a_fen() -> None:
    """Cash and purses are whole fen."""
    assert Money.from_fen(-7).fen == -7
    with pytest.raises(NotWholeFen):
        _ = Money(101).fen


def test_units_do_not_mix() -> None:
    """Kilograms and cubic metres are not added, and money is no quantity."""
    kg, m3 = Quantity(5, Unit.KG), Quantity(5, Unit.M3)
    assert kg + kg == Quantity(10, Unit.KG)
    assert not kg - kg
    for wrong in (lambda: kg + m3, lambda: kg - m3):
        with pytest.raises(ValueError, match="cannot be added"):
            wrong()
    with pytest.raises(ValueError, match="not a quantity"):
        Quantity(1, Unit.CNY)


@pytest.mark.parametrize(
    ("milli", "price_e4", "e4"),
    [
        (1_000, 4_5000, 4_5000),
        (1_111, 4_5000, 5_0000),
        (1, 5_0000, 100),
        (1, 4_9999, 0),
    ],
)
def test_an_amount_is_rounded_to_the_fen(milli: int, price_e4: int, e4: int) -> None:
    """1.111 at 4.50 is 4.9995 and costs 5.00; half a fen goes up."""
    assert amount_of(Quantity(milli, Unit.M3), Price(price_e4)) == Money(e4)


@settings(max_examples=60)
@given(st.integers(0, 10**9), st.integers(1, 10**7), st.sampled_from([1, 10, 1000]))
def test_money_never_buys_more_than_it_is_worth(e4: int, price: int, step: int) -> None:
    """The quantity is whole steps, affordable, and one step more is not."""
    found = quantity_for(Money(e4), Price(price), Unit.KG, step_milli=step)
    assert found.milli % step == 0
    assert found.milli * price <= e4 * 1000 < (found.milli + step) * price


def test_a_price_of_zero_buys_nothing_stated() -> None:
    """A division by zero is said in words."""
    with pytest.raises(ValueError, match="price of zero"):
        quantity_for(Money(1), Price(0), Unit.KG, step_milli=10)


@settings(max_examples=60)
@given(amounts, st.integers(1, 10**6), st.data())
def test_a_share_and_its_rest_differ_by_no_more_than_one(
    whole: int, quantity: int, data: st.DataObject
) -> None:
    """Two shares that make the whole quantity make the whole amount, to 1 e4."""
    part = data.draw(st.integers(0, quantity))
    both = share_of(whole, part, quantity) + share_of(whole, quantity - part, quantity)
    assert abs(both - whole) <= 1


@settings(max_examples=60)
@given(st.integers(-(10**6), 10**6))
def test_wire_hundredths_are_exact(hundredths: int) -> None:
    """What comes from a wire goes back to it unchanged; the rest is refused."""
    milli = units.hundredths_to_milli(hundredths)
    assert units.milli_to_hundredths(milli) == hundredths
    assert Money(units.hundredths_to_e4(hundredths)).fen == hundredths
    with pytest.raises(ValueError, match="hundredths"):
        units.milli_to_hundredths(milli + 1)


@pytest.mark.parametrize(
    ("value", "milli"),
    [
        (1.5, 1500),
        (-0.001, -1),
        (float("nan"), None),
        (float("inf"), None),
        (3e9, None),
    ],
)
def test_a_wire_single_becomes_milli_or_unknown(
    value: float, milli: int | None
) -> None:
    """Not a number, infinity and nonsense are unknown, never a figure."""
    assert units.wire_f32_to_milli(struct.pack("<f", value)) == milli


@pytest.mark.parametrize(
    ("value", "scale", "places", "text"),
    [
        (0, 4, 2, "0.00"),
        (-5, 4, 2, "-0.0005"),
        (50_0000, 4, 2, "50.00"),
        (12_3400, 4, 0, "12.34"),
        (12_0000, 4, 0, "12"),
        (7, 0, 0, "7"),
        (7, 0, 2, "7.00"),
        (7, 1, 3, "0.700"),
    ],
)
def test_decimals_are_written(value: int, scale: int, places: int, text: str) -> None:
    """A figure on paper never hides a part of a fen and always has its places."""
    assert decimal_text(value, scale, places) == text


@settings(max_examples=80)
@given(amounts.filter(lambda n: abs(n) < 10**12), st.integers(0, 4))
def test_what_is_written_is_read_again(value: int, scale: int) -> None:
    """Writing and reading a decimal loses nothing."""
    assert parse_decimal(decimal_text(value, scale, scale), scale) == value
    assert parse_decimal(yuan_text(value), 4) == value


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "1.2.3", "--1", "+1", "1e3", "1,5", "１２", "1 2",
     "1.00001", "nan", "0x1", "1234567890123", "١", "1.٢", "²", "- 1"],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    """No sign but minus, no exponent, no other digits, no decimal too many."""
    with pytest.raises(ValueError, match=r"number|decimals"):
        parse_decimal(text, 4)

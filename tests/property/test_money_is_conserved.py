"""Whatever is filled: postings sum to zero, lots give exactly what they hold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cngstation.domain import ledger
from cngstation.domain.ledger import Entry, Posting, require_balance, totals
from cngstation.domain.lots import Lot, use_lots
from cngstation.domain.payment import (
    MODE_CODES,
    MODE_OF_CODE,
    PaymentMode,
    book_to_purse,
    purse_to_book,
    purse_unit,
)
from cngstation.domain.sale_postings import (
    FillToBook,
    fill_postings,
    unknown_card_postings,
)
from cngstation.errors import LedgerImbalance
from cngstation.units import GAS_UNITS, Unit

small = st.integers(0, 10**9)
signed = st.integers(-(10**9), 10**9)
units = st.sampled_from(sorted(GAS_UNITS))
lots = st.lists(
    st.tuples(st.integers(1, 50_000), st.integers(0, 10**6)), max_size=6
).map(lambda found: [Lot(seq, *pair) for seq, pair in enumerate(found, 1)])
fills = st.builds(
    FillToBook,
    card_key=st.just("510100000001"),
    mode=st.sampled_from(PaymentMode),
    gas_unit=units,
    quantity_milli=small,
    amount_e4=small,
    debited=small,
    purse_emptied=st.booleans(),
)


@settings(max_examples=200)
@given(fills, lots)
def test_every_fill_sums_to_zero_in_every_unit(
    fill: FillToBook, held: list[Lot]
) -> None:
    """No mode, lot, debit or grey mark makes money or gas out of nothing."""
    uses, missing = use_lots(held, fill.quantity_milli)
    postings = fill_postings(fill, uses, missing)
    assert not any(totals(postings).values())
    assert all(posting.amount for posting in postings)
    require_balance(Entry("a", "sale", "2026-11-21", "", "", postings))
    sold = -sum(p.amount for p in postings if p.account == ledger.GAS_SALES)
    if fill.mode is not PaymentMode.PREPAID_QUANTITY:
        assert sold == fill.amount_e4
    assert {p.unit for p in postings} <= {Unit.CNY, fill.gas_unit}


@settings(max_examples=60)
@given(signed)
def test_a_fill_of_an_unknown_card_is_in_suspense(amount: int) -> None:
    """The sale is booked; who pays is open."""
    postings = unknown_card_postings(amount)
    assert not any(totals(postings).values())
    assert bool(postings) is bool(amount)


@settings(max_examples=200)
@given(lots, st.integers(-10, 400_000))
def test_lots_are_used_oldest_first_and_whole(held: list[Lot], wanted: int) -> None:
    """What is taken and what is missing is what was wanted; order is by age."""
    uses, missing = use_lots(held, wanted)
    assert sum(use.quantity_milli for use in uses) + missing == max(wanted, 0)
    assert [use.seq for use in uses] == [lot.seq for lot in held[: len(uses)]]
    for use, lot in list(zip(uses, held, strict=False))[:-1]:
        assert (use.quantity_milli, use.money_e4) == (lot.quantity_milli, lot.money_e4)
    assert not missing or len(uses) == len(held)


@settings(max_examples=150)
@given(lots, st.lists(st.integers(0, 60_000), max_size=12))
def test_fills_in_any_portions_use_up_money_exactly(
    held: list[Lot], portions: list[int]
) -> None:
    """After any fills, used and left make the purchase, to the last 1/10 000 yuan."""
    left = {lot.seq: lot for lot in held}
    used_money = used_gas = 0
    for wanted in [*portions, 10**9]:
        uses, _ = use_lots([lot for lot in left.values() if lot.quantity_milli], wanted)
        for use in uses:
            lot = left[use.seq]
            left[use.seq] = Lot(
                lot.seq,
                lot.quantity_milli - use.quantity_milli,
                lot.money_e4 - use.money_e4,
            )
            assert left[use.seq].money_e4 >= 0
            used_money += use.money_e4
            used_gas += use.quantity_milli
    assert all(not lot.quantity_milli and not lot.money_e4 for lot in left.values())
    assert used_money == sum(lot.money_e4 for lot in held)
    assert used_gas == sum(lot.quantity_milli for lot in held)


def test_a_used_up_lot_is_passed_over() -> None:
    """An empty lot gives nothing and hides no later one."""
    uses, missing = use_lots([Lot(1, 0, 0), Lot(2, 5, 9)], 3)
    assert [(use.seq, use.quantity_milli, use.money_e4) for use in uses] == [(2, 3, 5)]
    assert missing == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(Unit), signed), max_size=6))
def test_an_entry_balances_in_each_unit_or_is_refused(
    parts: list[tuple[Unit, int]],
) -> None:
    """A surplus in one unit is not made good by another."""
    postings = tuple(Posting("a", unit, amount) for unit, amount in parts)
    sums: dict[Unit, int] = {}
    for unit, amount in parts:
        sums[unit] = sums.get(unit, 0) + amount
    try:
        require_balance(Entry("a", "x", "", "", "", postings))
    except LedgerImbalance:
        assert any(sums.values())
    else:
        assert not any(sums.values())


@settings(max_examples=60)
@given(st.sampled_from(PaymentMode), st.integers(-(2**31), 2**31 - 1))
def test_purse_figures_come_back(mode: PaymentMode, purse: int) -> None:
    """Fen and 0.01 unit are exact in the ledger; a part of one is refused."""
    book = purse_to_book(mode, purse)
    assert book_to_purse(mode, book) == purse
    for part in (1, -1):
        try:
            book_to_purse(mode, book + part)
        except ValueError:
            continue
        raise AssertionError(f"{book + part} became a purse figure")


def test_modes_have_their_codes_and_units() -> None:
    """The byte on the card is pinned; each mode is booked in its unit."""
    assert [MODE_CODES[mode] for mode in PaymentMode] == [0, 1, 2, 3]
    assert all(MODE_OF_CODE[code] is mode for mode, code in MODE_CODES.items())
    assert [str(purse_unit(mode, Unit.KG)) for mode in PaymentMode] == [
        "CNY", "kg", "CNY", "kg",
    ]  # fmt: skip
    assert [mode.prepaid for mode in PaymentMode] == [True, True, False, False]

"""What dispensers end up refusing is always what was wanted, however it got there."""

from hypothesis import given
from hypothesis import strategies as st

from cngstation.domain.card_lists import (
    MOST_CHANGES,
    Blacklist,
    advance,
    next_version,
)


def _stretch(first: int, last: int, step: int, odd: frozenset[int]) -> frozenset[str]:
    return frozenset(map(str, {*range(first, last, step)} ^ odd))


# A long list out of three draws, and a few numbers that are there or not beside it.
_PLACES = st.integers(0, 400)
NUMBERS = st.builds(
    _stretch,
    _PLACES,
    _PLACES,
    st.integers(1, 5),
    st.frozensets(_PLACES, max_size=6),
)


@given(st.lists(st.tuples(NUMBERS, st.booleans()), min_size=1, max_size=6))
def test_the_parts_sum_up_to_what_is_wanted(
    steps: list[tuple[frozenset[str], bool]],
) -> None:
    """After every step, with no number in two parts and no part of changes too long."""
    held: Blacklist | None = None
    for wanted, whole in steps:
        held = advance(held, wanted, whole=whole)
        assert held.listed == wanted
        assert not held.added & held.base
        assert held.deleted <= held.base
        assert max(len(held.added), len(held.deleted)) <= MOST_CHANGES


def test_a_base_stays_while_the_changes_are_few() -> None:
    """One more number is one number to send, not the whole list."""
    base = frozenset(map(str, range(1_000)))
    first = advance(None, base)
    assert advance(first, base | {"x"}) == Blacklist(base, frozenset({"x"}))
    assert advance(first, base - {"7"}).deleted == {"7"}


def test_too_many_changes_begin_a_new_base() -> None:
    """The changes start again from nothing."""
    first = advance(None, frozenset({"a"}))
    many = frozenset(map(str, range(MOST_CHANGES + 1)))
    assert advance(first, many) == Blacklist(many)


def test_versions_go_round_and_are_never_nought() -> None:
    """0 says to a dispenser that there is no list."""
    seen = [0]
    for _ in range(600):
        seen.append(next_version(seen[-1]))
    assert seen[1:256] == list(range(1, 256))
    assert seen[256] == 1
    assert 0 not in seen[1:]

"""What each state of a card allows, and each role: every pair is written down."""

import itertools

import pytest

from cngstation.domain import rights
from cngstation.domain.card_life import (
    ALLOWED,
    WAY_OUT,
    Act,
    CardState,
    CardStateRefused,
    Standing,
    require,
    way_out,
)

TABLE = {
    Act.READ: set(CardState),
    Act.ISSUE: {CardState.NEW},
    Act.TOP_UP: {CardState.NORMAL, CardState.EXPIRED},
    Act.COMPLETE: {
        CardState.NORMAL, CardState.EXPIRED, CardState.PENDING, CardState.GREY,
    },
    Act.REVERSE: {CardState.NORMAL, CardState.EXPIRED},
    Act.CLEAR_CREDIT: {CardState.NORMAL, CardState.EXPIRED},
    Act.SETTLE_GREY: {CardState.GREY},
    Act.REPORT_LOSS: {
        CardState.INACTIVE, CardState.NORMAL, CardState.PENDING, CardState.GREY,
        CardState.BLACK, CardState.EXPIRED, CardState.WASTE,
    },
    Act.WITHDRAW_LOSS: {CardState.LOST},
    Act.REPLACE: {CardState.LOST},
    Act.BLACKLIST: {
        CardState.INACTIVE, CardState.NORMAL, CardState.PENDING, CardState.GREY,
        CardState.EXPIRED,
    },
    Act.UNBLACKLIST: {CardState.BLACK},
    Act.ACTIVATE: {CardState.INACTIVE},
    Act.SUSPEND: {CardState.NORMAL, CardState.EXPIRED, CardState.GREY},
    Act.EDIT: {CardState.NORMAL, CardState.EXPIRED},
    Act.CANCEL: {CardState.NORMAL, CardState.EXPIRED, CardState.BLACK},
    Act.WIPE: {CardState.REPLACED, CardState.CANCELLED},
}  # fmt: skip


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", CardState)
def test_every_act_in_every_state(act: Act, state: CardState) -> None:
    """The table decides; a refusal names the card, the state and the way out."""
    marks = {
        CardState.PENDING: Standing(CardState.NORMAL, has_open_intent=True),
        CardState.GREY: Standing(CardState.NORMAL, grey_on_card=True),
        CardState.EXPIRED: Standing(CardState.NORMAL, cylinder_overdue=True),
    }
    standing = marks.get(state, Standing(state))
    assert standing.state is state
    if state in TABLE[act]:
        require(act, standing, "01000001")
        return
    with pytest.raises(CardStateRefused) as refused:
        require(act, standing, "01000001")
    assert way_out(act, state) in str(refused.value)
    assert "01000001" in str(refused.value)


def test_every_act_and_state_is_in_the_tables() -> None:
    """A new act or state cannot be forgotten."""
    assert set(ALLOWED) == set(Act)
    assert set(WAY_OUT) == set(CardState)


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (Standing(CardState.LOST, True, True, True), CardState.LOST),
        (Standing(CardState.BLACK, True, True, True), CardState.BLACK),
        (Standing(CardState.NORMAL, True, True, True), CardState.PENDING),
        (Standing(CardState.NORMAL, False, True, True), CardState.GREY),
        (Standing(CardState.NORMAL, False, False, True), CardState.EXPIRED),
        (Standing(CardState.NEW, True), CardState.PENDING),
        (Standing(CardState.NORMAL), CardState.NORMAL),
    ],
)
def test_the_gravest_reason_counts(standing: Standing, state: CardState) -> None:
    """Lost before pending, pending before grey, grey before expired."""
    assert standing.state is state


def test_each_role_has_the_rights_below_it() -> None:
    """The five roles rise; nobody gets what is not written down."""
    order = ["general", "junior", "middle", "senior", "administrator"]
    assert list(rights.ROLES) == order
    sets = [rights.rights_of(role) for role in order]
    assert all(low < high for low, high in itertools.pairwise(sets))
    assert rights.rights_of("vendor") == frozenset()
    assert rights.rights_of("") == frozenset()


@pytest.mark.parametrize(
    ("right", "lowest"),
    [
        ("card.read", "general"),
        ("card.top_up", "junior"),
        ("card.issue", "junior"),
        ("card.settle_grey", "middle"),
        ("card.unblacklist", "senior"),
        ("price.plan", "administrator"),
        ("operator.write", "administrator"),
    ],
)
def test_rights_begin_at_their_role(right: str, lowest: str) -> None:
    """A right that slips to a lower role is seen here."""
    having = [role for role, held in rights.ROLES.items() if right in held]
    assert having[0] == lowest

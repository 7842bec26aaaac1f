"""Tells whether two people can be one: who gave their passwords, and how long ago.

Who makes an operator, or gives a new password, can log in as that person. For a day
after it the two count as one hand, and so do two whom a third made. An act of two
people by one hand is refused while somebody else could stand behind it; where there is
nobody, as on a station's first day, it is done and named. Whom that hand put out of
the way within the day counts as there. The day is counted by the
monotonic clocks of the boots since: nobody sets those, and power cuts only prolong it.
"""

from cngstation.errors import Refusal
from cngstation.moments import MS_PER_HOUR, Instant
from cngstation.services.check_rights import (
    OtherOutlet,
    PasswordMustChange,
    RightMissing,
    require_right,
)
from cngstation.storage import audit, operators, roles
from cngstation.storage.audit import Given
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection

FRESH_MS = 24 * MS_PER_HOUR
RETIRED = "retired"
_MADE, _OTHER_ROLE, _LESS = ("operator.add",), ("operator.edit.role",), ("role.edit",)
_ASIDE = ("operator.retire", "operator.reset_password", "operator.edit.outlet")


class OneHand(Refusal):
    """One of the two may know both passwords."""

    code = "refusal.one_hand"
    text = (
        "Operator {hand} gave a password to one of these two less than a day ago, and "
        "may be both. Nothing was done and no money moved. Let another operator with "
        "this right stand behind it, or wait a day."
    )


def hand_of_both(
    connection: Connection, now: Instant, first: Operator, second: Operator, right: str
) -> str:
    """Return the number of the one person who may be both; empty for two people.

    Raises:
        OneHand: it is one, and somebody else could stand behind the act.
    """
    hand = _hand(connection, now, first.operator_no)
    if hand != _hand(connection, now, second.operator_no):
        return ""
    both = {first.operator_no, second.operator_no}
    for other in operators.every(connection):
        if other.operator_no not in both and (
            # A locked one counts: locking somebody makes nobody two people.
            (
                other.state != RETIRED
                and _has(connection, other, right, first.outlet_no)
                and _hand(connection, now, other.operator_no) != hand
            )
            or _put_aside(connection, now, other, right, hand)
        ):
            raise OneHand(hand=hand)
    return hand


def _put_aside(
    connection: Connection, now: Instant, other: Operator, right: str, hand: str
) -> bool:
    """Tell whether the hand took somebody out of the way who could have stood behind.

    By retiring them, another role, a role with less in it, or a new password.
    """

    def by_hand(given: Given) -> bool:
        is_fresh = _ran_since(connection, given, now) < FRESH_MS
        return is_fresh and _hand(connection, now, given.by) == hand

    number = other.operator_no
    if any(by_hand(made) for made, _ in audit.done_to(connection, number, _MADE)):
        return False
    for given, _ in audit.done_to(connection, number, _ASIDE):
        if right in roles.rights_of(connection, other.role) and by_hand(given):
            return True
    for given, before in audit.done_to(connection, number, _OTHER_ROLE):
        if right in roles.rights_of(connection, before) and by_hand(given):
            return True
    return any(
        right in before.split() and by_hand(given)
        for given, before in audit.done_to(connection, other.role, _LESS)
    )


def _has(connection: Connection, operator: Operator, right: str, outlet: str) -> bool:
    try:
        require_right(connection, operator, right, outlet)
    except (PasswordMustChange, RightMissing, OtherOutlet):
        return False
    return True


def _hand(connection: Connection, now: Instant, operator_no: str) -> str:
    """Return who can act as an operator: themselves, or who gave the password.

    Those who gave each other passwords all in a ring are one, named by the first.
    """
    seen: list[str] = []
    hand = operator_no
    while hand not in seen:
        seen.append(hand)
        given = audit.password_given(connection, hand)
        if given is None or not operators.find(connection, given.by):
            return hand
        if _ran_since(connection, given, now) >= FRESH_MS:
            return hand
        hand = given.by
    return min(seen[seen.index(hand) :])


def _ran_since(connection: Connection, given: Given, now: Instant) -> int:
    """Return for how long the station ran since; never more than it did."""
    boots = {now.boot_id}
    ran_ms = now.mono_ms - (given.mono_ms if given.boot_id == now.boot_id else 0)
    for boot_id, mono_ms in audit.readings_back(connection, given.seq):
        if ran_ms >= FRESH_MS:
            break
        if boot_id not in boots:
            boots.add(boot_id)
            ran_ms += mono_ms - (given.mono_ms if boot_id == given.boot_id else 0)
    return ran_ms

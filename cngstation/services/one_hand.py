"""Tells whether two people can be one: who gave their passwords, and how long ago.

Who makes an operator, or gives a new password, can log in as that person. For a day
after it the two count as one hand, and so do two whom a third made. An act of two
people by one hand is refused while somebody else could stand behind it; where there is
nobody, as on a station's first day, it is done and named. Whom that hand ever put out
of the way counts as there: who sent the others away waits the day with everybody new.
The day is counted by the monotonic clocks of the boots since: nobody sets those, and
power cuts only prolong it. New books take over what decides about hands.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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

    def counts(given: Given) -> bool:
        if _hand(connection, now, given.by) != hand:
            return False
        return _was_another(connection, now, other.operator_no, given)

    number = other.operator_no
    for given, _ in audit.done_to(connection, number, _ASIDE):
        if right in roles.rights_of(connection, other.role) and counts(given):
            return True
    for given, before in audit.done_to(connection, number, _OTHER_ROLE):
        if right in roles.rights_of(connection, before) and counts(given):
            return True
    return any(
        right in before.split() and counts(given)
        for given, before in audit.done_to(connection, other.role, _LESS)
    )


def _was_another(
    connection: Connection, now: Instant, operator_no: str, aside: Given
) -> bool:
    """Tell whether somebody was no name of the one who put them aside by then."""
    hand = _hand(connection, now, aside.by)
    return not any(
        made.seq < aside.seq
        and _hand(connection, now, made.by) == hand
        and _ran_between(connection, made, aside) < FRESH_MS
        for made, _ in audit.done_to(connection, operator_no, _MADE)
    )


@dataclass(frozen=True, slots=True)
class Deciding:
    """A row of the audit that decides about hands."""

    seq: int
    act: str
    subject: str
    by: str
    before: str


def deciding(connection: Connection, now: Instant) -> list[Deciding]:
    """Return what new books must know of hands, oldest first.

    Passwords given within the day, and who was put out of the way.
    """
    found = []
    for operator in operators.every(connection):
        number = operator.operator_no
        for act in (*_MADE, *_ASIDE, *_OTHER_ROLE):
            for given, before in audit.done_to(connection, number, (act,)):
                if ran_since(connection, given, now) < FRESH_MS or (
                    act not in _MADE and _was_another(connection, now, number, given)
                ):
                    found.append(Deciding(given.seq, act, number, given.by, before))
    for role in {operator.role for operator in operators.every(connection)}:
        for given, before in audit.done_to(connection, role, _LESS):
            found.append(Deciding(given.seq, _LESS[0], role, given.by, before))
    return sorted((row for row in found if row.by), key=lambda row: row.seq)


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
        if ran_since(connection, given, now) >= FRESH_MS:
            return hand
        hand = given.by
    return min(seen[seen.index(hand) :])


def ran_since(connection: Connection, given: Given, now: Instant) -> int:
    """Return for how long the station ran since; never more than it did."""
    readings = audit.readings_back(connection, given.seq)
    return _ran(given, now.boot_id, now.mono_ms, readings)


def _ran_between(connection: Connection, given: Given, until: Given) -> int:
    """Return for how long the station ran from one row to another."""
    readings = audit.readings_back(connection, given.seq, until.seq)
    return _ran(given, until.boot_id, until.mono_ms, readings)


def _ran(
    given: Given, boot_id: str, mono_ms: int, readings: Iterator[tuple[str, int]]
) -> int:
    boots = {boot_id}
    ran_ms = mono_ms - (given.mono_ms if given.boot_id == boot_id else 0)
    for other, last_ms in readings:
        if ran_ms >= FRESH_MS:
            break
        if other not in boots:
            boots.add(other)
            ran_ms += last_ms - (given.mono_ms if other == given.boot_id else 0)
    return ran_ms

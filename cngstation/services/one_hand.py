"""Tells whether two people can be one: who gave their passwords, and who vouched.

Who makes an operator, or gives a new password, can log in as that person. The two
count as one hand, and so do two whom a third made, until somebody who is not of that
hand vouches for the person (`vouch`). No time ends it: who waits is no second person;
nor does a new password that another gives, which somebody may have fetched for a name
of their own: its owner is of both hands then, and each of the two stays another.

An act of two people by one hand is refused while somebody else could stand behind it.
Where there is nobody it is done and named on the slip, in the audit and in the digest,
and each digest names those for whom nobody has vouched: a station that begins with one
person can work, and whoever reads its digest sees by whose word there are two. Who
could stand behind it is asked by degree. In the first day of a password, anybody of an
older one; after it, whoever is not of the hand. Whom the hand put out of the way counts
as there, with a password of the first day as often as it was, else for a week.
Day and week are counted by the monotonic clocks of the boots since: nobody sets those,
and power cuts only prolong them. New books take over what decides about hands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from cngstation.domain.rights import VENDOR
from cngstation.domain.two_people import VOUCH
from cngstation.errors import Refusal
from cngstation.moments import MS_PER_HOUR, Instant
from cngstation.services.check_rights import (
    OtherOutlet,
    PasswordMustChange,
    RightMissing,
    require_right,
)
from cngstation.storage import audit, operators, roles
from cngstation.storage.audit import LONG_AGO, Given
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection

FRESH_MS = 24 * MS_PER_HOUR
WEEK_MS = 7 * FRESH_MS
RETIRED, ACTIVE = "retired", "active"
_GIVING = ("operator.add", "operator.reset_password")
_MADE, _OTHER_ROLE, _LESS = ("operator.add",), ("operator.edit.role",), ("role.edit",)
_ASIDE = (
    "operator.retire",
    "operator.reset_password",
    "operator.edit.outlet",
    "operator.lock",
)


class Tie(Enum):
    """What binds a name to who gave the password: any giving, or that of the day."""

    FRESH = "fresh"
    STANDING = "standing"


class OneHand(Refusal):
    """One of the two may know both passwords."""

    code = "refusal.one_hand"
    text = (
        "Operator {hand} gave a password to one of these two, and may be both. Nothing "
        "was done and no money moved. Let another operator with this right stand "
        "behind it, or vouch for the one of the two (Operators, v)."
    )


def hand_of_both(
    connection: Connection,
    now: Instant,
    people: tuple[Operator, Operator],
    right: str,
    outlet_no: str = "",
) -> str:
    """Return the number of the one person who may be both; empty for two people.

    `outlet_no` is the till's: who works for every outlet does not choose by the own
    one who is there. Without a till it is the first person's.

    Raises:
        OneHand: it is one, and somebody else could stand behind the act.
    """
    first, second = people
    where = outlet_no or first.outlet_no
    for tie in Tie:
        hands = _Hands(connection, now, tie)
        common = hands.of(first.operator_no) & hands.of(second.operator_no)
        if common:
            hand = min(common)
            if _others(hands, hand, people, right, where):
                raise OneHand(hand=hand)
            return hand
    return ""


def unvouched(connection: Connection, now: Instant) -> list[tuple[str, str]]:
    """Return who is at work and of another's hand, with whose it is."""
    hands = _Hands(connection, now, Tie.STANDING)
    found = []
    for operator in operators.every(connection):
        number = operator.operator_no
        # A technician of the vendor stands behind nothing, and nobody vouches.
        if operator.state != ACTIVE or operator.role == VENDOR:
            continue
        if number not in (of := hands.of(number)):
            found.append((number, min(of)))
    return found


def hand_of(connection: Connection, now: Instant, operator_no: str) -> str:
    """Return who can act as an operator, as far as nobody has said otherwise."""
    of = hands_of(connection, now, operator_no)
    return operator_no if operator_no in of else min(of)


def hands_of(connection: Connection, now: Instant, operator_no: str) -> frozenset[str]:
    """Return everybody who can act as an operator; themselves where nobody else can."""
    return _Hands(connection, now, Tie.STANDING).of(operator_no)


@dataclass(frozen=True, slots=True)
class _Hands:
    """Whose hand somebody is of, by one kind of tie."""

    connection: Connection
    now: Instant
    tie: Tie

    def of(self, operator_no: str) -> frozenset[str]:
        """Return who can act as an operator: themselves, or who gave the passwords.

        Those who gave each other passwords all in a ring are one, named by the first.
        """
        reached = {operator_no: self._givers(operator_no)}
        while unseen := set().union(*reached.values()) - reached.keys():
            reached |= {number: self._givers(number) for number in unseen}
        behind = {number: _behind(reached, number) for number in reached}
        return frozenset(
            min(behind[number])
            for number in reached
            if all(number in behind[other] for other in behind[number])
        )

    def _givers(self, operator_no: str) -> set[str]:
        """Return who gave a password since somebody vouched, or that day."""
        return {
            given.by
            for given, _ in audit.done_to(self.connection, operator_no, _GIVING)
            if operators.find(self.connection, given.by)
            and not _vouched(self.connection, operator_no, given)
            and (
                self.tie is Tie.STANDING
                or ran_since(self.connection, given, self.now) < FRESH_MS
            )
        }

    def was_another(self, operator_no: str, aside: Given) -> bool:
        """Tell whether somebody was no name of the one who put them aside by then."""
        hand = self.of(aside.by)
        return not any(
            made.seq < aside.seq
            and self.of(made.by) & hand
            and not _vouched(self.connection, operator_no, made, until=aside.seq)
            and (
                self.tie is Tie.STANDING
                or _ran_between(self.connection, made, aside) < FRESH_MS
            )
            for made, _ in audit.done_to(self.connection, operator_no, _MADE)
        )


def _behind(reached: Mapping[str, set[str]], operator_no: str) -> set[str]:
    """Return an operator with all those behind who gave a password, and so on."""
    found, next_ones = {operator_no}, reached[operator_no]
    while next_ones := next_ones - found:
        found |= next_ones
        next_ones = set().union(*(reached[number] for number in next_ones))
    return found


def _others(
    hands: _Hands,
    hand: str,
    people: tuple[Operator, Operator],
    right: str,
    where: str,
) -> bool:
    """Tell whether somebody else could stand behind an act, or could have."""
    both = {person.operator_no for person in people}
    return any(
        _is_there(hands, other, right, where, hand)
        or _put_aside(hands, other, right, hand)
        for other in operators.every(hands.connection)
        if other.operator_no not in both
    )


def _is_there(
    hands: _Hands, other: Operator, right: str, outlet_no: str, hand: str
) -> bool:
    """Tell whether somebody of another hand works here who has the right.

    In the first day a locked one counts: locking somebody makes nobody two people.
    """
    works = other.state == ACTIVE or (hands.tie is Tie.FRESH and other.state != RETIRED)
    return (
        works
        and _has(hands.connection, other, right, outlet_no)
        and hand not in hands.of(other.operator_no)
    )


def _put_aside(hands: _Hands, other: Operator, right: str, hand: str) -> bool:
    """Tell whether the hand took somebody out of the way who could have stood behind.

    By retiring or locking them, another role, a role with less in it, or a new
    password.
    """
    connection = hands.connection

    def counts(given: Given) -> bool:
        if hand not in hands.of(given.by):
            return False
        if hands.tie is Tie.STANDING and (
            ran_since(connection, given, hands.now, WEEK_MS) >= WEEK_MS
        ):
            return False
        return hands.was_another(other.operator_no, given)

    number = other.operator_no
    for given, _ in audit.done_to(connection, number, _ASIDE):
        if right in roles.rights_of(connection, other.role) and counts(given):
            return True
    for given, before in audit.done_to(connection, number, _OTHER_ROLE):
        if not counts(given):
            continue
        # What the role had until the hand took it out is what was taken away.
        if right in roles.rights_of(connection, before) or any(
            less.seq < given.seq and right in told.split() and counts(less)
            for less, told in audit.done_to(connection, before, _LESS)
        ):
            return True
    return any(
        right in before.split() and counts(given)
        for given, before in audit.done_to(connection, other.role, _LESS)
    )


def _vouched(
    connection: Connection, operator_no: str, given: Given, until: int = audit.LAST
) -> bool:
    """Tell whether somebody vouched for an operator after a password was given."""
    return any(
        given.seq < vouch.seq < until
        for vouch, _ in audit.done_to(connection, operator_no, (VOUCH,))
    )


@dataclass(frozen=True, slots=True)
class Deciding:
    """A row of the audit that decides about hands; `told` is its age for new books."""

    seq: int
    act: str
    subject: str
    by: str
    before: str
    told: str = ""


def deciding(connection: Connection, now: Instant) -> list[Deciding]:
    """Return what new books must know of hands, oldest first.

    Passwords given to those for whom nobody vouched, and who was put out of the way.
    """
    found = []

    def add(given: Given, act: str, subject: str, before: str) -> None:
        ran_ms = ran_since(connection, given, now, WEEK_MS)
        over = ran_ms >= (FRESH_MS if act in _GIVING else WEEK_MS)
        told = LONG_AGO if over else ""
        found.append(Deciding(given.seq, act, subject, given.by, before, told))

    ties = [_Hands(connection, now, tie) for tie in Tie]
    for operator in operators.every(connection):
        number = operator.operator_no
        for act in (*_MADE, *_ASIDE, *_OTHER_ROLE):
            for given, before in audit.done_to(connection, number, (act,)):
                bound = act in _GIVING and not _vouched(connection, number, given)
                if bound or (
                    act not in _MADE
                    and any(hands.was_another(number, given) for hands in ties)
                ):
                    add(given, act, number, before)
    for role in {operator.role for operator in operators.every(connection)}:
        for given, before in audit.done_to(connection, role, _LESS):
            add(given, _LESS[0], role, before)
    return sorted((row for row in found if row.by), key=lambda row: row.seq)


def _has(connection: Connection, operator: Operator, right: str, outlet: str) -> bool:
    try:
        require_right(connection, operator, right, outlet)
    except (PasswordMustChange, RightMissing, OtherOutlet):
        return False
    return True


def ran_since(
    connection: Connection, given: Given, now: Instant, enough_ms: int = FRESH_MS
) -> int:
    """Return for how long the station ran since, never more than it did.

    It is counted until it is enough.
    """
    if given.told == LONG_AGO:
        return enough_ms
    readings = audit.readings_back(connection, given.seq)
    return _ran(given, now.boot_id, now.mono_ms, readings, enough_ms)


def _ran_between(connection: Connection, given: Given, until: Given) -> int:
    """Return for how long the station ran from one row to another."""
    if given.told == LONG_AGO:
        return FRESH_MS
    readings = audit.readings_back(connection, given.seq, until.seq)
    return _ran(given, until.boot_id, until.mono_ms, readings, FRESH_MS)


def _ran(
    given: Given,
    boot_id: str,
    mono_ms: int,
    readings: Iterator[tuple[str, int]],
    enough_ms: int,
) -> int:
    boots = {boot_id}
    ran_ms = mono_ms - (given.mono_ms if given.boot_id == boot_id else 0)
    for other, last_ms in readings:
        if ran_ms >= enough_ms:
            break
        if other not in boots:
            boots.add(other)
            ran_ms += last_ms - (given.mono_ms if other == given.boot_id else 0)
    return ran_ms

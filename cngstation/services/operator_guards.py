"""What nobody may do to operators and roles, whatever the own role is.

Nobody gives what they do not have, to others or by others: who has less than another
neither changes nor locks them, and gives them no password. Nobody changes the own
role, nor the own full name, which stands on slips. One active administrator stays. Who
does not work for every outlet keeps to the operators and roles of the own one.
"""

from cngstation.domain.rights import ADMINISTRATOR, EVERY_OUTLET, ROLES, VENDOR
from cngstation.errors import NotLoggedIn, Refusal
from cngstation.services.check_rights import (
    OtherOutlet,
    rights_in_force,
    title_of,
)
from cngstation.storage import operators, roles
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.operators import Operator
from cngstation.storage.roles import Role
from cngstation.storage.sqlite import Connection


class BeyondOwnRights(Refusal):
    """Nobody gives or overrules what they do not have."""

    code = "refusal.beyond_own_rights"
    text = (
        "This has rights that you do not have yourself, {right} among them. Nothing "
        "was changed. Ask somebody who has them."
    )


class OwnRole(Refusal):
    """Nobody decides about themselves."""

    code = "refusal.own_role"
    text = (
        "Nobody changes the own full name, role or outlet, nor locks or retires "
        "themselves. "
        "Nothing was changed. Ask another administrator."
    )


class LastAdministrator(Refusal):
    """Somebody must be left who can let others in."""

    code = "refusal.last_administrator"
    text = (
        "Operator {operator_no} is the last active administrator. Nothing was changed. "
        "Make another administrator first."
    )


class OfVendor(Refusal):
    """What a technician is, a signed ticket says."""

    code = "refusal.of_vendor"
    text = (
        "{operator_no} is a technician of the vendor, as the ticket says. Nothing was "
        "changed. Such an access can be locked or ended."
    )


class UnknownOperator(Refusal):
    """No operator has this number, or nobody any more."""

    code = "refusal.unknown_operator"
    text = "There is no operator {operator_no} at work here. Nothing was changed."


class UnknownRole(Refusal):
    """No role has this number, or none any more."""

    code = "refusal.unknown_role"
    text = "There is no role {role}. Nothing was changed. Choose one of the list."


class UnknownOutlet(Refusal):
    """No outlet has this number, or none any more."""

    code = "refusal.unknown_outlet"
    text = "There is no outlet {outlet}. Nothing was changed. Choose one of the list."


def acting(connection: Connection, actor: Actor) -> tuple[Operator, frozenset[str]]:
    """Return who acts, with their rights now.

    Raises:
        NotLoggedIn: nobody any more.
    """
    me = operators.find(connection, actor.operator_no)
    if me is None or me.state != "active":
        raise NotLoggedIn
    return me, roles.rights_of(connection, me.role)


def outlet_seen(connection: Connection, actor: Actor) -> str | None:
    """Return the outlet whose people somebody may see; None is everybody.

    Raises:
        NotLoggedIn: nobody any more.
    """
    me, mine = acting(connection, actor)
    return None if EVERY_OUTLET in mine else me.outlet_no


def people_seen(connection: Connection, actor: Actor) -> frozenset[str]:
    """Return the numbers of those whom somebody may see, "" of nobody among them.

    Raises:
        NotLoggedIn: nobody any more.
    """
    outlet_no = outlet_seen(connection, actor)
    return frozenset(
        operator.operator_no
        for operator in operators.every(connection)
        if outlet_no in {None, operator.outlet_no}
    ) | {""}


def require_sees_all(connection: Connection, actor: Actor) -> None:
    """Return if somebody may see everybody of the station.

    Raises:
        OtherOutlet: there are people of another outlet.
    """
    me, mine = acting(connection, actor)
    for other in operators.every(connection):
        require_outlet(me, mine, other.outlet_no)


def may_change(tx: Transaction, actor: Actor, operator_no: str) -> Operator:
    """Return an operator whom another may change.

    Raises:
        UnknownOperator, OtherOutlet, BeyondOwnRights: why not.
    """
    me, mine = acting(tx.connection, actor)
    was = operators.find(tx.connection, operator_no)
    if was is None or was.state == "retired":
        raise UnknownOperator(operator_no=operator_no)
    require_outlet(me, mine, was.outlet_no)
    require_own(mine, rights_in_force(tx.connection, was))
    return was


def may_give(tx: Transaction, actor: Actor, role_no: str, outlet_no: str) -> None:
    """Return if somebody may make another an operator of a role and an outlet.

    Raises:
        UnknownRole, UnknownOutlet, OtherOutlet, BeyondOwnRights: why not.
    """
    me, mine = acting(tx.connection, actor)
    outlet = roles.find_outlet(tx.connection, outlet_no)
    if outlet is None or outlet.retired:
        raise UnknownOutlet(outlet=outlet_no)
    require_outlet(me, mine, outlet_no)
    if role_no not in ROLES:
        role = known_role(tx.connection, role_no)
        if role.outlet_no not in {"", outlet_no}:
            raise OtherOutlet(outlet=role.outlet_no, own=outlet_no)
    require_own(mine, roles.rights_of(tx.connection, role_no))


def known_role(connection: Connection, role_no: str) -> Role:
    """Return a role made at the station that is in use.

    Raises:
        UnknownRole: there is none.
    """
    role = roles.find_role(connection, role_no)
    if role is None or role.retired:
        raise UnknownRole(role=role_no)
    return role


def require_outlet(me: Operator, mine: frozenset[str], outlet_no: str) -> None:
    """Return if somebody works for an outlet; "" is all of them.

    Raises:
        OtherOutlet: not for this one.
    """
    if outlet_no != me.outlet_no and EVERY_OUTLET not in mine:
        raise OtherOutlet(outlet=outlet_no or "*", own=me.outlet_no)


def require_own(mine: frozenset[str], wanted: frozenset[str]) -> None:
    """Return if somebody has all of these rights.

    Raises:
        BeyondOwnRights: one of them is missing.
    """
    if beyond := wanted - mine:
        raise BeyondOwnRights(right=title_of(min(beyond)))


def not_oneself(actor: Actor, operator_no: str) -> None:
    """Return if somebody decides about another.

    Raises:
        OwnRole: about themselves.
    """
    if actor.operator_no == operator_no:
        raise OwnRole


def not_a_vendor(was: Operator) -> None:
    """Return if somebody is an operator of the station.

    Raises:
        OfVendor: a technician, as the ticket says.
    """
    if was.role == VENDOR:
        raise OfVendor(operator_no=was.operator_no)


def not_the_last(tx: Transaction, was: Operator) -> None:
    """Return if an administrator is left without this operator.

    Raises:
        LastAdministrator: none is.
    """
    others = operators.other_administrators(tx.connection, was.operator_no)
    if was.role == ADMINISTRATOR and was.state == "active" and not others:
        raise LastAdministrator(operator_no=was.operator_no)

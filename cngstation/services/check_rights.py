"""What an operator may do here and now, by the rows of operator and role.

An operator belongs to one outlet. What is done at a till and its card reader is done
by operators of the till's outlet; who has the right to work for every outlet does it
anywhere. What holds for the whole station (prices, lists, registers) is of no outlet.
"""

from cngstation.domain.rights import BY_NAME, EVERY_OUTLET, OF_OUTLET, VENDOR
from cngstation.errors import Refusal
from cngstation.rpc.method import LOGGED_IN, OWN_LOGIN
from cngstation.storage import roles, vendor_tickets
from cngstation.storage.operators import Operator
from cngstation.storage.sqlite import Connection


class RightMissing(Refusal):
    """The operator's role does not allow this."""

    code = "refusal.right"
    text = (
        "Your role does not allow this ({right}). Nothing was done. Ask somebody who "
        "may."
    )


class OtherOutlet(Refusal):
    """The operator works for another outlet."""

    code = "refusal.other_outlet"
    text = (
        "This belongs to outlet {outlet}, you work for outlet {own}. Nothing was done "
        "and no money moved. Ask somebody of that outlet."
    )


class PasswordMustChange(Refusal):
    """A one-time password is good for changing it alone."""

    code = "refusal.password_must_change"
    text = (
        "This password was given for one login. Nothing was done. Set a password of "
        "your own first."
    )


def rights_in_force(
    connection: Connection, operator: Operator, outlet_no: str = ""
) -> frozenset[str]:
    """Return an operator's rights at a till of an outlet; "" is no outlet's."""
    held = _held(connection, operator)
    return held if _is_at_home(operator, held, outlet_no) else held - OF_OUTLET


def require_right(
    connection: Connection, operator: Operator, right: str, outlet_no: str = ""
) -> None:
    """Return if an operator has a right at a till of an outlet.

    Raises:
        PasswordMustChange, RightMissing, OtherOutlet: why not.
    """
    if right == OWN_LOGIN:
        return
    if operator.must_change:
        raise PasswordMustChange
    if right == LOGGED_IN:
        return
    held = _held(connection, operator)
    if right not in held:
        raise RightMissing(right=title_of(right))
    if right in OF_OUTLET and not _is_at_home(operator, held, outlet_no):
        raise OtherOutlet(outlet=outlet_no, own=operator.outlet_no)


def title_of(right: str) -> str:
    """Return a right as people call it, in English."""
    return BY_NAME[right].title if right in BY_NAME else right


def _held(connection: Connection, operator: Operator) -> frozenset[str]:
    if operator.role == VENDOR:
        return vendor_tickets.rights_of(connection, operator.operator_no)
    return roles.rights_of(connection, operator.role)


def _is_at_home(operator: Operator, held: frozenset[str], outlet_no: str) -> bool:
    return outlet_no in {"", operator.outlet_no} or EVERY_OUTLET in held

"""Whether whose password was right may work now: asked again in the transaction."""

from cngstation.errors import Refusal
from cngstation.moments import Instant
from cngstation.services.check_rights import PasswordMustChange
from cngstation.services.lock_out import LoginRefused, wait_of
from cngstation.services.passwords import same_password
from cngstation.services.staff_session import OperatorRetired
from cngstation.storage import operators
from cngstation.storage.database import Transaction
from cngstation.storage.operators import Operator

ACTIVE = "active"


def confirm(tx: Transaction, checked: Operator) -> Operator:
    """Return an operator whose password was right, if they may work now.

    Raises:
        Refusal: they may not, or their password must be changed first.
    """
    now = still_right(tx, checked)
    if now.must_change:
        raise PasswordMustChange
    return now


def still_right(tx: Transaction, checked: Operator) -> Operator:
    """Return an operator whose password was right, as the row has it now.

    Raises:
        Refusal: it was changed, or they may not log in.
    """
    now = operators.find(tx.connection, checked.operator_no) or checked
    if refused := why_not(now, checked, tx.now):
        raise refused
    operators.set_tries(tx, now.operator_no, 0, 0)
    return now


def why_not(now: Operator, checked: Operator, moment: Instant) -> Refusal | None:
    """Say why a right password does not let an operator in."""
    if wait := wait_of(now, moment):
        return wait
    if now.state != ACTIVE:
        return OperatorRetired(state=now.state)
    if not same_password(now.password_hash, checked.password_hash):
        return LoginRefused(left=1)
    return None

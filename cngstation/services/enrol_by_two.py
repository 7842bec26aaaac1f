"""A new key of the station, and the first trust in head office's, take two people.

Both decide who speaks for this station, and whose word it takes. Before a second
operator was ever registered there is nobody else: then the first does each alone, once,
and the digest says so.
"""

from cngstation.domain.rights import VENDOR
from cngstation.services.approve import Approved, SecondPersonMissing, Wish, record
from cngstation.storage import audit
from cngstation.storage.audit import Actor
from cngstation.storage.database import Transaction
from cngstation.storage.sqlite import Connection

KEY, TRUST = "enrolment.key", "enrolment.trust"
ALONE = "enrolment.alone"


def may_be_alone(connection: Connection, act: str) -> bool:
    """Tell whether there is nobody else yet, and this was not done alone before."""
    (people,) = connection.execute(
        "SELECT count(*) FROM operator WHERE role<>?", (VENDOR,)
    ).fetchone()
    done = connection.execute(
        "SELECT 1 FROM audit WHERE act=? AND subject=? LIMIT 1", (ALONE, act)
    ).fetchone()
    return people <= 1 and done is None


def stand_behind(
    tx: Transaction,
    wish: Wish,
    approved: Approved | None,
    actor: Actor,
    *,
    before: str = "",
    after: str = "",
) -> None:
    """Write down both people, or the one who is alone.

    Raises:
        SecondPersonMissing: there are others, or it was done alone before.
        Refusal: as `approve.record`.
    """
    if approved is not None:
        record(tx, approved, wish, actor, before=before, after=after)
    elif may_be_alone(tx.connection, wish.act):
        audit.record(tx, actor, ALONE, wish.act, before=before, after=after)
    else:
        raise SecondPersonMissing

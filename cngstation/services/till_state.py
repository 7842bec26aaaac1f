"""Whether a till may take and give money: asked by every act that moves some."""

import json

from cngstation.domain.tenders import IN_TILL, Payment, Tender
from cngstation.errors import Refusal
from cngstation.storage import tills
from cngstation.storage.journal import Intent
from cngstation.storage.sqlite import Connection


class TillClosed(Refusal):
    """The till was closed and not opened again."""

    code = "refusal.till_closed"
    text = (
        "Till {till} is closed. Nothing was done and no money moved. Count the float "
        "and open the till (F10), then do it again."
    )


def require_open_for(connection: Connection, intent: Intent) -> None:
    """Refuse an act that takes money into a closed till or gives some out of it.

    Raises:
        TillClosed: the till's last session is closed.
    """
    taken = [intent.payment] if intent.cash_e4 else []
    given = map(Payment.of_plan, json.loads(intent.plan).get("refunds", ()))
    for payment in (*taken, *given):
        require_open(connection, intent.till, payment.tender)


def require_open(connection: Connection, till: str, tender: Tender) -> None:
    """Refuse what goes into or out of a till that is closed.

    A till that never had a session is as it was before there were any: open.

    Raises:
        TillClosed: the till's last session is closed.
    """
    if tender in IN_TILL and not is_open(connection, till):
        raise TillClosed(till=till)


def is_open(connection: Connection, till: str) -> bool:
    """Tell whether money may go into a till and out of it."""
    last = tills.last_step(connection, till)
    return last is None or last.is_open

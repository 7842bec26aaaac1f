"""Whether a till may take and give money: asked by every act that moves some."""

import json

from cngstation.domain.tenders import IN_TILL, Tender
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
    paid = intent.cash_e4 or json.loads(intent.plan).get("refund_e4", 0)
    if paid:
        require_open(connection, intent.till, intent.payment.tender)


def require_open(connection: Connection, till: str, tender: Tender) -> None:
    """Refuse what goes into or out of a till that is closed.

    A till that never had a session is as it was before there were any: open.

    Raises:
        TillClosed: the till's last session is closed.
    """
    if tender not in IN_TILL:
        return
    last = tills.last_step(connection, till)
    if last is not None and not last.is_open:
        raise TillClosed(till=till)
